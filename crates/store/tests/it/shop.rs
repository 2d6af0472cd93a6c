//! A shop for the tests of the store: opens databases in folders of their own, and is the only place that knows how
//! commands are put together.

use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicI64, Ordering};

use engine::{
    Actor, Caps, Convert, ConvertRate, Currency, Document, EarnMode, EarnRate, EarnRules, Earning, Extend, ExtendOn,
    Milestone, Money, Multiplier, Points, PointsPart, RedeemRate, RedeemTerms, Shortfall, Target, Terms, Times,
    Timestamp, Uses, Validity, WithDiscounts, Zone,
};
use store::{
    Body, ChannelId, Command, Database, Failure, Identity, IdentityKind, Key, MemberId, MemberRef, Options, ProgramId,
    Reader, Reply, Store, StoreError, Time,
};
use tempfile::TempDir;

pub(crate) const DAY: i64 = 86_400_000_000;

/// Noon of the first day of 2026.
pub(crate) const NEW_YEAR: i64 = 1_767_268_800_000_000;

/// The documents of these tests: words that say what differs from a plain program.
pub(crate) fn compile(document: &str) -> Result<Terms, String> {
    let mut terms = plain();
    for word in document.split_whitespace() {
        match word {
            "plain" => {}
            "waits" => terms.waiting_days = 10,
            "days" => terms.validity = Validity::Days(10),
            "lively" => terms.extend = Some(Extend { on: ExtendOn::Activity, months: 1 }),
            "steps" => {
                terms.earn = EarnRate { points: Points::new(1), per: Money::new(5_000), mode: EarnMode::StepsCarried }
            }
            "converts" => terms.convert = Some(Convert::to_credit(Points::new(100), Money::new(500))),
            "rewards" | "collected" => {
                terms.convert = Some(Convert {
                    rate: ConvertRate { points: Points::new(50), value: Money::new(500), target: Target::Certificate },
                    is_collected: word == "collected",
                    uses: Uses::Several,
                    validity: Validity::Days(90),
                });
            }
            "gold" => {
                let multiplier = Multiplier { customer_type: "gold".into(), times: Times::thousandths(2_000) };
                let rules = EarnRules { multipliers: vec![multiplier], ..EarnRules::default() };
                terms.earning = Earning::new(terms.earn, rules).map_err(|it| format!("{it:?}"))?;
            }
            "catalogue" => terms.catalogue = crate::catalogue::rewards(),
            "launch" => terms.earning = crate::budgets::launch(terms.earn),
            "owe" => terms.shortfall = Shortfall::Owe,
            "capped" => terms.caps = Some(Caps { day: Some(Points::new(10)), ..Caps::default() }),
            "yen" => terms.currency = Currency { code: *b"JPY", exponent: 0 },
            "panic" => panic!("a test asked for it"),
            other => return Err(format!("unknown word {other}")),
        }
    }
    Ok(terms)
}

fn plain() -> Terms {
    Terms {
        zone: Zone::utc(),
        currency: Currency { code: *b"EUR", exponent: 2 },
        grant_on: Milestone::Paid,
        earn: EarnRate { points: Points::new(1), per: Money::new(100), mode: EarnMode::Proportional },
        earning: engine::Earning::default(),
        order_types: std::collections::BTreeSet::new(),
        earn_on_tax: false,
        earn_on_shipping: false,
        caps: None,
        tiers: None,
        waiting_days: 0,
        validity: Validity::Months(12),
        extend: None,
        activities: None,
        grace_days: 30,
        claim_days: 30,
        redeem: RedeemTerms {
            rate: RedeemRate { points: Points::new(250), value: Money::new(2_500) },
            value_min: Money::ZERO,
            points_min: Points::new(1),
            hold_minutes: 30,
            step: Points::new(1),
            points_max: None,
            value_max: None,
            share_max: None,
            balance_min: Points::ZERO,
            pays_shipping: false,
            pays_tax: false,
            with_discounts: WithDiscounts::After,
        },
        shortfall: Shortfall::TakeWhatIsThere,
        points_part: PointsPart::Stays,
        convert: None,
        catalogue: Arc::default(),
        certificate_uses: engine::Uses::Several,
    }
}

/// A database in a folder of its own, and a clock that tests set.
pub(crate) struct Shop {
    pub(crate) dir: TempDir,
    database: Database,
    pub(crate) now: Arc<AtomicI64>,
    /// Batches that its stores write side by side, where they can.
    pub(crate) lanes: usize,
}

impl Shop {
    pub(crate) fn new() -> Self {
        let dir = tempfile::tempdir().expect("a temporary directory");
        let database = crate::place::database(dir.path());
        Self::at(dir, database)
    }

    pub(crate) fn at(dir: TempDir, database: Database) -> Self {
        Self { dir, database, now: Arc::new(AtomicI64::new(NEW_YEAR)), lanes: 2 }
    }

    /// One whose stores carry out all commands one after the other, whomever they are about.
    pub(crate) fn in_order() -> Self {
        Self::in_lanes(1)
    }

    pub(crate) fn in_lanes(lanes: usize) -> Self {
        Self { lanes, ..Self::new() }
    }

    /// What errors call it: of a ledger in a file, its path.
    pub(crate) fn path(&self) -> PathBuf {
        self.database.to_string().into()
    }

    pub(crate) fn database(&self) -> Database {
        self.database.clone()
    }

    pub(crate) fn options(&self) -> Options {
        let now = Arc::clone(&self.now);
        Options {
            compile,
            clock: Some(Arc::new(move || Timestamp::from_micros(now.load(Ordering::SeqCst)))),
            create: true,
            lanes: Some(self.lanes),
            code_key_file: Some(self.dir.path().join("shop.db.key")),
            ..Options::new(compile)
        }
    }

    pub(crate) fn open(&self) -> Store {
        self.try_open().expect("the store opens")
    }

    pub(crate) fn try_open(&self) -> Result<Store, StoreError> {
        Store::open(&self.database(), self.options())
    }

    /// A store with the program `points` and the channel `shop`.
    pub(crate) fn opened(&self, document: &str) -> Store {
        let store = self.open();
        set_up(&store, document);
        store
    }

    pub(crate) fn reader(&self) -> Reader {
        Reader::open(&self.database(), compile).expect("the database can be read")
    }

    pub(crate) fn later(&self, days: i64) {
        self.now.fetch_add(days * DAY, Ordering::SeqCst);
    }
}

pub(crate) fn set_up(store: &Store, document: &str) {
    let effective_at = Timestamp::from_micros(0);
    let program = create_program("points", document, effective_at);
    let id = program_id("points");
    assert_eq!(send(store, keyed("program", program)), Ok(Reply::Program { id, number: 1, version: 1 }));
    let id = channel_id("shop");
    assert_eq!(send(store, keyed("channel", add_channel("shop", "points"))), Ok(Reply::Channel { id, number: 1 }));
}

pub(crate) fn create_program(name: &str, document: &str, effective_at: Timestamp) -> Body {
    Body::CreateProgram {
        id: program_id(name),
        name: name.into(),
        document: document.into(),
        effective_at: Some(effective_at),
    }
}

pub(crate) fn add_channel(name: &str, program: &str) -> Body {
    Body::AddChannel { id: channel_id(name), name: name.into(), program: program.into(), signs_up: false }
}

pub(crate) fn program_id(name: &str) -> ProgramId {
    ProgramId::derived(Timestamp::from_micros(NEW_YEAR), name.as_bytes())
}

pub(crate) fn channel_id(name: &str) -> ChannelId {
    ChannelId::derived(Timestamp::from_micros(NEW_YEAR), name.as_bytes())
}

pub(crate) fn send(store: &Store, command: Command) -> Result<Reply, Failure> {
    store.submit(command).wait()
}

pub(crate) fn live(body: Body) -> Command {
    Command { key: None, actor: Actor::Staff(0), time: Time::Live, seed: 1, body }
}

pub(crate) fn keyed(key: &str, body: Body) -> Command {
    Command { key: Some(Key(key.to_owned())), ..live(body) }
}

pub(crate) fn at(command: Command, micros: i64) -> Command {
    Command { time: Time::Import(Timestamp::from_micros(micros)), ..command }
}

pub(crate) fn customer(number: u64) -> Identity {
    Identity::new(IdentityKind::Customer, format!("{number:05}"))
}

pub(crate) fn named(number: u64) -> MemberRef {
    MemberRef::Identity(customer(number))
}

pub(crate) fn id_of(number: u64) -> MemberId {
    MemberId::derived(Timestamp::from_micros(NEW_YEAR), &number.to_be_bytes())
}

/// The id of a member as SQL says it, in hexadecimal digits.
pub(crate) fn digits_of(number: u64) -> String {
    id_of(number).0.iter().map(|it| format!("{it:02x}")).collect()
}

pub(crate) fn sign_up(number: u64) -> Command {
    let identities = vec![customer(number)];
    keyed(
        &format!("sign-up {number}"),
        Body::SignUp { id: id_of(number), name: None, identities, facts: engine::Facts::default() },
    )
}

pub(crate) fn sale(cents: i64, micros: i64) -> Document {
    Document::sale(*b"EUR", Money::new(cents), Timestamp::from_micros(micros))
}

pub(crate) fn order(member: u64, reference: &str, document: Document) -> Command {
    live(Body::PutOrder {
        channel: "shop".into(),
        member: Some(named(member)),
        reference: reference.into(),
        document: document.into(),
        certificates: None,
    })
}

pub(crate) fn available(reply: &Result<Reply, Failure>) -> i64 {
    match reply {
        Ok(Reply::Order { answer, .. }) => answer.balance.available.get(),
        Ok(Reply::Hold { balance, .. } | Reply::Adjusted { balance, .. }) => balance.available.get(),
        other => panic!("no balance in {other:?}"),
    }
}

pub(crate) fn size(path: &Path) -> u64 {
    std::fs::metadata(path).map_or(0, |it| it.len())
}

/// Twenty members with points of two days that are over after a validity of ten, and of one that is not; every fourth one has
/// spent those of the first day.
pub(crate) fn lots_of_several_days(shop: &Shop, store: &Store) {
    (1..=20).for_each(|it| assert!(send(store, sign_up(it)).is_ok()));
    for (round, days) in [(0, 3), (1, 6), (2, 6)] {
        let at = store.now().micros();
        let orders = (1..=20).map(|it| {
            let redeem = (round == 1 && it % 4 == 0).then_some(engine::Points::new(100));
            order(it, &format!("{round} {it}"), engine::Document { redeem, ..sale(10_000 + round, at) })
        });
        orders.for_each(|it| assert!(send(store, it).is_ok()));
        shop.later(days);
    }
}
