//! Certificates in plain words: what an order leaves of one that can be used once, worked out by the engine.

use engine::Uses;

use super::Plain;
use crate::program::example::Example;

impl Plain<'_> {
    pub(super) fn certificates(&self) -> Option<String> {
        if self.terms.certificate_uses == Uses::Several {
            return None;
        }
        let (value, order) = (self.sample(2_500), self.sample(2_000));
        let mut example = Example::with_certificate(self.terms, value)?;
        let (paid, lost) = example.pays_with_certificate(order)?;
        Some(format!(
            "A certificate can be used on one order: of one worth {} an order of {} uses {}, and {} is lost, which its quote \
             says beforehand.",
            self.amount(value),
            self.amount(order),
            self.amount(paid),
            self.amount(lost),
        ))
    }
}
