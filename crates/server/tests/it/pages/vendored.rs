//! The files of others are those of their packages, each with its licence beside it.

use std::collections::BTreeSet;
use std::fs;
use std::path::Path;

use server::pages::assets::{ASSETS, find, url};
use sha2::{Digest as _, Sha256};

use crate::root;

#[test]
fn vendored_files_are_those_of_the_list() {
    let folder = root().join("crates/server/static/vendor");
    let list = fs::read_to_string(folder.join("SHA256SUMS")).expect("the list of sums");
    let mut named = BTreeSet::new();
    for line in list.lines() {
        let (sum, name) = line.split_once("  ").expect("a sum, two spaces, a name");
        let bytes = fs::read(folder.join(name)).unwrap_or_else(|error| panic!("{name}: {error}"));
        let found: String = Sha256::digest(&bytes).iter().map(|byte| format!("{byte:02x}")).collect();
        assert_eq!(found, sum, "{name} was changed");
        named.insert(name.to_owned());
    }
    assert_eq!(files(&folder), named, "what lies there and what is listed");
    for package in named.iter().filter_map(|it| it.split_once('/')).map(|it| it.0) {
        assert!(named.contains(&format!("{package}/LICENSE")), "{package} comes with its licence");
    }
}

fn files(folder: &Path) -> BTreeSet<String> {
    let mut files = BTreeSet::new();
    for package in fs::read_dir(folder).expect("the folder").map(|it| it.expect("an entry").path()) {
        if package.is_dir() {
            let name = package.file_name().expect("a name").to_string_lossy().into_owned();
            let inside = fs::read_dir(&package).expect("a folder").map(|it| it.expect("an entry").file_name());
            files.extend(inside.map(|it| format!("{name}/{}", it.to_string_lossy())));
        }
    }
    files
}

#[test]
fn addresses_change_with_what_they_lead_to() {
    let address = url("app.css");
    let hash = address.strip_prefix("/static/").and_then(|it| it.strip_suffix("/app.css")).expect("a hash");
    assert!(hash.len() == 16 && hash.bytes().all(|it| it.is_ascii_hexdigit()), "{hash}");
    for asset in ASSETS {
        assert_eq!(find(hash, asset.name).map(|it| it.name), Some(asset.name));
    }
    assert!(find("0000000000000000", "app.css").is_none(), "another build");
    assert!(find(hash, "../app.css").is_none());
}

#[test]
fn the_style_sheet_loads_only_files_that_are_served() {
    let css = ASSETS.iter().find(|it| it.name == "app.css").expect("the style sheet");
    let text = std::str::from_utf8(css.bytes).expect("text");
    let loads: Vec<&str> = text.split("url(\"").skip(1).filter_map(|it| it.split_once('"')).map(|it| it.0).collect();
    assert_eq!(loads, ["plex-latin-ext.woff2", "plex-latin.woff2"]);
    assert!(loads.iter().all(|name| ASSETS.iter().any(|it| it.name == *name)));
    assert!(!text.contains("@import") && !text.contains("://"));
}
