//! Steps whose remainder is carried (E2): all that counts, divided by the step, and each step a thing that one order has.

use engine::{Document, EarnMode, Timestamp};

use super::amounts::{Kept, minor, reached, value_of};
use super::{Model, Order};

/// A step that another order has, or gave up, since an order changed.
#[derive(Clone, Copy, Debug)]
pub(super) struct Displaced {
    other: usize,
    /// Undone, the other order has one more.
    gives: bool,
    /// Done with, once so much of the order counts.
    level: i128,
}

impl Order {
    fn per(&self) -> Option<i128> {
        (self.terms.earn.mode == EarnMode::StepsCarried).then(|| minor(self.terms.earn.per))
    }

    /// No order has more steps than it has begun.
    fn has_room(&self) -> bool {
        self.per().is_some_and(|per| self.steps * per < self.counted)
    }
}

impl Model {
    /// What of an order counts.
    pub(super) fn counting(&self, slot: usize, document: &Document, (lines, shipping): &(Vec<i128>, i128)) -> i128 {
        let exclude = &self.order(slot).rules.exclude;
        let lines = document.lines.iter().zip(lines).filter(|(line, _)| {
            !line.product.as_deref().is_some_and(|it| exclude.products.contains(it))
                && !line.category.as_deref().is_some_and(|it| exclude.categories.contains(it))
        });
        lines.map(|it| *it.1).filter(|it| 0 < *it).sum::<i128>() + shipping.max(&0)
    }

    /// Shares the steps out of which an order counts so much from now on: own ones first, then those of the latest others. Answers
    /// which others have more or fewer, who was changed first comes first.
    pub(super) fn share(&mut self, slot: usize, counts: i128) -> Vec<(usize, i128)> {
        let before = self.order(slot).counted;
        let per = self.order(slot).per().expect("it carries");
        self.order_mut(slot).counted = counts;
        let alike = |it: &&Order| it.per() == Some(per);
        let all: i128 = self.orders.iter().flatten().filter(alike).map(|it| it.counted).sum();
        let has: i128 = self.orders.iter().flatten().filter(alike).map(|it| it.steps).sum();
        let mut more = all.div_euclid(per) - has;
        let known: Vec<i128> = self.orders.iter().map(|it| it.as_ref().map_or(0, |it| it.steps)).collect();
        let mut touched = Vec::new();
        if before < counts {
            let mut kept = Vec::new();
            while let Some(it) = self.order_mut(slot).displaced.pop() {
                let other = self.order(it.other);
                if it.gives && 0 < more && other.has_room() {
                    more -= 1;
                    self.order_mut(it.other).steps += 1;
                } else if !it.gives && 0 < other.steps && self.order(slot).has_room() {
                    self.order_mut(it.other).steps -= 1;
                    self.order_mut(slot).steps += 1;
                } else {
                    kept.insert(0, it);
                    continue;
                }
                touched.push(it.other);
            }
            self.order_mut(slot).displaced = kept;
        }
        let mut latest: Vec<usize> = (0..self.orders.len()).filter(|it| *it != slot).collect();
        latest.retain(|it| self.orders[*it].as_ref().is_some_and(|it| alike(&it)));
        latest.sort_by_key(|it| std::cmp::Reverse(self.order(*it).no));
        // One by one, since it cannot keep what it has not begun.
        self.order_mut(slot).steps += more;
        let level = before.max(counts + 1);
        let room = (counts + per - 1).div_euclid(per);
        while self.order(slot).steps < 0 || room < self.order(slot).steps {
            let gives = self.order(slot).steps < 0;
            let change = if gives { 1 } else { -1 };
            let fits = |it: &&usize| if gives { 0 < self.order(**it).steps } else { self.order(**it).has_room() };
            let other = *latest.iter().find(fits).expect("the orders cover all steps");
            self.order_mut(slot).steps += change;
            self.order_mut(other).steps -= change;
            self.order_mut(slot).displaced.push(Displaced { other, gives, level });
            touched.push(other);
        }
        self.order_mut(slot).displaced.retain(|it| counts < it.level);
        // Each is told what has changed for it when its turn comes.
        let mut others: Vec<(usize, i128)> = Vec::new();
        for other in touched {
            let change = self.order(other).steps - known[other];
            if change != 0 && others.iter().all(|it| it.0 != other) {
                others.push((other, change));
            }
        }
        for (other, change) in &others {
            self.order_mut(*other).steps -= change;
        }
        others
    }

    /// Another order has more steps or fewer: it earns what it would with them, at its own rate.
    pub(super) fn change_steps(&mut self, (slot, change): (usize, i128), now: Timestamp) {
        self.order_mut(slot).steps += change;
        let order = self.order(slot);
        let (terms, document) = (order.terms.clone(), order.document.clone().expect("it was recorded"));
        let by_certificates: i128 = order.paid_by.iter().map(|it| it.paid).sum();
        let points = i128::try_from(order.redeemed.len()).expect("a few");
        let kept = Kept::under(&document, &terms).after((by_certificates, by_certificates));
        let paid = value_of(points, terms.redeem.rate).min(kept.payable(&terms.redeem).0);
        let paid = paid.min(kept.cost().0 - self.credit_of(slot));
        let (bases, steps) = (kept.bases(paid, &terms), self.order(slot).steps);
        let (calls_for, ..) = self.award(slot, &document, bases, Some(steps));
        self.earn(slot, calls_for, reached(&document, terms.grant_on), &terms, now);
    }
}
