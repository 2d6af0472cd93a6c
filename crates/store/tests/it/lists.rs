//! Lists of an account, page by page from either end.

use std::collections::BTreeSet;

use engine::{Adjustment, EntryNo, HoldNo, HoldState, Lot, OrderNo, Points};
use store::{Body, HoldCursor, LotCursor, LotPhase, MemberId, Reader, Reply};

use crate::shop::{DAY, NEW_YEAR, Shop, id_of, keyed, live, named, order, sale, send, sign_up};
use crate::store::{sent, verified};

/// Every lot of an account, phase after phase, so many at a time.
pub(crate) fn all_lots(reader: &Reader, member: MemberId, limit: usize) -> Vec<Lot> {
    let mut lots = Vec::new();
    for phase in [LotPhase::Open, LotPhase::Waiting, LotPhase::Closed] {
        let mut after = None;
        loop {
            let page = reader.lots(member, 1, phase, after, limit).expect("a page");
            assert!(page.len() <= limit);
            let Some(last) = page.last() else { break };
            after = Some(LotCursor::after(last));
            lots.extend(page);
        }
    }
    lots
}

/// Twenty orders of member 1, and in the plain program a hold after each fifth; half of the holds are released.
fn busy(document: &str) -> Shop {
    let shop = Shop::new();
    let store = shop.opened(document);
    sent(&store, &[sign_up(1), sign_up(2), order(2, "other", sale(1_000, NEW_YEAR))]);
    for number in 0..20 {
        let at = NEW_YEAR + number % 7 * DAY / 2;
        sent(&store, &[order(1, &format!("A{number}"), sale(1_000 + number, at.min(NEW_YEAR)))]);
        if document == "plain" && number % 5 == 4 {
            let (program, points) = ("points".to_owned(), Points::new(7));
            let body = Body::Hold { program: program.clone(), member: named(1), points, minutes: None };
            let reply = send(&store, keyed(&format!("hold {number}"), body));
            let Ok(Reply::Hold { hold, .. }) = reply else { panic!("{reply:?}") };
            if hold.0 % 2 == 0 {
                sent(&store, &[live(Body::ReleaseHold { program, member: named(1), hold })]);
            }
        }
    }
    drop(store);
    shop
}

#[test]
fn entries_and_orders_are_read_from_either_end() {
    let shop = busy("plain");
    let reader = shop.reader();
    let all = reader.entries(id_of(1), 1, EntryNo(0), 1_000).expect("entries");
    assert_eq!(all.len(), 20 + 4 + 2);
    for limit in [1, 3, 100] {
        let (mut forward, mut backward) = (Vec::new(), Vec::new());
        while let page = reader.entries(id_of(1), 1, forward.last().map_or(EntryNo(0), number), limit).expect("a page")
            && !page.is_empty()
        {
            forward.extend(page);
        }
        while let page = reader.entries_before(id_of(1), 1, backward.last().map(number), limit).expect("a page")
            && !page.is_empty()
        {
            backward.extend(page);
        }
        backward.reverse();
        assert_eq!((&forward, &backward), (&all, &all));
    }
    let numbers = |orders: Vec<store::OrderInfo>| orders.iter().map(|it| it.order.no.0).collect::<Vec<_>>();
    let after = |no, limit| numbers(reader.orders(id_of(1), 1, OrderNo(no), limit).expect("orders"));
    let before =
        |no: Option<u64>, limit| numbers(reader.orders_before(id_of(1), 1, no.map(OrderNo), limit).expect("orders"));
    assert_eq!(after(0, 3), [1, 2, 3]);
    assert_eq!(after(18, 3), [19, 20]);
    assert_eq!(after(20, 3), [0; 0]);
    assert_eq!(after(u64::MAX, 3), [0; 0], "cursors come from outside");
    assert_eq!(before(None, 3), [20, 19, 18]);
    assert_eq!(before(Some(3), 3), [2, 1]);
    assert_eq!(before(Some(u64::MAX), 1), [20]);
    assert_eq!(reader.accounts(id_of(1)), Ok(vec![1]));
    assert_eq!(reader.accounts(id_of(3)), Ok(vec![]));
}

fn number(entry: &engine::Entry) -> EntryNo {
    entry.number
}

#[test]
fn lots_come_in_the_order_in_which_they_are_spent() {
    for document in ["plain", "plain waits"] {
        let shop = busy(document);
        let reader = shop.reader();
        let lots = all_lots(&reader, id_of(1), 1_000);
        assert_eq!(lots.len(), 20);
        for limit in [1, 2, 7] {
            assert_eq!(all_lots(&reader, id_of(1), limit), lots);
        }
        let open: Vec<&Lot> = lots.iter().filter(|it| (it.available + it.held).is_positive()).collect();
        assert!(open.is_sorted_by_key(|it| it.spend_key()));
        assert_eq!(open.is_empty(), document == "plain waits");
    }
}

#[test]
fn holds_come_active_ones_first() {
    let shop = busy("plain");
    let reader = shop.reader();
    for limit in [1, 2, 100] {
        let mut holds = Vec::new();
        let mut after = None;
        loop {
            let page = reader.holds(id_of(1), 1, after, limit).expect("a page");
            let Some(last) = page.last() else { break };
            after = Some(HoldCursor::after(last));
            holds.extend(page);
        }
        let told: Vec<_> = holds.iter().map(|it| (it.no, it.state)).collect();
        let (active, ended) = (HoldState::Active, HoldState::Ended);
        assert_eq!(told, [1, 3, 2, 4].map(|it| (HoldNo(it), if it % 2 == 1 { active } else { ended })));
    }
}

#[test]
fn entries_are_told_with_what_they_name() {
    let shop = busy("plain");
    let store = shop.open();
    let adjustment = Adjustment { points: Points::new(-3), note: "a mistake".into(), expires_at: None };
    let body = Body::Adjust { program: "points".into(), member: named(1), adjustment, reference: None };
    sent(&store, &[keyed("adjust", body)]);
    let reader = store.reader().expect("a reader");
    let entries = reader.entries(id_of(1), 1, EntryNo(0), 1_000).expect("entries");
    let background = reader.background(id_of(1), 1, &entries).expect("what they name");
    assert_eq!(background.references.len(), 20);
    assert_eq!(background.references[&OrderNo(3)], "A2");
    assert!(background.channels.values().all(|it| it == "shop"));
    let named: BTreeSet<_> = entries.iter().flat_map(|it| &it.postings).map(|it| it.lot).collect();
    assert_eq!(background.lots.keys().copied().collect::<BTreeSet<_>>(), named);
    for lot in all_lots(&reader, id_of(1), 100) {
        assert_eq!(background.lots[&lot.at.no], lot.at);
    }
    let last = reader.background(id_of(1), 1, &entries[25..]).expect("what the last ones name");
    assert!(last.references.is_empty() && !last.lots.is_empty() && last.lots.len() < 3, "and nothing else");
    verified(&shop);
}
