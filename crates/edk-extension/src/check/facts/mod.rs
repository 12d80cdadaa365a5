//! What one file says, taken out of its text once and kept as long as the text stays the same.

pub(crate) mod chart;
pub(crate) mod docker;
pub(crate) mod expr;
pub(crate) mod python;
pub(crate) mod text;
