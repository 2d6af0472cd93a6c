//! The binary with a ledger in PostgreSQL.

use std::process::{Command, Output};

use crate::cluster::{Cluster, cluster};

pub(crate) fn guerdon(arguments: &[&str]) -> Output {
    Command::new(env!("CARGO_BIN_EXE_guerdon")).args(arguments).output().expect("the binary runs")
}

#[test]
fn every_scenario_comes_out_the_same_on_postgresql() {
    let scenarios = concat!(env!("CARGO_MANIFEST_DIR"), "/../../scenarios");
    let output = guerdon(&["scenario", scenarios, "--postgres", &cluster().url]);
    let told = String::from_utf8_lossy(&output.stdout);
    assert!(output.status.success() && told.ends_with(" passed, 0 failed\n"), "{told}");
}

/// As docs/operate/backup.md says it is done.
#[test]
fn a_ledger_returns_to_a_moment() {
    let script = concat!(env!("CARGO_MANIFEST_DIR"), "/../../tests/postgres/recovery.sh");
    let output = Command::new("sh").args([script, env!("CARGO_BIN_EXE_guerdon")]).output().expect("a shell");
    let told = String::from_utf8_lossy(&output.stdout);
    assert!(output.status.success(), "{told}{}", String::from_utf8_lossy(&output.stderr));
    assert!(told.contains("Everything agrees.") && told.contains("before the moment"), "{told}");
    assert!(!told.contains("after the moment") && told.contains("112 can be spent now"), "{told}");
}

/// The address holds a password.
#[test]
fn no_help_shows_the_address() {
    for arguments in [&["--help"][..], &["verify", "--help"], &["serve", "--help"]] {
        let mut command = Command::new(env!("CARGO_BIN_EXE_guerdon"));
        let shown = command.env("GUERDON_DATABASE", "postgres://ana:secret@host/shop").args(arguments).output();
        let shown = shown.expect("the binary runs").stdout;
        assert!(!String::from_utf8_lossy(&shown).contains("secret"), "{arguments:?}");
    }
}

#[test]
fn the_sample_shop_is_loaded_into_postgresql_and_agrees() {
    let server = Cluster::start(&[]);
    let on = |arguments: &[&str]| {
        let mut command = Command::new(env!("CARGO_BIN_EXE_guerdon"));
        command.args(arguments).env("GUERDON_DATABASE", &server.url).env("GUERDON_CODE_KEY", "7".repeat(64));
        let output = command.output().expect("the binary runs");
        assert!(output.status.success(), "{arguments:?}: {}", String::from_utf8_lossy(&output.stderr));
        String::from_utf8_lossy(&output.stdout).into_owned()
    };
    assert!(on(&["demo", "--load-only", "--rows", "2000"]).contains("Orders"));
    assert!(on(&["verify"]).ends_with("Everything agrees.\n"));
    assert!(on(&["statement", "customer:00042"]).contains("00042"));
}

#[test]
fn the_bench_measures_a_server_and_leaves_nothing_there() {
    let server = Cluster::start(&[]);
    let mut command = Command::new(env!("CARGO_BIN_EXE_guerdon"));
    command.env("GUERDON_DATABASE", &server.url);
    command.args(["bench", "--json", "--members", "150", "--orders", "120", "--rounds", "1"]);
    command.args(["--sweep", "400", "--sizes", "15", "--lots", "30"]);
    let output = command.args(["--pgbench-seconds", "1", "--pgbench-scale", "1"]).output().expect("the binary runs");
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    let figures: serde_json::Value = serde_json::from_slice(&output.stdout).expect("one object");
    let keys = ["store_ratio", "pgbench_tps", "http64_vs_pgbench", "servers1_orders_per_s", "servers2_ratio"];
    for key in keys.into_iter().chain(crate::bench::BY_NAME) {
        assert!(figures[key].as_f64().is_some_and(|it| 0.0 < it), "{key}: {figures}");
    }
    assert!(figures["engine_orders_per_s"].is_null(), "the rules know of no database");
    let refused = guerdon(&["bench", "--database", "postgres://guerdon@127.0.0.1:1/shop", "--pgbench-seconds", "0"]);
    assert_eq!(refused.status.code(), Some(3), "{}", String::from_utf8_lossy(&refused.stderr));
    let files = guerdon(&["bench", "--database", &server.url, "--cold"]);
    assert!(String::from_utf8_lossy(&files.stderr).contains("are about files"));
}
