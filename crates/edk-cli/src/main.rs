//! The program `edk`.

fn main() {}
