//! Law 4: a batch gives what its commands give one at a time, in the same order. Random commands over few members, so that
//! they meet; a failure prints its seed.

use engine::{
    Adjustment, ClaimNo, Closing, CreditAdjustment, Currency, Document, DocumentVersion, HoldNo, LotNo, Money, Points,
    Timestamp, Uses, Validity,
};
use store::{
    Body, CardAct, CardChange, CertificateRef, Command, Failure, Identity, IdentityKind, Ledger, MemberRef,
    NewCertificates, OrderName, ReturnedPart, Store,
};

use crate::crash::Random;
use crate::limits::export;
use crate::shop::{
    DAY, NEW_YEAR, Shop, add_channel, at, create_program, id_of, keyed, live, named, order, sale, send, sign_up,
};
use crate::store::{together, verified};

const HISTORIES: u64 = 12;
const MEMBERS: u64 = 5;

#[test]
fn random_commands_give_in_a_batch_what_they_give_one_at_a_time() {
    check("plain");
}

/// Two programs whose points become credit of one currency.
#[test]
fn random_commands_that_share_store_credit_give_in_a_batch_what_they_give_one_at_a_time() {
    check("converts owe");
}

/// Two programs whose points become certificates of one currency, by themselves or when staff hand them out.
#[test]
fn random_commands_that_share_rewards_give_in_a_batch_what_they_give_one_at_a_time() {
    check("rewards owe");
    check("collected owe");
}

/// Who comes first has the last piece of a reward, and a coupon is a certificate among others.
#[test]
fn random_commands_that_share_a_stock_give_in_a_batch_what_they_give_one_at_a_time() {
    check("catalogue owe");
    check("catalogue collected");
}

/// Who comes first has the points of a budget.
#[test]
fn random_commands_that_share_a_budget_give_in_a_batch_what_they_give_one_at_a_time() {
    check("launch owe");
}

pub(crate) fn opened(shop: &Shop, document: &str) -> Store {
    let store = shop.opened(document);
    let second = create_program("second", document, Timestamp::from_micros(0));
    let signs_up = Body::ChangeChannel { channel: "till".into(), signs_up: true };
    for (key, body) in [("second", second), ("till", add_channel("till", "second")), ("signs up", signs_up)] {
        send(&store, keyed(key, body)).expect("a second program and its channel");
    }
    store
}

fn check(document: &str) {
    let mut random = Random::new();
    for _ in 0..HISTORIES {
        let many = random.within(40..=160);
        let commands = draw_history(&mut random, many);
        let alone = Shop::in_order();
        let store = opened(&alone, document);
        let one_by_one: Vec<_> = commands.iter().map(|it| send(&store, it.clone())).collect();
        for (it, answer) in commands.iter().zip(&one_by_one) {
            assert!(!matches!(answer, Err(Failure::Internal | Failure::Store(_))), "{it:?}: {answer:?}");
        }
        drop(store);
        let batched = Shop::in_order();
        let store = opened(&batched, document);
        assert_eq!(together(&store, commands), one_by_one);
        drop(store);
        same(&export(&alone), &export(&batched));
        verified(&alone);
        verified(&batched);
    }
}

/// Two exports, line by line.
pub(crate) fn same(one: &str, other: &str) {
    one.lines().zip(other.lines()).for_each(|(one, other)| assert_eq!(one, other));
    assert_eq!(one.lines().count(), other.lines().count());
}

/// One of the first certificates of a member, which may not be there yet.
fn certificate(random: &mut Random, member: u64) -> CertificateRef {
    let currency = Currency { code: *b"EUR", exponent: 2 };
    let ledger = store::certificate_ledger(currency);
    CertificateRef::Numbered { owner: id_of(member), ledger, number: LotNo(random.within(1..=3)) }
}

/// Now and then a permanent reference, one of a few.
fn reference(random: &mut Random, name: &str) -> Option<String> {
    (random.within(0..=3) == 0).then(|| format!("{name} {}", random.within(0..=5)))
}

fn signed(random: &mut Random, most: u64) -> i64 {
    i64::try_from(random.within(1..=most)).expect("small")
}

/// So many commands, all at once or over some months.
pub(crate) fn draw_history(random: &mut Random, many: u64) -> Vec<Command> {
    let takes_time = random.within(0..=1) == 0;
    let drawn = |it| {
        let command = draw(random, it);
        if takes_time { later(command, it) } else { command }
    };
    (0..many).map(drawn).collect()
}

/// The same as an import would bring it: half a day after the one before. All orders are of the first day.
fn later(mut command: Command, number: u64) -> Command {
    let (first, half_a_day) = (NEW_YEAR - 100 * DAY, DAY / 2);
    let day = Timestamp::from_micros(first);
    match &mut command.body {
        Body::PutOrder { document, .. } => {
            let cancelled_at = document.cancelled_at.map(|_| day);
            let dates = Document { cancelled_at, ..Document::sale(document.currency, Money::ZERO, day) };
            let Document { placed_at, paid_at, fulfilled_at, cancelled_at, .. } = dates;
            *document = Document { placed_at, paid_at, fulfilled_at, cancelled_at, ..Document::clone(document) }.into();
        }
        Body::PutReturn { returned, .. } => returned.returned_at = day,
        _ => {}
    }
    at(command, first + i64::try_from(number).expect("small") * half_a_day)
}

/// Sign-ups come in between, so that some commands meet members who are not there yet; keys and references repeat.
pub(crate) fn draw(random: &mut Random, number: u64) -> Command {
    let member = random.within(1..=MEMBERS);
    let key = format!("key {}", random.within(0..=number));
    let program = "points".to_owned();
    match random.within(0..=13) {
        13 => {
            let uses = (random.within(0..=1) == 0).then_some(Uses::Once);
            let validity = if random.within(0..=2) == 0 { Validity::Days(20) } else { Validity::Never };
            let value = Money::new(signed(random, 3_000));
            let new = NewCertificates { value, count: 1, uses, validity, note: "law 4".into() };
            if random.within(0..=3) == 0 {
                return keyed(&key, Body::IssueBearers { program, new });
            }
            keyed(
                &key,
                Body::IssueCertificates { program, member: named(member), new, reference: reference(random, "gift") },
            )
        }
        12 => live(Body::CancelCertificate { certificate: certificate(random, member), note: "law 4".into() }),
        0 | 1 => sign_up(member),
        2 => {
            let points = Points::new(signed(random, 120) - 40);
            let adjustment = Adjustment { points, note: "law 4".into(), expires_at: None };
            let reference = (random.within(0..=3) == 0).then(|| format!("act {}", random.within(0..=5)));
            keyed(&key, Body::Adjust { program, member: named(member), adjustment, reference })
        }
        3 => {
            let points = Points::new(signed(random, 60));
            keyed(&key, Body::Hold { program, member: named(member), points, minutes: None })
        }
        5 => {
            let reference = (random.within(0..=3) == 0).then(|| format!("credit {}", random.within(0..=5)));
            let adjustment = CreditAdjustment { amount: Money::new(signed(random, 3_000) - 900), note: "law 4".into() };
            keyed(&key, Body::AdjustCredit { currency: *b"EUR", member: named(member), adjustment, reference })
        }
        6..=9 => draw_of_members(random, member, &key),
        4 => {
            let hold = HoldNo(random.within(1..=4));
            keyed(&key, Body::ReleaseHold { program, member: named(member), hold })
        }
        _ => draw_order(random, member),
    }
}

fn draw_order(random: &mut Random, member: u64) -> Command {
    let reference = random.within(0..=12);
    let mut document = sale(signed(random, 9_000), NEW_YEAR);
    document.version = DocumentVersion::Number(random.within(1..=6));
    document.redeem = (random.within(0..=2) == 0).then(|| Points::new(signed(random, 80)));
    document.credit = (random.within(0..=2) == 0).then(|| Money::new(signed(random, 2_000) - 1));
    document.hold = (random.within(0..=5) == 0).then(|| HoldNo(random.within(1..=4)));
    document.refunded = Money::new(if random.within(0..=2) == 0 { document.lines[0].amount.minor() / 2 } else { 0 });
    let cancelled = random.within(0..=6) == 0;
    document.cancelled_at = cancelled.then_some(Timestamp::from_micros(NEW_YEAR));
    // Mostly the same member sends the same order; sometimes another tries.
    let whose = if random.within(0..=9) == 0 { member } else { 1 + reference % MEMBERS };
    let mut command = order(whose, &format!("order {reference}"), document);
    let (names_nobody, by_card) = (random.within(0..=2) == 0, random.within(0..=5) == 0);
    let card = Identity::new(IdentityKind::Card, format!("600{}", random.within(1..=3)));
    if let Body::PutOrder { channel, member, certificates, .. } = &mut command.body {
        if reference.is_multiple_of(3) {
            // It signs up whom its first document names.
            "till".clone_into(channel);
        }
        if names_nobody {
            *member = None;
        } else if by_card {
            *member = Some(MemberRef::Identity(card));
        }
        *certificates = (random.within(0..=2) == 0).then(|| vec![certificate(random, whose)]);
    }
    command
}

/// What staff and other tills do: claims of orders without a member, returns, members who leave and come back.
fn draw_of_members(random: &mut Random, member: u64, key: &str) -> Command {
    let program = if random.within(0..=3) == 0 { "second" } else { "points" }.to_owned();
    match random.within(0..=12) {
        7 | 8 => {
            let other = named(random.within(1..=MEMBERS));
            keyed(key, Body::Merge { member: named(member), other })
        }
        9 => keyed(key, Body::Unmerge { member: named(member) }),
        10 => draw_card(random, member),
        11 => {
            let reward = if random.within(0..=1) == 0 { "mug" } else { "coupon" }.to_owned();
            keyed(key, Body::ClaimReward { program, member: named(member), reward })
        }
        12 => {
            let (claim, cancels) = (ClaimNo(random.within(1..=4)), random.within(0..=1) == 0);
            live(Body::EndClaim { program, member: named(member), claim, cancels, note: "law 4".into() })
        }
        5 => keyed(key, Body::Collect { program, member: named(member), note: "law 4".into() }),
        3 => {
            let reference = format!("act {}", random.within(0..=5));
            let from = Ledger::Points(program);
            keyed(key, Body::Withdraw { from, member: named(member), reference, note: "law 4".into() })
        }
        4 => {
            let (name, from) = if random.within(0..=1) == 0 {
                ("credit", Ledger::Credit(*b"EUR"))
            } else {
                ("gift", Ledger::Certificates(*b"EUR"))
            };
            let reference = format!("{name} {}", random.within(0..=5));
            keyed(key, Body::Withdraw { from, member: named(member), reference, note: "law 4".into() })
        }
        0 => {
            let reference = random.within(0..=12);
            let channel = if reference.is_multiple_of(3) { "till" } else { "shop" }.to_owned();
            let order = OrderName { channel, reference: format!("order {reference}") };
            keyed(key, Body::ClaimOrder { order, member: named(member), note: "law 4".into() })
        }
        1 => {
            let order = OrderName { channel: "shop".into(), reference: format!("order {}", random.within(0..=12)) };
            let returned = Box::new(ReturnedPart {
                version: DocumentVersion::Number(random.within(1..=3)),
                returned_at: Timestamp::from_micros(NEW_YEAR),
                lines: Vec::new(),
                refunded: Money::new(i64::try_from(random.within(1..=300)).expect("small")),
            });
            let (channel, reference) = ("shop".into(), format!("return {}", random.within(0..=4)));
            live(Body::PutReturn { channel, reference, order, currency: *b"EUR", returned })
        }
        2 => {
            let grace_days = u16::try_from(random.within(0..=2)).expect("small");
            let closing = Closing { grace_days, note: "law 4".into() };
            keyed(key, Body::Close { program, member: named(member), closing })
        }
        _ => keyed(key, Body::Join { program, member: named(member), note: "law 4".into() }),
    }
}

/// What staff do with the few cards that there are; seldom somebody is erased.
fn draw_card(random: &mut Random, member: u64) -> Command {
    let number = |random: &mut Random| format!("600{}", random.within(1..=3));
    let card = number(random);
    let act = match random.within(0..=8) {
        0..=2 => CardAct::Add { member: named(member), label: None },
        3 => CardAct::Change(CardChange { blocked: Some(true), ..CardChange::default() }),
        4 => CardAct::Change(CardChange { blocked: Some(false), ..CardChange::default() }),
        5 | 6 => CardAct::Replace { by: number(random), note: Some("law 4".into()) },
        7 => CardAct::Remove,
        _ => return live(Body::Erase { member: named(member), only_unused: random.within(0..=1) == 0 }),
    };
    live(Body::Card { card, act })
}
