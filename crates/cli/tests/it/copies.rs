//! `guerdon copy`, as somebody does it who moves: certificates and their key, wrong places, and a copy that is killed.

use std::process::{Command, Output, Stdio};
use std::time::Duration;

use engine::{Actor, Money, Validity};
use store::{Body, Command as Sent, Database, Key, NewCertificates, Options, Store, Time};

use crate::cluster::Cluster;
use crate::shop::Shop;

/// Runs a command line of words, with the key of certificates or none.
fn run(shop: &Shop, arguments: &[&str], key: Option<&str>) -> Output {
    command(shop, arguments, key).output().expect("the binary runs")
}

fn command(shop: &Shop, arguments: &[&str], key: Option<&str>) -> Command {
    let mut command = shop.command("");
    command.args(arguments).env_remove("GUERDON_CODE_KEY");
    if let Some(key) = key {
        command.env("GUERDON_CODE_KEY", key);
    }
    command
}

fn ok(shop: &Shop, arguments: &[&str], key: Option<&str>) -> String {
    let output = run(shop, arguments, key);
    assert!(output.status.success(), "{arguments:?}: {}", String::from_utf8_lossy(&output.stderr));
    String::from_utf8_lossy(&output.stdout).into_owned()
}

fn fails(shop: &Shop, arguments: &[&str], key: Option<&str>) -> String {
    let output = run(shop, arguments, key);
    assert_eq!(output.status.code(), Some(3), "{arguments:?}: {}", String::from_utf8_lossy(&output.stdout));
    String::from_utf8_lossy(&output.stderr).into_owned()
}

/// The sample shop with a certificate; answers the key of its codes.
fn sample(shop: &Shop, rows: &str) -> String {
    ok(shop, &["--database", "shop.db", "demo", "--load-only", "--rows", rows], None);
    let database = Database::Sqlite(shop.path("shop.db"));
    let store = Store::open(&database, Options::new(server::program::compile)).expect("a ledger");
    let new = NewCertificates {
        value: Money::new(500),
        count: 3,
        uses: None,
        validity: Validity::Never,
        note: "sorry".into(),
    };
    let member = "customer:00042".parse().expect("a member");
    let body = Body::IssueCertificates { program: "Sample shop".to_owned(), member, new, reference: None };
    let key = Some(Key("certificates".to_owned()));
    let command = Sent { key, actor: Actor::Staff(0), time: Time::Live, seed: 7, body };
    store.submit(command).wait().expect("certificates");
    shop.text("shop.db.key").trim().to_owned()
}

#[test]
fn a_shop_moves_to_postgresql_and_back_with_the_key_of_its_certificates() {
    let (shop, server) = (Shop::empty(), Cluster::start(&[]));
    let key = sample(&shop, "2000");
    let url = server.url.as_str();

    let said = fails(&shop, &["copy", "shop.db", url], None);
    assert!(said.contains("GUERDON_CODE_KEY") && said.contains("shop.db.key"), "{said}");
    let said = fails(&shop, &["copy", "shop.db", url], Some(&"8".repeat(64)));
    assert!(said.contains("is the key of another database"), "{said}");
    assert!(fails(&shop, &["--database", url, "verify"], None).contains("there is no such database"));

    let said = ok(&shop, &["copy", "shop.db", url], Some(&key));
    assert!(said.contains("Everything agrees.") && said.contains("ledger"), "{said}");
    assert!(ok(&shop, &["--database", url, "verify"], Some(&key)).ends_with("Everything agrees.\n"));
    assert!(fails(&shop, &["copy", "shop.db", url], Some(&key)).contains("there is a ledger already"));

    // Back again: the database is named where no list of processes shows it.
    let back = ["--database", url, "copy", "-", "back.db"];
    let said = fails(&shop, &back, None);
    assert!(said.contains("back.db.key") && said.contains("GUERDON_CODE_KEY"), "{said}");
    shop.file("back.db.key", &key);
    ok(&shop, &back, None);
    let exported = |database: &str| ok(&shop, &["--database", database, "export", "ledger"], None);
    let people = |database: &str| ok(&shop, &["--database", database, "export", "members"], None);
    assert!(exported("shop.db") == exported("back.db"));
    assert!(people("shop.db") == people("back.db"));
    assert!(exported("shop.db").lines().count() > 2_000);
    assert!(ok(&shop, &["--database", "back.db", "statement", "customer:00042"], None).contains("00042"));
}

/// It is tried on a copy in a file, and says what the import then does.
#[test]
fn a_dry_run_of_an_import_of_members_works_on_postgresql_too() {
    let (shop, server) = (Shop::open(), Cluster::start(&[]));
    let url = server.url.as_str();
    ok(&shop, &["copy", "guerdon.db", url], None);
    shop.file("members.csv", "member,name,points\n1,Ana,120\n2,Ben,-5\n3,Cleo,30\n");
    let import = |more: &[&str]| {
        let line = [&["--database", url, "import", "members", "members.csv"], more].concat();
        let output = run(&shop, &line, None);
        assert_eq!(output.status.code(), Some(1), "one row is refused: {}", String::from_utf8_lossy(&output.stderr));
        (String::from_utf8_lossy(&output.stdout).into_owned(), output.stderr)
    };
    let members = || ok(&shop, &["--database", url, "export", "members"], None).lines().count();
    let before = members();
    let tried = import(&["--dry-run"]);
    assert_eq!(members(), before, "nothing was recorded");
    let done = import(&[]);
    assert_eq!(tried.0, format!("{}This was a dry run: nothing was recorded.\n", done.0));
    assert_eq!(tried.1, done.1);
    assert_eq!(members(), before + 2);
}

#[test]
fn a_copy_that_is_killed_leaves_no_ledger_and_is_begun_again() {
    let (shop, server) = (Shop::empty(), Cluster::start(&[]));
    let key = sample(&shop, "2000");
    let schema = |number: u64| format!("{}?options=-csearch_path%3Dkilled_{number}", server.url);
    let mut killed = 0;
    for number in 0..4 {
        ok_schema(&server, number);
        for to in [schema(number), format!("copy-{number}.db")] {
            if to.ends_with(".db") {
                shop.file(&format!("{to}.key"), &key);
            }
            let mut copying = command(&shop, &["copy", "shop.db", &to], Some(&key));
            let mut copying = copying.stdout(Stdio::null()).stderr(Stdio::null()).spawn().expect("it starts");
            std::thread::sleep(Duration::from_millis(40 + 120 * number));
            copying.kill().expect("it was started here");
            if copying.wait().expect("it was started here").success() {
                continue;
            }
            // The server may need a moment to see that nobody is there.
            if !run(&shop, &["--database", &to, "verify"], Some(&key)).status.success() {
                killed += 1;
                assert!(fails(&shop, &["--database", &to, "verify"], Some(&key)).contains("there is no such database"));
                ok(&shop, &["copy", "shop.db", &to], Some(&key));
            }
            assert!(ok(&shop, &["--database", &to, "verify"], Some(&key)).ends_with("Everything agrees.\n"));
        }
    }
    assert!(2 < killed, "{killed} were killed before they were done");
}

fn ok_schema(server: &Cluster, number: u64) {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().expect("a runtime");
    runtime.block_on(async {
        let connected = tokio_postgres::connect(&server.url, tokio_postgres::NoTls).await;
        let (client, moved) = connected.expect("a session");
        let moved = tokio::spawn(moved);
        client.batch_execute(&format!("CREATE SCHEMA killed_{number}")).await.expect("a schema");
        drop(client);
        drop(moved.await);
    });
}
