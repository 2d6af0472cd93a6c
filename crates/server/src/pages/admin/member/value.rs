//! What a member has beside points: store credit, certificates, and rewards that were claimed.

use engine::{ClaimState, Money, Placed as _, Points};
use store::{CertificateInfo, ClaimInfo, CreditInfo};

use super::told::Told;
use crate::api::certificates::certificate_status;
use crate::words::worth;

/// Certificates and claimed rewards that are listed.
pub(super) const LISTED: usize = 20;

/// Something with a value of its own: a line of a card.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct ValueRow {
    pub told: String,
    pub value: String,
    /// There is nothing left of it.
    pub is_over: bool,
}

impl Told<'_> {
    /// Of each currency in which there is or was any.
    pub(super) fn credit(&self) -> Vec<ValueRow> {
        let had = |it: &&CreditInfo| it.account.balance.issued.is_positive();
        let row = |it: &CreditInfo| {
            let balance = it.account.balance;
            let told = if balance.owed.is_positive() {
                let owed = Money::new(balance.owed.get()).to_text(it.currency.exponent);
                format!("Can be spent; {owed} are owed")
            } else {
                "Can be spent".to_owned()
            };
            ValueRow { told, value: self.money(balance.available, it.currency), is_over: balance.available.is_zero() }
        };
        self.read.credit.iter().filter(had).map(row).collect()
    }

    /// Those that can be used come first, the newest of them before the others.
    pub(super) fn certificates(&self) -> Vec<ValueRow> {
        let mut all: Vec<&CertificateInfo> = self.read.certificates.iter().rev().collect();
        all.sort_by_key(|it| certificate_status(it) != "active");
        all.into_iter().take(LISTED).map(|it| self.certificate(it)).collect()
    }

    pub(super) fn more_certificates(&self) -> Option<String> {
        let all = self.read.certificates.len();
        (LISTED < all).then(|| format!("{LISTED} of {all}"))
    }

    /// Newest first.
    pub(super) fn rewards(&self) -> Vec<ValueRow> {
        self.read.claims.iter().take(LISTED).map(|it| self.reward(it)).collect()
    }

    pub(super) fn more_rewards(&self) -> Option<String> {
        (LISTED < self.read.claims.len()).then(|| format!("the newest {LISTED}"))
    }

    fn reward(&self, info: &ClaimInfo) -> ValueRow {
        let it = &info.claim;
        let claimed = self.voice.day_of(it.at);
        let told = match (it.state, it.certificate) {
            (ClaimState::Claimed, _) => format!("{}: claimed {claimed}, to be handed over", it.reward),
            (ClaimState::Fulfilled, None) => format!("{}: claimed {claimed}, handed over", it.reward),
            (ClaimState::Fulfilled, Some(lot)) if info.is_undone => {
                let many = &self.voice.names.many;
                format!("{}: claimed {claimed}, certificate {} became {many} again", it.reward, lot.no.within())
            }
            (ClaimState::Fulfilled, Some(lot)) => {
                format!("{}: claimed {claimed}, certificate {}", it.reward, lot.no.within())
            }
            (ClaimState::Cancelled, _) => format!("{}: claimed {claimed}, cancelled", it.reward),
        };
        let is_over = it.state != ClaimState::Claimed;
        ValueRow { told, value: self.voice.points(it.points), is_over }
    }

    fn certificate(&self, it: &CertificateInfo) -> ValueRow {
        let CertificateInfo { currency, lot, value, .. } = it;
        let given = self.voice.day_of(lot.at.earned_at);
        let status = certificate_status(it);
        let told = match (status, self.voice.last_day(lot.at.expires_at)) {
            ("active", Some(day)) => format!("Given {given}, until {day}"),
            ("active", None) => format!("Given {given}, without an end"),
            ("used", _) => format!("Given {given}, used up"),
            (status, _) => format!("Given {given}, {status}"),
        };
        let whole = value.to_text(currency.exponent);
        let left = self.money(lot.available, *currency);
        let share = lot.certificate.and_then(|it| it.uses.share());
        let value = match status {
            _ if share.is_some() => worth(share, format!("{whole} {}", currency.code())),
            "active" if lot.available.get() < value.minor() => format!("{left} of {whole}"),
            "active" => left,
            _ => format!("{whole} {}", currency.code()),
        };
        ValueRow { told, value, is_over: status != "active" }
    }

    fn money(&self, amount: Points, currency: engine::Currency) -> String {
        format!("{} {}", Money::new(amount.get()).to_text(currency.exponent), currency.code())
    }
}
