//! Sends the sample shop through the same way in as live orders, each command at its own time.
//!
//! The shift of the dates is kept in the database: the program takes effect on the first day of the moved history. So a
//! load that was interrupted goes on, and a second one changes nothing.

use anyhow::{Context, Result, bail, ensure};
use engine::{Actor, Date, Points, Terms, Timestamp};
use store::{
    Body, ChannelId, Command, Failure, Identity, IdentityKind, Key, MemberId, MemberRef, ProgramId, Reader, Reply,
    Store, StoreError, Time,
};

use super::history::{Purchase, purchases};
use super::layer;
use super::script::{Life, Script, shift_for};
use crate::flight::Flight;
use crate::open;
use crate::progress::Progress;

const PROGRAM_DOCUMENT: &str = include_str!("../../../../demo/programs/sample.json");

/// The first day of the history.
const FIRST_DAY: (i16, i8, i8) = (1997, 1, 1);

/// The sample shop as it is to be loaded.
pub(crate) struct Sample {
    pub(crate) program: String,
    terms: Terms,
    purchases: Vec<Purchase>,
    invented: bool,
    shift: i32,
}

impl Sample {
    /// Reads the history, and the shift of its dates: from the database if the shop is there, else so that the last
    /// purchase was yesterday.
    pub(crate) fn read(reader: &Reader, rows: Option<u32>, invented: bool) -> Result<Self> {
        let document = server::program::parse(PROGRAM_DOCUMENT).context("the sample program cannot be read")?;
        let terms = document.terms().context("the sample program cannot be read")?;
        let programs = reader.programs().context("reading the programs failed")?;
        let known = programs.iter().find(|it| it.name == document.name);
        ensure!(
            known.is_some() || programs.is_empty(),
            "this database holds other programs; give the sample shop a file of its own with --database"
        );
        let since = known.and_then(|it| it.timeline.versions().first()).map(|it| terms.zone.date_of(it.effective_at));
        let shift = match since {
            Some(since) => since.days_since(first_day()),
            None => shift_for(terms.zone.date_of(open::now())),
        };
        Ok(Self { program: document.name, terms, purchases: purchases(rows)?, invented, shift })
    }

    fn script(&self) -> Script<'_> {
        Script { terms: &self.terms, shift: self.shift, invented: self.invented }
    }

    /// Whether the last command of the load is recorded: commands are recorded in their order.
    pub(crate) fn is_loaded(&self, reader: &Reader) -> Result<bool> {
        let script = self.script();
        let Some(last) = script.lives(&self.purchases).last().map(|it| script.life(it)) else { return Ok(true) };
        let Some(event) = last.events.last() else { return Ok(true) };
        let found =
            reader.order(layer::channel(event.row), &event.row.to_string()).context("reading an order failed")?;
        Ok(found.is_some_and(|it| *it.document == *event.document))
    }

    /// Makes the program and its channels, unless they are there.
    pub(crate) fn set_up(&self, store: &Store) -> Result<()> {
        // A reader is short: one that is kept would hold up the writer.
        let known = |reader: Reader| Ok::<_, StoreError>((reader.program(&self.program)?, reader.channels()?));
        let (program, channels) = store.reader().and_then(known).context("reading the programs failed")?;
        let effective_at = self.terms.zone.start_of(first_day().plus_days(self.shift));
        let (name, document) = (self.program.clone(), PROGRAM_DOCUMENT.to_owned());
        let id = ProgramId::derived(effective_at, name.as_bytes());
        let body = Body::CreateProgram { id, name, document, effective_at: Some(effective_at) };
        // Sent again, it is answered as the first time; somebody else's program of that name is not mixed with the sample.
        match open::send(store, body, Some("demo-program".to_owned())) {
            Err(Failure::Rejected(_) | Failure::KeyReused) if program.is_some() => {
                bail!(
                    "the program {} in this database is not the sample's; give the sample shop a file of its own with --database",
                    self.program
                )
            }
            sent => sent.context("adding the sample program failed")?,
        };
        for name in [layer::WEB, layer::TILL] {
            if channels.iter().all(|it| it.name != name) {
                let id = ChannelId::derived(effective_at, name.as_bytes());
                let body =
                    Body::AddChannel { id, name: name.to_owned(), program: self.program.clone(), signs_up: false };
                open::send(store, body, Some(format!("demo-channel-{name}")))
                    .with_context(|| format!("adding the channel {name} failed"))?;
            }
        }
        Ok(())
    }

    /// Sends everything, member after member.
    pub(crate) fn load(&self, store: &Store) -> Result<()> {
        let script = self.script();
        let lives = script.lives(&self.purchases);
        let total = u64::try_from(self.purchases.len()).unwrap_or(0);
        let mut progress = Progress::new("loading", total);
        let mut flight = Flight::new(store);
        let mut done = 0;
        for purchases in lives {
            let life = script.life(purchases);
            for (about, command) in commands(&life) {
                if let Some((about, result)) = flight.send(about, command) {
                    check(about, result)?;
                }
            }
            done += u64::try_from(purchases.len()).unwrap_or(0);
            progress.set(done);
        }
        while let Some((about, result)) = flight.land() {
            check(about, result)?;
        }
        progress.finish();
        Ok(())
    }

    /// A member whose statement shows all that can happen: earned, redeemed, expired and refunded, in not too many lines.
    pub(crate) fn to_show(&self, now: Timestamp) -> Option<MemberRef> {
        let script = self.script();
        let lives = script.lives(&self.purchases);
        let shows_all = |life: &Life| {
            0 < life.redeemed
                && 0 < life.refunded
                && Points::new(20) < life.wallet.expired(now)
                && (6..=14).contains(&life.events.len())
        };
        let life = lives.iter().map(|it| script.life(it)).find(shows_all);
        let customer = life.map(|it| it.customer).or_else(|| lives.last().map(|it| it[0].customer));
        customer.map(|it| MemberRef::Identity(customer_id(it)))
    }
}

fn first_day() -> Date {
    let (year, month, day) = FIRST_DAY;
    Date::new(year, month, day).expect("1 January 1997 was a day")
}

fn customer_id(customer: u32) -> Identity {
    Identity::new(IdentityKind::Customer, format!("{customer:05}"))
}

#[derive(Clone, Copy)]
enum About {
    Member(u32),
    Row(u32),
}

fn commands(life: &Life) -> impl Iterator<Item = (About, Command)> + '_ {
    let customer = customer_id(life.customer);
    let id = MemberId::derived(life.signed_up_at, customer.value.as_bytes());
    let card = Identity::new(IdentityKind::Card, layer::card(life.customer));
    let sign_up = Command {
        key: Some(Key(format!("demo-{}", customer.value))),
        actor: Actor::Import,
        time: Time::Import(life.signed_up_at),
        seed: 0,
        body: Body::SignUp {
            id,
            name: Some(layer::name(life.customer)),
            identities: vec![customer, card],
            facts: engine::Facts::default(),
        },
    };
    let orders = life.events.iter().map(move |event| {
        let body = Body::PutOrder {
            channel: layer::channel(event.row).to_owned(),
            member: Some(MemberRef::Id(id)),
            reference: event.row.to_string(),
            document: event.document.clone(),
            certificates: None,
        };
        let command = Command { key: None, actor: Actor::Import, time: Time::Import(event.at), seed: 0, body };
        (About::Row(event.row), command)
    });
    std::iter::once((About::Member(life.customer), sign_up)).chain(orders)
}

fn check(about: About, result: Result<Reply, Failure>) -> Result<()> {
    match (about, result) {
        (_, Ok(Reply::Order { .. } | Reply::Member { .. })) => Ok(()),
        (About::Row(row), Err(failure)) => Err(failure).with_context(|| format!("loading purchase {row} failed")),
        (About::Member(customer), Err(failure)) => {
            Err(failure).with_context(|| format!("signing up customer {customer:05} failed"))
        }
        (_, Ok(_)) => bail!("the store answered something else"),
    }
}
