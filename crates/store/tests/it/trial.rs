//! Commands that are only tried are answered as they would be, one after the other, and leave nothing.

use engine::{Adjustment, CreditAdjustment, Money, Points, SetTier, Timestamp, Validity};
use store::{Body, Command, Failure, MemberRef, NewCertificates, Reply, certificate_ledger};

use crate::shop::{NEW_YEAR, Shop, id_of, keyed, named, send, sign_up};
use crate::store::verified;

/// A sign-up, points and credit under references, a certificate before there is a key of codes, and what is refused.
fn commands() -> Vec<Command> {
    let program = || "points".to_owned();
    let adjust = |key: &str, member: u64, points: i64| {
        let adjustment = Adjustment { points: Points::new(points), note: "brought".into(), expires_at: None };
        let reference = Some("r-1".to_owned());
        keyed(key, Body::Adjust { program: program(), member: named(member), adjustment, reference })
    };
    let new = NewCertificates {
        value: Money::new(500),
        count: 2,
        uses: None,
        validity: Validity::Never,
        note: "brought".into(),
    };
    let give = Body::IssueCertificates { program: program(), member: named(2), new, reference: Some("c-1".into()) };
    let adjustment = CreditAdjustment { amount: Money::new(250), note: "brought".into() };
    let credit =
        Body::AdjustCredit { currency: *b"EUR", member: named(2), adjustment, reference: Some("r-1".to_owned()) };
    let set = SetTier { tier: Some("none".into()), until: None, note: "brought".into() };
    let tier = Body::SetTier { program: program(), member: named(2), set };
    vec![
        sign_up(2),
        adjust("a", 2, 70),
        adjust("b", 2, 70),
        adjust("c", 2, 71),
        adjust("d", 9, 70),
        keyed("e", give),
        keyed("f", credit),
        keyed("g", tier),
    ]
}

#[test]
fn what_is_tried_is_answered_as_it_would_be_and_leaves_nothing() {
    let shop = Shop::new();
    let store = shop.opened("owe");
    send(&store, sign_up(1)).expect("accepted");
    let now = Timestamp::from_micros(NEW_YEAR);
    let currency = engine::Currency { code: *b"EUR", exponent: 2 };
    let (tried, known) = store
        .reader()
        .expect("read")
        .try_out(now, |trial| {
            let tried: Vec<Result<Reply, Failure>> = commands().iter().map(|it| trial.send(it)).collect();
            assert_eq!(trial.find(&named(2)), Ok(Some(id_of(2))), "each sees those before it");
            assert_eq!(trial.is_known(certificate_ledger(currency), "c-1"), Ok(true));
            let alone = keyed("m", Body::Merge { member: named(1), other: named(2) });
            assert_eq!(trial.send(&alone), Err(Failure::Internal), "what changes more than a member is not tried");
            (tried, trial.tier_of(id_of(2), 1, now))
        })
        .expect("tried");
    assert_eq!(known, Ok(None));
    let reader = shop.reader();
    assert_eq!(reader.find(&MemberRef::Id(id_of(2))).expect("read"), None, "nothing of it is there");
    assert_eq!(reader.referred(1, "r-1").expect("read"), None);
    drop(reader);
    let sent: Vec<_> = commands().into_iter().map(|it| send(&store, it)).collect();
    assert_eq!(tried, sent);
    assert!(sent[2].is_ok() && sent[3] == Err(Failure::KeyReused), "{sent:?}");
    verified(&shop);
}
