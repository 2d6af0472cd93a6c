//! What a store promises to those who send it commands.

use engine::Rejection;
use store::{Failure, Reply};

use crate::shop::{NEW_YEAR, Shop, available, id_of, order, sale, send, sign_up};

#[test]
fn a_member_signs_up_and_earns() {
    let shop = Shop::new();
    let store = shop.opened("plain");
    assert_eq!(send(&store, sign_up(7)), Ok(Reply::Member { id: id_of(7), created: true }));
    let first = send(&store, order(7, "A1", sale(3_098, NEW_YEAR)));
    assert_eq!(available(&first), 30);
    assert_eq!(available(&send(&store, order(7, "A2", sale(1_000, NEW_YEAR)))), 40);
    assert_eq!(available(&send(&store, order(7, "A1", sale(5_000, NEW_YEAR)))), 60);
    let unknown = send(&store, order(8, "A3", sale(5_000, NEW_YEAR)));
    assert_eq!(unknown, Err(Failure::Rejected(Rejection::UnknownMember)));
}
