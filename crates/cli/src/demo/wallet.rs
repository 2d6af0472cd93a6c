//! A small model of one member's points, so that the sample shop asks for points only where they are there.
//!
//! It never thinks there is more than there is: points that a refund gives back are left out, and a refund takes back
//! what the order could have earned at most.

use engine::{Points, Timestamp};

#[derive(Default)]
pub(crate) struct Wallet {
    lots: Vec<Lot>,
    owed: Points,
}

struct Lot {
    row: u32,
    expires_at: Timestamp,
    points: Points,
}

impl Wallet {
    pub(crate) fn earn(&mut self, row: u32, points: Points, expires_at: Timestamp) {
        let paid = self.owed.min(points);
        self.owed -= paid;
        self.lots.push(Lot { row, expires_at, points: points - paid });
    }

    /// What can be spent at an instant.
    pub(crate) fn spendable(&self, now: Timestamp) -> Points {
        self.lots.iter().filter(|it| now < it.expires_at).map(|it| it.points).sum()
    }

    pub(crate) fn redeem(&mut self, points: Points, now: Timestamp) {
        let missing = self.take(points, now);
        assert!(missing.is_zero(), "only what can be spent is redeemed");
    }

    /// Takes back what an order earned: its own points first.
    pub(crate) fn revoke(&mut self, row: u32, points: Points, now: Timestamp) {
        let mut left = points;
        if let Some(own) = self.lots.iter_mut().find(|it| it.row == row) {
            let part = left.min(own.points);
            own.points -= part;
            left -= part;
        }
        let missing = self.take(left, now);
        self.owed += missing;
    }

    /// What was left of lots that have expired by then.
    pub(crate) fn expired(&self, now: Timestamp) -> Points {
        self.lots.iter().filter(|it| it.expires_at <= now).map(|it| it.points).sum()
    }

    /// Takes soonest-expiring first; answers what was missing. Lots stand in the order of their dates.
    fn take(&mut self, points: Points, now: Timestamp) -> Points {
        let mut left = points;
        for lot in self.lots.iter_mut().filter(|it| now < it.expires_at) {
            let part = left.min(lot.points);
            lot.points -= part;
            left -= part;
        }
        left
    }
}

#[test]
fn a_wallet_knows_what_can_be_spent() {
    let at = |day: i64| Timestamp::from_micros(day);
    let points = Points::new;
    let mut wallet = Wallet::default();
    wallet.earn(1, points(100), at(10));
    wallet.earn(2, points(50), at(20));
    assert_eq!(wallet.spendable(at(9)), points(150));
    assert_eq!(wallet.spendable(at(10)), points(50));
    wallet.redeem(points(120), at(5));
    assert_eq!(wallet.spendable(at(5)), points(30));
    wallet.revoke(1, points(100), at(6));
    assert_eq!(wallet.spendable(at(6)), Points::ZERO);
    wallet.earn(3, points(80), at(30));
    assert_eq!(wallet.spendable(at(7)), points(10), "70 were owed");
    assert_eq!(wallet.expired(at(30)), points(10));
}
