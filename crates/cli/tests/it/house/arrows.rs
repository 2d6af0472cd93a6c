//! Dependencies point one way: cli → server → store → engine; and the engine needs a calendar, and nothing else.

use super::assert_none;
use super::metadata::{Dependency, Package, packages};

/// From the rules outwards: a crate may depend on those before it.
const INSIDE_OUT: [&str; 4] = ["guerdon-engine", "guerdon-store", "guerdon-server", "guerdon"];

/// What the engine may depend on (its tests may use more). jiff, for time zones and calendar days; see docs/DESIGN.md.
const ENGINE_MAY_USE: [&str; 1] = ["jiff"];

#[test]
fn dependencies_point_one_way() {
    assert_none("an arrow turns; the order is cli → server → store → engine:", &turned_arrows(&packages()));
}

#[test]
fn the_engine_depends_on_a_calendar_only() {
    let packages = packages();
    let engine = packages.iter().find(|package| package.name == INSIDE_OUT[0]).expect("there is an engine");
    assert_none("the engine does no I/O and needs no such crate:", &foreign_to_the_engine(engine));
}

fn turned_arrows(packages: &[Package]) -> Vec<String> {
    let rank = |name: &str| INSIDE_OUT.iter().position(|it| *it == name);
    let mut turned = Vec::new();
    for package in packages.iter().filter(|package| package.ours) {
        let Some(own) = rank(&package.name) else {
            turned.push(format!("{} has no place in INSIDE_OUT (arrows.rs)", package.name));
            continue;
        };
        for dependency in &package.dependencies {
            if rank(&dependency.name).is_some_and(|other| own <= other) {
                turned.push(format!("{} → {}", package.name, dependency.name));
            }
        }
    }
    turned
}

fn foreign_to_the_engine(engine: &Package) -> Vec<String> {
    let needed = engine.dependencies.iter().filter(|it| !it.dev);
    needed.map(|it| it.name.clone()).filter(|name| !ENGINE_MAY_USE.contains(&name.as_str())).collect()
}

fn sample(name: &str, dependencies: &[(&str, bool)]) -> Package {
    let dependencies = dependencies.iter().map(|(name, dev)| Dependency { name: (*name).to_owned(), dev: *dev });
    Package {
        name: name.to_owned(),
        version: "0.1.0".to_owned(),
        licence: None,
        ours: true,
        dependencies: dependencies.collect(),
    }
}

#[test]
fn a_turned_arrow_is_seen() {
    let engine = sample("guerdon-engine", &[("guerdon-store", true)]);
    let store = sample("guerdon-store", &[("guerdon-engine", false), ("rusqlite", false)]);
    assert_eq!(turned_arrows(&[engine, store]), ["guerdon-engine → guerdon-store"]);
    assert_eq!(turned_arrows(&[sample("guerdon-utils", &[])]).len(), 1, "a new crate is given a place");
}

#[test]
fn a_foreign_crate_in_the_engine_is_seen() {
    let engine = sample("guerdon-engine", &[("jiff", false), ("proptest", true), ("serde", false)]);
    assert_eq!(foreign_to_the_engine(&engine), ["serde"]);
}
