//! Entries that no order brings about, and every refusal, in words.

use std::borrow::Cow;

use engine::{
    Account, Actor, Adjustment, Decided, Document, HoldNo, Moment, Money, Points, Rejection, Rules, Share, Switch,
    Terms, Timeline, Timestamp, Version,
};
use server::program::compile;
use server::words::{Names, Voice, answer_in_words, certificate_in_words, entry_in_words, rejection_in_words};

use crate::document;

/// A member whose ledger is told entry by entry.
pub(crate) struct Shop {
    account: Account,
    timeline: Timeline,
    terms: Terms,
    names: Names,
    pub(crate) now: Timestamp,
}

pub(crate) fn shop(more: &str) -> Shop {
    let terms = compile(&document(more)).unwrap();
    let version = Version { number: 1, effective_at: Timestamp::START, terms: terms.clone() };
    let timeline = Timeline::new(vec![version], Vec::new());
    let now = Timestamp::parse("2022-04-01T13:21:00-04:00").unwrap();
    Shop { account: Account::default(), timeline, terms, names: Names::default(), now }
}

impl Shop {
    pub(crate) fn voice(&self) -> Voice<'_> {
        Voice { terms: &self.terms, names: &self.names }
    }

    pub(crate) fn sale(&self, minor: i64) -> Document {
        Document::sale(*b"USD", Money::new(minor), self.now)
    }

    pub(crate) fn switch_off(&mut self) {
        let off = Switch { at: self.now, on: false };
        self.timeline = Timeline::new(self.timeline.versions().to_vec(), vec![off]);
    }

    fn moment(&self) -> Moment {
        Moment { now: self.now, actor: Actor::Staff(0), import: true }
    }

    /// Posts what was decided and tells it.
    fn tell(&mut self, decided: &Decided) -> Vec<String> {
        self.account.apply(decided);
        let lots = |no| self.account.lot(no).map(|it| it.at);
        let reference = |it: engine::OrderNo| format!("{}", 1000 + it.0);
        let tell = |it: &engine::Entry| {
            let order = it.order.map(reference);
            entry_in_words(it, order.as_deref(), &lots, &self.voice())
        };
        decided.entries.iter().map(tell).collect()
    }

    /// Records a document of the order with that number (from 1): its entries in words, then its answer.
    pub(crate) fn put(&mut self, no: u64, document: Document) -> Vec<String> {
        let known = self.account.order(engine::OrderNo(no)).map(|it| it.no);
        let decided = engine::put_order(
            &self.account,
            Rules::of(&self.timeline),
            known,
            &std::sync::Arc::new(document),
            self.moment(),
        );
        let decided = decided.unwrap();
        let mut said = self.tell(&decided);
        let answer = decided.answer.expect("an order is always answered");
        said.push(answer_in_words(&answer, Some(&format!("{}", 1000 + no)), &self.voice()));
        said
    }

    pub(crate) fn adjust(&mut self, points: i64, note: &str) -> Vec<String> {
        let adjustment = Adjustment { points: Points::new(points), note: note.to_owned(), expires_at: None };
        let decided = engine::adjust(&self.account, Rules::of(&self.timeline), &adjustment, self.moment()).unwrap();
        self.tell(&decided)
    }

    fn redate(&mut self, expires_at: &str, note: &str) -> Vec<String> {
        let expires_at = Timestamp::parse(expires_at).unwrap();
        let redating = engine::Redating { lot: None, expiring_by: None, expires_at, note: note.to_owned() };
        let decided = engine::redate(&self.account, Rules::of(&self.timeline), &redating, self.moment()).unwrap();
        self.tell(&decided)
    }

    pub(crate) fn hold(&mut self, points: i64, minutes: Option<u32>) -> Vec<String> {
        let points = Points::new(points);
        let decided = engine::hold(&self.account, Rules::of(&self.timeline), points, minutes, self.moment()).unwrap();
        self.tell(&decided)
    }

    fn release(&mut self, no: u64) -> Vec<String> {
        let decided =
            engine::release_hold(&self.account, Rules::of(&self.timeline), HoldNo(no), self.moment()).unwrap();
        self.tell(&decided)
    }

    pub(crate) fn wait_until(&mut self, time: &str) -> Vec<String> {
        self.now = Timestamp::parse(time).unwrap();
        let decided = engine::settle(&self.account, Rules::of(&self.timeline), self.now).unwrap();
        self.tell(&decided)
    }
}

#[track_caller]
pub(crate) fn check(said: &[String], expected: &[&str]) {
    assert_eq!(said, expected);
}

#[test]
fn staff_move_dates() {
    let mut shop = shop(r#""validity": {"months": 12}"#);
    shop.adjust(20, "a gift");
    shop.adjust(5, "another");
    check(
        &shop.redate("2023-07-01T04:00:00Z", "goodwill"),
        &["The points earned 1 April 2022 can now be spent until 30 June 2023, by staff: goodwill"],
    );
    shop.wait_until("2022-04-03T12:00:00Z");
    shop.adjust(7, "a third");
    check(
        &shop.redate("2023-08-01T04:00:00Z", "again"),
        &["The points of 2 days can now be spent until 31 July 2023, by staff: again"],
    );
}

#[test]
fn staff_add_and_deduct() {
    let mut shop = shop(r#""validity": {"months": 12}"#);
    check(
        &shop.adjust(20, "birthday gift"),
        &["20 points added by staff: birthday gift, to be spent until 1 April 2023"],
    );
    check(&shop.adjust(-1, "counted twice"), &["1 point deducted by staff (earned 1 April 2022): counted twice"]);
}

#[test]
fn holds_are_told_with_their_end() {
    let mut shop = shop("");
    shop.adjust(100, "a gift");
    check(&shop.hold(60, None), &["Hold 1: 60 points held for a checkout for 15 minutes, until 13:36"]);
    check(&shop.hold(1, Some(1)), &["Hold 2: 1 point held for a checkout for 1 minute, until 13:22"]);
    check(&shop.release(1), &["Hold 1 was released: 60 points can be spent again"]);
    check(&shop.wait_until("2022-04-01T18:00:00Z"), &["Hold 2 lapsed: 1 point can be spent again"]);
}

#[test]
fn the_last_day_is_told_and_not_the_first_instant_without_points() {
    let mut shop = shop(r#""validity": {"days": 1}"#);
    check(&shop.adjust(5, "a gift"), &["5 points added by staff: a gift, to be spent until 2 April 2022"]);
    check(&shop.wait_until("2022-04-03T03:59:59.999999Z"), &[]);
    check(&shop.wait_until("2022-04-03T04:00:00Z"), &["5 points expired (earned 1 April 2022)"]);
}

#[test]
fn points_of_several_days_are_told_by_day() {
    let expiring = |days: &[&str]| {
        let mut shop = shop(r#""validity": {"until": "2022-12-31"}"#);
        for day in days {
            shop.wait_until(&format!("2022-05-{day}T12:00:00Z"));
            shop.adjust(10, "a gift");
        }
        shop.wait_until("2023-01-01T05:00:00Z")
    };
    check(&expiring(&["01", "01"]), &["20 points expired (earned 1 May 2022)"]);
    check(&expiring(&["01", "02"]), &["20 points expired (10 earned 1 May 2022, 10 earned 2 May 2022)"]);
    check(&expiring(&["01", "02", "03", "04"]), &["40 points expired (earned on 4 days, 1 May 2022 to 4 May 2022)"]);
}

#[test]
fn an_entry_whose_lots_are_not_at_hand_is_told_without_their_dates() {
    let mut shop = shop(r#""validity": {"days": 1}"#);
    shop.adjust(5, "a gift");
    let decided =
        engine::settle(&shop.account, Rules::of(&shop.timeline), Timestamp::parse("2022-05-01T00:00:00Z").unwrap())
            .unwrap();
    let said = entry_in_words(&decided.entries[0], None, &|_| None, &shop.voice());
    assert_eq!(said, "5 points expired");
}

#[test]
fn every_refusal_says_what_would_be_accepted() {
    let shop = shop("");
    let names = Names { one: "Star".to_owned(), many: "Stars".to_owned() };
    let voice = Voice { names: &names, ..shop.voice() };
    let [one, many] = [Points::new(1), Points::new(1500)];
    for (rejection, expected) in [
        (
            Rejection::Invalid { path: Cow::Borrowed("lines[0].amount"), allowed: "0.00 to 5.00" },
            "lines[0].amount: allowed is 0.00 to 5.00.",
        ),
        (Rejection::UnknownChannel, "There is no channel of that name."),
        (Rejection::UnknownProgram, "There is no program of that name."),
        (Rejection::UnknownMember, "There is no member with that identity."),
        (Rejection::UnknownTier, "The program has no tier of that name."),
        (Rejection::IdentityTaken, "That identity belongs to another member."),
        (Rejection::OtherMember, "That reference is an order of another member."),
        (Rejection::WrongCurrency, "The order is in another currency: this program counts in USD."),
        (Rejection::DateTooOld { path: "paid_at" }, "paid_at: allowed is at most 30 days back."),
        (Rejection::DateAhead { path: "paid_at" }, "paid_at: allowed is at most 5 minutes ahead."),
        (
            Rejection::VersionKind,
            "version: allowed is the same kind as before for this order (a number or a time of change).",
        ),
        (Rejection::VersionConflict, "version: that version was received before with another content."),
        (Rejection::ProgramOff, "The program was not on at that time: no Stars can be redeemed."),
        (Rejection::UnknownHold, "hold: the account has no such hold."),
        (Rejection::HoldTaken, "hold: another order has taken it over."),
        (
            Rejection::BelowMinimum { value: Money::new(1500), points: many },
            "That is too few: at least 1,500 Stars are redeemed at once, and at least 15.00.",
        ),
        (
            Rejection::BelowMinimum { value: Money::ZERO, points: many },
            "That is too few: at least 1,500 Stars are redeemed at once.",
        ),
        (Rejection::CertificateClaimed, "Somebody else was the first to use this certificate: it belongs to them now."),
        (Rejection::NoRewards, "The program has no rewards that staff hand out."),
        (
            Rejection::CertificateOfOrder { certificate: engine::LotNo(7) },
            "Certificate 7 came from this very order: it pays for other orders.",
        ),
        (Rejection::NotWithDiscounts, "The order has a discount: Stars come instead of discounts."),
        (
            Rejection::BalanceBelowMinimum { points: many, balance: one },
            "Nothing can be redeemed before 1,500 Stars can be spent: now it is 1 Star.",
        ),
        (Rejection::NotInSteps { step: many }, "That is between two steps: 1,500 Stars at a time are redeemed."),
        (Rejection::AboveMaximum { points: many }, "That is more than one order redeems: at most 1,500 Stars."),
        (
            Rejection::AboveShare { share: Share(1_250), fits: many },
            "That is more than the 12.5% of an order that Stars pay: at most 1,500 Stars.",
        ),
        (Rejection::ExceedsOrder { fits: one }, "That is more than the order can take: at most 1 Star."),
        (Rejection::BehindAccount, "The account has later entries; an import may only earn before them."),
        (Rejection::InsufficientPoints { spendable: many }, "That is more than can be spent: at most 1,500 Stars."),
        (Rejection::InsufficientPoints { spendable: Points::ZERO }, "There are no Stars to spend."),
    ] {
        assert_eq!(rejection_in_words(&rejection, &voice), expected);
    }
}

/// A certificate that belonged to nobody says on both sides what became of it.
#[test]
fn a_claimed_certificate_is_told_on_both_sides() {
    let shop = shop("");
    let issue = engine::IssueCertificates {
        value: Money::new(2500),
        count: 1,
        uses: engine::Uses::Several,
        validity: engine::Validity::Days(30),
        note: "Prizes".to_owned(),
    };
    let given = engine::issue_bearers(&issue, &shop.terms.zone, shop.moment()).unwrap();
    let mut bearer = Account::default();
    bearer.apply(&given[0]);
    let (certificate, under) = (engine::LotNo(1), engine::Place::OWN);
    let claim = engine::BearerClaim { bearer: [255; 16], certificate, member: [1; 16], under };
    let claimed = engine::claim_bearer(&bearer, &Account::default(), &claim, shop.moment()).unwrap();
    let entries = [&given[0], &claimed.bearer, &claimed.member].into_iter().flat_map(|it| &it.entries);
    let told: Vec<String> = entries.map(|it| certificate_in_words(it, None, &shop.voice())).collect();
    assert_eq!(
        told,
        [
            "Certificate 1: 25.00 given by hand: Prizes, to be used until 1 May 2022",
            "Certificate 1: 25.00 went to the member who used it first",
            "Certificate 1: 25.00 that belonged to nobody, until this member used it first",
        ]
    );
}
