//! The one place where a document becomes engine terms. Every value is checked here against the limits.

use engine::{
    Currency, Date, EarnMode, EarnRate, Extend, ExtendOn, Milestone, Money, MoneyFault, Points, PointsPart, Shortfall,
    Terms, Validity, YearDay, Zone, is_name, limits,
};

use super::activities::activities;
use super::allowed::allowed;
use super::catalogue::catalogue;
use super::document::{
    Amount, ExtendsOn, GrantOn, Mode, OnRefund, PointNames, ProgramDocument, ShortfallPolicy, ValidityDocument,
};
use crate::fault::Fault;

/// The most points for a minor unit, so that no order's points leave 63 bits.
const POINTS_PER_MINOR_MAX: i64 = 100_000;

impl ProgramDocument {
    /// What the engine needs of the document.
    ///
    /// # Errors
    /// The first value that is outside its limits.
    pub fn terms(&self) -> Result<Terms, Fault> {
        within("format", self.format, super::FORMAT, super::FORMAT)?;
        named("name", &self.name)?;
        let currency = currency(&self.currency)?;
        let zone = zone(&self.time_zone)?;
        check_names(&self.points)?;
        let earn = self.earn_rate(currency)?;
        let waiting_days = within("earn.waiting_days", self.earn.waiting_days, 0, i64::from(limits::WAITING_DAYS_MAX))?;
        let validity = validity("validity", &self.validity)?;
        let grace_days = within("grace_days", self.grace_days, 0, i64::from(limits::GRACE_DAYS_MAX))?;
        let claim_days = within("claim_days", self.claim_days, 0, i64::from(limits::CLAIM_DAYS_MAX))?;
        let terms = Terms {
            zone,
            currency,
            grant_on: milestone(self.earn.on),
            earn,
            earning: self.earning(earn, currency)?,
            order_types: self.order_types()?,
            earn_on_tax: self.earn.include_tax,
            earn_on_shipping: self.earn.include_shipping,
            caps: self.earn.caps.caps(self.earn.mode)?,
            tiers: None,
            waiting_days: narrow(waiting_days),
            validity,
            extend: self.extend()?,
            activities: activities(&self.activities)?,
            grace_days: narrow(grace_days),
            claim_days: narrow(claim_days),
            redeem: super::redeem_terms::redeem(&self.redeem, currency)?,
            shortfall: shortfall(self.refund.shortfall),
            points_part: points_part(self.redeem.on_refund),
            certificate_uses: self.certificates.uses(),
            catalogue: catalogue(&self.catalogue, self.tiers.as_ref(), (currency, self.certificates.uses()))?,
            convert: self.convert.as_ref().map(|it| it.terms(currency, self.certificates.uses())).transpose()?,
        };
        match &self.tiers {
            Some(tiers) => tiers.add_to(terms),
            None => Ok(terms),
        }
    }

    fn extend(&self) -> Result<Option<Extend>, Fault> {
        let most = i64::from(limits::VALID_MONTHS_MAX);
        match (&self.validity, &self.extend) {
            (ValidityDocument::InactiveMonths(_), Some(_)) => {
                let what = "points that end after a time without activity are kept alive by it already".to_owned();
                Err(Fault::new("extend", what, "the key left out beside validity.inactive_months".to_owned()))
            }
            (ValidityDocument::InactiveMonths(months), None) => {
                Ok(Some(Extend { on: ExtendOn::Activity, months: narrow(*months) }))
            }
            (_, None) => Ok(None),
            (_, Some(it)) => {
                let on = match it.on {
                    ExtendsOn::Order => ExtendOn::Order,
                    ExtendsOn::Earning => ExtendOn::Earning,
                };
                Ok(Some(Extend { on, months: narrow(within("extend.months", it.months, 1, most)?) }))
            }
        }
    }

    /// Refuses a last day on which points granted today could not be spent any more.
    pub(super) fn check_until(&self, today: Date) -> Result<(), Fault> {
        let waiting = i32::try_from(self.earn.waiting_days).unwrap_or(0);
        let first = today.plus_days(waiting);
        match validity("validity", &self.validity)? {
            Validity::Until(last) if last < first => {
                let what = if last < today {
                    format!("{last} is over: points could not be spent at all")
                } else {
                    format!("points earned today can be spent from {first} on, and {last} is earlier")
                };
                Err(Fault::new("validity.until", what, format!("{first} or a later day")))
            }
            Validity::Until(_) | Validity::Never | Validity::Days(_) | Validity::Months(_) | Validity::Yearly(_) => {
                Ok(())
            }
        }
    }

    fn earn_rate(&self, currency: Currency) -> Result<EarnRate, Fault> {
        let earn = &self.earn;
        let (points, per) = earn_rate_of("earn", earn.points, &earn.per, currency)?;
        let mode = match earn.mode {
            Mode::Proportional => EarnMode::Proportional,
            Mode::Steps => EarnMode::Steps,
            Mode::StepsCarried => EarnMode::StepsCarried,
        };
        Ok(EarnRate { points, per, mode })
    }
}

/// So many points per amount, as checked at `path`.
pub(super) fn earn_rate_of(
    path: &str,
    points: i64,
    per: &Amount,
    currency: Currency,
) -> Result<(Points, Money), Fault> {
    let points = within(&format!("{path}.points"), points, 0, limits::RATE_POINTS_MAX.get())?;
    let per = amount(&format!("{path}.per"), per, 1, currency)?;
    refuse_too_many_points(&format!("{path}.points"), points, per, currency)?;
    Ok((Points::new(points), per))
}

pub(super) fn refuse_too_many_points(path: &str, points: i64, amount: Money, currency: Currency) -> Result<(), Fault> {
    // Amounts are below 10^13 minor units: the product stays within 63 bits.
    let most = amount.minor() * POINTS_PER_MINOR_MAX;
    if points <= most {
        return Ok(());
    }
    let what = format!("{points} points are too many for {}", amount.to_text(currency.exponent));
    Err(Fault::new(path, what, format!("at most {most}")))
}

fn currency(code: &str) -> Result<Currency, Fault> {
    let fault = |what: String| Fault::new("currency", what, allowed("currency"));
    let known = iso_currency::Currency::from_code(code);
    let known = known.filter(|it| it.code() == code).ok_or_else(|| fault(format!("\"{code}\" is no currency")))?;
    let exponent = known.exponent().and_then(|it| u8::try_from(it).ok());
    let exponent = exponent.ok_or_else(|| fault(format!("\"{code}\" has no coins or notes to count in")))?;
    let code = code.as_bytes().try_into().map_err(|_| fault(format!("\"{code}\" is no currency")))?;
    Ok(Currency { code, exponent })
}

fn zone(name: &str) -> Result<Zone, Fault> {
    // The calendar knows this name as "no zone is known".
    let zone = Zone::named(name).filter(|_| !name.eq_ignore_ascii_case("Etc/Unknown"));
    zone.ok_or_else(|| Fault::new("time_zone", format!("\"{name}\" is no time zone"), allowed("time_zone")))
}

fn check_names(points: &PointNames) -> Result<(), Fault> {
    named("points.one", &points.one)?;
    named("points.many", &points.many)
}

pub(super) fn named(path: &str, text: &str) -> Result<(), Fault> {
    if is_name(text) && text.trim() == text {
        return Ok(());
    }
    let what = if text.is_empty() { "the text is empty" } else { "the text cannot be used" };
    Err(Fault::new(path, what, allowed(path)))
}

pub(super) fn within(path: &str, number: i64, least: i64, most: i64) -> Result<i64, Fault> {
    if number < least {
        return Err(Fault::new(path, format!("{number} is too few"), allowed(path)));
    }
    if most < number {
        return Err(Fault::new(path, format!("{number} is too many"), allowed(path)));
    }
    Ok(number)
}

pub(super) fn amount(path: &str, amount: &Amount, least: i64, currency: Currency) -> Result<Money, Fault> {
    let text = &amount.0;
    let exponent = currency.exponent;
    let digits = || match exponent {
        0 => format!("without a point, which {} does not have", currency.code()),
        1 => format!("with at most 1 digit after the point, as {} has", currency.code()),
        _ => format!("with at most {exponent} digits after the point, as {} has", currency.code()),
    };
    let range = || {
        let [least, most] = [Money::new(least), limits::MONEY_MAX].map(|it| it.to_text(exponent));
        format!("\"{least}\" to \"{most}\"")
    };
    let fault = |what: &str, allowed: String| Err(Fault::new(path, format!("\"{text}\" {what}"), allowed));
    match Money::parse(text, exponent) {
        Ok(money) if money < Money::new(least) => fault("is too little", range()),
        Ok(money) => Ok(money),
        Err(MoneyFault::TooLarge) => fault("is too much", range()),
        Err(it @ MoneyFault::NotDecimal) => fault(&it.to_string(), range()),
        Err(MoneyFault::TooPrecise) => fault("has too many digits after the point", format!("an amount {}", digits())),
    }
}

/// How long something is valid, as the key at `path` says it.
pub(super) fn validity(path: &str, validity: &ValidityDocument) -> Result<Validity, Fault> {
    let whole =
        |key: &str, number: i64, most: u16| within(&format!("{path}.{key}"), number, 1, i64::from(most)).map(narrow);
    let months = |key: &str, number: i64| whole(key, number, limits::VALID_MONTHS_MAX).map(Validity::Months);
    let wrong = |key: &str, what: String| {
        let path = format!("{path}.{key}");
        Fault::new(&path, what, allowed(&path))
    };
    match validity {
        ValidityDocument::Never => Ok(Validity::Never),
        ValidityDocument::Days(days) => whole("days", *days, limits::VALID_DAYS_MAX).map(Validity::Days),
        ValidityDocument::Months(number) => months("months", *number),
        // Counted anew from each activity: see `extend`.
        ValidityDocument::InactiveMonths(number) => months("inactive_months", *number),
        ValidityDocument::Until(day) => {
            let fault = |it| wrong("until", format!("\"{day}\" {it}"));
            Date::parse(day).map(Validity::Until).map_err(fault)
        }
        ValidityDocument::Yearly(day) => {
            let fault = || wrong("yearly", format!("\"{day}\" is no month and day such as 12-31"));
            YearDay::parse(day).map(Validity::Yearly).ok_or_else(fault)
        }
    }
}

pub(super) fn narrow(number: i64) -> u16 {
    u16::try_from(number).expect("it is within its limits")
}

fn milestone(on: GrantOn) -> Milestone {
    match on {
        GrantOn::Placed => Milestone::Placed,
        GrantOn::Paid => Milestone::Paid,
        GrantOn::Fulfilled => Milestone::Fulfilled,
    }
}

fn shortfall(policy: ShortfallPolicy) -> Shortfall {
    match policy {
        ShortfallPolicy::Owe => Shortfall::Owe,
        ShortfallPolicy::TakeWhatIsThere => Shortfall::TakeWhatIsThere,
        ShortfallPolicy::AllOrNothing => Shortfall::AllOrNothing,
    }
}

fn points_part(on_refund: OnRefund) -> PointsPart {
    match on_refund {
        OnRefund::Stays => PointsPart::Stays,
        OnRefund::InProportion => PointsPart::InProportion,
    }
}
