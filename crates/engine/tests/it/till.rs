//! A till that sends the orders of one member, each time as they are then.

use std::sync::Arc;

use engine::{Answer, Document, DocumentVersion, Money, Timeline, Timestamp};

use crate::programs::EUR;
use crate::shop::{Command, Shop};

pub(crate) struct Till {
    pub(crate) shop: Shop,
    version: u64,
}

impl Till {
    pub(crate) fn new(timeline: Timeline) -> Self {
        Self { shop: Shop { import: true, ..Shop::new(timeline) }, version: 0 }
    }

    /// Sends an order of so many units, cancelled when it is none.
    pub(crate) fn send(&mut self, slot: usize, amount: i64, placed_at: Timestamp) -> Answer {
        let command = self.order(slot, amount, placed_at);
        let decided = self.shop.decide(&command).expect("a fact is never refused");
        self.shop.apply(&command, &decided);
        *decided.answer.expect("an order is answered")
    }

    /// Such an order, which is not sent yet.
    pub(crate) fn order(&mut self, slot: usize, amount: i64, placed_at: Timestamp) -> Command {
        self.version += 1;
        let cancelled_at = if amount == 0 { Some(self.shop.now) } else { None };
        let document = Document {
            version: DocumentVersion::Number(self.version),
            cancelled_at,
            ..Document::sale(EUR, Money::new(amount * 100), placed_at)
        };
        Command::Put { slot, document: Arc::new(document) }
    }
}
