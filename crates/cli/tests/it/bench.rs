//! The bench on files, with numbers so small that its ratios say nothing: that it measures what is asked for by name.

use crate::postgres::guerdon;

/// What `--sweep`, `--sizes` and `--lots` come to.
pub(crate) const BY_NAME: [&str; 14] = [
    "sweep_ratio",
    "sweep_lots_per_s",
    "sweep_floor_lots_per_s",
    "sweep_half_load_per_s",
    "sweep_without_p99_ms",
    "sweep_with_p99_ms",
    "sweep_p99_ratio",
    "sweep_beside_lots_per_s",
    "sweep_before_mb",
    "sweep_tenth_mb",
    "sweep_peak_mb",
    "members_order_ratio",
    "members_balance_ratio",
    "lots_ratio",
];

#[test]
fn the_bench_measures_what_is_asked_for_by_name() {
    let folder = tempfile::tempdir().expect("a folder");
    let within = folder.path().to_str().expect("a path");
    let args = ["bench", "--json", "--members", "150", "--orders", "120", "--rounds", "0", "--folder", within];
    let output = guerdon(&[&args[..], &["--sweep", "401", "--sizes", "15", "--lots", "30"]].concat());
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    let figures: serde_json::Value = serde_json::from_slice(&output.stdout).expect("one object");
    for key in BY_NAME {
        assert!(figures[key].as_f64().is_some_and(|it| 0.0 < it), "{key}: {figures}");
    }
    assert!(figures["store_ratio"].is_null(), "no round was asked for");
    assert_eq!(std::fs::read_dir(folder.path()).expect("a folder").count(), 0, "nothing is left");
}
