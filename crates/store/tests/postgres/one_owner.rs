//! What a batch asks of a ledger it asks owner by owner: of every statement that the server was sent, as it logs them, and as it
//! plans them. Whatever belongs to owners is found by one owner, and what is joined is that owner's.

use std::collections::BTreeSet;
use std::path::PathBuf;
use std::sync::Arc;

use engine::Timestamp;
use store::{Body, Options, Store, sweep};

use crate::batches::draw_history;
use crate::cluster::Cluster;
use crate::crash::Random;
use crate::raw::Raw;
use crate::shop::{DAY, NEW_YEAR, add_channel, compile, create_program, keyed, live, named, send, set_up};
use crate::store::together;

/// What belongs to an owner; the parts of the ledger are views of it.
const TABLES: [&str; 6] = ["ledger", "members", "identities", "cards", "merges", "name_words"];

/// What is asked over all owners, as docs/operate/scale-out.md says.
const OVER_ALL: [&str; 4] = [
    // By every batch, from an index of those who are parked.
    "SELECT CAST(value AS BIGINT), (SELECT count(*) FROM members WHERE parked <> 0)",
    "SELECT owner_id FROM members WHERE parked <> 0",
    // When programs, channels or keys have changed.
    "SELECT 1 FROM merges LIMIT 1",
    // By the sweeper, page after page.
    "SELECT due_at, owner_id, program FROM accounts",
];

/// Documents that between them have all that belongs to an owner.
const DOCUMENTS: [&str; 9] = [
    "plain",
    "converts owe",
    "rewards owe",
    "collected waits",
    "launch owe",
    "catalogue owe",
    "steps gold",
    "capped days",
    "lively",
];

/// All that a batch may ask, of every kind of program.
fn drive(url: &str, random: &mut Random, document: &str) {
    let clock: store::Clock = Arc::new(|| Timestamp::from_micros(NEW_YEAR));
    let options = Options { create: true, clock: Some(clock), ..Options::new(compile) };
    let store = Store::open(&url.parse().expect("an address"), options).expect("a ledger");
    set_up(&store, document);
    let more = [
        keyed("second", create_program("second", document, Timestamp::from_micros(0))),
        keyed("till", add_channel("till", "second")),
        keyed("signs up", Body::ChangeChannel { channel: "till".into(), signs_up: true }),
    ];
    assert!(more.into_iter().all(|it| send(&store, it).is_ok()));
    for _ in 0..3 {
        let history = draw_history(random, 150);
        // By themselves, and in batches: said for one row, and for many.
        history[..50].iter().for_each(|it| drop(send(&store, it.clone())));
        drop(together(&store, history[50..].to_vec()));
    }
    let erase = Body::Erase { member: named(1), only_unused: false };
    drop(send(&store, live(erase)));
    drop(sweep(&store, Timestamp::from_micros(NEW_YEAR + 400 * DAY), &mut |_| {}));
}

/// The statements in the log of a server that were prepared and run.
fn logged(url: &str) -> BTreeSet<String> {
    let folder = url.split_once('@').and_then(|it| it.1.split_once(':')).expect("a socket").0.replace("%2F", "/");
    let log = std::fs::read_to_string(PathBuf::from(folder).join("server.log")).expect("a log");
    let mut statements = BTreeSet::new();
    let mut open: Option<String> = None;
    for line in log.lines() {
        match (&mut open, line.strip_prefix('\t')) {
            (Some(sql), Some(more)) => {
                sql.push('\n');
                sql.push_str(more);
            }
            _ => {
                statements.extend(open.take());
                let run = line.split_once("LOG:  execute ").and_then(|it| it.1.split_once(": "));
                open = run.map(|it| it.1.to_owned());
            }
        }
    }
    statements.extend(open);
    statements
}

/// How it is planned, whatever is bound to it.
fn plan(raw: &Raw, sql: &str) -> Vec<String> {
    let bound = (1..40).take_while(|it| sql.contains(&format!("${it}"))).map(|_| "NULL").collect::<Vec<_>>().join(", ");
    raw.run(&format!("PREPARE asked AS {sql}"));
    let bound = if bound.is_empty() { bound } else { format!("({bound})") };
    let plan = raw.rows(&format!("EXPLAIN (COSTS OFF) EXECUTE asked{bound}"));
    raw.run("DEALLOCATE asked");
    plan
}

/// What the rows of owners are found by: `many.v1`, if an array of owners is asked for. Fails on a scan that no owner bounds.
fn owners_of(plan: &[String]) -> Result<BTreeSet<String>, String> {
    let mut owners = BTreeSet::new();
    for (number, line) in plan.iter().enumerate() {
        let Some((_, table)) = line.split_once("Scan").and_then(|it| it.1.split_once(" on ")) else { continue };
        let name = table.split(' ').next_back().unwrap_or_default();
        if !TABLES.iter().any(|it| table.split(' ').next() == Some(it)) {
            continue;
        }
        // Of a small table all may be read, and compared with each owner behind that.
        let own = plan[number + 1..].iter().take_while(|it| it.contains(": ")).find_map(|it| after(it, "(owner_id = "));
        let joined = || plan.iter().find_map(|it| after(it, &format!("({name}.owner_id = ")));
        owners.insert(own.or_else(joined).ok_or_else(|| line.trim().to_owned())?);
    }
    Ok(owners)
}

fn after(line: &str, words: &str) -> Option<String> {
    let rest = line.split_once(words)?.1;
    rest.split([')', ' ']).next().map(str::to_owned)
}

#[test]
fn what_a_batch_asks_belongs_to_one_owner_at_a_time() {
    let server = Cluster::start(&["log_min_messages=log", "log_statement=all"]);
    let raw = Raw::connect(&server.url);
    let mut random = Random::new();
    for document in DOCUMENTS {
        let name = document.replace(' ', "_");
        raw.run(&format!("CREATE SCHEMA {name}"));
        drive(&format!("{}?options=-csearch_path%3D{name}", server.url), &mut random, document);
    }
    raw.run("SET search_path = plain; SET plan_cache_mode = force_generic_plan; SET enable_seqscan = off");
    raw.run("SET enable_hashjoin = off; SET enable_mergejoin = off; SET enable_bitmapscan = off");
    let (mut bounded, mut over_all) = (0, BTreeSet::<&str>::new());
    for sql in logged(&server.url) {
        if !["SELECT", "INSERT", "UPDATE", "DELETE"].iter().any(|it| sql.starts_with(it)) {
            continue;
        }
        let plan = plan(&raw, &sql);
        match owners_of(&plan) {
            Ok(owners) => {
                assert!(owners.len() <= 1, "it is about {owners:?}: {sql}\n{}", plan.join("\n"));
                bounded += owners.len();
            }
            Err(scan) => {
                let known = OVER_ALL.iter().find(|it| sql.starts_with(*it));
                over_all.extend(known.copied());
                assert!(known.is_some(), "{scan}, over all owners: {sql}\n{}", plan.join("\n"));
            }
        }
    }
    assert!(40 < bounded, "{bounded} statements about an owner");
    assert_eq!(over_all.len(), OVER_ALL.len(), "each is still asked: {over_all:?}");
}

/// A plan that joins two owners, or is bounded by none, is seen.
#[test]
fn who_asks_for_two_owners_is_seen() {
    let shop = crate::shop::Shop::new();
    drop(shop.opened("plain"));
    let of = |sql: &str| {
        let raw = Raw::connect(&crate::place::url_of(&shop));
        raw.run("SET plan_cache_mode = force_generic_plan; SET enable_seqscan = off; SET enable_bitmapscan = off");
        owners_of(&plan(&raw, sql)).map(|it| it.len()).ok()
    };
    assert_eq!(of("SELECT 1 FROM lots JOIN members USING (owner_id) WHERE owner_id = $1"), Some(1));
    assert_eq!(of("SELECT 1 FROM lots, members WHERE lots.owner_id = $1 AND members.owner_id = $2"), Some(2));
    assert_eq!(
        of("SELECT 1 FROM members, merges WHERE merges.owner_id = $1 AND members.owner_id = merges.member_id"),
        Some(2)
    );
    assert_eq!(of("SELECT 1 FROM orders WHERE program = $1"), None);
    assert_eq!(of("SELECT count(*) FROM members"), None);
}
