//! Answers of the API, read back into those of the rules: every figure of the wire stands for one of theirs, and one that
//! is missing is a fault.

use std::sync::Arc;

use anyhow::{Context as _, Result, bail};
use engine::{
    Act, Acted, Actor, Allotted, Answer, Award, Balance, Bucket, BudgetUse, Budgeted, By, Cap, Carried, Cause,
    CertificateChoice, Changes, Choice, Choices, Claimed, Closed, Cut, Date, Displaced, EarnMode, EarnRate, Earned,
    Entry, EntryNo, Extend, ExtendOn, Extended, Figures, Gives, HoldChange, HoldNo, HoldState, Kind, LotNo, LotOpened,
    LotRef, Milestone, Money, OfDay, OrderNo, Paid, PaidCertificates, PaidCredit, Part, Pay, Points, Posting, Promoted,
    Quote, Reason, RedeemRate, Rejection, Rounding, Share, Status, TierBy, TierName, TierOutcome, TierReview,
    TierState, TierWithin, Times, Timestamp, Uses, Worked,
};
use serde_json::Value;

use crate::scenario::tiers::{self, Stands};

mod means;
mod rewards;

/// An object of an answer, and how many digits its amounts have after the point.
#[derive(Clone, Copy)]
pub(super) struct Read<'a> {
    pub(super) value: &'a Value,
    pub(super) exponent: u8,
}

/// The number at the end of an id such as `ord_…_1_7`.
pub(super) fn number_of(id: &str) -> Result<u64> {
    let number = id.rsplit('_').next().and_then(|it| it.parse().ok());
    number.with_context(|| format!("{id} has no number"))
}

impl<'a> Read<'a> {
    pub(super) fn optional(&self, name: &str) -> Option<Self> {
        self.value.get(name).filter(|it| !it.is_null()).map(|value| Self { value, ..*self })
    }

    pub(super) fn inner(&self, name: &str) -> Result<Self> {
        self.optional(name).with_context(|| format!("{name} is missing in {}", self.value))
    }

    pub(super) fn list(&self, name: &str) -> Result<impl Iterator<Item = Self> + use<'a>> {
        let exponent = self.exponent;
        let list = self.inner(name)?.value.as_array().with_context(|| format!("{name} is no list"))?;
        Ok(list.iter().map(move |value| Self { value, exponent }))
    }

    /// A list that is left out when it is empty.
    fn maybe_list(&self, name: &str) -> Result<impl Iterator<Item = Self> + use<'a>> {
        let list = self.optional(name).map(|_| self.list(name)).transpose()?;
        Ok(list.into_iter().flatten())
    }

    pub(super) fn text(&self, name: &str) -> Result<&'a str> {
        self.inner(name)?.value.as_str().with_context(|| format!("{name} is no text"))
    }

    pub(super) fn number(&self, name: &str) -> Result<u64> {
        self.inner(name)?.value.as_u64().with_context(|| format!("{name} is no number"))
    }

    fn count(&self, name: &str) -> Result<i64> {
        self.inner(name)?.value.as_i64().with_context(|| format!("{name} is no whole number"))
    }

    pub(super) fn points(&self, name: &str) -> Result<Points> {
        self.count(name).map(Points::new)
    }

    pub(super) fn money(&self, name: &str) -> Result<Money> {
        let text = self.text(name)?;
        Money::parse(text, self.exponent).with_context(|| format!("{name}: {text}"))
    }

    fn optional_money(&self, name: &str) -> Result<Option<Money>> {
        self.optional(name).map(|_| self.money(name)).transpose()
    }

    pub(super) fn time(&self, name: &str) -> Result<Timestamp> {
        let text = self.text(name)?;
        Timestamp::parse(text).with_context(|| format!("{name}: {text}"))
    }

    /// The number in an id or a number that may be left out.
    fn optional_number(&self, name: &str) -> Result<Option<u64>> {
        self.optional(name).map(|_| self.number(name)).transpose()
    }

    /// When it ends, and its points.
    pub(super) fn lot(&self) -> Result<(Timestamp, Points)> {
        let points = self.points("available")? + self.points("pending")? + self.points("held")?;
        Ok((self.optional("expires_at").map_or(Ok(Timestamp::NEVER), |_| self.time("expires_at"))?, points))
    }

    pub(super) fn balance(&self) -> Result<Balance> {
        Ok(Balance {
            pending: self.points("pending")?,
            available: self.points("available")?,
            held: self.points("held")?,
            owed: self.points("owed")?,
            let_go: self.points("let_go")?,
            issued: self.points("issued")?,
            redeemed: self.points("redeemed")?,
            revoked: self.points("revoked")?,
            deducted: self.points("deducted")?,
            converted: self.points("converted")?,
            expired: self.points("expired")?,
            forfeited: self.points("forfeited")?,
            moved: self.points("moved")?,
        })
    }

    pub(super) fn status(&self) -> Result<Status> {
        Ok(match self.text("status")? {
            "recorded" => Status::Recorded,
            "retry" => Status::Retry,
            "stale" => Status::Stale,
            other => bail!("{other} is no status"),
        })
    }

    pub(super) fn answer(&self, order: OrderNo, status: Status) -> Result<Answer> {
        Ok(Answer {
            status,
            order,
            earned: self.inner("earned")?.earned()?,
            redeemed: self.points("redeemed")?,
            // The sentence names them.
            spent: Vec::new(),
            tier: None,
            asked: self.points("asked")?,
            value: self.money("value")?,
            credit: self.optional_money("credit")?.unwrap_or_default(),
            credit_asked: self.optional_money("credit_asked")?.unwrap_or_default(),
            credit_left: self.optional_money("credit_left")?,
            certificates: self.maybe_list("certificates")?.map(|it| it.certificate_part()).collect::<Result<_>>()?,
            certificates_asked: Money::ZERO,
            owed: self.points("owed")?,
            let_go: self.points("let_go")?,
            expired: self.points("expired")?,
            balance: self.optional("balance").map(|it| it.balance()).transpose()?.unwrap_or_default(),
        })
    }

    /// An offer has no order yet, and so no number.
    pub(super) fn quote(&self) -> Result<Quote> {
        let why = self.optional("why").map(|it| it.rejection("")).transpose()?;
        let (answer, choices) = (self.answer(OrderNo(0), Status::Recorded)?, self.inner("choices")?.choices()?);
        let why_credit = self.optional("why_credit").map(|it| it.rejection("")).transpose()?;
        let credit = Some(answer.credit_asked);
        let refused =
            |it: Self| -> Result<_> { Ok((LotNo(it.number("certificate")?), it.inner("why")?.rejection("")?)) };
        let offer = |it: Self| -> Result<_> {
            Ok(CertificateChoice {
                certificate: LotNo(it.number("certificate")?),
                pays: it.money("pays")?,
                loses: it.money("loses")?,
                // The list of certificates tells it.
                uses: Uses::default(),
                why: it.optional("why_not").map(|it| it.rejection("")).transpose()?,
            })
        };
        let why_certificates = self.maybe_list("why_certificates")?.map(refused).collect::<Result<_>>()?;
        let wallet = self.maybe_list("wallet")?.map(offer).collect::<Result<_>>()?;
        let redeem = self.points("redeem")?;
        let certificates = None;
        Ok(Quote { redeem, answer, why, choices, credit, why_credit, certificates, why_certificates, wallet })
    }

    fn choices(&self) -> Result<Choices> {
        let choice =
            |it: Self| -> Result<Choice> { Ok(Choice { redeem: it.points("redeem")?, value: it.money("value")? }) };
        Ok(Choices {
            points: self.list("points")?.map(choice).collect::<Result<_>>()?,
            why_not_more: self.optional("why_not_more").map(|it| it.rejection("")).transpose()?,
        })
    }

    fn earned(&self) -> Result<Earned> {
        let cause = match self.text("cause")? {
            "rate" => Cause::Rate,
            "waits" => Cause::Waits(milestone(self.text("waits_for")?)?),
            "cancelled" => Cause::Cancelled,
            "program_off" => Cause::ProgramOff,
            "order_type" => Cause::OrderType,
            "customer_type" => Cause::CustomerType,
            "returned" => Cause::Returned,
            "account_closed" => Cause::Closed,
            "guest" => Cause::Guest,
            "claim_ended" => Cause::ClaimEnded,
            "step_of" => Cause::StepOf(OrderNo(self.number("step_of")?)),
            other => bail!("{other} is no cause"),
        };
        let mode = match self.text("rate_mode")? {
            "proportional" => EarnMode::Proportional,
            "steps" => EarnMode::Steps,
            "steps_carried" => EarnMode::StepsCarried,
            other => bail!("{other} is no way to earn"),
        };
        Ok(Earned {
            cause,
            version: u32::try_from(self.number("version")?)?,
            base: self.money("base")?,
            rate: EarnRate { points: self.points("rate_points")?, per: self.money("rate_per")?, mode },
            tier: self.tier_name("tier")?,
            carried: self.money("carried")?,
            before: self.points("before")?,
            called_for: self.points("points")?,
            cut: self.optional("cut").map(|it| it.cut()).transpose()?,
            worked: self.optional("worked").map(|it| it.worked()).transpose()?.map(Arc::new),
        })
    }

    fn worked(&self) -> Result<Worked> {
        let times = |it: &Self, key: &str| -> Result<Option<Times>> {
            let text = it.optional(key).map(|_| it.text(key)).transpose()?;
            text.map(|it| Times::parse(it).with_context(|| format!("{it} is no factor"))).transpose()
        };
        let part = |it: Self| -> Result<Part> {
            let name = || it.text("name").map(Arc::from);
            let by = match it.text("of")? {
                "program" => By::Program,
                "product" => By::Product(name()?),
                "category" => By::Category(name()?),
                "customer_type" => By::CustomerType,
                "tier" => By::Tier,
                other => bail!("{other} has no rate"),
            };
            let points = it.points("points")?;
            let per = it.optional("per").map(|_| it.money("per")).transpose()?;
            let pay = per.map_or(Pay::Each(points), |per| Pay::Per { points, per });
            Ok(Part { by, pay, base: it.money("base")?, units: u32::try_from(it.number("units")?)? })
        };
        let promoted = |it: Self| -> Result<Promoted> {
            let gives = match times(&it, "times")? {
                Some(times) => Gives::Times(times),
                None => Gives::Points(it.points("points")?),
            };
            let budget = it.optional("budget").map(|it| -> Result<Budgeted> {
                let [most, called_for, given] = ["most", "called_for", "given"].map(|key| it.points(key));
                Ok(Budgeted { most: most?, called_for: called_for?, given: given? })
            });
            let budget = budget.transpose()?;
            Ok(Promoted { name: Arc::from(it.text("name")?), gives, base: it.money("base")?, budget })
        };
        Ok(Worked {
            points: self.points("points")?,
            parts: self.list("parts")?.map(part).collect::<Result<_>>()?,
            excluded: self.money("excluded")?,
            gift_cards: self.money("gift_cards")?,
            times: times(self, "times")?,
            tier_times: times(self, "tier_times")?,
            promotions: self.list("promotions")?.map(promoted).collect::<Result<_>>()?,
            rounding: if self.text("rounding")? == "line" { Rounding::Line } else { Rounding::Order },
            rounded: self.inner("rounded")?.value.as_bool().context("rounded is true or false")?,
        })
    }

    pub(super) fn entry(&self) -> Result<Entry> {
        let kind = self.text("kind")?;
        let kind = Kind::ALL.into_iter().find(|it| it.name() == kind).with_context(|| format!("{kind} is no kind"))?;
        let order = self.optional("order").map(|_| self.text("order").and_then(number_of)).transpose()?;
        Ok(Entry {
            number: EntryNo(self.number("number")?),
            at: self.time("at")?,
            kind,
            order: order.map(OrderNo),
            actor: actor(self.text("actor")?)?,
            reason: self.inner("reason")?.reason()?,
            opened: self.list("opened")?.map(|it| it.lot_opened()).collect::<Result<_>>()?,
            dated: self.maybe_list("dated")?.map(|it| it.lot_dates()).collect::<Result<_>>()?,
            hold: self.optional("hold").map(|it| it.hold_change()).transpose()?,
            postings: self.list("postings")?.map(|it| it.posting()).collect::<Result<_>>()?,
            changes: self.inner("changes")?.changes()?,
        })
    }

    fn posting(&self) -> Result<Posting> {
        let (from, to) = (bucket(self.text("from")?)?, bucket(self.text("to")?)?);
        Ok(Posting { lot: LotNo(self.number("lot")?), from, to, points: self.points("points")? })
    }

    fn lot_opened(&self) -> Result<LotOpened> {
        let graced = self.inner("graced")?.value.as_bool().context("graced is yes or no")?;
        let (lot, order) = (self.lot_dates()?, self.optional_number("order")?.map(OrderNo));
        Ok(LotOpened { lot, order, graced, certificate: None })
    }

    fn lot_dates(&self) -> Result<LotRef> {
        let expires_at = self.optional("expires_at").map(|_| self.time("expires_at")).transpose()?;
        Ok(LotRef {
            no: LotNo(self.number("lot")?),
            earned_at: self.time("earned_at")?,
            available_at: self.time("available_at")?,
            expires_at: expires_at.unwrap_or(Timestamp::NEVER),
        })
    }

    fn hold_change(&self) -> Result<HoldChange> {
        let state = match (self.text("state")?, self.optional_number("taken_by")?) {
            ("active", None) => HoldState::Active,
            ("ended", None) => HoldState::Ended,
            ("taken", Some(order)) => HoldState::Taken(OrderNo(order)),
            other => bail!("{other:?} is no state of a hold"),
        };
        Ok(HoldChange { no: HoldNo(self.number("hold")?), state, lapses_at: self.time("lapses_at")? })
    }

    fn reason(&self) -> Result<Reason> {
        Ok(match self.text("code")? {
            "due" => Reason::Due,
            "reward" => Reason::Reward,
            "merged" => Reason::Merged { other: self.text("other")?.parse::<store::MemberId>()?.0 },
            "tier" => Reason::Tier(self.tier_review()?),
            "earned" => Reason::Earned(self.earned()?),
            "paid" => Reason::Paid(self.paid()?),
            "held" => Reason::Held { minutes: u32::try_from(self.number("minutes")?)? },
            "claimed" => Reason::Claimed(Claimed {
                recorded_at: self.time("recorded_at")?,
                note: self.optional("note").map(|_| self.text("note").map(str::to_owned)).transpose()?,
            }),
            "note" => Reason::Note(self.text("note")?.to_owned()),
            "acted" => Reason::Acted(Award {
                act: self.act()?,
                version: u32::try_from(self.number("version")?)?,
                points: self.points("points")?,
            }),
            "extended" => {
                let on = self.text("on")?;
                let on = ExtendOn::ALL.into_iter().find(|it| it.name() == on).context("nothing extends so")?;
                let rule = Extend { on, months: u16::try_from(self.number("months")?)? };
                Reason::Extended(Extended { rule, at: self.time("at")? })
            }
            "certificates" => Reason::Certificates(PaidCertificates {
                fits: self.money("fits")?,
                before: self.money("before")?,
                after: self.money("after")?,
            }),
            "credit" => Reason::Credit(PaidCredit {
                fits: self.money("fits")?,
                before: self.money("before")?,
                after: self.money("after")?,
            }),
            other => bail!("{other} is no reason"),
        })
    }

    fn act(&self) -> Result<Act> {
        Ok(match self.text("act")? {
            "sign_up" => Act::SignUp,
            "birthday" => Act::Birthday,
            "custom" => Act::Custom(self.text("name")?.to_owned()),
            "reward" => Act::Reward(self.text("name")?.to_owned()),
            other => bail!("{other} earns nothing"),
        })
    }

    fn acted(&self) -> Result<Acted> {
        let times = |name: &str| -> Result<u32> { Ok(u32::try_from(self.number(name)?)?) };
        let day = Date::parse(self.text("day")?).context("a day")?;
        let (of_day, of_month, of_life) = (times("of_day")?, times("of_month")?, times("of_life")?);
        Ok(Acted { act: self.act()?, day, of_day, of_month, of_life })
    }

    fn paid(&self) -> Result<Paid> {
        Ok(Paid {
            rate: RedeemRate { points: self.points("rate_points")?, value: self.money("rate_value")? },
            tier: self.tier_name("tier")?,
            fits: self.points("fits")?,
            before: self.points("before")?,
            after: self.points("after")?,
            value: self.money("value")?,
            hold: self.optional_number("hold")?.map(HoldNo),
        })
    }

    fn cut(&self) -> Result<Cut> {
        Ok(Cut { cap: self.cap()?, most: self.points("most")?, called_for: self.points("called_for")? })
    }

    fn cap(&self) -> Result<Cap> {
        let name = self.text("cap")?;
        Cap::ALL.into_iter().find(|it| it.name() == name).with_context(|| format!("{name} is no cap"))
    }

    fn of_day(&self) -> Result<OfDay> {
        let day = self.text("day")?;
        let day = Date::parse(day).map_err(|it| anyhow::anyhow!("{day} {it}"))?;
        let (points, spent, orders) = (self.points("points")?, self.money("spent")?, self.count("orders")?);
        Ok(OfDay { day, figures: Figures { points, spent, orders } })
    }

    fn allotted(&self) -> Result<Allotted> {
        Ok(Allotted { cap: self.cap()?, points: self.points("points")? })
    }

    fn budget_use(&self) -> Result<BudgetUse> {
        let allotted = self.optional("allotted").map(|_| self.points("allotted")).transpose()?;
        Ok(BudgetUse { promotion: Arc::from(self.text("promotion")?), points: self.points("points")?, allotted })
    }

    fn tier_name(&self, key: &str) -> Result<TierName> {
        self.optional(key).map(|_| self.text(key).map(Into::into)).transpose()
    }

    fn tier_state(&self) -> Result<TierState> {
        let review_at = self.optional("review_at").map(|_| self.time("review_at")).transpose()?;
        let hold = self.text("hold")?;
        Ok(TierState {
            tier: self.tier_name("name")?,
            since: self.time("since")?,
            review_at: review_at.unwrap_or(Timestamp::NEVER),
            hold: tiers::hold(hold).with_context(|| format!("{hold} is no way to have a tier"))?,
        })
    }

    fn tier_review(&self) -> Result<TierReview> {
        let [outcome, by, within] = [self.text("outcome")?, self.text("by")?, self.text("within")?];
        let by = TierBy::ALL.into_iter().find(|it| it.name() == by).with_context(|| format!("{by} is not counted"))?;
        let figure = |key: &str| match by {
            TierBy::Spend => self.money(key).map(Money::minor),
            TierBy::Points | TierBy::Orders => Ok(self.text(key)?.parse()?),
        };
        let (outcomes, withins) = (TierOutcome::ALL.into_iter(), TierWithin::ALL.into_iter());
        let unknown = |it: &str| format!("{it} is nothing of a tier");
        Ok(TierReview {
            outcome: outcomes.into_iter().find(|it| it.name() == outcome).with_context(|| unknown(outcome))?,
            before: self.tier_name("before")?,
            by,
            within: withins.into_iter().find(|it| it.name() == within).with_context(|| unknown(within))?,
            figure: figure("figure")?,
            from: figure("from")?,
        })
    }

    pub(super) fn stands(&self) -> Result<Stands> {
        let state = self.optional("tier").map(|it| it.tier_state()).transpose()?;
        let next = self.optional("next").map(|it| -> Result<(String, String)> {
            Ok((it.text("name")?.to_owned(), it.text("missing")?.to_owned()))
        });
        let keep = self.optional("keep").map(|it| it.text("missing").map(str::to_owned));
        Ok(Stands {
            tier: state.as_ref().and_then(|it| it.tier.as_deref()).map(str::to_owned),
            hold: state.as_ref().map(|it| it.hold.name().to_owned()),
            review_at: state.map(|it| it.review_at).filter(|it| *it != Timestamp::NEVER),
            figure: self.text("figure")?.to_owned(),
            next: next.transpose()?,
            keep: keep.transpose()?,
        })
    }

    fn changes(&self) -> Result<Changes> {
        let carried =
            |it: Self| -> Result<Carried> { Ok(Carried { per: it.money("per")?, remainder: it.money("remainder")? }) };
        let displaced = |it: Self| -> Result<Displaced> {
            let order = OrderNo(it.number("order")?);
            Ok(Displaced { order, steps: it.count("steps")?, level: it.money("level")? })
        };
        let list = self.optional("displaced").map(|_| self.list("displaced")?.map(displaced).collect::<Result<_>>());
        Ok(Changes {
            merged: None,
            reward: self.optional("reward").map(|it| it.reward_change().map(Box::new)).transpose()?,
            owed: self.points("owed")?,
            let_go: self.points("let_go")?,
            expired: self.points("expired")?,
            earned: self.points("earned")?,
            undone: self.points("undone")?,
            counted: self.money("counted")?,
            steps: self.count("steps")?,
            carried: self.optional("carried").map(carried).transpose()?,
            displaced: list.transpose()?,
            spent: if self.optional("spent").is_some() { self.money("spent")? } else { Money::ZERO },
            figures: self.optional("figures").map(|it| it.of_day()).transpose()?,
            allotted: self.optional("allotted").map(|it| it.allotted()).transpose()?,
            budgets: match self.optional("budgets") {
                Some(_) => self.list("budgets")?.map(|it| it.budget_use()).collect::<Result<_>>()?,
                None => Box::default(),
            },
            acted: self.optional("acted").map(|it| it.acted()).transpose()?.map(Box::new),
            tier: self.optional("tier").map(|it| it.tier_state()).transpose()?.map(Box::new),
            closed: self.optional("closed").map(|it| it.closed()).transpose()?.map(Box::new),
            extended: self.optional("extended").map(|_| self.time("extended")).transpose()?,
            converted: self.optional("converted").map(|it| it.converted().map(Box::new)).transpose()?,
            certificates: self.maybe_list("certificates")?.map(|it| it.certificate_part()).collect::<Result<_>>()?,
            credit: match self.optional("credit") {
                Some(_) => self.list("credit")?.map(|it| it.credit_part()).collect::<Result<_>>()?,
                None => Vec::new(),
            },
        })
    }

    fn closed(&self) -> Result<Closed> {
        let until = self.optional("until").map(|_| self.time("until")).transpose()?;
        Ok(Closed { since: self.time("since")?, forfeits_at: self.time("forfeits_at")?, until })
    }

    /// The refusal that a problem states; its fields stand within `outer`.
    pub(super) fn rejection(&self, outer: &str) -> Result<Rejection> {
        let field = || self.text("field").map(|it| it.strip_prefix(outer).unwrap_or(it));
        Ok(match self.text("code")? {
            "invalid" => {
                let path = field()?.to_owned().into();
                Rejection::Invalid { path, allowed: kept(self.text("allowed")?) }
            }
            "unknown_channel" => Rejection::UnknownChannel,
            "unknown_program" => Rejection::UnknownProgram,
            "unknown_member" => Rejection::UnknownMember,
            "unknown_order" => Rejection::UnknownOrder,
            "unknown_tier" => Rejection::UnknownTier,
            "unknown_certificate" => Rejection::UnknownCertificate,
            "certificate_claimed" => Rejection::CertificateClaimed,
            // A problem tells the number in words.
            "certificate_cancelled" => Rejection::CertificateCancelled { certificate: LotNo(0) },
            "certificate_expired" => Rejection::CertificateExpired { certificate: LotNo(0) },
            "certificate_used" => Rejection::CertificateUsed { certificate: LotNo(0) },
            "certificate_of_order" => Rejection::CertificateOfOrder { certificate: LotNo(0) },
            "no_rewards" => Rejection::NoRewards,
            "certificate_exceeds_order" => Rejection::CertificateExceedsOrder { certificate: LotNo(0) },
            "identity_taken" => Rejection::IdentityTaken,
            "other_member" => Rejection::OtherMember,
            "claim_ended" => {
                let last = self.text("claimable_until")?;
                Rejection::ClaimEnded { last: Date::parse(last).with_context(|| format!("{last} is no day"))? }
            }
            "wrong_currency" => Rejection::WrongCurrency,
            "version_kind" => Rejection::VersionKind,
            "version_conflict" => Rejection::VersionConflict,
            "date_too_old" => Rejection::DateTooOld { path: kept(field()?) },
            "date_ahead" => Rejection::DateAhead { path: kept(field()?) },
            "program_off" => Rejection::ProgramOff,
            "account_closed" => Rejection::AccountClosed,
            "card_blocked" => Rejection::CardBlocked,
            "order_type" => Rejection::OrderType,
            "unknown_hold" => Rejection::UnknownHold,
            "hold_taken" => Rejection::HoldTaken,
            "below_minimum" => {
                Rejection::BelowMinimum { value: self.money("value_min")?, points: self.points("points_min")? }
            }
            "not_with_discounts" => Rejection::NotWithDiscounts,
            "balance_below_minimum" => Rejection::BalanceBelowMinimum {
                points: self.points("balance_min")?,
                balance: self.points("spendable")?,
            },
            "not_in_steps" => Rejection::NotInSteps { step: self.points("step")? },
            "above_maximum" => Rejection::AboveMaximum { points: self.points("points_max")? },
            "above_share" => {
                let share = engine::Money::parse(self.text("share_max")?.trim_end_matches('%'), 2)?.minor();
                Rejection::AboveShare { share: Share(u16::try_from(share)?), fits: self.points("fits")? }
            }
            "exceeds_order" => Rejection::ExceedsOrder { fits: self.points("fits")? },
            "credit_exceeds_order" => Rejection::CreditExceedsOrder { fits: self.money("credit_fits")? },
            "insufficient_credit" => Rejection::InsufficientCredit { spendable: self.money("credit_spendable")? },
            "behind_account" => Rejection::BehindAccount,
            "cannot_merge" => Rejection::CannotMerge,
            "cannot_undo" => Rejection::CannotUndo,
            "unknown_lot" => Rejection::UnknownLot,
            "unknown_activity" => Rejection::UnknownActivity,
            "activity_limit" => Rejection::ActivityLimit { per: "day", most: 0 },
            "exceeds_expired" => Rejection::ExceedsExpired { there: self.points("expired")? },
            "insufficient_points" => Rejection::InsufficientPoints { spendable: self.points("spendable")? },
            other => match self.rejected_reward(other)? {
                Some(rejection) => rejection,
                None => bail!("{other} is no refusal of the rules"),
            },
        })
    }
}

/// Texts of refusals live as long as the program; over HTTP they arrive as new ones. A run meets a few of them.
fn kept(text: &str) -> &'static str {
    Box::leak(text.to_owned().into_boxed_str())
}

fn milestone(name: &str) -> Result<Milestone> {
    Ok(match name {
        "placed" => Milestone::Placed,
        "paid" => Milestone::Paid,
        "fulfilled" => Milestone::Fulfilled,
        other => bail!("{other} is no milestone"),
    })
}

fn bucket(name: &str) -> Result<Bucket> {
    let found = Bucket::ALL.into_iter().find(|it| it.name() == name);
    found.with_context(|| format!("{name} is no bucket"))
}

fn actor(text: &str) -> Result<Actor> {
    let (kind, number) = text.split_once(':').map_or((text, None), |(kind, number)| (kind, number.parse().ok()));
    Ok(match (kind, number) {
        ("system", None) => Actor::System,
        ("import", None) => Actor::Import,
        ("channel", Some(number)) => Actor::Channel(number),
        ("staff", Some(number)) => Actor::Staff(number),
        ("key", Some(number)) => Actor::Key(number),
        _ => bail!("{text} did nothing"),
    })
}
