//! Orders without a member: nothing was posted for them, and the directory leads to each of them and of their returns.

use engine::{OrderNo, Posted};

use super::{Check, Compared, Ended};
use crate::directory::{self, Listed, Listing, order_key, return_key};
use crate::guest;
use crate::id::MemberId;
use crate::totals::TotalsKey;

impl Check<'_> {
    pub(super) fn guests(&mut self) -> Compared<()> {
        let mut after = Vec::new();
        loop {
            let page = guest::page(self.conn, &after)?;
            let Some((last, ..)) = page.last() else { return Ok(()) };
            after = last.to_vec();
            for (key, program, row) in page {
                let order = &row.guest.order;
                let differs = |what: &str| {
                    let (channel, reference) = (row.channel, &row.reference);
                    Ended::Difference(format!("order {reference} of channel {channel}, without a member: {what}"))
                };
                if order.no != OrderNo(0) || order.posted != Posted::default() || order.document.is_none() {
                    return Err(differs("something was posted for it"));
                }
                let listed = Listed { owner: MemberId(key), kind: Listing::Guest, program, number: 0 };
                if order_key(row.channel, &row.reference) != key || directory::find(self.conn, key)? != Some(listed) {
                    return Err(differs("the directory does not lead to it"));
                }
                for it in &order.returned {
                    let listed = Listed { kind: Listing::Return, ..listed };
                    if directory::find(self.conn, return_key(it.channel, &it.reference))? != Some(listed) {
                        return Err(differs("the directory does not lead to a return of it"));
                    }
                    self.references += 1;
                }
                let key = TotalsKey { program, channel: row.channel, day: row.day.clone() };
                self.totals.entry(key).or_default().orders += 1;
                self.report.guests += 1;
            }
        }
    }
}
