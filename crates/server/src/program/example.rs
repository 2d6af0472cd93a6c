//! A made-up member on whom the engine itself works out what a program does.

use std::sync::Arc;

use engine::{
    Account, Actor, Adjustment, Answer, ClaimNo, Date, Document, IssueCertificates, LotNo, Moment, Money, OrderNo,
    Place, Points, Purse, Rejection, Rules, Stop, Switch, Terms, Timeline, Timestamp, Validity, Version, Wallet,
    adjust, hold, issue_certificates, put_order,
};

/// One member of a program that has this version only.
pub(super) struct Example {
    pub(super) account: Account,
    timeline: Timeline,
    currency: [u8; 3],
    /// One to which the program applies.
    order_type: Option<String>,
    pub(super) now: Timestamp,
}

impl Example {
    /// A member without points, on the day on which all examples happen.
    pub(super) fn new(terms: &Terms) -> Self {
        Self::switched(terms, Vec::new())
    }

    /// A member whose points become store credit or certificates: in all other examples they do not, so that each shows its own rule.
    pub(super) fn converting(terms: &Terms) -> Self {
        let mut example = Self::switched(terms, Vec::new());
        example.timeline = timeline(terms.clone(), Vec::new());
        example.account.purse = Some(Arc::new(Purse { program: 1, credit: Account::default() }));
        example.account.wallet = Some(Arc::new(Wallet { program: 1, ledger: Account::default() }));
        example
    }

    /// The same while the program is off.
    pub(super) fn off(terms: &Terms) -> Self {
        Self::switched(terms, vec![Switch { at: Timestamp::START, on: false }])
    }

    fn switched(terms: &Terms, switches: Vec<Switch>) -> Self {
        Self {
            account: Account::default(),
            timeline: timeline(Terms { convert: None, catalogue: Arc::default(), ..terms.clone() }, switches),
            currency: terms.currency.code,
            order_type: terms.order_types.first().cloned(),
            now: terms.zone.at(day(terms), 13, 21),
        }
    }

    /// An order of one line that was placed, paid and fulfilled now.
    pub(super) fn sale(&self, amount: Money) -> Document {
        let sale = Document::sale(self.currency, amount, self.now);
        Document { fulfilled_at: Some(self.now), order_type: self.order_type.clone(), ..sale }
    }

    /// Records an order; the engine's own answer.
    pub(super) fn put(&mut self, known: Option<OrderNo>, document: Document) -> Result<Answer, Rejection> {
        let decided = put_order(&self.account, Rules::of(&self.timeline), known, &Arc::new(document), self.moment());
        let decided = decided.map_err(rejection)?;
        self.account.apply(&decided);
        Ok(*decided.answer.expect("an order is always answered"))
    }

    /// What a new order of that amount earns.
    pub(super) fn earns(&mut self, amount: Money) -> Option<Points> {
        let sale = self.sale(amount);
        self.put(None, sale).ok().map(|it| it.earned.called_for)
    }

    /// Adds or deducts points; nothing when the engine refuses.
    pub(super) fn adjust(&mut self, points: Points) -> Option<()> {
        let expires_at = points.is_positive().then_some(Timestamp::NEVER);
        let adjustment = Adjustment { points, note: "an example".to_owned(), expires_at };
        let decided = adjust(&self.account, Rules::of(&self.timeline), &adjustment, self.moment()).ok()?;
        self.account.apply(&decided);
        Some(())
    }

    /// Staff hand out what is reached; nothing when the engine refuses.
    pub(super) fn collect(&mut self) -> Option<()> {
        let rules = Rules::of(&self.timeline);
        let decided = engine::collect(&self.account, rules, "an example", self.moment()).ok()?;
        self.account.apply(&decided);
        Some(())
    }

    /// The member claims a reward; nothing when the engine refuses.
    pub(super) fn claim(&mut self, reward: &str) -> Option<ClaimNo> {
        let rules = Rules::of(&self.timeline);
        let decided = engine::claim_reward(&self.account, rules, reward, self.moment()).ok()?;
        self.account.apply(&decided);
        self.account.claims().last().map(|it| it.no)
    }

    /// Staff cancel the claim; nothing when the engine refuses.
    pub(super) fn cancel_claim(&mut self, claim: ClaimNo) -> Option<()> {
        let rules = Rules::of(&self.timeline);
        let decided = engine::cancel_claim(&self.account, rules, claim, "an example", self.moment()).ok()?;
        self.account.apply(&decided);
        Some(())
    }

    /// Holds points as long as the program says; when the hold lapses.
    pub(super) fn hold(&mut self, points: Points) -> Result<Timestamp, Rejection> {
        let decided = hold(&self.account, Rules::of(&self.timeline), points, None, self.moment()).map_err(rejection)?;
        self.account.apply(&decided);
        Ok(self.account.holds().last().expect("a hold was just opened").lapses_at)
    }

    /// A member with a certificate of that value, which can be used as the program says.
    pub(super) fn with_certificate(terms: &Terms, value: Money) -> Option<Self> {
        let mut example = Self::new(terms);
        let (uses, validity) = (terms.certificate_uses, Validity::Never);
        let issue = IssueCertificates { value, count: 1, uses, validity, note: "an example".to_owned() };
        let given = issue_certificates(&Account::default(), Place::OWN, &issue, &terms.zone, example.moment()).ok()?;
        let mut ledger = Account::default();
        ledger.apply(&given);
        example.account.wallet = Some(Arc::new(Wallet { program: 1, ledger }));
        Some(example)
    }

    /// What that certificate pays of an order, and what of it is lost.
    pub(super) fn pays_with_certificate(&mut self, amount: Money) -> Option<(Money, Money)> {
        let sale = Document { certificates: Some(vec![LotNo(1)]), ..self.sale(amount) };
        let answer = self.put(None, sale).ok()?;
        answer.certificates.first().map(|it| (it.paid, it.lost))
    }

    fn moment(&self) -> Moment {
        Moment { now: self.now, actor: Actor::Staff(0), import: false }
    }
}

fn timeline(terms: Terms, switches: Vec<Switch>) -> Timeline {
    Timeline::new(vec![Version { number: 1, effective_at: Timestamp::START, terms }], switches)
}

fn rejection(stop: Stop) -> Rejection {
    match stop {
        Stop::Rejected(rejection) => rejection,
        Stop::NeedMore => unreachable!("all lots of a made-up account are loaded"),
    }
}

/// 1 April 2022; where all points end on one day, the last on which earned points can still be spent.
fn day(terms: &Terms) -> Date {
    let first = Date::new(1970, 1, 2).expect("the calendar has that day");
    match terms.validity {
        Validity::Until(last) => last.plus_days(-i32::from(terms.waiting_days)).max(first),
        Validity::Never | Validity::Days(_) | Validity::Months(_) | Validity::Yearly(_) => {
            Date::new(2022, 4, 1).expect("the calendar has that day")
        }
    }
}
