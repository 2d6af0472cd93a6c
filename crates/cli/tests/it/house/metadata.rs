//! What cargo knows about the workspace and everything it depends on, on every platform.
//!
//! Offline: `./dev test` fetches what other platforms need, before the tests start.

use std::env;
use std::process::Command;

use serde_json::Value;

use super::root;

pub(super) struct Package {
    pub(super) name: String,
    pub(super) version: String,
    pub(super) licence: Option<String>,
    pub(super) ours: bool,
    pub(super) dependencies: Vec<Dependency>,
}

pub(super) struct Dependency {
    pub(super) name: String,
    /// Needed by its tests only.
    pub(super) dev: bool,
}

/// Every package of the lock file.
pub(super) fn packages() -> Vec<Package> {
    let cargo = env::var_os("CARGO").unwrap_or_else(|| "cargo".into());
    let arguments = ["metadata", "--format-version", "1", "--offline", "--locked"];
    let output = Command::new(cargo).args(arguments).current_dir(root()).output().expect("cargo starts");
    let complaint = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "run `cargo fetch` once, then try again; cargo said:\n{complaint}");
    let answer: Value = serde_json::from_slice(&output.stdout).expect("cargo metadata prints JSON");
    list(&answer["packages"]).iter().map(package).collect()
}

fn package(value: &Value) -> Package {
    Package {
        name: string(&value["name"]),
        version: string(&value["version"]),
        licence: value["license"].as_str().map(str::to_owned),
        // A package of the workspace has no source: it comes from no registry.
        ours: value["source"].is_null(),
        dependencies: list(&value["dependencies"]).iter().map(dependency).collect(),
    }
}

fn dependency(value: &Value) -> Dependency {
    Dependency { name: string(&value["name"]), dev: value["kind"] == "dev" }
}

fn list(value: &Value) -> &[Value] {
    value.as_array().map(Vec::as_slice).expect("cargo metadata has this list")
}

fn string(value: &Value) -> String {
    value.as_str().expect("cargo metadata has this text").to_owned()
}
