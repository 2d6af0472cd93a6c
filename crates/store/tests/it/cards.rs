//! Cards in the store: whatever they share a batch with, and what verify says of them.

use engine::Rejection;
use store::{Body, CardAct, CardChange, Command, Failure};

use crate::shop::{Shop, id_of, live, named, sign_up};
use crate::store::{together, verified};

fn card(number: &str, act: CardAct) -> Command {
    live(Body::Card { card: number.to_owned(), act })
}

fn blocked(blocked: bool) -> CardAct {
    CardAct::Change(CardChange { blocked: Some(blocked), ..CardChange::default() })
}

#[test]
fn cards_are_labelled_blocked_replaced_and_taken_away_in_whatever_batches() {
    let add =
        |member: u64, label: Option<&str>| CardAct::Add { member: named(member), label: label.map(str::to_owned) };
    let replace = |by: &str| CardAct::Replace { by: by.to_owned(), note: Some("lost".to_owned()) };
    let label = |text: Option<&str>| {
        CardAct::Change(CardChange { label: Some(text.map(str::to_owned)), ..CardChange::default() })
    };
    let story = vec![
        sign_up(1),
        sign_up(2),
        card("A", add(1, Some("gold"))),
        card("B", add(2, None)),
        card("A", blocked(true)),
        card("A", blocked(true)),
        card("B", replace("A")),
        card("A", replace("C")),
        card("C", replace("D")),
        card("C", blocked(false)),
        card("B", CardAct::Remove),
        card("B", add(1, None)),
        card("B", blocked(true)),
        card("B", CardAct::Remove),
        card("B", add(2, Some("key fob"))),
        card("D", label(None)),
        card("Z", blocked(true)),
        card(" ", blocked(true)),
    ];
    let mut told = Vec::new();
    for sizes in [1, 3, 18] {
        let shop = Shop::new();
        let store = shop.opened("owe");
        let mut answers = Vec::new();
        for commands in story.chunks(sizes) {
            answers.extend(together(&store, commands.to_vec()));
        }
        let all = |member: u64| shop.reader().cards(id_of(member)).expect("they can be read");
        told.push(format!("{answers:?} {:?} {:?}", all(1), all(2)));
        let cards = all(1);
        let status: Vec<_> = cards
            .iter()
            .map(|it| {
                (
                    it.number.as_str(),
                    it.notes.label.as_deref(),
                    it.notes.blocked_at.is_some(),
                    it.notes.replaced_by.as_deref(),
                )
            })
            .collect();
        assert_eq!(
            status,
            [("A", Some("gold"), true, Some("C")), ("C", Some("gold"), false, None), ("D", None, false, None)],
            "batches of {sizes}"
        );
        assert_eq!(all(2).len(), 1);
        assert_eq!(answers[6], Err(Failure::Rejected(Rejection::IdentityTaken)));
        assert_eq!(answers[16], Err(Failure::Rejected(Rejection::UnknownMember)));
        drop(store);
        verified(&shop);
    }
    assert_eq!(told[0], told[1]);
    assert_eq!(told[0], told[2]);
}
