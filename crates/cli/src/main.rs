//! The `guerdon` binary.
fn main() {}
