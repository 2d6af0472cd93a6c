//! Rows of what a merge moves: staged with the entries that say so, and those that are gone deleted.

use std::collections::BTreeMap;

use engine::{Account, Decided, Merged, OrderNo, Place, Placed as _};

use crate::batch::{Batch, NewOrder, saved_order};
use crate::fault::{Fault, Found};
use crate::load;
use crate::rows::AccountId;

impl Batch<'_> {
    /// The account as the rules see it: with the owner's credit where they look at it.
    pub(crate) fn shown(&mut self, id: AccountId) -> Found<Account> {
        if id.currency().is_none()
            && let Some(account) = self.account(id)?
        {
            return Ok(account);
        }
        Ok(self.slot(id)?.account.clone())
    }

    /// Loads all that has numbers of a place or a later one, all years and all conversions. Answers what the rows of the
    /// orders say beside them.
    pub(crate) fn load_from(&mut self, id: AccountId, from: Place) -> Found<BTreeMap<OrderNo, NewOrder>> {
        let conn = self.conn;
        let slot = self.slot(id)?;
        let changed = slot.conversions.clone();
        let loaded =
            slot.load(|account| load::load_from(conn, id, account, from, |key| !changed.contains_key(&key)))?;
        slot.channels.extend(loaded.iter().map(|it| (it.order.no, it.channel)));
        let place =
            |it: load::OrderRow| (it.order.no, NewOrder { channel: it.channel, reference: it.reference, day: it.day });
        Ok(loaded.into_iter().map(place).collect())
    }

    /// Posts entries that bring or take what is not theirs alone; `new` is what the rows of orders say that come.
    pub(crate) fn post_moved(
        &mut self,
        id: AccountId,
        decided: &mut Decided,
        mut new: BTreeMap<OrderNo, NewOrder>,
    ) -> Found<()> {
        self.slot(id)?.channels.extend(new.iter().map(|(no, it)| (*no, it.channel)));
        let before = self.slot(id)?.account.clone();
        let mut staged = self.stage_all(id, decided, None, false)?;
        let first = staged.first_mut().ok_or(Fault::Row("an account is staged"))?;
        let is_stored = |year: i16| before.years().iter().any(|it| it.year == year);
        for merged in decided.entries.iter().filter_map(|it| it.changes.merged.as_deref()) {
            match merged {
                Merged::Came { estate, .. } | Merged::Returned(estate) => {
                    first.lots.extend(estate.lots.iter().map(|it| (it.at.no, None)));
                    first.holds.extend(estate.holds.iter().map(|it| (it.no, false)));
                    first.years.extend(estate.years.iter().map(|it| (it.year, is_stored(it.year))));
                    first.conversions.extend(estate.conversions.iter().map(|it| (it.key(), false)));
                    first.claims.extend(estate.claims.iter().map(|it| (it.no, None)));
                }
                Merged::Parted(parted) => {
                    first.years.extend(parted.years.iter().map(|it| (it.year, is_stored(it.year))));
                    first.conversions.extend(parted.conversions.iter().map(|it| (it.key(), true)));
                    first.claims.extend(parted.claims.iter().map(|it| (it.no, Some(it.state))));
                }
                Merged::Went => {}
            }
        }
        for order in &decided.orders {
            first.orders.retain(|it| it.0 != order.no);
            first.orders.push((order.no, saved_order(order, new.remove(&order.no))?));
        }
        staged.into_iter().for_each(|it| self.take_over(it));
        Ok(())
    }

    /// Forgets the rows of all that had numbers of a place or a later one: they are elsewhere.
    pub(crate) fn clear(&mut self, id: AccountId, from: Place) -> Found<()> {
        let slot = self.slot(id)?;
        slot.gone = Some(from);
        let stays = |place: Place| place < from;
        slot.lots.retain(|no, _| stays(no.place()));
        slot.holds.retain(|no, _| stays(no.place()));
        slot.conversions.retain(|key, _| stays(key.no.place()));
        slot.claims.retain(|no, _| stays(no.place()));
        if from == Place::OWN {
            slot.years.clear();
        }
        self.rows.orders.retain(|(other, no), _| *other != id || stays(no.place()));
        Ok(())
    }
}
