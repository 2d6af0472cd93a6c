//! The binary with a ledger in PostgreSQL.

use std::process::{Command, Output};

use crate::cluster::cluster;

fn guerdon(arguments: &[&str]) -> Output {
    Command::new(env!("CARGO_BIN_EXE_guerdon")).args(arguments).output().expect("the binary runs")
}

#[test]
fn every_scenario_comes_out_the_same_on_postgresql() {
    let scenarios = concat!(env!("CARGO_MANIFEST_DIR"), "/../../scenarios");
    let output = guerdon(&["scenario", scenarios, "--postgres", &cluster().url]);
    let told = String::from_utf8_lossy(&output.stdout);
    assert!(output.status.success() && told.ends_with(" passed, 0 failed\n"), "{told}");
}
