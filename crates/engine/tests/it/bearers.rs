//! Certificates that belong to nobody: claimed, one is what it would be if it had been given to its member at first.

use engine::{
    Account, BEARER_LOT, BearerClaim, Bucket, CancelCertificate, IssueCertificates, Kind, Lot, LotNo, Money, Place,
    Points, Reason, Rejection, Rules, Stop, Timeline, Uses, Validity, Zone, cancel_certificate, claim_bearer,
    issue_bearers, issue_certificates, settle,
};
use proptest::prelude::*;

use crate::ledger::check_replay;
use crate::programs::NOON;
use crate::seeded::check;

fn moment(days: i64, import: bool) -> engine::Moment {
    let now = engine::Timestamp::from_micros(NOON.micros() + days * 86_400_000_000);
    engine::Moment { now, actor: engine::Actor::Key(1), import }
}

fn issue(value: i64, count: u32, uses: Uses, validity: Validity) -> IssueCertificates {
    IssueCertificates { value: Money::new(value), count, uses, validity, note: "prizes".into() }
}

fn claim(place: Place) -> BearerClaim {
    BearerClaim { bearer: [0xff; 16], certificate: BEARER_LOT, member: [1; 16], under: place }
}

fn after(account: &Account, decided: &engine::Decided) -> Account {
    let mut account = account.clone();
    account.apply(decided);
    account
}

/// A wallet with so many certificates of its own, and what has been posted on it.
fn wallet(own: u32, validity: Validity) -> (Account, Vec<engine::Entry>) {
    let nobody = Account::default();
    let given =
        issue_certificates(&nobody, Place::OWN, &issue(500, own, Uses::Once, validity), &Zone::utc(), moment(0, false));
    let given = given.expect("they can be given");
    (after(&nobody, &given), given.entries)
}

fn lot(account: &Account, no: LotNo) -> Lot {
    *account.lot(no).expect("it is there")
}

fn inputs() -> impl Strategy<Value = (i64, Uses, Validity, u32, i64)> {
    let uses = prop_oneof![Just(Uses::Several), Just(Uses::Once)];
    let validity = prop_oneof![Just(Validity::Never), (1..40_u16).prop_map(Validity::Days)];
    (1..1_000_000_i64, uses, validity, 1..4_u32, 0..60_i64)
}

#[test]
fn a_claimed_certificate_is_what_it_would_be_if_it_had_been_given() {
    check(256, &inputs(), |(value, uses, validity, own, days)| {
        let made = issue_bearers(&issue(value, 1, uses, validity), &Zone::utc(), moment(0, false)).expect("it is made");
        let bearer = after(&Account::default(), &made[0]);
        let (mut member, mut entries) = wallet(own, Validity::Days(20));
        let claimed = claim_bearer(&bearer, &member, &claim(Place::OWN), moment(days, false)).expect("all is loaded");
        let gone = after(&bearer, &claimed.bearer);
        member.apply(&claimed.member);
        entries.extend(claimed.member.entries.iter().cloned());
        check_replay(&member, &entries)?;
        check_replay(&gone, &[made[0].entries.clone(), claimed.bearer.entries].concat())?;
        prop_assert_eq!(claimed.certificate, LotNo(u64::from(own) + 1));

        // The same, given at once, and settled to the same instant.
        let (other, _) = wallet(own, Validity::Days(20));
        let given = issue(value, 1, uses, validity);
        let given =
            issue_certificates(&other, Place::OWN, &given, &Zone::utc(), moment(0, false)).expect("it is given");
        let nothing = Timeline::default();
        let mut other = after(&other, &given);
        let due = settle(&other, Rules::of(&nothing), moment(days, false).now).expect("all is loaded");
        other.apply(&due);
        let lots = |account: &Account| {
            let all = account.lots().iter().map(|it| (it.at, it.certificate, it.available));
            all.collect::<Vec<_>>()
        };
        prop_assert_eq!(lots(&member), lots(&other));
        prop_assert_eq!(member.balance.available, other.balance.available);
        prop_assert_eq!(gone.balance.moved, Points::ZERO - member.balance.moved, "nothing is made or lost");
        prop_assert_eq!(gone.balance.available, Points::ZERO);
        prop_assert!(gone.balance.is_conserved() && member.balance.is_conserved());
        Ok(())
    });
}

#[test]
fn both_sides_say_whose_it_was_and_whose_it_is() {
    let made = issue_bearers(&issue(2_500, 2, Uses::Several, Validity::Never), &Zone::utc(), moment(0, false));
    let made = made.expect("they are made");
    assert_eq!(made.len(), 2, "each begins a ledger of its own");
    let bearer = after(&Account::default(), &made[1]);
    let (member, _) = wallet(3, Validity::Never);
    for under in [Place::OWN, Place(2)] {
        let claimed = claim_bearer(&bearer, &member, &claim(under), moment(1, false)).expect("all is loaded");
        let (left, came) = (&claimed.bearer.entries[0], &claimed.member.entries[0]);
        assert_eq!((left.kind, came.kind), (Kind::Claim, Kind::Claim));
        let number = LotNo(if under == Place::OWN { 4 } else { 1 });
        assert_eq!(left.reason, Reason::Bearer { other: [1; 16], certificate: number }, "by its first owner's number");
        assert_eq!(came.reason, Reason::Bearer { other: [0xff; 16], certificate: BEARER_LOT });
        let moved = |it: &engine::Entry| (it.postings[0].from, it.postings[0].to, it.postings[0].points.get());
        assert_eq!(moved(left), (Bucket::Available, Bucket::Moved, 2_500));
        assert_eq!(moved(came), (Bucket::Moved, Bucket::Available, 2_500));
    }
}

#[test]
fn one_that_is_over_comes_with_nothing_but_why() {
    let made = issue_bearers(&issue(2_500, 1, Uses::Several, Validity::Days(3)), &Zone::utc(), moment(0, false));
    let bearer = after(&Account::default(), &made.expect("it is made")[0]);
    let (member, _) = wallet(1, Validity::Never);
    let late = claim_bearer(&bearer, &member, &claim(Place::OWN), moment(5, false)).expect("all is loaded");
    let came = lot(&after(&member, &late.member), late.certificate);
    assert!(came.available.is_zero() && came.at.expires_at <= moment(5, false).now);

    let cancel = CancelCertificate { certificate: BEARER_LOT, note: "lost".into() };
    let cancelled = cancel_certificate(&bearer, &cancel, moment(1, false)).expect("it is there");
    let cancelled = after(&bearer, &cancelled);
    let claimed = claim_bearer(&cancelled, &member, &claim(Place::OWN), moment(1, false)).expect("all is loaded");
    let came = lot(&after(&member, &claimed.member), claimed.certificate);
    assert!(came.available.is_zero() && came.certificate.is_some_and(|it| it.is_cancelled));
    assert_eq!(claimed.bearer.entries[0].postings, [], "its ledger keeps what is left of it, which is nothing");
}

#[test]
fn what_is_refused_is_told() {
    let nobody = |issue: &IssueCertificates| issue_bearers(issue, &Zone::utc(), moment(0, false)).err();
    for (value, count, field) in [(0, 1, "value"), (100, 0, "count"), (100, 101, "count")] {
        let told = nobody(&issue(value, count, Uses::Several, Validity::Never));
        assert!(
            matches!(&told, Some(Stop::Rejected(Rejection::Invalid { path, .. })) if path == field),
            "{value} x {count}: {told:?}"
        );
    }
    let made = issue_bearers(&issue(100, 1, Uses::Several, Validity::Never), &Zone::utc(), moment(0, false));
    let bearer = after(&Account::default(), &made.expect("it is made")[0]);
    let (member, _) = wallet(1, Validity::Never);
    let other = BearerClaim { certificate: LotNo(2), ..claim(Place::OWN) };
    let unknown = claim_bearer(&bearer, &member, &other, moment(0, false));
    assert_eq!(unknown.err(), Some(Stop::Rejected(Rejection::UnknownCertificate)));
    let behind = claim_bearer(&bearer, &member, &claim(Place::OWN), moment(-1, true));
    assert_eq!(behind.err(), Some(Stop::Rejected(Rejection::BehindAccount)));
}
