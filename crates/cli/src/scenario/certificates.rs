//! Certificates in scenarios: how steps give and cancel them, how each of the three that a scenario runs against is told, and
//! what a look at them tells.

use anyhow::{Result, anyhow};
use engine::{
    Account, CancelCertificate, Conversion, Decided, Decision, IssueCertificates, Lot, LotNo, Moment, Money, Place,
    Placed as _, Rules, Stop, Target, Terms, Timeline, Timestamp, Uses, Validity,
};
use serde_json::{Value, json};
use store::{Body, CertificateInfo, CertificateRef, NewCertificates};

use super::expect::{Found, FoundItem};
use super::moment::When;
use super::words::{Fault, Words};

const ALLOWED: &str = "a value such as 25.00, then `x 3`, `once` or `several`, `for 30 days`, `for 6 months` or `until \
    2023-12-31`, and last the reason in quotes";

/// What staff do with a member's certificates.
#[derive(Clone, Debug)]
pub(super) enum CertificateAct {
    Issue(NewCertificates),
    Cancel { certificate: LotNo, note: String },
}

impl CertificateAct {
    /// `certificate ana 25.00 x 3 once for 30 days "why"`: what comes behind the name.
    pub(super) fn read_issue(words: &mut Words, when: &When) -> Result<Self, Fault> {
        let value = words.money(when.exponent)?;
        let mut new = NewCertificates { value, count: 1, uses: None, validity: Validity::Never, note: String::new() };
        loop {
            if words.eat("x") {
                new.count = words.number("how many, such as 3")?;
            } else if let Some(uses) = Uses::ALL.into_iter().find(|it| words.eat(it.name())) {
                new.uses = Some(uses);
            } else if words.eat("until") {
                new.validity = Validity::Until(words.date()?);
            } else if words.eat("for") {
                let number = words.number("a number such as 30")?;
                new.validity = match words.take() {
                    "day" | "days" => Validity::Days(number),
                    "month" | "months" => Validity::Months(number),
                    other => return Err(Fault::allowed(other, ALLOWED)),
                };
            } else {
                break;
            }
        }
        new.note = words.quoted()?.to_owned();
        Ok(Self::Issue(new))
    }

    /// `cancel ana certificate 1 "why"`.
    pub(super) fn read_cancel(words: &mut Words) -> Result<Self, Fault> {
        words.expect("certificate")?;
        let certificate = read_number(words)?;
        Ok(Self::Cancel { certificate, note: words.quoted()?.to_owned() })
    }

    pub(super) fn issue(new: &NewCertificates, terms: &Terms) -> IssueCertificates {
        let NewCertificates { value, count, uses, validity, note } = new.clone();
        IssueCertificates { value, count, uses: uses.unwrap_or(terms.certificate_uses), validity, note }
    }

    pub(super) fn is_issue(&self) -> bool {
        matches!(self, Self::Issue(_))
    }

    /// By the engine alone, on an account with its certificates beside it.
    pub(super) fn decide(&self, account: &Account, rules: Rules<'_>, terms: &Terms, moment: Moment) -> Decision {
        let ledger = account.wallet.as_ref().map(|it| &it.ledger).ok_or(Stop::NeedMore)?;
        let decided = match self {
            Self::Issue(new) => {
                engine::issue_certificates(ledger, rules.under, &Self::issue(new, terms), &terms.zone, moment)?
            }
            Self::Cancel { certificate, note } => {
                let cancel = CancelCertificate { certificate: *certificate, note: note.clone() };
                let is_it = |it: &Conversion| it.rate.target == Target::Certificate && it.lot.no == *certificate;
                if account.conversions().iter().any(is_it) {
                    return engine::cancel_bought(account, rules, &cancel, moment);
                }
                engine::cancel_certificate(ledger, &cancel, moment)?
            }
        };
        Ok(Decided { certificates: decided.entries, ..Decided::default() })
    }

    /// For nobody; a certificate is named by its code.
    pub(super) fn bearer_body(&self, program: String, code: impl Fn(LotNo) -> Result<CertificateRef>) -> Result<Body> {
        Ok(match self.clone() {
            Self::Issue(new) => Body::IssueBearers { program, new },
            Self::Cancel { certificate, note } => Body::CancelCertificate { certificate: code(certificate)?, note },
        })
    }

    /// `home` is the member that somebody has become who was merged.
    pub(super) fn body(
        &self,
        program: String,
        (member, home): (store::MemberRef, store::MemberId),
        ledger: u32,
    ) -> Body {
        match self.clone() {
            Self::Issue(new) => Body::IssueCertificates { program, member, new, reference: None },
            Self::Cancel { certificate: number, note } => {
                let certificate = CertificateRef::Numbered { owner: home, ledger, number };
                Body::CancelCertificate { certificate, note }
            }
        }
    }

    /// The address, and what is sent there; `name` answers how requests name a certificate.
    pub(super) fn request(
        &self,
        program: &str,
        member: Option<&str>,
        exponent: u8,
        name: impl Fn(LotNo) -> Result<String>,
    ) -> Result<(&'static str, Value)> {
        Ok(match self {
            Self::Issue(new) => {
                let expires = match new.validity {
                    Validity::Never => json!("never"),
                    Validity::Days(days) => json!({ "days": days }),
                    Validity::Months(months) => json!({ "months": months }),
                    Validity::Until(day) => json!({ "until": day.to_string() }),
                    Validity::Yearly(_) => return Err(anyhow!("no certificate ends each year")),
                };
                let mut body = json!({
                    "program": program, "value": new.value.to_text(exponent), "count": new.count,
                    "uses": new.uses.map(Uses::name), "expires": expires, "note": new.note,
                });
                let Some(member) = member else { return Ok(("/v1/bearer-certificates", body)) };
                body["members"] = json!([member]);
                ("/v1/certificates", body)
            }
            Self::Cancel { certificate, note } => {
                let body = json!({ "certificates": [name(*certificate)?], "note": note });
                ("/v1/certificate-cancellations", body)
            }
        })
    }
}

/// In steps, the place of certificates that belong to nobody until somebody uses them.
const BEARERS: Place = Place::MAX;

/// Which of those that were made for nobody a number means.
pub(super) fn bearer_of(no: LotNo) -> Option<usize> {
    (no.place() == BEARERS).then(|| usize::try_from(no.within()).unwrap_or(usize::MAX).wrapping_sub(1))
}

/// One that was made for nobody, as a look tells it.
pub(super) fn bearer_told(index: usize, lot: &Lot, is_claimed: bool) -> Told {
    let certificate = lot.certificate;
    let status = if is_claimed {
        "claimed"
    } else if certificate.is_some_and(|it| it.is_cancelled) {
        "cancelled"
    } else if lot.available.is_positive() {
        "active"
    } else {
        "expired"
    };
    Told {
        no: u64::try_from(index + 1).unwrap_or(u64::MAX),
        status: status.to_owned(),
        left: if is_claimed { Money::ZERO } else { Money::new(lot.available.get()) },
        once: certificate.filter(|_| !is_claimed).and_then(|it| once(it.uses)),
        expires_at: lot.at.expires_at,
    }
}

/// `1`; `joined 1`, of the first who was merged into the member; or `bearer 1`, of those that were made for nobody.
pub(super) fn read_number(words: &mut Words) -> Result<LotNo, Fault> {
    let what = "the number of a certificate such as 1";
    if words.eat("bearer") {
        let no: u64 = words.number(what)?;
        return Ok(LotNo(no).under(BEARERS));
    }
    if !words.eat("joined") {
        return Ok(LotNo(words.number(what)?));
    }
    let no: u64 = words.number(what)?;
    Ok(LotNo(no).under(Place(1)))
}

/// The same, as it is told.
pub(super) fn number(no: LotNo) -> String {
    match no.place() {
        Place::OWN => no.0.to_string(),
        BEARERS => format!("bearer {}", no.within()),
        Place(1) => format!("joined {}", no.within()),
        Place(place) => format!("joined {place} {}", no.within()),
    }
}

/// A certificate as a look tells it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Told {
    pub(super) no: u64,
    pub(super) status: String,
    pub(super) left: Money,
    /// `once`, or of one that pays a share `10% once`.
    pub(super) once: Option<String>,
    pub(super) expires_at: Timestamp,
}

impl Told {
    pub(super) fn of(it: &CertificateInfo) -> Self {
        Self {
            no: it.lot.at.no.0,
            status: server::certificate_status(it).to_owned(),
            left: Money::new(it.lot.available.get()),
            once: it.lot.certificate.and_then(|it| once(it.uses)),
            expires_at: it.lot.at.expires_at,
        }
    }

    /// `1 active 25.00 once until 2022-12-31`; when something ends is told of what can be used.
    fn item(&self, when: &When) -> FoundItem {
        let mut text = format!("{} {} {}", number(LotNo(self.no)), self.status, self.left.to_text(when.exponent));
        if let Some(once) = &self.once {
            text += &format!(" {once}");
        }
        if self.status == "active"
            && let Some(day) = when.last_day(self.expires_at)
        {
            text += &format!(" until {day}");
        }
        FoundItem { text, day: String::new(), time: String::new() }
    }
}

pub(super) fn tell(found: &mut Found, certificates: &[Told], when: &When) {
    found.items = certificates.iter().map(|it| it.item(when)).collect();
}

/// An expected item, written as it is found.
pub(super) fn read_item(words: &mut Words, when: &When) -> Result<String, Fault> {
    let no = number(read_number(words)?);
    let status = words.take();
    if !["active", "used", "expired", "cancelled", "claimed"].contains(&status) {
        return Err(Fault::allowed(status, "`active`, `used`, `expired`, `cancelled` or `claimed`"));
    }
    let mut text = format!("{no} {status} {}", words.money(when.exponent)?.to_text(when.exponent));
    if words.peek().ends_with('%') {
        text += &format!(" {}", words.take());
    }
    if words.eat("once") {
        text += " once";
    }
    if words.eat("until") {
        text += &format!(" until {}", words.date()?);
    }
    Ok(text)
}

/// How a certificate for one order is told.
fn once(uses: Uses) -> Option<String> {
    let share = uses.share().map_or_else(String::new, |it| format!("{it} "));
    uses.is_once().then(|| format!("{share}once"))
}

/// What is expected of a quote: which certificates it offers, and why it leaves others out.
pub(super) fn offered(words: &mut Words, when: &When) -> Result<Option<(&'static str, String)>, Fault> {
    if words.eat("certificate because") {
        return Ok(Some(("certificate because", words.take().to_owned())));
    }
    if words.eat("no offers") {
        return Ok(Some(("offers", "none".to_owned())));
    }
    if words.eat("leaves out nothing") {
        return Ok(Some(("leaves out", "nothing".to_owned())));
    }
    if words.eat("leaves out") {
        let mut out = Vec::new();
        while !words.is_done() {
            let no = number(read_number(words)?);
            out.push(format!("{no} {}", words.take()));
        }
        return Ok(Some(("leaves out", out.join(" "))));
    }
    if !words.eat("offers") {
        return Ok(None);
    }
    let mut offers = Vec::new();
    while !words.is_done() {
        let no = number(read_number(words)?);
        offers.push(format!("{no} {}", words.money(when.exponent)?.to_text(when.exponent)));
    }
    Ok(Some(("offers", offers.join(" "))))
}

/// What certificates of an account, settled, would be listed as; values are those of the entries that gave them.
pub(super) fn of_account(account: &Account, now: Timestamp) -> Result<Vec<Told>> {
    let Some(wallet) = &account.wallet else { return Ok(Vec::new()) };
    let mut ledger = wallet.ledger.clone();
    let nothing = Timeline::default();
    let due = engine::settle(&ledger, Rules::of(&nothing), now).map_err(|_| anyhow!("every certificate is loaded"))?;
    ledger.apply(&due);
    let told = |it: &engine::Lot| {
        let certificate = it.certificate.ok_or_else(|| anyhow!("a lot of a wallet is a certificate"))?;
        let once = once(certificate.uses);
        let paid = account.orders().iter().flat_map(|order| &order.posted.certificates);
        let is_used = paid.filter(|part| part.lot.no == it.at.no).any(|part| part.paid.is_positive());
        let status = if certificate.is_cancelled {
            "cancelled"
        } else if it.available.is_positive() {
            "active"
        } else if it.expired.is_positive() && !(once.is_some() && is_used) {
            "expired"
        } else {
            "used"
        };
        let left = Money::new(it.available.get());
        Ok(Told { no: it.at.no.0, status: status.to_owned(), left, once, expires_at: it.at.expires_at })
    };
    ledger.lots().iter().map(told).collect()
}
