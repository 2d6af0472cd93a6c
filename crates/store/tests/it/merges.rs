//! Members who become one and two again, in the store: batches, chains, several programs, keys and references.

use engine::{Adjustment, Closing, DocumentVersion, LotNo, Money, OrderNo, Place, Placed as _, Points, Rejection};
use store::{Body, CertificateRef, Command, Failure, Ledger, MemberRef, NewCertificates, Reply, Store};

use crate::catalogue::{claim, end};
use crate::place;
use crate::shop::{
    DAY, NEW_YEAR, Shop, add_channel, available, create_program, digits_of, id_of, keyed, live, named, order, sale,
    send, sign_up,
};
use crate::store::{sent, together, verified};

fn merge(key: &str, other: u64, into: u64) -> Command {
    keyed(key, Body::Merge { member: named(into), other: named(other) })
}

fn undo(key: &str, member: u64) -> Command {
    keyed(key, Body::Unmerge { member: named(member) })
}

fn adjust(key: &str, member: u64, points: i64, reference: Option<&str>) -> Command {
    let adjustment = Adjustment { points: Points::new(points), note: "by hand".into(), expires_at: None };
    let reference = reference.map(str::to_owned);
    keyed(key, Body::Adjust { program: "points".into(), member: named(member), adjustment, reference })
}

/// A certificate of 25.00.
fn issue(key: &str, member: u64) -> Command {
    let (value, validity) = (Money::new(2_500), engine::Validity::Never);
    let new = NewCertificates { value, count: 1, uses: None, validity, note: "spring".into() };
    keyed(key, Body::IssueCertificates { program: "points".into(), member: named(member), new, reference: None })
}

/// An order that asks for a certificate of that member, as it was numbered first.
fn with(order: Command, owner: u64, number: u64) -> Command {
    let Body::PutOrder { channel, member, reference, document, .. } = order.body else { panic!("an order") };
    let ledger = store::certificate_ledger(engine::Currency { code: document.currency, exponent: 2 });
    let named = CertificateRef::Numbered { owner: id_of(owner), ledger, number: LotNo(number) };
    live(Body::PutOrder { channel, member, reference, document, certificates: Some(vec![named]) })
}

fn close(key: &str, member: u64) -> Command {
    let closing = Closing { grace_days: 30, note: "moved away".into() };
    keyed(key, Body::Close { program: "points".into(), member: named(member), closing })
}

fn paid(member: u64, reference: &str, cents: i64, version: u64, redeem: Option<i64>) -> Command {
    let document = sale(cents, NEW_YEAR);
    let redeem = redeem.map(Points::new);
    order(member, reference, engine::Document { version: DocumentVersion::Number(version), redeem, ..document })
}

fn balance(shop: &Shop, member: u64) -> (i64, i64) {
    let reader = shop.reader();
    let home = reader.find(&MemberRef::Id(id_of(member))).expect("read").expect("there");
    let now = engine::Timestamp::from_micros(shop.now.load(std::sync::atomic::Ordering::SeqCst));
    let balance = reader.balance(home, 1, now).expect("read");
    (balance.available.get(), balance.owed.get())
}

fn exported(shop: &Shop) -> String {
    let mut bytes = Vec::new();
    shop.reader().export(&mut bytes, &mut |_| {}).expect("exported");
    String::from_utf8(bytes).expect("text")
}

/// Two members, orders of both before, between and after, refunds across, a hold, a merge and its undo, and again.
fn story() -> Vec<Command> {
    let hold = |key: &str, member: u64, points: i64| {
        keyed(
            key,
            Body::Hold { program: "points".into(), member: named(member), points: Points::new(points), minutes: None },
        )
    };
    vec![
        sign_up(1),
        sign_up(2),
        paid(1, "a1", 6_000, 1, None),
        paid(2, "b1", 14_000, 1, None),
        adjust("plus", 2, 40, Some("plus-2")),
        paid(2, "b2", 9_000, 1, Some(70)),
        issue("i1", 1),
        issue("i2", 2),
        with(paid(2, "b5", 4_000, 1, None), 2, 1),
        claim("r0", 2, "mug"),
        close("c1", 2),
        merge("m1", 2, 1),
        issue("i3", 2),
        with(paid(1, "a5", 3_000, 1, None), 1, 1),
        with(paid(2, "b6", 700, 1, None), 2, 2),
        claim("r1", 1, "mug"),
        claim("r2", 2, "coupon"),
        claim("r3", 2, "mug"),
        end(1, 2, true),
        paid(2, "b5", 300, 2, None),
        paid(2, "b3", 2_500, 1, None),
        paid(1, "a2", 12_000, 1, Some(110)),
        hold("h1", 2, 5),
        paid(2, "b1", 1_000, 2, None),
        adjust("again", 2, 40, Some("plus-2")),
        paid(1, "a1", 500, 2, None),
        undo("u1", 2),
        end(2, 1, true),
        end(1, 1, true),
        paid(2, "b6", 100, 2, None),
        paid(1, "a5", 200, 2, None),
        keyed("j", Body::Join { program: "points".into(), member: named(2), note: "back".into() }),
        paid(1, "a2", 100, 2, None),
        paid(2, "b2", 100, 2, None),
        paid(2, "b3", 0, 2, None),
        paid(1, "a3", 30_000, 1, None),
        merge("m2", 1, 2),
        paid(1, "a3", 10_000, 2, None),
        paid(2, "b4", 20_000, 1, Some(20)),
    ]
}

#[test]
fn a_batch_gives_what_its_commands_give_one_at_a_time() {
    for document in [
        "plain",
        "owe",
        "steps owe",
        "converts owe",
        "days owe",
        "waits owe",
        "lively owe",
        "capped owe",
        "catalogue owe",
    ] {
        let (one, all) = (Shop::in_order(), Shop::in_order());
        let store = one.opened(document);
        let singly: Vec<_> = story().into_iter().map(|it| send(&store, it)).collect();
        drop(store);
        let store = all.opened(document);
        assert_eq!(together(&store, story()), singly, "{document}");
        drop(store);
        assert_eq!(exported(&all), exported(&one), "{document}");
        verified(&one);
        verified(&all);
        // Everything again changes nothing: keys and documents are known, whoever they belong to now.
        let before = exported(&all);
        let store = all.open();
        for (command, first) in story().into_iter().zip(&singly) {
            if command.key.is_some() {
                assert_eq!(&send(&store, command), first, "{document}");
            } else if let Body::PutOrder { .. } = command.body {
                send(&store, command).expect("a document again is no fault");
            }
        }
        drop(store);
        assert_eq!(exported(&all), before, "{document}");
    }
}

#[test]
fn a_chain_of_merges_leads_to_one_and_back() {
    let shop = Shop::new();
    let store = shop.opened("owe");
    sent(&store, &[sign_up(1), sign_up(2), sign_up(3)]);
    sent(&store, &[paid(1, "a", 1_000, 1, None), paid(2, "b", 2_000, 1, None), paid(3, "c", 4_000, 1, None)]);
    sent(&store, &[merge("m1", 3, 2), merge("m2", 2, 1)]);
    assert_eq!(available(&send(&store, paid(3, "c", 5_000, 2, None))), 80);
    let Ok(Reply::Order { member, order, .. }) = send(&store, paid(3, "c2", 500, 1, None)) else { panic!("recorded") };
    assert_eq!((member, order), (Some(id_of(1)), OrderNo(2).under(Place(2))));
    verified(&shop);
    sent(&store, &[undo("u2", 3)]);
    assert_eq!([1, 2, 3].map(|it| balance(&shop, it)), [(10, 0), (75, 0), (75, 0)]);
    verified(&shop);
    // The one before was made final.
    assert_eq!(send(&store, undo("u1", 2)), Err(Failure::Rejected(Rejection::CannotUndo)));
    sent(&store, &[paid(3, "c", 4_000, 3, None), merge("m3", 1, 3)]);
    assert_eq!([1, 2, 3].map(|it| balance(&shop, it)), [(75, 0); 3]);
    verified(&shop);
}

#[test]
fn programs_are_merged_each_and_new_ones_follow() {
    let shop = Shop::new();
    let store = shop.opened("converts owe");
    let program = |name: &str| create_program(name, "owe", engine::Timestamp::from_micros(NEW_YEAR));
    let setup = [keyed("p2", program("second")), keyed("c2", add_channel("till", "second"))];
    sent(&store, &setup);
    let till = |member: u64, reference: &str, cents: i64, credit: Option<i64>| {
        let document = engine::Document { credit: credit.map(Money::new), ..sale(cents, NEW_YEAR) };
        let (member, document) = (Some(named(member)), document.into());
        live(Body::PutOrder {
            channel: "till".into(),
            member,
            reference: reference.into(),
            document,
            certificates: None,
        })
    };
    sent(&store, &[sign_up(1), sign_up(2), paid(2, "b", 25_000, 1, None), till(1, "t1", 3_000, None)]);
    sent(&store, &[merge("m", 2, 1), till(2, "t2", 4_000, None), till(1, "t3", 2_000, Some(1_000))]);
    // A program that is newer than the merge: its order is paid with the credit of the one who leaves.
    sent(&store, &[keyed("p3", program("third")), keyed("c3", add_channel("kiosk", "third"))]);
    let kiosk = |credit: i64, version: u64| {
        let version = DocumentVersion::Number(version);
        let document = engine::Document { credit: Some(Money::new(credit)), version, ..sale(500, NEW_YEAR) };
        let (member, document) = (Some(named(1)), document.into());
        live(Body::PutOrder { channel: "kiosk".into(), member, reference: "k".into(), document, certificates: None })
    };
    verified(&shop);
    sent(&store, &[adjust_credit("plus", 2, 700), kiosk(300, 1)]);
    verified(&shop);
    sent(&store, &[undo("u", 1)]);
    verified(&shop);
    let credit = |member: u64| {
        let at = engine::Timestamp::from_micros(NEW_YEAR);
        let credit = shop.reader().credit(id_of(member), at).expect("read");
        (credit[0].account.balance.available.get(), credit[0].account.balance.owed.get())
    };
    // 250 points had become 10.00, of which 10.00 paid the order at the till and 3.00 of the 7.00 that at the kiosk.
    assert_eq!((credit(1), credit(2)), ((0, 1_300), (1_700, 0)));
    sent(&store, &[kiosk(0, 2), adjust_credit("more", 1, 1_100)]);
    assert_eq!((credit(1), credit(2)), ((100, 0), (1_700, 0)));
    verified(&shop);
}

fn adjust_credit(key: &str, member: u64, cents: i64) -> Command {
    let adjustment = engine::CreditAdjustment { amount: Money::new(cents), note: "by hand".into() };
    keyed(key, Body::AdjustCredit { currency: *b"EUR", member: named(member), adjustment, reference: None })
}

#[test]
fn after_thirty_days_a_merge_stays() {
    let shop = Shop::new();
    let store = shop.opened("owe");
    sent(&store, &[sign_up(1), sign_up(2), paid(2, "b", 2_000, 1, None), merge("m", 2, 1)]);
    shop.later(30);
    assert_eq!(send(&store, undo("late", 1)), Err(Failure::Rejected(Rejection::CannotUndo)));
    let at = NEW_YEAR + 30 * DAY - 1;
    shop.now.store(at, std::sync::atomic::Ordering::SeqCst);
    sent(&store, &[undo("in time", 1)]);
    verified(&shop);
}

#[test]
fn a_merge_that_is_refused_leaves_nothing_behind() {
    let shop = Shop::new();
    let store: Store = shop.opened("owe");
    sent(&store, &[sign_up(1), sign_up(2), paid(2, "b", 2_000, 1, None)]);
    let before = exported(&shop);
    assert_eq!(send(&store, merge("m1", 1, 1)), Err(Failure::Rejected(Rejection::CannotMerge)));
    assert_eq!(send(&store, merge("m2", 9, 1)), Err(Failure::Rejected(Rejection::UnknownMember)));
    assert_eq!(send(&store, undo("u", 1)), Err(Failure::Rejected(Rejection::CannotUndo)));
    assert_eq!(exported(&shop), before);
    verified(&shop);
}

#[test]
fn what_a_reference_added_is_withdrawn_where_it_stands_now() {
    let shop = Shop::new();
    let store = shop.opened("owe");
    let withdraw = |key: &str, member: u64, reference: &str| {
        let from = Ledger::Points("points".into());
        let (reference, note) = (reference.into(), "brought over by mistake".into());
        keyed(key, Body::Withdraw { from, member: named(member), reference, note })
    };
    let withdrawn = |points: i64| Ok(Reply::Withdrawn { points: Points::new(points) });
    sent(&store, &[sign_up(1), sign_up(2), adjust("p1", 1, 30, Some("one")), adjust("p2", 2, 50, Some("two"))]);
    sent(&store, &[adjust("p3", 2, 7, Some("three")), merge("m", 2, 1)]);
    assert_eq!(send(&store, withdraw("w2", 1, "two")), withdrawn(50));
    assert_eq!(balance(&shop, 1), (37, 0));
    sent(&store, &[undo("u", 1)]);
    assert_eq!([1, 2].map(|it| balance(&shop, it)), [(30, 0), (7, 0)]);
    assert_eq!(send(&store, withdraw("w3", 1, "three")), Err(Failure::Rejected(Rejection::UnknownLot)));
    assert_eq!(send(&store, withdraw("w4", 2, "three")), withdrawn(7));
    assert_eq!([1, 2].map(|it| balance(&shop, it)), [(30, 0), (0, 0)]);
    verified(&shop);
}

#[test]
fn who_has_left_a_program_is_merged_and_has_left_again() {
    let shop = Shop::new();
    let store = shop.opened("owe");
    let join = keyed("join", Body::Join { program: "points".into(), member: named(2), note: "back".into() });
    sent(&store, &[sign_up(1), sign_up(2), sign_up(3), paid(2, "b", 2_000, 1, None), close("c", 2), join]);
    sent(&store, &[paid(3, "c", 500, 1, None), close("d", 3), merge("m1", 2, 3)]);
    verified(&shop);
    let closed =
        |member: u64| shop.reader().account(id_of(member), 1).expect("read").and_then(|it| it.closed().copied());
    assert_eq!(closed(3), None, "one of them is in the program");
    shop.now.fetch_add(DAY, std::sync::atomic::Ordering::SeqCst);
    sent(&store, &[paid(2, "b2", 700, 1, None), close("e", 3)]);
    assert!(closed(3).is_some());
    verified(&shop);
    sent(&store, &[undo("u", 3)]);
    assert!(closed(2).is_some() && closed(3).is_some(), "who left as one has left as both");
    verified(&shop);
    sent(&store, &[merge("m2", 3, 2), undo("u2", 2)]);
    assert!(closed(2).is_some() && closed(3).is_some());
    verified(&shop);
}

#[test]
fn certificates_are_found_by_their_codes_and_ids_wherever_they_are() {
    let shop = Shop::new();
    let store = shop.opened("owe");
    let with = |member: u64, reference: &str, named: &CertificateRef| {
        let Command { body, .. } = order(member, reference, sale(1_000, NEW_YEAR));
        let Body::PutOrder { channel, member, reference, document, .. } = body else { panic!("an order") };
        live(Body::PutOrder { channel, member, reference, document, certificates: Some(vec![named.clone()]) })
    };
    let all = |member: u64| {
        shop.reader().certificates(id_of(member), engine::Timestamp::from_micros(NEW_YEAR)).expect("they can be read")
    };
    let code = |it: &store::CertificateInfo| store.code(it).expect("the key is there").expect("it is posted");
    let by_code = |code: &str| store.certificate(code).expect("the key is there");
    sent(&store, &[sign_up(1), sign_up(2), sign_up(3), issue("a", 1), issue("b", 2)]);
    let (ledger, b) = (store::certificate_ledger(all(2)[0].currency), code(&all(2)[0]));
    let first_id = |member: u64| CertificateRef::Numbered { owner: id_of(member), ledger, number: LotNo(1) };

    sent(&store, &[merge("m", 2, 1), with(2, "b1", &by_code(&b)), issue("b2", 2)]);
    assert_eq!((all(1).len(), all(2).len()), (3, 0));
    let codes: Vec<String> = all(1).iter().map(code).collect();
    assert_eq!(codes[1], b, "in the order of who they came to first");
    let found = |named: &CertificateRef| {
        shop.reader().find_certificate(named, engine::Timestamp::from_micros(NEW_YEAR)).expect("read")
    };
    assert_eq!(found(&first_id(2)), Some(all(1)[1].clone()), "an id leads to it wherever it is");
    assert_eq!(found(&first_id(1)), Some(all(1)[0].clone()));
    let nobodys = CertificateRef::Numbered { owner: id_of(1), ledger, number: LotNo(1).under(Place(7)) };
    assert_eq!(found(&nobodys), None);
    assert_eq!(send(&store, with(1, "x", &nobodys)), Err(Failure::Rejected(Rejection::UnknownCertificate)));
    verified(&shop);

    // On to a third, and back step by step.
    sent(&store, &[merge("m2", 1, 3), with(2, "b3", &by_code(&codes[2]))]);
    assert_eq!(all(3).iter().map(code).collect::<Vec<_>>(), codes);
    verified(&shop);
    sent(&store, &[undo("u2", 3)]);
    assert_eq!(all(1).iter().map(code).collect::<Vec<_>>(), codes);
    verified(&shop);
    assert_eq!(send(&store, undo("u", 1)), Err(Failure::Rejected(Rejection::CannotUndo)), "the second made it final");
    sent(&store, &[merge("m3", 1, 3), with(3, "c1", &by_code(&codes[0]))]);
    let allowed = "one of whom no order is paid with a certificate of the other";
    let refused = Err(Failure::Rejected(Rejection::Invalid { path: "member".into(), allowed }));
    let before = exported(&shop);
    assert_eq!(send(&store, undo("u3", 3)), refused);
    assert_eq!(exported(&shop), before);
    verified(&shop);
}

/// What is refused under the name of somebody who was merged leaves no entry of the merge behind, in points, credit or
/// certificates; in a batch with others as alone.
#[test]
fn what_is_refused_under_another_name_posts_nothing() {
    let note = "by hand".to_owned();
    let credit = |key: &str, cents: i64| {
        let adjustment = engine::CreditAdjustment { amount: Money::new(cents), note: note.clone() };
        let body = Body::AdjustCredit { currency: *b"EUR", member: named(2), adjustment, reference: None };
        keyed(key, body)
    };
    let worthless = {
        let new = NewCertificates {
            value: Money::ZERO,
            count: 1,
            uses: None,
            validity: engine::Validity::Never,
            note: note.clone(),
        };
        keyed("none", Body::IssueCertificates { program: "points".into(), member: named(2), new, reference: None })
    };
    let refused = || {
        vec![
            paid(2, "dear", 1_000, 1, Some(999)),
            adjust("less", 2, -999, None),
            credit("less-credit", -1),
            worthless.clone(),
        ]
    };
    let mut exports = Vec::new();
    for (refuses, is_batch) in [(false, false), (true, false), (true, true)] {
        let shop = Shop::new();
        let store = shop.opened("owe");
        sent(&store, &[sign_up(1), sign_up(2), adjust("plus", 1, 50, None), merge("m", 2, 1)]);
        let told = exported(&shop);
        let commands = if refuses { refused() } else { Vec::new() };
        let outcomes: Vec<_> = match is_batch {
            true => together(&store, commands),
            false => commands.into_iter().map(|it| send(&store, it)).collect(),
        };
        for outcome in outcomes {
            assert!(matches!(outcome, Err(Failure::Rejected(_))), "{outcome:?}");
        }
        assert_eq!(exported(&shop), told, "what is refused posts nothing");
        // The first that is accepted tells the account of the merge, as if nothing had been before.
        sent(&store, &[adjust("more", 2, 5, None), credit("credit", 500), issue("gift", 2)]);
        verified(&shop);
        exports.push(exported(&shop));
    }
    assert!(exports[1] == exports[0] && exports[2] == exports[0], "alone as in a batch");
}

/// What does not belong to a merge leads somewhere, or stays with somebody whom nobody finds: `verify` says so.
#[test]
fn verify_names_what_was_left_behind_by_a_merge() {
    let [ana, ben, cleo] = [1, 2, 3].map(|it| format!("x'{}'", digits_of(it)));
    for (spoil, expected) in [
        (vec!["UPDATE merges SET undone_at = 1".to_owned()], "a member that was merged leads to nobody"),
        (vec!["UPDATE members SET merged_into = NULL".to_owned()], "leads to a member that is one of its own"),
        (
            vec![
                format!("UPDATE merges SET member_id = {cleo} WHERE member_id = {ben}"),
                format!("UPDATE members SET merged_into = NULL WHERE owner_id = {ben}"),
                format!("UPDATE members SET merged_into = {ana} WHERE owner_id = {cleo}"),
            ],
            "a member that was merged has something left",
        ),
    ] {
        let shop = Shop::new();
        let store = shop.opened("plain");
        sent(&store, &[sign_up(1), sign_up(2), sign_up(3), adjust("a", 1, 5, None), adjust("c", 3, 7, None)]);
        sent(&store, &[merge("m", 2, 1)]);
        drop(store);
        verified(&shop);
        spoil.iter().for_each(|it| assert!(0 < place::change(&shop, it), "{it}"));
        let found = shop.reader().verify(&mut |_| {}).expect("it can be read").difference.unwrap_or_default();
        assert!(found.contains(expected), "{spoil:?}: {found}");
    }
}
