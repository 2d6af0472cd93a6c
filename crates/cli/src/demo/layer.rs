//! What the history does not have, invented from a fixed seed: names, cards, a catalogue, channels and times of day.
//!
//! Every draw depends on the seed, a purpose and a number alone, never on what was drawn before, so that the same day gives
//! the same database whatever else changes here.

/// What a draw is for; each gives numbers of its own.
#[derive(Clone, Copy)]
pub(crate) enum For {
    Given = 1,
    Family,
    Product,
    Channel,
    Hour,
    Refund,
    RefundKind,
    RefundDay,
    RefundPart,
    Redeem,
    Member,
}

const SEED: u64 = 0x0006_7565_7264_6f6e;

pub(crate) const WEB: &str = "web";
pub(crate) const TILL: &str = "till";

const GIVEN: [&str; 48] = [
    "Ada", "Aisha", "Alma", "Amir", "Ana", "Andrei", "Anna", "Ben", "Carla", "Chen", "Clara", "Daniel", "David",
    "Elena", "Emil", "Emma", "Eva", "Fatima", "Felix", "Grace", "Hana", "Hugo", "Ines", "Ivan", "Jack", "Jonas",
    "Julia", "Kofi", "Lara", "Leo", "Lina", "Luca", "Maja", "Marco", "Maria", "Max", "Mila", "Nadia", "Nina", "Noah",
    "Omar", "Paul", "Rosa", "Sara", "Sofia", "Tom", "Vera", "Yuki",
];

const FAMILY: [&str; 52] = [
    "Adams", "Baker", "Bauer", "Berg", "Brown", "Brunner", "Cohen", "Costa", "Cruz", "Diaz", "Evans", "Fischer",
    "Garcia", "Gray", "Haas", "Hill", "Huber", "Ito", "Jansen", "Jones", "Keller", "Khan", "Kim", "King", "Kovacs",
    "Lang", "Lee", "Lewis", "Lopez", "Martin", "Meier", "Meyer", "Moreau", "Mueller", "Nguyen", "Novak", "Okafor",
    "Olsen", "Patel", "Perez", "Petrov", "Rossi", "Sato", "Schmid", "Silva", "Smith", "Suter", "Tanaka", "Weber",
    "Wilson", "Wood", "Young",
];

/// Product and category.
const CATALOGUE: [(&str, &str); 16] = [
    ("blue-hours", "jazz"),
    ("night-train", "jazz"),
    ("standards-2", "jazz"),
    ("cello-suites", "classical"),
    ("winter-songs", "classical"),
    ("string-quartets", "classical"),
    ("loud-rooms", "rock"),
    ("garage-days", "rock"),
    ("long-roads", "rock"),
    ("live-1996", "rock"),
    ("summer-hits", "pop"),
    ("radio-girls", "pop"),
    ("slow-dances", "pop"),
    ("river-delta", "blues"),
    ("break-beats", "hip-hop"),
    ("sound-tracks-1", "film"),
];

/// A number that looks random and is always the same.
pub(crate) fn draw(purpose: For, number: u32) -> u64 {
    let mut it = SEED ^ ((purpose as u64) << 48) ^ u64::from(number);
    it = it.wrapping_add(0x9e37_79b9_7f4a_7c15);
    it = (it ^ (it >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    it = (it ^ (it >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    it ^ (it >> 31)
}

/// A draw below `bound`.
pub(crate) fn below(bound: u32, purpose: For, number: u32) -> u32 {
    u32::try_from(draw(purpose, number) % u64::from(bound)).expect("a remainder is below its divisor")
}

pub(crate) fn name(customer: u32) -> String {
    format!("{} {}", pick(&GIVEN, For::Given, customer), pick(&FAMILY, For::Family, customer))
}

/// A card number of 13 digits, without meaning.
pub(crate) fn card(customer: u32) -> String {
    format!("60{:05}{customer:06}", draw(For::Member, customer) % 100_000)
}

pub(crate) fn product(row: u32) -> (&'static str, &'static str) {
    *pick(&CATALOGUE, For::Product, row)
}

/// Three of ten purchases were made at the till.
pub(crate) fn channel(row: u32) -> &'static str {
    if below(10, For::Channel, row) < 3 { TILL } else { WEB }
}

fn pick<T>(from: &[T], purpose: For, number: u32) -> &T {
    let count = u32::try_from(from.len()).expect("the lists are short");
    &from[below(count, purpose, number) as usize]
}

#[test]
fn draws_are_the_same_for_ever() {
    assert_eq!(name(1), name(1));
    assert_ne!(draw(For::Hour, 1), draw(For::Hour, 2));
    assert_ne!(draw(For::Hour, 1), draw(For::Channel, 1));
    let till = (1..=10_000).filter(|row| channel(*row) == TILL).count();
    assert!((2_800..3_200).contains(&till), "{till}");
}

#[test]
fn cards_differ() {
    let cards: std::collections::BTreeSet<String> = (1..=23_570).map(card).collect();
    assert_eq!(cards.len(), 23_570);
    assert!(cards.iter().all(|it| it.len() == 13));
}
