//! What entries change of an account, and how its rows stood before.

use engine::{Account, ConversionKey, Entry, HoldNo, HoldState, LotNo, Order};

use super::{EntryRow, NewOrder, SavedOrder};
use crate::fault::{Fault, Found};
use crate::pack;

/// The holds that entries change, and whether they were active.
pub(super) fn holds_of(before: &Account, entries: &[Entry]) -> Vec<(HoldNo, bool)> {
    let was_active = |no| before.hold(no).is_some_and(|it| it.state == HoldState::Active);
    entries.iter().filter_map(|it| it.hold).map(|it| (it.no, was_active(it.no))).collect()
}

/// The years that they change, and whether they are stored.
pub(super) fn years_of(before: &Account, entries: &[Entry]) -> Vec<(i16, bool)> {
    let is_stored = |year| before.years().iter().any(|it| it.year == year);
    let years = entries.iter().filter_map(|it| it.changes.figures).map(|it| it.day.year());
    years.map(|it| (it, is_stored(it))).collect()
}

/// The conversions that they change, and whether they are stored.
pub(super) fn conversions_of(before: &Account, entries: &[Entry]) -> Vec<(ConversionKey, bool)> {
    let was_there = |key| before.conversions().iter().any(|it| it.key() == key);
    entries.iter().filter_map(converted).map(|key| (key, was_there(key))).collect()
}

/// The conversion that an entry makes or undoes.
fn converted(entry: &Entry) -> Option<ConversionKey> {
    let target = entry.changes.converted.as_ref()?.rate.target;
    entry.converted_into().map(|it| ConversionKey::of(it, target))
}

/// The lots that they name.
pub(super) fn touched(entries: &[Entry]) -> impl Iterator<Item = LotNo> {
    entries.iter().flat_map(|it| {
        let opened = it.opened.iter().map(|opened| opened.lot.no);
        opened.chain(it.dated.iter().map(|dated| dated.no)).chain(it.postings.iter().map(|posting| posting.lot))
    })
}

/// The row of an entry of that day.
pub(super) fn entry_row(entry: &Entry, day: String) -> EntryRow {
    EntryRow {
        at: entry.at,
        day,
        kind: pack::kind_number(entry.kind),
        order: entry.order,
        body: pack::pack_entry(entry),
    }
}

/// The row of an order.
pub(crate) fn saved_order(order: &Order, new: Option<NewOrder>) -> Found<SavedOrder> {
    let document = order.document.as_deref().ok_or(Fault::Row("an order is recorded without its document"))?;
    let state = pack::pack_state(order, document.placed_at);
    Ok(SavedOrder { document: pack::pack_document(document), state, new })
}
