//! The commands of the tests of durability, each a function of its lane and its number.
//!
//! A lane is one thread's commands in their order. Its members are its own, and all time is given: so a member's ledger is
//! a function of how many of the lane's commands are recorded, however the lanes mix. The commands never end.

use engine::{Actor, Adjustment, Document, DocumentVersion, HoldNo, Money, Points, Status, Timestamp};
use store::{Body, Command, Failure, Identity, IdentityKind, Key, Reply, Time};

use crate::shop::{DAY, NEW_YEAR, at, customer, id_of, keyed, live, named, sale};

pub(super) const LANES: usize = 6;

/// The clock of live commands: behind all that is imported.
pub(super) const CLOCK: i64 = NEW_YEAR + 400 * DAY;

/// How many members of a lane take turns, and how many commands each of them sends.
const TURNS: u64 = 3;
const STEPS: u64 = 25;
const MEMBERS_PER_LANE: u64 = 1_000_000;

/// One command on its way to be made.
struct Step {
    lane: usize,
    number: u64,
    member: u64,
    /// The first day of the member's history.
    begin: i64,
}

/// The command `number` of `lane`. Every other lane imports history, the others go by the clock: the store keeps the
/// order of the ones and of the others, but lets live commands overtake imports.
pub(super) fn command(lane: usize, number: u64) -> Command {
    let round = number / (TURNS * STEPS);
    let within = number % (TURNS * STEPS);
    let first = MEMBERS_PER_LANE * u64::try_from(lane).expect("a lane is a small number");
    let member = first + round * TURNS + within % TURNS;
    let imports = lane.is_multiple_of(2);
    // Of live commands all dates lie as far back as they may.
    let begin = if imports { NEW_YEAR } else { CLOCK - 30 * DAY };
    let (days, command) = Step { lane, number, member, begin }.make(within / TURNS);
    if imports { at(command, begin + days * DAY) } else { command }
}

impl Step {
    /// On which day of the member's history it is sent, and what.
    fn make(&self, step: u64) -> (i64, Command) {
        let it = self;
        let hold = Some(HoldNo(1));
        match step {
            0 => (0, it.sign_up(it.member)),
            1 => (0, it.order("A", unpaid(it.document(0)))),
            2 => (0, it.order("A", it.document(0))),
            3 => (3, it.order("B", it.document(3))),
            4 => (3, it.adjust(100, None)),
            5 => (6, it.hold(20)),
            6 => (6, it.keyed_order("C", redeeming(it.document(6), 30))),
            7 => (6, it.keyed_order("D", Document { hold, ..redeeming(it.document(6), 20) })),
            8 => (9, it.order("B", refunded(it.document(3), 500))),
            9 => (9, it.order("B", Document { version: DocumentVersion::Number(1), ..it.document(3) })),
            10 => (9, it.adjust(-10, Some(format!("review {}", it.member)))),
            11 => (15, it.settle()),
            12 => (18, it.order("A", cancelled(it.document(0), it.day(18)))),
            13 => (18, it.hold(10)),
            14 => (18, it.release()),
            15 => (18, it.hold(1_000_000)),
            16 => (24, it.order("C", cancelled(it.document(6), it.day(24)))),
            17 => (24, it.order("E", it.by_arrival())),
            18 => (27, it.order("E", it.by_arrival())),
            19 => (27, it.order_of(it.member + MEMBERS_PER_LANE / 2, "N", it.document(27))),
            20 => (27, it.sign_up(it.member + MEMBERS_PER_LANE / 2)),
            21 => (30, it.keyed_order("F", redeeming(it.document(30), 10))),
            22 => (30, it.adjust(70, None)),
            23 => (30, it.order("B", refunded(it.document(3), 900))),
            _ => (90, it.settle()),
        }
    }

    fn day(&self, day: i64) -> i64 {
        self.begin + day * DAY
    }

    fn keyed(&self, body: Body) -> Command {
        keyed(&format!("{}.{}", self.lane, self.number), body)
    }

    /// The member's own number leads to it, also when the id is another one.
    fn sign_up(&self, id: u64) -> Command {
        let mut identities = vec![customer(self.member)];
        identities.extend((id == self.member).then(|| Identity::new(IdentityKind::Card, format!("C{id}"))));
        self.keyed(Body::SignUp { id: id_of(id), name: None, identities, facts: engine::Facts::default() })
    }

    /// A sale of that day.
    fn document(&self, day: i64) -> Document {
        let cents = i64::try_from(self.member % 1_009 * 13 + self.number % 97 * 31).expect("small");
        Document { version: DocumentVersion::Number(self.number + 2), ..sale(5_000 + cents, self.day(day)) }
    }

    /// Without a version, and the same each time.
    fn by_arrival(&self) -> Document {
        sale(7_000 + i64::try_from(self.member % 1_009).expect("small"), self.day(24))
    }

    fn order(&self, letter: &str, document: Document) -> Command {
        self.order_of(self.member, letter, document)
    }

    fn order_of(&self, member: u64, letter: &str, document: Document) -> Command {
        live(Body::PutOrder {
            channel: "shop".into(),
            member: Some(named(member)),
            reference: format!("{member}-{letter}"),
            document: document.into(),
            certificates: None,
        })
    }

    /// What may be refused for want of points has a key: else it could be granted when it is sent again.
    fn keyed_order(&self, letter: &str, document: Document) -> Command {
        self.keyed(self.order(letter, document).body)
    }

    fn hold(&self, points: i64) -> Command {
        let points = Points::new(points);
        self.keyed(Body::Hold { program: "points".into(), member: named(self.member), points, minutes: None })
    }

    fn release(&self) -> Command {
        live(Body::ReleaseHold { program: "points".into(), member: named(self.member), hold: HoldNo(2) })
    }

    fn adjust(&self, points: i64, reference: Option<String>) -> Command {
        let note = format!("note {}", self.number);
        let adjustment = Adjustment { points: Points::new(points), note, expires_at: None };
        self.keyed(Body::Adjust { program: "points".into(), member: named(self.member), adjustment, reference })
    }

    fn settle(&self) -> Command {
        let body = Body::Settle { owner: id_of(self.member), program: 1 };
        Command { key: None::<Key>, actor: Actor::System, time: Time::Live, seed: 0, body }
    }
}

fn unpaid(document: Document) -> Document {
    Document { paid_at: None, ..document }
}

fn redeeming(document: Document, points: i64) -> Document {
    Document { redeem: Some(Points::new(points)), ..document }
}

fn refunded(document: Document, cents: i64) -> Document {
    Document { refunded: Money::new(cents), ..document }
}

fn cancelled(document: Document, micros: i64) -> Document {
    Document { cancelled_at: Some(Timestamp::from_micros(micros)), ..document }
}

/// Whether `reply` can be the answer to a command that was answered `first` before.
pub(super) fn is_again(command: &Command, first: &Result<Reply, Failure>, reply: &Result<Reply, Failure>) -> bool {
    match (first, reply) {
        _ if command.key.is_some() => first == reply,
        (Ok(Reply::Order { member, order, .. }), Ok(Reply::Order { member: same, order: again, answer })) => {
            (member, order) == (same, again) && answer.status != Status::Recorded
        }
        (Ok(Reply::Hold { hold, .. }), Ok(Reply::Hold { hold: again, .. })) => hold == again,
        (Ok(Reply::Settled { .. }), Ok(Reply::Settled { entries, .. })) => *entries == 0,
        (Err(first), Err(again)) => first == again,
        _ => false,
    }
}
