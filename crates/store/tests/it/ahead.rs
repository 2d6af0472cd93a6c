//! Nothing is recorded ahead of the clock: ledger time never goes back, so that would spoil an account for good.

use engine::{Adjustment, HoldNo, Points, Rejection, Timestamp};
use store::{Body, Command, Failure, MemberChange};

use crate::shop::{
    DAY, NEW_YEAR, Shop, add_channel, at, available, create_program, id_of, keyed, live, named, order, sale, send,
    sign_up,
};
use crate::store::{sent, verified};

const MINUTE: i64 = 60_000_000;

/// One command of each kind that an import may bring.
fn of_all_kinds() -> Vec<Command> {
    let (program, member) = (|| "points".to_owned(), named(1));
    let adjustment = Adjustment { points: Points::new(5), note: "thanks".into(), expires_at: None };
    let effective_at = Some(Timestamp::from_micros(NEW_YEAR));
    vec![
        sign_up(2),
        order(1, "A2", sale(1_000, NEW_YEAR)),
        keyed("hold", Body::Hold { program: program(), member: member.clone(), points: Points::new(1), minutes: None }),
        live(Body::ReleaseHold { program: program(), member: member.clone(), hold: HoldNo(1) }),
        keyed("adjust", Body::Adjust { program: program(), member: member.clone(), adjustment, reference: None }),
        live(Body::Settle { owner: id_of(1), program: 1 }),
        keyed("name", Body::ChangeMember { member, change: MemberChange::name(Some("Ana")) }),
        keyed("program", create_program("more", "plain", Timestamp::from_micros(NEW_YEAR))),
        keyed("channel", add_channel("desk", "points")),
        keyed("version", Body::AddVersion { program: program(), document: "plain".into(), effective_at }),
        keyed("switch", Body::SwitchProgram { program: program(), on: true, at: None }),
    ]
}

#[test]
fn no_import_is_recorded_ahead_of_the_clock() {
    let shop = Shop::new();
    let store = shop.opened("plain");
    sent(&store, &[sign_up(1), order(1, "A1", sale(1_000, NEW_YEAR))]);
    let ahead = Err(Failure::Rejected(Rejection::DateAhead { path: "at" }));
    for micros in [NEW_YEAR + 5 * MINUTE + 1, NEW_YEAR + 400 * 365 * DAY] {
        for (number, command) in of_all_kinds().into_iter().enumerate() {
            // What is refused stays refused under its key: each asks under its own.
            let key = command.key.as_ref().map(|it| store::Key(format!("{} at {micros}", it.0)));
            let command = at(Command { key, ..command }, micros);
            assert_eq!(send(&store, command.clone()), ahead, "{number}: {command:?}");
        }
    }
    assert_eq!(available(&send(&store, order(1, "A3", sale(1_000, NEW_YEAR)))), 20, "the account goes on as it was");
    verified(&shop);
}

#[test]
fn clocks_may_differ_by_five_minutes() {
    let shop = Shop::new();
    let store = shop.opened("plain");
    sent(&store, &[sign_up(1), order(1, "A1", sale(1_000, NEW_YEAR))]);
    let soon = at(order(1, "A2", sale(1_000, NEW_YEAR)), NEW_YEAR + 5 * MINUTE);
    assert_eq!(available(&send(&store, soon)), 20);
    let last_at = |store: &store::Store| {
        let account = store.reader().expect("a reader").account(id_of(1), 1).expect("read").expect("it is there");
        account.last_at
    };
    assert_eq!(last_at(&store), Timestamp::from_micros(NEW_YEAR + 5 * MINUTE));
    verified(&shop);
}
