//! The `oxidask` binary.
fn main() {}
