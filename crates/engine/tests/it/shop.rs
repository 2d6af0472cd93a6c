//! A shop and its one account: turns steps into commands, has the engine decide them and posts what comes out.
//!
//! It remembers everything that was sent and posted, so that the laws can look back.

use std::collections::BTreeSet;
use std::sync::Arc;

use engine::{
    Account, Actor, Adjustment, After, Budgets, CancelCertificate, ClaimNo, Closing, CreditAdjustment, Date, Decided,
    Decision, Document, DocumentVersion, Entry, Facts, HoldNo, IssueCertificates, LotNo, Moment, Money, OrderNo, Place,
    Points, Purse, Reason, Redating, Reinstatement, Rejection, Rules, Stop, Timeline, Timestamp, Validity, Wallet,
    Zone, act, adjust, adjust_credit, cancel_certificate, close_wallet, hold, issue_certificates, open_wallet,
    put_order, quote, redate, reinstate, release_hold, settle, sign_up,
};

use crate::bodies::Dates;
use crate::histories::{Ask, ORDERS, Put, Step, VersionStep};
use crate::programs::NOON;
use crate::rewards::REWARDS;
use crate::transcript::line;

/// The type of the one customer, and the channel where everything is bought.
pub(crate) const CUSTOMER_TYPE: &str = "gold";
pub(crate) const CHANNEL: &str = "web";

/// Their birthday.
pub(crate) const BORN: &str = "1990-04-10";

/// What programs may give points for, and one act that none has.
pub(crate) const ACTS: [&str; 3] = ["review", "visit", "dance"];

/// What a step came to: exactly what was said to the engine, and when.
#[derive(Clone, Debug)]
pub(crate) enum Command {
    Put { slot: usize, document: Arc<Document> },
    Hold { points: Points, minutes: u32 },
    Release(HoldNo),
    Adjust(Adjustment),
    Credit(CreditAdjustment),
    Act(String),
    SignUp,
    Redate(Redating),
    Reinstate(Reinstatement),
    Issue(IssueCertificates),
    Cancel(CancelCertificate),
    Close(Closing),
    Join,
    Collect,
    Reward(String),
    EndClaim { claim: ClaimNo, cancels: bool },
    Settle,
}

#[derive(Clone)]
pub(crate) struct Shop {
    pub(crate) timeline: Timeline,
    pub(crate) facts: Facts,
    /// Under which of the members that are one it sends.
    pub(crate) under: Place,
    pub(crate) account: Account,
    pub(crate) entries: Vec<Entry>,
    /// Entries of store credit.
    pub(crate) credit: Vec<Entry>,
    /// What is used of the budgets of promotions: by others at first.
    pub(crate) budgets: Budgets,
    /// Entries of certificates.
    pub(crate) certificates: Vec<Entry>,
    pub(crate) now: Timestamp,
    pub(crate) import: bool,
    pub(crate) slots: Vec<Slot>,
    /// Every document that was accepted, in order.
    pub(crate) accepted: Vec<(usize, Arc<Document>)>,
    /// What happened, for whoever reads a failure.
    pub(crate) told: String,
}

/// One order as its shop sees it.
#[derive(Clone, Default)]
pub(crate) struct Slot {
    pub(crate) no: Option<OrderNo>,
    pub(crate) last: Option<Arc<Document>>,
    dates: Option<Dates>,
    version: u64,
}

impl Shop {
    pub(crate) fn new(timeline: Timeline) -> Self {
        Self {
            facts: Facts {
                customer_type: Some(CUSTOMER_TYPE.to_owned()),
                birthday: Date::parse(BORN).ok(),
                birthday_since: Timestamp::START,
            },
            under: Place::OWN,
            account: with_purse(),
            entries: Vec::new(),
            credit: Vec::new(),
            certificates: Vec::new(),
            budgets: budgets_of(&timeline),
            timeline,
            now: NOON,
            import: false,
            slots: vec![Slot::default(); ORDERS],
            accepted: Vec::new(),
            told: String::new(),
        }
    }

    pub(crate) fn moment(&self) -> Moment {
        Moment { now: self.now, actor: Actor::Channel(1), import: self.import }
    }

    /// Lets time pass or turns the step into a command.
    pub(crate) fn command(&mut self, step: &Step) -> Option<Command> {
        match step {
            Step::Wait { minutes } => {
                self.now = self.now.plus_minutes(*minutes);
                None
            }
            Step::Due { before } => {
                self.now = self.due_at(*before).unwrap_or(self.now);
                None
            }
            Step::Put(put) => {
                let document = Arc::new(self.document(put));
                Some(Command::Put { slot: put.order, document })
            }
            Step::Amend { order, refunded, cancelled } => {
                let last = self.slots[*order].last.clone()?;
                let document = Arc::new(self.amended(*order, &last, *refunded, *cancelled));
                Some(Command::Put { slot: *order, document })
            }
            Step::Again { which } => {
                let (slot, document) = self.accepted.get(which % self.accepted.len().max(1))?.clone();
                Some(Command::Put { slot, document })
            }
            Step::Hold { ask, minutes } => Some(Command::Hold { points: self.figure(*ask), minutes: *minutes }),
            Step::Release { which } => Some(Command::Release(self.hold_before(*which))),
            Step::Adjust { points, expires_in_days } => Some(Command::Adjust(Adjustment {
                points: Points::new(*points),
                note: "by hand".to_owned(),
                expires_at: expires_in_days.map(|it| self.now.plus_days(it)),
            })),
            Step::Credit { amount } => {
                Some(Command::Credit(CreditAdjustment { amount: Money::new(*amount), note: "by hand".to_owned() }))
            }
            Step::Act { which } => Some(Command::Act(ACTS[*which].to_owned())),
            Step::SignUp => Some(Command::SignUp),
            Step::Redate { .. } | Step::Reinstate { .. } => self.of_dates(step),
            Step::Issue { value, uses, expires_in_days } => Some(Command::Issue(IssueCertificates {
                value: Money::new(*value),
                count: 1,
                uses: *uses,
                validity: expires_in_days.map_or(Validity::Never, Validity::Days),
                note: "by hand".to_owned(),
            })),
            Step::Cancel { which } => {
                let certificate = self.certificate_before(*which)?;
                Some(Command::Cancel(CancelCertificate { certificate, note: "by hand".to_owned() }))
            }
            Step::Close { grace_days } => {
                Some(Command::Close(Closing { grace_days: *grace_days, note: "by hand".to_owned() }))
            }
            Step::Join => Some(Command::Join),
            Step::Collect => Some(Command::Collect),
            Step::Reward { which } => Some(Command::Reward(REWARDS[*which].to_owned())),
            Step::EndClaim { which, cancels } => {
                let claims = self.account.claims();
                if claims.is_empty() && *which != 0 {
                    return None;
                }
                let claim = claims.iter().rev().nth(*which % claims.len().max(1)).map_or(ClaimNo(99), |it| it.no);
                Some(Command::EndClaim { claim, cancels: *cancels })
            }
            Step::Settle => Some(Command::Settle),
        }
    }

    fn of_dates(&self, step: &Step) -> Option<Command> {
        match step {
            Step::Redate { lot, days, expiring } => Some(Command::Redate(Redating {
                lot: lot.map(|it| self.lot_before(it)),
                expiring_by: expiring.filter(|_| lot.is_none()).map(|it| self.now.plus_days(it)),
                expires_at: self.now.plus_days(*days),
                note: "by hand".to_owned(),
            })),
            Step::Reinstate { points, lot, days } => Some(Command::Reinstate(Reinstatement {
                points: Points::new(*points),
                lot: lot.map(|it| self.lot_before(it)),
                expires_at: days.map(|it| self.now.plus_days(it)),
                note: "by hand".to_owned(),
            })),
            _ => None,
        }
    }

    /// The next instant at which something of points or certificates falls due, or a day of a program begins.
    fn due_at(&self, before: bool) -> Option<Timestamp> {
        let last_moment = |it: Timestamp| Timestamp::from_micros(it.micros() - i64::from(before));
        let account = self.read();
        let wallet = account.wallet.as_ref().map_or(Timestamp::NEVER, |it| it.ledger.due_at());
        let zone = &self.timeline.versions().first()?.terms.zone;
        let dues = [engine::due_at(&account, self.rules()), wallet, zone.end_of(zone.date_of(self.now))];
        dues.into_iter().filter(|it| *it != Timestamp::NEVER).map(last_moment).find(|it| self.now < *it)
    }

    /// What decides: the program, the one member's customer type and the one channel.
    pub(crate) fn rules(&self) -> Rules<'_> {
        Rules {
            timeline: &self.timeline,
            facts: &self.facts,
            channel: Some(CHANNEL),
            budgets: &self.budgets,
            under: self.under,
            card_blocked: false,
        }
    }

    /// What the engine says to a command now. Nothing is posted.
    pub(crate) fn decide(&self, command: &Command) -> Decision {
        self.decide_on(&self.account, command)
    }

    pub(crate) fn decide_on(&self, account: &Account, command: &Command) -> Decision {
        let (moment, rules) = (self.moment(), self.rules());
        match command {
            Command::Put { slot, document } => put_order(account, rules, self.slots[*slot].no, document, moment),
            Command::Hold { points, minutes } => hold(account, rules, *points, Some(*minutes), moment),
            Command::Release(no) => release_hold(account, rules, *no, moment),
            Command::Adjust(adjustment) => adjust(account, rules, adjustment, moment),
            Command::Credit(adjustment) => {
                let mut due = settle(account, rules, self.now)?;
                let mut account = account.clone();
                account.apply(&due);
                let purse = account.purse.as_ref().ok_or(Stop::NeedMore)?;
                due.credit.extend(adjust_credit(&purse.credit, self.under, adjustment, moment)?.entries);
                Ok(Decided { after: After::default(), ..due })
            }
            Command::Act(name) => act(account, rules, name, moment),
            Command::SignUp => sign_up(account, rules, moment),
            Command::Redate(redating) => redate(account, rules, redating, moment),
            Command::Reinstate(it) => reinstate(account, rules, it, moment),
            Command::Close(it) => self.closed(account, it),
            Command::Join => self.joined(account),
            Command::Issue(_) if account.closed().is_some() => Err(Stop::Rejected(Rejection::AccountClosed)),
            Command::Issue(issue) => {
                let mut due = settle(account, rules, self.now)?;
                let account = after(account, &due);
                let ledger = ledger_of(&account)?;
                due.certificates.extend(issue_certificates(ledger, self.under, issue, &Zone::utc(), moment)?.entries);
                Ok(Decided { after: After::default(), ..due })
            }
            Command::Collect => engine::collect(account, rules, "a run", moment),
            Command::Reward(name) => engine::claim_reward(account, rules, name, moment),
            Command::EndClaim { claim, cancels: true } => engine::cancel_claim(account, rules, *claim, "back", moment),
            Command::EndClaim { claim, .. } => engine::fulfil_claim(account, rules, *claim, "here", moment),
            Command::Cancel(cancel) if bought(&self.read(), cancel.certificate) => {
                engine::cancel_bought(account, rules, cancel, moment)
            }
            Command::Cancel(cancel) => {
                let mut due = settle(account, rules, self.now)?;
                let account = after(account, &due);
                due.certificates.extend(cancel_certificate(ledger_of(&account)?, cancel, moment)?.entries);
                Ok(Decided { after: After::default(), ..due })
            }
            Command::Settle => {
                let nothing = Timeline::default();
                let mut due = settle(account, rules, self.now)?;
                let mut account = account.clone();
                account.apply(&due);
                // What is in the wallet expires by itself.
                due.certificates.extend(settle(ledger_of(&account)?, Rules::of(&nothing), self.now)?.entries);
                Ok(Decided { after: After::default(), ..due })
            }
        }
    }

    /// As the store does it: certificates are suspended with the last account in their currency.
    fn closed(&self, account: &Account, closing: &Closing) -> Decision {
        let mut closed = engine::close(account, self.rules(), closing, self.moment())?;
        let account = after(account, &closed);
        let ledger = ledger_of(&account)?;
        if let Some(it) = account.closed().filter(|_| ledger.closed().is_none() && ledger.has_begun()) {
            let entries = close_wallet(ledger, it.forfeits_at, Reason::Due, self.moment())?.entries;
            closed.certificates.extend(entries);
        }
        Ok(Decided { after: After::default(), ..closed })
    }

    /// And used again when the member comes back: what was due in the wallet is posted before.
    fn joined(&self, account: &Account) -> Decision {
        let nothing = Timeline::default();
        let due = settle(ledger_of(account)?, Rules::of(&nothing), self.now)?;
        let mut account = account.clone();
        due.entries.iter().for_each(|it| ledger_mut(&mut account).post(it));
        let mut joined = engine::join(&account, self.rules(), "by hand", self.moment())?;
        let account = after(&account, &joined);
        let opened = open_wallet(ledger_of(&account)?, Reason::Due, self.moment()).entries;
        joined.certificates = [due.entries, joined.certificates, opened].concat();
        Ok(Decided { after: After::default(), ..joined })
    }

    /// Posts what was decided, and remembers the order.
    pub(crate) fn apply(&mut self, command: &Command, decided: &Decided) {
        self.account = *self.account.carry_out(&mut decided.clone());
        for it in &decided.entries {
            self.budgets.add(&it.changes.budgets);
            it.claims().into_iter().for_each(|(reward, claims)| self.budgets.add_claims(reward, claims));
        }
        self.entries.extend(decided.entries.iter().cloned());
        self.credit.extend(decided.credit.iter().cloned());
        self.certificates.extend(decided.certificates.iter().cloned());
        if let (Command::Put { slot, document }, Some(answer)) = (command, &decided.answer) {
            self.slots[*slot].no = Some(answer.order);
            if answer.status == engine::Status::Recorded {
                self.slots[*slot].last = Some(Arc::clone(document));
                self.accepted.push((*slot, Arc::clone(document)));
            }
        }
    }

    /// Takes a step; answers what the engine said, if it was asked anything.
    pub(crate) fn take(&mut self, step: &Step) -> Option<(Command, Decision)> {
        let command = self.command(step)?;
        let decision = self.decide(&command);
        self.told += &line(self.now, &command, &decision);
        if let Ok(decided) = &decision {
            self.apply(&command, decided);
        }
        Some((command, decision))
    }

    /// The account as a read shows it: with all that is due by now.
    pub(crate) fn read(&self) -> Account {
        let nothing = Timeline::default();
        let due = settle(&self.account, self.rules(), self.now).expect("everything is loaded");
        let mut account = after(&self.account, &due);
        let ledger = ledger_mut(&mut account);
        let due = settle(ledger, Rules::of(&nothing), self.now).expect("everything is loaded");
        due.entries.iter().for_each(|it| ledger.post(it));
        account
    }

    pub(crate) fn order(&self, slot: usize) -> Option<&engine::Order> {
        self.account.order(self.slots[slot].no?).map(|it| &**it)
    }

    fn figure(&self, ask: Ask) -> Points {
        match ask {
            Ask::Nothing => Points::ZERO,
            Ask::Points(points) => Points::new(points),
            Ask::Share(share) | Ask::Offered(share) => share_of(self.account.balance.available, share),
        }
    }

    fn hold_before(&self, which: usize) -> HoldNo {
        let back = u64::try_from(which).expect("a small number");
        HoldNo(self.account.next_hold.0.saturating_sub(1 + back))
    }

    fn lot_before(&self, which: usize) -> LotNo {
        let back = u64::try_from(which).expect("a small number");
        LotNo(self.account.next_lot.0.saturating_sub(1 + back))
    }

    fn document(&mut self, put: &Put) -> Document {
        let now = self.now;
        let slot = &mut self.slots[put.order];
        let first = Dates { placed_at: now, paid_at: None, fulfilled_at: None, cancelled_at: None };
        let known = slot.dates.unwrap_or(first);
        let moved = |days: i64| now.plus_minutes(-days * 1_440);
        let tell = |said: bool, before: Option<Timestamp>| match before {
            Some(before) => said.then(|| put.redate.map_or(before, moved)),
            None => said.then_some(now),
        };
        let dates = Dates {
            placed_at: put.redate.filter(|it| 0 < *it).map_or(known.placed_at, moved),
            paid_at: tell(put.milestones.paid, known.paid_at),
            fulfilled_at: tell(put.milestones.fulfilled, known.fulfilled_at),
            cancelled_at: tell(put.milestones.cancelled, known.cancelled_at),
        };
        slot.dates = Some(Dates {
            placed_at: dates.placed_at,
            paid_at: dates.paid_at.or(known.paid_at),
            fulfilled_at: dates.fulfilled_at.or(known.fulfilled_at),
            cancelled_at: dates.cancelled_at.or(known.cancelled_at),
        });
        let version = match put.version {
            VersionStep::Newer => {
                slot.version += 1;
                DocumentVersion::Number(slot.version)
            }
            VersionStep::Same => DocumentVersion::Number(slot.version),
            VersionStep::Older => DocumentVersion::Number(slot.version.saturating_sub(1)),
            VersionStep::LeftOut => DocumentVersion::Arrival,
        };
        let hold = put.hold.map(|it| self.hold_before(it));
        let document = Document { version, hold, ..put.body.document(dates) };
        let redeem = put.ask.map(|it| match it {
            Ask::Offered(share) => share_of(self.offered(put.order, &document), share),
            Ask::Nothing | Ask::Points(_) | Ask::Share(_) => self.figure(it),
        });
        let credit = put.credit.map(|it| match it {
            Ask::Nothing => Money::ZERO,
            Ask::Points(amount) => Money::new(amount),
            Ask::Share(share) => Money::new(share_of(self.credit_left(), share).get()),
            Ask::Offered(share) => {
                let most = Document { credit: Some(engine::limits::MONEY_MAX), ..document.clone() };
                Money::new(share_of(self.offered_credit(put.order, &most), share).get())
            }
        });
        let certificates = put.certificates.as_ref().map(|all| {
            let named: BTreeSet<LotNo> = all.iter().filter_map(|it| self.certificate_before(*it)).collect();
            named.into_iter().collect()
        });
        Document { redeem, credit, certificates, ..document }
    }

    /// The last document of an order of which so much comes back.
    fn amended(&mut self, order: usize, last: &Document, refunded: u8, cancelled: bool) -> Document {
        let slot = &mut self.slots[order];
        slot.version += 1;
        let cancelled_at = cancelled.then(|| last.cancelled_at.unwrap_or(self.now));
        slot.dates = slot.dates.map(|it| Dates { cancelled_at: cancelled_at.or(it.cancelled_at), ..it });
        let net: i64 = last.lines.iter().map(|it| (it.amount - it.discount).minor()).sum();
        let tax: i64 = last.lines.iter().filter(|it| !it.tax_included).map(|it| it.tax.minor()).sum();
        let cost = net - (last.discount + last.coupon).minor() + last.shipping.minor() + tax;
        Document {
            version: DocumentVersion::Number(slot.version),
            refunded: Money::new(share_of(Points::new(cost), refunded).get()),
            cancelled_at,
            redeem: None,
            hold: None,
            credit: None,
            certificates: None,
            ..last.clone()
        }
    }

    /// One that is there; seldom one that is not, where there is none. Whoever was merged has own ones and those of the other.
    fn certificate_before(&self, which: usize) -> Option<LotNo> {
        let wallet = self.account.wallet.as_ref().map(|it| it.ledger.lots()).unwrap_or_default();
        let it = wallet.iter().rev().nth(which % wallet.len().max(1)).map(|it| it.at.no);
        it.or((which == 0).then_some(LotNo(99)))
    }

    fn credit_left(&self) -> Points {
        self.account.purse.as_ref().map_or(Points::ZERO, |it| it.credit.balance.available)
    }

    fn offered_credit(&self, slot: usize, document: &Document) -> Points {
        let quote = quote(&self.account, Rules::of(&self.timeline), self.slots[slot].no, document, self.moment());
        quote.map_or(Points::ZERO, |it| Points::new(it.credit.map_or(0, Money::minor)))
    }

    fn offered(&self, slot: usize, document: &Document) -> Points {
        let quote = quote(&self.account, self.rules(), self.slots[slot].no, document, self.moment());
        quote.map_or(Points::ZERO, |it| it.redeem)
    }
}

/// What other members have had of the budget of a promotion: nothing of every second one.
pub(crate) fn used_by_others(promotion: &str) -> Points {
    let number: i64 = promotion.rsplit(' ').next().and_then(|it| it.parse().ok()).unwrap_or_default();
    Points::new(if number % 2 == 0 { 0 } else { number % 40 })
}

fn budgets_of(timeline: &Timeline) -> Budgets {
    let names = timeline.versions().iter().flat_map(|it| it.terms.earning.budgets()).map(|it| it.0);
    let used = Budgets::new(names.map(|it| (Arc::from(it), used_by_others(it))));
    used.with_claims([(Arc::from(REWARDS[0]), 1)])
}

fn ledger_of(account: &Account) -> Result<&Account, Stop> {
    account.wallet.as_ref().map(|it| &it.ledger).ok_or(Stop::NeedMore)
}

fn ledger_mut(account: &mut Account) -> &mut Account {
    &mut Arc::make_mut(account.wallet.as_mut().expect("a shop's account has its certificates")).ledger
}

fn after(account: &Account, decided: &Decided) -> Account {
    let mut account = account.clone();
    account.apply(decided);
    account
}

fn bought(account: &Account, certificate: LotNo) -> bool {
    let is_it = |it: &engine::Conversion| it.rate.target == engine::Target::Certificate && it.lot.no == certificate;
    account.conversions().iter().any(is_it)
}

fn with_purse() -> Account {
    let mut account = Account::default();
    account.purse = Some(Arc::new(Purse { program: 1, credit: Account::default() }));
    account.wallet = Some(Arc::new(Wallet { program: 1, ledger: Account::default() }));
    account
}

fn share_of(points: Points, share: u8) -> Points {
    Points::new(points.get() * i64::from(share) / 100)
}
