//! The static program inside every DAG image.

fn main() {}
