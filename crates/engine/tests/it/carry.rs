//! Carried remainders, with the numbers a shop would give: one point per full 50.00 of all that a member buys.

use std::sync::Arc;

use engine::{
    Account, Actor, Currency, Document, DocumentVersion, EarnMode, EarnRate, Milestone, Moment, Money, OrderNo, Points,
    PointsPart, RedeemRate, RedeemTerms, Rules, Shortfall, Terms, Timeline, Timestamp, Validity, Version,
    WithDiscounts, Zone, put_order,
};

struct Shop {
    account: Account,
    timeline: Timeline,
    now: Timestamp,
    version: u64,
}

impl Shop {
    fn new() -> Self {
        Self::with_rates(&[1])
    }

    /// One version a day, each with the points that a step of 50.00 is worth.
    fn with_rates(points: &[i64]) -> Self {
        let now = Timestamp::parse("2026-01-01T12:00:00Z").expect("a constant");
        let version = |(index, points): (usize, &i64)| Version {
            number: u32::try_from(index + 1).expect("few versions"),
            effective_at: now.plus_days(i32::try_from(index).expect("few versions")),
            terms: Self::terms(*points),
        };
        let versions = points.iter().enumerate().map(version).collect();
        Self { account: Account::default(), timeline: Timeline::new(versions, Vec::new()), now, version: 0 }
    }

    fn terms(points: i64) -> Terms {
        Terms {
            zone: Zone::utc(),
            currency: Currency { code: *b"EUR", exponent: 2 },
            grant_on: Milestone::Paid,
            earn: EarnRate { points: Points::new(points), per: Money::new(50_00), mode: EarnMode::StepsCarried },
            earning: engine::Earning::default(),
            order_types: std::collections::BTreeSet::new(),
            earn_on_tax: false,
            earn_on_shipping: false,
            caps: None,
            tiers: None,
            waiting_days: 0,
            validity: Validity::Never,
            extend: None,
            activities: None,
            grace_days: 30,
            claim_days: 30,
            redeem: RedeemTerms {
                rate: RedeemRate { points: Points::new(1), value: Money::new(100) },
                value_min: Money::ZERO,
                points_min: Points::ZERO,
                hold_minutes: 15,
                step: Points::new(1),
                points_max: None,
                value_max: None,
                share_max: None,
                balance_min: Points::ZERO,
                pays_shipping: false,
                pays_tax: false,
                with_discounts: WithDiscounts::After,
            },
            shortfall: Shortfall::Owe,
            points_part: PointsPart::Stays,
            convert: None,
            catalogue: std::sync::Arc::default(),
            certificate_uses: engine::Uses::Several,
        }
    }

    fn next_day(&mut self) {
        self.now = self.now.plus_days(1);
    }

    fn earned(&self, no: u64) -> i64 {
        self.account.order(OrderNo(no)).expect("it was sent").posted.earned.get()
    }

    /// Sends the order with that much of it kept; answers balance and remainder.
    fn order(&mut self, no: u64, sold: i64, refunded: i64) -> (i64, i64) {
        self.now = self.now.plus_minutes(1);
        self.version += 1;
        let known = self.account.order(OrderNo(no)).map(|it| it.no);
        let placed = self.account.order(OrderNo(no)).and_then(|it| it.document.as_deref().map(|it| it.placed_at));
        let mut document = Document::sale(*b"EUR", Money::new(sold), placed.unwrap_or(self.now));
        document.version = DocumentVersion::Number(self.version);
        document.refunded = Money::new(refunded);
        let moment = Moment { now: self.now, actor: Actor::Channel(1), import: false };
        let decided =
            put_order(&self.account, Rules::of(&self.timeline), known, &Arc::new(document), moment).expect("a fact");
        self.account.apply(&decided);
        assert!(self.account.balance.is_conserved());
        let steps: i64 = self.account.orders().iter().map(|it| it.posted.steps).sum();
        let counted: Money = self.account.orders().iter().map(|it| it.posted.counted).sum();
        for order in self.account.orders() {
            let begun = (order.posted.counted.minor() + 49_99) / 50_00;
            assert!((0..=begun).contains(&order.posted.steps), "no more steps than it has begun: {order:?}");
        }
        assert_eq!(counted.minor(), steps * 50_00 + self.account.carried(Money::new(50_00)).minor(), "all that counts");
        (self.account.balance.available.get(), self.account.carried(Money::new(50_00)).minor())
    }
}

#[test]
fn a_remainder_counts_with_the_next_order() {
    let mut shop = Shop::new();
    assert_eq!(shop.order(1, 30_00, 0), (0, 30_00));
    assert_eq!(shop.order(2, 20_00, 0), (1, 0));
}

#[test]
fn an_order_that_shrinks_gives_up_the_latest_step_and_gets_it_back() {
    let mut shop = Shop::new();
    shop.order(1, 30_00, 0);
    shop.order(2, 20_00, 0);
    assert_eq!(shop.order(1, 30_00, 30_00), (0, 20_00), "the 1 goes, 20.00 stays carried");
    assert_eq!(shop.account.orders()[1].posted.earned, Points::ZERO);
    assert_eq!(shop.order(1, 30_00, 0), (1, 0), "and comes back to the order that had it");
    assert_eq!(shop.account.orders()[1].posted.earned, Points::new(1));
    assert_eq!(shop.account.lots().len(), 1);
}

#[test]
fn its_own_steps_go_first() {
    let mut shop = Shop::new();
    assert_eq!(shop.order(1, 70_00, 0), (1, 20_00));
    assert_eq!(shop.order(2, 80_00, 0), (3, 0));
    assert_eq!(shop.order(2, 80_00, 80_00), (1, 20_00));
    assert_eq!(shop.account.orders()[0].posted.earned, Points::new(1));
}

#[test]
fn a_hundred_small_orders_with_eighty_refunded_keep_four_points() {
    let mut shop = Shop::new();
    for no in 1..=100 {
        shop.order(no, 10_00, 0);
    }
    assert_eq!(shop.account.balance.available, Points::new(20));
    for no in (1..=100).filter(|it| it % 5 != 0) {
        shop.order(no, 10_00, 10_00);
    }
    assert_eq!(shop.account.balance.available, Points::new(4));
}

#[test]
fn a_cancelled_order_keeps_no_step_at_its_own_rate() {
    let mut shop = Shop::with_rates(&[1, 1_000, 1]);
    shop.order(1, 30_00, 0);
    shop.next_day();
    assert_eq!(shop.order(2, 20_00, 0), (1_000, 0));
    shop.next_day();
    assert_eq!(shop.order(3, 25_00, 0), (1_000, 25_00));
    assert_eq!(shop.order(2, 20_00, 20_00), (1, 5_00), "the step is the third order's, at its rate");
    assert_eq!((shop.earned(2), shop.earned(3)), (0, 1));
    assert_eq!(shop.order(2, 20_00, 0), (1_000, 25_00), "and the second order's again when it counts again");
    assert_eq!((shop.earned(2), shop.earned(3)), (1_000, 0));
}

#[test]
fn what_an_order_did_to_others_is_done_with_once_it_counts_as_before() {
    let mut shop = Shop::with_rates(&[1, 1_000]);
    shop.order(1, 30_00, 0);
    shop.next_day();
    shop.order(2, 20_00, 0);
    shop.order(1, 30_00, 30_00);
    shop.order(2, 20_00, 20_00);
    shop.order(1, 30_00, 0);
    assert_eq!(shop.order(2, 20_00, 0), (1_000, 0));
    assert_eq!(shop.order(1, 80_00, 0), (1_001, 0), "the 50.00 more are its own step");
    assert_eq!((shop.earned(1), shop.earned(2)), (1, 1_000));
}

#[test]
fn any_history_keeps_the_steps_of_all_that_counts() {
    let mut seed: u64 = 0x2545_F491_4F6C_DD1D;
    let mut random = |below: u64| {
        seed ^= seed << 13;
        seed ^= seed >> 7;
        seed ^= seed << 17;
        seed % below
    };
    for _ in 0..300 {
        let mut shop = Shop::with_rates(&[1, 7, 3]);
        for _ in 0..40 {
            let known = u64::try_from(shop.account.orders().len()).expect("few orders");
            let no = 1 + random(known.min(7) + 1);
            let sold = i64::try_from(random(12_000)).expect("small");
            let refunded =
                if random(2) == 0 { 0 } else { sold - sold / (1 + i64::try_from(random(3)).expect("small")) };
            shop.order(no, sold, if random(8) == 0 { sold } else { refunded });
            if random(9) == 0 {
                shop.next_day();
            }
        }
        let everything = shop.account.orders().iter().map(|it| it.posted.earned).sum::<Points>();
        assert_eq!(everything, shop.account.balance.available - shop.account.balance.owed);
    }
}
