//! What points became, and what store credit and certificates pay, as the API tells it.

use anyhow::{Context as _, Result};
use engine::{CertificatePart, ConvertRate, Converted, CreditPart, LotNo, LotRef, Target, Timestamp};

use super::Read;

impl Read<'_> {
    pub(super) fn converted(&self) -> Result<Converted> {
        let into = self.text("into")?;
        let target = Target::ALL.into_iter().find(|it| it.name() == into);
        let target = target.with_context(|| format!("points do not become {into}"))?;
        let rate = ConvertRate { points: self.points("points")?, value: self.money("value")?, target };
        let certificate = self.optional("certificate").map(|it| it.certificate()).transpose()?;
        Ok(Converted { rate, times: self.count("times")?, certificate })
    }

    /// Lots of store credit can be spent at once and never expire.
    pub(super) fn credit_part(&self) -> Result<CreditPart> {
        let since = self.time("since")?;
        let no = LotNo(self.number("lot")?);
        let lot = LotRef { no, earned_at: since, available_at: since, expires_at: Timestamp::NEVER };
        Ok(CreditPart { lot, amount: self.money("amount")? })
    }

    pub(super) fn certificate_part(&self) -> Result<CertificatePart> {
        Ok(CertificatePart { lot: self.certificate()?, paid: self.money("pays")?, lost: self.money("loses")? })
    }

    /// A certificate can be used at once.
    fn certificate(&self) -> Result<LotRef> {
        let since = self.time("since")?;
        let expires_at = self.optional("expires_at").map(|_| self.time("expires_at")).transpose()?;
        let expires_at = expires_at.unwrap_or(Timestamp::NEVER);
        let no = LotNo(self.number("certificate")?);
        Ok(LotRef { no, earned_at: since, available_at: since, expires_at })
    }
}
