//! Refunds in plain words: what remains, what cannot be taken back, what was paid with points.

use engine::{Document, Points, PointsPart, Shortfall};

use super::{Plain, part};
use crate::program::example::Example;
use crate::words::number;

impl Plain<'_> {
    pub(super) fn refunds(&self) -> Vec<String> {
        let mut said = Vec::new();
        let whole = self.whole();
        let back = part(whole, 2, 5);
        let mut example = Example::new(self.terms);
        let sale = example.sale(whole);
        if let Ok(first) = example.put(None, sale.clone()) {
            let refunded = Document { refunded: back, ..sale };
            if let Ok(answer) = example.put(Some(first.order), refunded) {
                let (amount, back) = (self.amount(whole), self.amount(back));
                let remain = answer.earned.called_for;
                let verb = if remain == Points::new(1) { "remains" } else { "remain" };
                said.push(format!("If {back} of an order of {amount} come back, {} {verb}.", self.points(remain)));
            }
        }
        said.push(self.shortfall().unwrap_or_else(|| self.shortfall_rule().to_owned()));
        said.extend(self.points_part());
        said
    }

    /// A member has spent three fifths of what an order earned when all of it comes back.
    fn shortfall(&self) -> Option<String> {
        let mut example = Example::new(self.terms);
        let sale = example.sale(self.whole());
        let first = example.put(None, sale.clone()).ok()?;
        let earned = first.earned.called_for;
        let spent = Points::new(earned.get() / 5 * 3);
        example.now = example.account.lots().first()?.at.available_at;
        example.adjust(-spent)?;
        let cancelled = Document { cancelled_at: Some(example.now), ..sale };
        let answer = example.put(Some(first.order), cancelled).ok()?;
        let missing = answer.owed + answer.let_go;
        let [taken, missing, spent] = [earned - missing, missing, spent].map(number);
        let what = match self.terms.shortfall {
            Shortfall::Owe => {
                format!("{taken} are taken back and {missing} are owed; the next that can be spent pay them")
            }
            Shortfall::TakeWhatIsThere | Shortfall::AllOrNothing => {
                format!("{taken} are taken back and {missing} are let go for good")
            }
        };
        let (whole, earned) = (self.amount(self.whole()), self.points(earned));
        Some(format!(
            "If an order of {whole} earned {earned}, {spent} of them are spent and all of it comes back, {what}."
        ))
    }

    fn shortfall_rule(&self) -> &'static str {
        match self.terms.shortfall {
            Shortfall::Owe => "What cannot be taken back after a refund is owed.",
            Shortfall::TakeWhatIsThere => "What cannot be taken back after a refund is let go for good.",
            Shortfall::AllOrNothing => "If not all can be taken back after a refund, nothing is.",
        }
    }

    /// Two fifths and nine tenths of an order come back that was partly paid with points.
    fn points_part(&self) -> Vec<String> {
        let mut said = vec![
            match self.terms.points_part {
                PointsPart::Stays => {
                    "What was paid with POINTS stays paid until the rest of the order no longer covers it."
                }
                PointsPart::InProportion => "What was paid with POINTS comes back in proportion.",
            }
            .replace("POINTS", &self.voice.names.many),
        ];
        for (numerator, denominator) in [(2, 5), (9, 10)] {
            let Some(mut paid) = self.paid() else { continue };
            let back = part(paid.amount, numerator, denominator);
            let document = Document { refunded: back, redeem: None, ..paid.sale };
            let Ok(answer) = paid.example.put(Some(paid.order), document) else { continue };
            let returned = paid.points - answer.redeemed;
            said.push(format!(
                "If {} of an order of {} come back that redeemed {}, {} of them return and {} is still paid with them.",
                self.amount(back),
                self.amount(paid.amount),
                self.points(paid.points),
                returned,
                self.amount(answer.value)
            ));
        }
        said
    }
}
