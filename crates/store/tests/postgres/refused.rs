//! What is refused before anything is trusted to it, in words that say what to do.

use std::os::unix::fs::PermissionsExt as _;

use store::{Database, Options, Reader, Store, StoreError, backup, restore};

use crate::cluster::{Cluster, cluster};
use crate::place::{in_file, url};
use crate::raw::Raw;
use crate::shop::{Shop, compile};

fn opened(url: &str, create: bool) -> Result<Store, StoreError> {
    let database: Database = url.parse()?;
    Store::open(&database, Options { create, ..Options::new(compile) })
}

fn said(url: &str) -> String {
    opened(url, true).err().expect(url).to_string()
}

/// The same server with another user and another database.
fn other(user: &str, name: &str) -> String {
    let server = &cluster().url;
    let host = server.split_once('@').expect("a user").1.rsplit_once('/').expect("a name").0.to_owned();
    format!("postgres://{user}@{host}/{name}")
}

#[test]
fn what_is_missing_is_said() {
    let nothing = "there is no such database on the server; make it with `createdb`, then try again";
    assert!(said(&other("guerdon", "nothing")).ends_with(nothing));
    let away = opened("postgres://guerdon@127.0.0.1:1/shop", true).err();
    assert!(matches!(away, Some(StoreError::Away { .. })), "{away:?}");
    let url = url();
    assert!(
        matches!(opened(&url, false).err(), Some(StoreError::Missing(_))),
        "nothing is made unless it is asked for"
    );
    let database: Database = url.parse().expect("an address");
    assert!(matches!(Reader::open(&database, compile).err(), Some(StoreError::Missing(_))));
    let schema = format!("{}?options=-csearch_path%3Dnowhere", cluster().url);
    assert!(said(&schema).contains("none of the schemas in search_path is there"));
}

#[test]
fn who_may_not_is_told() {
    let raw = Raw::connect(&cluster().url);
    raw.run("CREATE ROLE reader LOGIN");
    raw.run("CREATE DATABASE latin ENCODING 'SQL_ASCII' TEMPLATE template0");
    let refused = said(&other("reader", "postgres"));
    assert!(refused.contains("the user may not do what is needed (permission denied for schema public)"), "{refused}");
    assert!(said(&other("guerdon", "latin")).contains("does not keep UTF-8"));
    assert!(said(&other("nobody", "postgres")).contains("does not let this user in"));
}

#[test]
fn a_wrong_password_is_told_and_never_shown() {
    let folder = tempfile::tempdir().expect("a folder");
    std::fs::set_permissions(folder.path(), std::fs::Permissions::from_mode(0o755)).expect("permissions");
    let rules = folder.path().join("hba.conf");
    std::fs::write(&rules, "local all guerdon trust\nhost all all 127.0.0.1/32 scram-sha-256\n").expect("a file");
    let server = Cluster::start(&[&format!("hba_file={}", rules.display())]);
    Raw::connect(&server.url).run("ALTER ROLE guerdon PASSWORD 'right'");
    let port = server.url.rsplit_once(':').and_then(|it| it.1.split_once('/')).expect("a port").0;
    let with = |password: &str| format!("postgres://guerdon:{password}@127.0.0.1:{port}/postgres");
    let refused = said(&with("wrong-one"));
    assert!(refused.contains("check the user's name and password") && !refused.contains("wrong-one"), "{refused}");
    drop(opened(&with("right"), true).expect("the password is right"));
    assert!(said(&format!("{}?sslmode=require", with("right"))).contains("TLS"));
}

#[test]
fn a_server_that_can_lose_what_it_has_committed_is_refused() {
    let server = Cluster::start(&["fsync=off"]);
    assert!(said(&server.url).contains("fsync = off"));
}

#[test]
fn a_clock_that_differs_is_refused() {
    let url = url();
    let database: Database = url.parse().expect("an address");
    let mut options = Options { create: true, ..Options::new(compile) };
    drop(Store::open(&database, options.clone()).expect("the clocks are one"));
    // A clock that is set by a test is not compared.
    options.clock = Some(std::sync::Arc::new(|| engine::Timestamp::from_micros(0)));
    drop(Store::open(&database, options).expect("it opens"));
}

#[test]
fn what_is_for_files_is_refused() {
    let shop = Shop::new();
    let store = shop.opened("plain");
    let only = Err(StoreError::OnlyFiles(shop.path()));
    let copy = shop.dir.path().join("copy.db");
    assert_eq!(store.backup(&copy), only);
    assert_eq!(backup(&shop.database(), &copy), only);
    let file = in_file();
    let other = file.opened("plain");
    other.backup(&copy).expect("a backup of a file");
    assert_eq!(restore(&copy, &shop.database()), only);
}

#[test]
fn a_synchronous_commit_is_kept_whatever_the_user_is_set_to() {
    let raw = Raw::connect(&cluster().url);
    raw.run("CREATE ROLE hasty LOGIN SUPERUSER; ALTER ROLE hasty SET synchronous_commit = off");
    let url = format!(
        "{}?options=-csearch_path%3D{}",
        other("hasty", "postgres"),
        url().rsplit("%3D").next().expect("a schema")
    );
    let store = opened(&url, true).expect("it opens");
    assert!(!store.is_stopped());
}
