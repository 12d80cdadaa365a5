//! Home of the tests that belong to no single room.
//!
//! The folders beside `src` are test programs: `tidy` holds the rules of the house against the
//! text of the repository and `cargo metadata`; the others drive the program `edk` as a user does.
//!
//! A test of one room lives in that room. Nothing here is ever a dependency of anything.
