//! Who may ask: API keys, links to sign in with, sessions; and how a server notices that any of it has changed.

use engine::{Actor, Adjustment, Points, Rejection, Timestamp};
use store::{Body, Command, Failure, KeyInfo, Reply, Scopes, SecretHash, Store, backup, restore, sweep};

use crate::shop::{
    DAY, NEW_YEAR, Shop, add_channel, channel_id, create_program, id_of, keyed, live, named, order, program_id, sale,
    send, sign_up,
};
use crate::store::{path_of, sent, verified};

fn key(secret: &str, scopes: Scopes) -> Body {
    let hash = SecretHash::of(secret);
    Body::AddKey { name: "till 7".into(), hash, hint: "w4rt".into(), scopes }
}

fn keys(store: &Store) -> Vec<KeyInfo> {
    store.reader().and_then(|it| it.keys()).expect("keys")
}

#[test]
fn keys_are_added_told_and_revoked() {
    let shop = Shop::new();
    let store = shop.opened("plain");
    sent(&store, &[sign_up(1)]);
    let scopes = Scopes::ORDERS.with(Scopes::READ);
    let first = send(&store, keyed("a", key("one", scopes)));
    assert_eq!(first, Ok(Reply::Key { number: 1 }));
    assert_eq!(send(&store, keyed("b", key("two", Scopes::ADMIN))), Ok(Reply::Key { number: 2 }));
    assert_eq!(send(&store, keyed("a", key("drawn anew", scopes))), first, "the first answer");
    assert_eq!(send(&store, keyed("a", key("one", Scopes::ADMIN))), Err(Failure::KeyReused));
    shop.later(1);
    assert_eq!(send(&store, live(Body::RevokeKey { number: 1 })), Ok(Reply::Done));
    shop.later(1);
    assert_eq!(send(&store, live(Body::RevokeKey { number: 1 })), Ok(Reply::Done));
    assert_eq!(send(&store, live(Body::RevokeKey { number: 3 })), Err(Failure::UnknownKey));
    drop(store);
    let store = shop.open();
    let found = keys(&store);
    let expected = KeyInfo {
        number: 1,
        name: "till 7".into(),
        hash: SecretHash::of("one"),
        hint: "w4rt".into(),
        scopes,
        created_at: Timestamp::from_micros(NEW_YEAR),
        revoked_at: Some(Timestamp::from_micros(NEW_YEAR + DAY)),
    };
    assert_eq!(found[0], expected);
    assert_eq!((found.len(), found[1].scopes, found[1].revoked_at), (2, Scopes::ADMIN, None));
    assert!(!format!("{:?}", key("one", scopes)).contains("["), "no hash is logged");
    verified(&shop);
}

#[test]
fn keys_that_cannot_be_are_refused() {
    let shop = Shop::new();
    let store = shop.opened("plain");
    let with = |name: &str, hint: &str, scopes| {
        let (hash, name, hint) = (SecretHash::of("one"), name.to_owned(), hint.to_owned());
        Body::AddKey { name, hash, hint, scopes }
    };
    for (body, path) in [
        (with("", "w4rt", Scopes::READ), "name"),
        (with("till", "123456789", Scopes::READ), "hint"),
        (with("till", "w4rt", Scopes::NONE), "scopes"),
    ] {
        assert_eq!(path_of(&send(&store, keyed(path, body))), path);
    }
    sent(&store, &[keyed("a", with("till", "w4rt", Scopes::READ))]);
    assert_eq!(path_of(&send(&store, keyed("b", with("phone", "w4rt", Scopes::READ)))), "hash");
    assert_eq!(path_of(&send(&store, live(with("phone", "w4rt", Scopes::READ)))), "key");
    assert_eq!(keys(&store).len(), 1);
}

#[test]
fn an_entry_says_which_key_made_it() {
    let shop = Shop::new();
    let store = shop.opened("plain");
    let adjustment = Adjustment { points: Points::new(5), note: "thanks".into(), expires_at: None };
    let body = Body::Adjust { program: "points".into(), member: named(1), adjustment, reference: None };
    sent(&store, &[sign_up(1), Command { actor: Actor::Key(7), ..keyed("k", body) }]);
    let entries = store.reader().and_then(|it| it.entries(id_of(1), 1, engine::EntryNo(0), 10)).expect("entries");
    assert_eq!(entries[0].actor, Actor::Key(7));
    assert!(crate::limits::export(&shop).contains(r#""actor":{"key":7}"#));
    verified(&shop);
}

#[test]
fn a_link_opens_one_session() {
    let shop = Shop::new();
    let store = shop.open();
    let day = |days: i64| Timestamp::from_micros(NEW_YEAR + days * DAY);
    let (link, other) = (SecretHash::of("link"), SecretHash::of("other"));
    let (first, second) = (SecretHash::of("first"), SecretHash::of("second"));
    let uses = |link, session| live(Body::UseLink { link, session, expires_at: day(9) });
    let is_open = |session, at| store.reader().and_then(|it| it.session(session, at)).expect("read");
    assert_eq!(send(&store, uses(link, first)), Err(Failure::UnknownLink), "nobody has made it");
    let opened = [link, other].map(|link| live(Body::OpenLink { link, expires_at: day(1) }));
    sent(&store, &opened);
    assert!(!is_open(link, day(0)), "a link is no session");
    assert_eq!(send(&store, uses(link, first)), Ok(Reply::Done));
    assert_eq!(send(&store, uses(link, first)), Ok(Reply::Done), "it was in doubt, and is asked for again");
    assert_eq!(send(&store, uses(link, second)), Err(Failure::UnknownLink), "it was used");
    assert_eq!(send(&store, uses(first, second)), Err(Failure::UnknownLink), "a session is no link");
    assert!(is_open(first, day(8)) && !is_open(first, day(9)) && !is_open(second, day(0)));
    shop.later(1);
    assert_eq!(send(&store, uses(other, second)), Err(Failure::UnknownLink), "it has expired");
    sent(&store, &[live(Body::OpenSession { session: second, key: None, expires_at: day(3) })]);
    assert!(is_open(second, day(2)));
    sent(&store, &[live(Body::EndSession { session: second }), live(Body::EndSession { session: second })]);
    assert!(!is_open(second, day(2)) && is_open(first, day(2)));
    let never = Body::OpenSession { session: second, key: None, expires_at: Timestamp::NEVER };
    assert_eq!(path_of(&send(&store, live(never))), "expires_at");
}

#[test]
fn a_session_ends_with_the_key_it_was_opened_with() {
    let shop = Shop::new();
    let store = shop.opened("plain");
    sent(&store, &[keyed("a", key("one", Scopes::ADMIN)), keyed("b", key("two", Scopes::ADMIN))]);
    let expires_at = Timestamp::from_micros(NEW_YEAR + 9 * DAY);
    let open = |name: &str, key| live(Body::OpenSession { session: SecretHash::of(name), key, expires_at });
    let is_open = |name: &str| {
        let reader = store.reader().expect("a reader");
        reader.session(SecretHash::of(name), store.now()).expect("read")
    };
    sent(&store, &[open("first", Some(1)), open("second", Some(2)), open("linked", None)]);
    assert!(is_open("first") && is_open("second") && is_open("linked"));
    sent(&store, &[live(Body::RevokeKey { number: 1 })]);
    assert!(!is_open("first") && is_open("second") && is_open("linked"));
    sent(&store, &[open("late", Some(1)), open("nobody's", Some(7))]);
    assert!(!is_open("late") && !is_open("nobody's"), "only a key that is there opens");
}

#[test]
fn what_has_expired_is_swept_and_nobody_is_signed_in_to_a_copy() {
    if !crate::place::IS_FILE {
        return;
    }
    let shop = Shop::new();
    let store = shop.opened("plain");
    let open = |name: &str, days: i64| {
        let expires_at = Timestamp::from_micros(NEW_YEAR + days * DAY);
        live(Body::OpenSession { session: SecretHash::of(name), key: None, expires_at })
    };
    sent(&store, &[open("short", 1), open("long", 50)]);
    shop.later(2);
    sweep(&store, store.now(), &mut |_| {}).expect("a sweep");
    let tokens = |shop: &Shop| -> u64 {
        let conn = rusqlite::Connection::open(shop.path()).expect("the database");
        conn.query_row("SELECT count(*) FROM tokens", [], |row| row.get(0)).expect("a count")
    };
    assert_eq!(tokens(&shop), 1, "the one that has expired is gone");
    let copy = shop.dir.path().join("copy.db");
    backup(&shop.database(), &copy).expect("a backup");
    let restored = Shop::new();
    restore(&copy, &restored.database()).expect("restored");
    assert_eq!(tokens(&restored), 0);
}

#[test]
fn a_change_of_what_all_read_raises_the_epoch_and_nothing_else_does() {
    let shop = Shop::new();
    let store = shop.opened("plain");
    let first = store.epoch();
    sent(&store, &[sign_up(1), order(1, "A1", sale(1_000, NEW_YEAR))]);
    let open = Body::OpenSession { session: SecretHash::of("s"), key: None, expires_at: Timestamp::default() };
    sent(&store, &[live(open)]);
    assert_eq!(store.epoch(), first);
    let refused = send(&store, keyed("twice", add_channel("shop", "points")));
    assert_eq!((path_of(&refused), store.epoch()), ("name", first));
    for body in [add_channel("till", "points"), key("one", Scopes::READ), Body::RevokeKey { number: 1 }] {
        let before = store.epoch();
        sent(&store, &[keyed(&format!("{body:?}"), body)]);
        assert!(before < store.epoch());
    }
    let reader = store.reader().expect("a reader");
    assert_eq!(reader.epoch(), Ok(store.epoch()));
    assert_eq!(reader.channels().expect("channels").len(), 2);
    sent(&store, &[keyed("desk", add_channel("desk", "points"))]);
    assert_eq!(reader.channels().expect("channels").len(), 2, "one snapshot, whatever others have read since");
    assert_eq!(store.reader().and_then(|it| it.channels()).expect("channels").len(), 3);
    assert_eq!(reader.channels().expect("channels").len(), 2);
    let last = store.epoch();
    drop((reader, store));
    assert_eq!(shop.open().epoch(), last);
}

#[test]
fn programs_and_channels_are_found_by_name_and_by_id() {
    let shop = Shop::new();
    let store = shop.opened("plain");
    let (program, channel) = (program_id("points").to_string(), channel_id("shop").to_string());
    assert!(program.starts_with("prg_") && channel.starts_with("chn_"));
    let member = Some(named(1));
    let (by_id, document) = (channel.clone(), sale(1_000, NEW_YEAR).into());
    let order = Body::PutOrder { channel: by_id, member, reference: "A1".into(), document, certificates: None };
    let hold = Body::Hold { program: program.clone(), member: named(1), points: Points::new(5), minutes: None };
    sent(&store, &[sign_up(1), live(order), keyed("hold", hold)]);
    let reader = store.reader().expect("a reader");
    assert_eq!(reader.program(&program).expect("read").map(|it| (it.id, it.name)), {
        Some((program_id("points"), "points".to_owned()))
    });
    assert_eq!(reader.channels().expect("channels")[0].id, channel_id("shop"));
    let found = |channel: &str| reader.order(channel, "A1").expect("read").map(|it| it.channel);
    assert_eq!((found(&channel), found("shop")), (Some("shop".to_owned()), Some("shop".to_owned())));
    assert_eq!(found("nowhere"), None);
    assert_eq!(reader.figures(&program), reader.figures("points"));
    assert_eq!(reader.figures("points").expect("figures").orders, 1);
}

#[test]
fn a_name_never_looks_like_an_id_and_no_id_is_given_twice() {
    let shop = Shop::new();
    let store = shop.opened("plain");
    for name in ["prg_x", "chn_", "mem_01"] {
        let program = create_program(name, "plain", Timestamp::default());
        assert_eq!(path_of(&send(&store, keyed(&format!("program {name}"), program))), "name");
        assert_eq!(path_of(&send(&store, keyed(&format!("channel {name}"), add_channel(name, "points")))), "name");
    }
    let (document, effective_at) = ("plain".to_owned(), None);
    let program = Body::CreateProgram { id: program_id("points"), name: "more".into(), document, effective_at };
    assert_eq!(path_of(&send(&store, keyed("a", program))), "id");
    let channel =
        Body::AddChannel { id: channel_id("shop"), name: "till".into(), program: "points".into(), signs_up: false };
    assert_eq!(path_of(&send(&store, keyed("b", channel))), "id");
    let elsewhere = send(&store, keyed("c", add_channel("till", &program_id("more").to_string())));
    assert_eq!(elsewhere, Err(Failure::Rejected(Rejection::UnknownProgram)));
}
