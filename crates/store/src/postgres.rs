//! A ledger in PostgreSQL: where it is, how a session is opened, and what is asked of the server before it is trusted.
//!
//! A session says itself what it depends on: synchronous commits, short waits for locks and short idle transactions, so that
//! a process that froze holds up nobody for long. A server that could lose what it has committed is refused, and so is a
//! pooler that gives each transaction another session.

use std::path::{Path, PathBuf};
use std::str::FromStr;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant};

use engine::Timestamp;
use tokio_postgres::Config;
use tokio_postgres::config::{Host, TargetSessionAttrs};
use tokio_postgres::error::SqlState;

use crate::clock::{ServerClock, system_clock, time_of};
use crate::error::StoreError;
use crate::fault::{Fault, Found};
use crate::migrate::{epoch_of, inspect_open, is_behind, is_ours, migrate};
use crate::sql::{self, Connection, Wait, params};
use crate::store::Options;
use crate::tls::{self, Tls};
use crate::watch::Watch;

/// The oldest server that the statements of this program are run on.
const OLDEST: i64 = 150_000;
/// How an address says in how many lanes to write.
const LANES: &str = "lanes=";
/// More would wait for each other.
const LANES_MAX: usize = 16;
/// So long a session is waited for unless the address says how long.
const CONNECT_WAIT: Duration = Duration::from_secs(5);
/// What the server is sent and does not confirm in that time it will never answer: it is gone without a word.
const SILENT_MAX: Duration = Duration::from_secs(10);
/// A session that answers nothing for so long is given up: longer than the server lets any statement of its kind take.
const ANSWER_WAIT: Duration = Duration::from_secs(35);
/// So often a migration waits for that of another process, as long as the session waits for a lock.
const TURNS_MAX: u32 = 120;
const LOOK_EVERY: Duration = Duration::from_secs(1);
/// A server whose clock differs by more than this would be given wrong days.
const CLOCK_DIFFERS_MAX: u64 = 5_000_000;

/// Where a ledger of PostgreSQL is.
#[derive(Clone)]
pub struct Address {
    config: Box<Config>,
    tls: Tls,
    /// So many batches are written side by side, if it says so.
    pub(crate) lanes: Option<usize>,
    /// Without what is secret.
    shown: PathBuf,
}

/// Not the password.
impl std::fmt::Debug for Address {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        self.shown.fmt(f)
    }
}

impl PartialEq for Address {
    fn eq(&self, other: &Self) -> bool {
        self.config == other.config && self.tls == other.tls
    }
}

impl Eq for Address {}

/// What a session is for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Purpose {
    Writing,
    /// Migrations and copies: nobody works beside them, and they may take as long as they do.
    LongWriting,
    /// To hold a lease: a process that does not ask for minutes loses it.
    Lease,
    Reading,
    /// Exports, verify: they may take as long as they do.
    LongReading,
}

impl Purpose {
    /// How long an answer is waited for; nothing where a statement may take as long as it does.
    fn answer_wait(self) -> Option<Duration> {
        match self {
            Self::Writing | Self::Lease | Self::Reading => Some(ANSWER_WAIT),
            Self::LongWriting | Self::LongReading => None,
        }
    }
}

impl FromStr for Address {
    type Err = StoreError;

    fn from_str(url: &str) -> Result<Self, StoreError> {
        let wrong = |what: &str| StoreError::Address(what.to_owned());
        let (url, tls) = tls::split(url).map_err(StoreError::Address)?;
        let (url, lanes) = split_lanes(&url);
        let lanes = lanes.map(|it| lanes_of(it).ok_or_else(|| wrong("lanes: allowed is 1 to 16"))).transpose()?;
        // The parser's own words may quote what is secret.
        let mut config = Config::from_str(&url).map_err(|_| wrong("it cannot be read"))?;
        if config.get_hosts().is_empty() {
            return Err(wrong("it names no host"));
        }
        let shown = PathBuf::from(shown(&config));
        if config.get_connect_timeout().is_none() {
            config.connect_timeout(CONNECT_WAIT);
        }
        config.keepalives_idle(SILENT_MAX).keepalives_interval(SILENT_MAX / 4).keepalives_retries(4);
        config.tcp_user_timeout(SILENT_MAX).ssl_mode(tls.mode());
        if config.get_application_name().is_none() {
            config.application_name("guerdon");
        }
        Ok(Self { config: Box::new(config), tls, lanes, shown })
    }
}

/// An address as every other program understands it, and what it says of lanes.
pub fn split_lanes(url: &str) -> (String, Option<&str>) {
    let Some((start, query)) = url.split_once('?') else { return (url.to_owned(), None) };
    let (lanes, others): (Vec<&str>, Vec<&str>) = query.split('&').partition(|it| it.starts_with(LANES));
    let url = if others.is_empty() { start.to_owned() } else { format!("{start}?{}", others.join("&")) };
    (url, lanes.last().and_then(|it| it.strip_prefix(LANES)))
}

/// Nothing when there cannot be so many.
fn lanes_of(text: &str) -> Option<usize> {
    text.parse().ok().filter(|it| (1..=LANES_MAX).contains(it))
}

#[test]
fn a_url_says_how_many_lanes_there_are() {
    let plain = "postgres://ana@host/shop";
    assert_eq!(split_lanes(plain), (plain.to_owned(), None));
    assert_eq!(split_lanes(&format!("{plain}?lanes=4")), (plain.to_owned(), Some("4")));
    let with = format!("{plain}?connect_timeout=2&lanes=1&options=a");
    assert_eq!(split_lanes(&with), (format!("{plain}?connect_timeout=2&options=a"), Some("1")));
    let lanes = |it: &str| Address::from_str(&format!("{plain}?lanes={it}")).map(|it| it.lanes).ok();
    assert_eq!(["1", "16"].map(lanes), [Some(Some(1)), Some(Some(16))]);
    assert_eq!(["0", "17", "many", ""].map(lanes), [None; 4]);
}

#[test]
fn an_address_is_shown_with_every_host_and_without_its_password() {
    let shown = |it: &str| it.parse::<Address>().ok().map(|it| it.shown.display().to_string());
    assert_eq!(shown("postgres://ana:secret@one/shop").as_deref(), Some("postgres://ana@one:5432/shop"));
    assert_eq!(shown("postgres://ana@one:1,two:2/shop").as_deref(), Some("postgres://ana@one:1,two:2/shop"));
    assert_eq!(shown("postgres://one,two:2/shop").as_deref(), Some("postgres://one:5432,two:2/shop"));
}

fn shown(config: &Config) -> String {
    let user = config.get_user().map_or_else(String::new, |it| format!("{it}@"));
    let host = |it: &Host| match it {
        Host::Tcp(name) => name.clone(),
        Host::Unix(path) => path.display().to_string(),
    };
    // One for all, or one for each.
    let ports = config.get_ports();
    let port = |place: usize| ports.get(place).or(ports.first()).map_or_else(String::new, |it| format!(":{it}"));
    let hosts = config.get_hosts().iter().enumerate().map(|(place, it)| host(it) + &port(place));
    let hosts: Vec<String> = hosts.collect();
    let name = config.get_dbname().or(config.get_user()).unwrap_or_default();
    format!("postgres://{user}{}/{name}", hosts.join(","))
}

impl Address {
    pub(crate) fn path(&self) -> &Path {
        &self.shown
    }

    /// The same server, with the tables in a schema of that name.
    pub(crate) fn in_schema(&self, name: &str) -> Self {
        let mut there = self.clone();
        there.config.options(format!("-c search_path={name}"));
        there
    }

    /// Reports may be read from a standby. Whoever writes, or reads what was written a moment ago, wants the one that takes
    /// writes, of several hosts the one that does so now.
    fn config_for(&self, purpose: Purpose) -> Config {
        let mut config = Config::clone(&self.config);
        if purpose != Purpose::LongReading {
            config.target_session_attrs(TargetSessionAttrs::ReadWrite);
        }
        config
    }

    /// Opens a session.
    pub(crate) fn connect(&self, purpose: Purpose) -> Result<Connection, StoreError> {
        let connector = self.tls.connector().map_err(StoreError::Address)?;
        let config = self.config_for(purpose);
        // Each host is given its time, and the last one that to let the user in.
        let hosts = u32::try_from(config.get_hosts().len()).unwrap_or(1);
        let open = *config.get_connect_timeout().unwrap_or(&CONNECT_WAIT) * (hosts + 1);
        let wait = Wait { open, answer: purpose.answer_wait() };
        let conn = sql::PostgresConnection::open(|| config.connect(connector), wait);
        let conn = conn.map_err(|error| self.refused(&error))?;
        let limits = match purpose {
            // Whoever writes looks up by key. A plan made while a table was small would read all of it when it is large.
            Purpose::Writing => {
                "lock_timeout = '15s'; SET idle_in_transaction_session_timeout = '8s'; SET statement_timeout = '30s';
                SET enable_seqscan = off; SET enable_hashjoin = off; SET enable_mergejoin = off; SET jit = off"
            }
            Purpose::LongWriting => {
                "lock_timeout = '15s'; SET idle_in_transaction_session_timeout = '1h'; SET statement_timeout = 0"
            }
            Purpose::Lease => {
                "lock_timeout = '5s'; SET statement_timeout = '30s'; SET idle_session_timeout = '3min';
                SET tcp_keepalives_idle = 30; SET tcp_keepalives_interval = 10; SET tcp_keepalives_count = 3"
            }
            Purpose::Reading => {
                "lock_timeout = '5s'; SET idle_in_transaction_session_timeout = '60s'; SET statement_timeout = '30s'"
            }
            Purpose::LongReading => {
                "lock_timeout = '5s'; SET idle_in_transaction_session_timeout = '1h'; SET statement_timeout = 0"
            }
        };
        // What waits for standbys goes on doing so.
        let settings = format!(
            "SET {limits}; SELECT set_config('synchronous_commit', 'on', false)
            WHERE current_setting('synchronous_commit') IN ('off', 'local')"
        );
        conn.execute_batch(&settings).map_err(|error| self.refused(&error))?;
        Ok(Connection::Postgres(Box::new(conn)))
    }

    /// Why no session can be opened, and what to do.
    fn refused(&self, error: &sql::Error) -> StoreError {
        let path = self.shown.clone();
        let sql::Error::Postgres(failure) = error else { return StoreError::sql(&path, error) };
        let what = match failure.code() {
            Some(&(SqlState::INVALID_PASSWORD | SqlState::INVALID_AUTHORIZATION_SPECIFICATION)) => {
                "the server does not let this user in; check the user's name and password".to_owned()
            }
            Some(&SqlState::INVALID_CATALOG_NAME) => {
                "there is no such database on the server; make it with `createdb`, then try again".to_owned()
            }
            Some(&SqlState::INSUFFICIENT_PRIVILEGE) => {
                "the user may not connect to this database; grant it CONNECT".to_owned()
            }
            Some(&SqlState::TOO_MANY_CONNECTIONS) => {
                "the server has no connection left; raise its max_connections".to_owned()
            }
            _ => match tls::distrusted(failure) {
                Some(what) => what,
                None => return StoreError::Away { path, what: sql::told(failure) },
            },
        };
        StoreError::Refused { path, what }
    }

    /// Refuses a server that is not to be trusted with a ledger, and answers what time it is there. `now` is this machine's time,
    /// where it is to be the same.
    pub(crate) fn inspect(&self, conn: &Connection, now: Option<Timestamp>) -> Result<Timestamp, StoreError> {
        let asked = "SELECT CAST(current_setting('server_version_num') AS BIGINT), current_setting('fsync') = 'on',
            current_setting('server_encoding') = 'UTF8', current_schema() IS NOT NULL,
            CAST(extract(epoch FROM clock_timestamp()) * 1000000 AS BIGINT)";
        let told = conn.query_row(asked, [], |row| {
            Ok::<_, sql::Error>((row.get(0)?, row.get(1)?, row.get(2)?, row.get(3)?, row.get(4)?))
        });
        let told: (i64, bool, bool, bool, i64) = told.map_err(|error| StoreError::sql(&self.shown, &error))?;
        let (version, syncs, is_utf8, has_schema, clock) = told;
        let what = if version < OLDEST {
            format!("the server is PostgreSQL {}, and 15 or newer is needed", version / 10_000)
        } else if !syncs {
            "the server runs with fsync = off and can lose what it has committed; switch it on".to_owned()
        } else if !is_utf8 {
            "the database does not keep UTF-8; make one with `createdb --encoding UTF8 --template template0`".to_owned()
        } else if !has_schema {
            "none of the schemas in search_path is there; make one, or name another".to_owned()
        } else if now.is_some_and(|now| CLOCK_DIFFERS_MAX < clock.abs_diff(now.micros())) {
            "its clock and that of this machine are more than five seconds apart; set them right".to_owned()
        } else {
            return Ok(Timestamp::from_micros(clock));
        };
        Err(StoreError::Refused { path: self.shown.clone(), what })
    }

    /// Refuses a pooler that gives each transaction another session, also where it keeps what was prepared.
    pub(crate) fn refuse_pooler(&self, conn: &Connection) -> Result<(), StoreError> {
        let check = || -> Found<bool> {
            let token = uuid::Uuid::now_v7().to_string();
            conn.query_row("SELECT set_config('guerdon.session', $1, false)", params![token], |_| Ok::<_, Fault>(()))?;
            // Takes the session that a pooler would hand out next.
            let other = self.connect(Purpose::Reading)?;
            other.begin_reading()?;
            let known = conn.query_row("SELECT coalesce(current_setting('guerdon.session', true), '')", [], |row| {
                Ok::<String, Fault>(row.get(0)?)
            })?;
            other.roll_back()?;
            Ok(known == token)
        };
        let is_kept = check().map_err(|fault| fault.at(&self.shown))?;
        if is_kept { Ok(()) } else { Err(StoreError::shared(self.shown.clone())) }
    }
}

/// Opens a ledger for writing, and brings it to the schema of this program. Answers what time it is on the server as well.
pub(crate) fn open(address: &Address, options: &Options) -> Result<(Connection, Timestamp), StoreError> {
    let path = address.path();
    let conn = address.connect(Purpose::Writing)?;
    // Whoever sets the clock knows what time it is.
    let now = address.inspect(&conn, options.clock.is_none().then(|| system_clock()()))?;
    address.refuse_pooler(&conn)?;
    if is_ours(&conn).map_err(|fault| fault.at(path))? {
        inspect_open(&conn, path).map_err(|fault| fault.at(path))?;
    } else if !options.create {
        return Err(StoreError::Missing(path.to_owned()));
    }
    if is_behind(&conn).map_err(|fault| fault.at(path))? {
        // By a session without the short limits of the writer.
        migrate_in_turn(&address.connect(Purpose::LongWriting)?, path, now)?;
    }
    Ok((conn, now))
}

/// Another process may be at it already: it is waited for.
fn migrate_in_turn(conn: &Connection, path: &Path, now: Timestamp) -> Result<(), StoreError> {
    let mut turns = 0;
    loop {
        match migrate(conn, now).map_err(|fault| fault.at(path)) {
            Err(StoreError::Busy(_)) if turns < TURNS_MAX => turns += 1,
            done => return done,
        }
    }
}

/// Looks once a second whether another process has changed programs, channels or keys, and what time it is on the server.
pub(crate) fn watch(
    address: &Address,
    epoch: &Arc<AtomicU64>,
    clock: Option<Arc<ServerClock>>,
) -> Result<Watch, StoreError> {
    let (address, epoch) = (address.clone(), Arc::clone(epoch));
    let path = address.path().to_owned();
    let look = move |conn: &Connection| -> Found<()> {
        epoch.fetch_max(epoch_of(conn)?, Ordering::AcqRel);
        let asked_at = Instant::now();
        let told = time_of(conn)?;
        if let Some(clock) = &clock {
            clock.set(told, asked_at);
        }
        Ok(())
    };
    let mut conn = None;
    let look_again = move || {
        // A server that is away is looked for again.
        conn = conn.take().or_else(|| address.connect(Purpose::Reading).ok());
        if conn.as_ref().is_some_and(|it| look(it).is_err()) {
            conn = None;
        }
        true
    };
    Watch::start("epoch", LOOK_EVERY, &path, look_again)
}
