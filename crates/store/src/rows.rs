//! How what the engine knows stands in rows: shared by loading, saving and verifying, so that they cannot differ.

use engine::{Balance, Date, Facts, Lot, Points, Timestamp};

use crate::fault::{Fault, Found};
use crate::id::MemberId;
use crate::sql::{self, Row};

/// One member's points in one program.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct AccountId {
    pub(crate) owner: MemberId,
    pub(crate) program: u32,
}

/// The customer type in a column, the birthday in the next, and in the third when it was written.
pub(crate) fn facts(row: &Row<'_>, index: usize) -> Found<Facts> {
    let birthday: Option<String> = row.get(index + 1)?;
    let birthday = birthday.as_deref().map(Date::parse_birthday).transpose();
    let birthday = birthday.map_err(|_| Fault::Row("a birthday is no day"))?;
    let birthday_since = row.get::<_, Option<i64>>(index + 2)?.map_or(Timestamp::START, Timestamp::from_micros);
    Ok(Facts { customer_type: row.get(index)?, birthday, birthday_since })
}

/// The first byte of the number of an account of store credit; the others are the letters of its currency.
const PURSE: u8 = 0xff;
/// The same of an account of certificates.
const WALLET: u8 = 0xfe;

impl AccountId {
    /// The owner's store credit in a currency: an account of no program, whose points are minor units.
    pub(crate) fn purse(owner: MemberId, [a, b, c]: [u8; 3]) -> Self {
        Self { owner, program: u32::from_be_bytes([PURSE, a, b, c]) }
    }

    /// The owner's certificates in a currency: an account of no program, of which each lot is one.
    pub(crate) fn wallet(owner: MemberId, [a, b, c]: [u8; 3]) -> Self {
        Self { owner, program: u32::from_be_bytes([WALLET, a, b, c]) }
    }

    pub(crate) fn is_wallet(self) -> bool {
        self.currency().is_some() && self.program < u32::from_be_bytes([PURSE, 0, 0, 0])
    }

    /// The currency of an account of store credit or of certificates.
    pub(crate) fn currency(self) -> Option<[u8; 3]> {
        match self.program.to_be_bytes() {
            [PURSE | WALLET, a, b, c] => Some([a, b, c]),
            _ => None,
        }
    }
}

/// The numbers from here on are those of certificates and of store credit.
pub(crate) const NO_PROGRAMS: u32 = u32::from_be_bytes([WALLET, 0, 0, 0]);

pub(crate) const FIGURES: usize = 13;

/// A balance in the order of its columns.
pub(crate) fn figures(balance: &Balance) -> [Points; FIGURES] {
    [
        balance.pending,
        balance.available,
        balance.held,
        balance.owed,
        balance.let_go,
        balance.issued,
        balance.redeemed,
        balance.revoked,
        balance.deducted,
        balance.converted,
        balance.expired,
        balance.forfeited,
        balance.moved,
    ]
}

pub(crate) fn balance_of(figures: [Points; FIGURES]) -> Balance {
    let [
        pending,
        available,
        held,
        owed,
        let_go,
        issued,
        redeemed,
        revoked,
        deducted,
        converted,
        expired,
        forfeited,
        moved,
    ] = figures;
    Balance {
        pending,
        available,
        held,
        owed,
        let_go,
        issued,
        redeemed,
        revoked,
        deducted,
        converted,
        expired,
        forfeited,
        moved,
    }
}

/// Where a lot stands among those of its account: what may change soonest comes first, what is closed last.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Place {
    pub(crate) phase: u8,
    pub(crate) sort_at: Timestamp,
}

pub(crate) const WAITING: u8 = 0;
pub(crate) const OPEN: u8 = 1;
pub(crate) const CLOSED: u8 = 2;

pub(crate) fn place_of(lot: &Lot) -> Place {
    let phase = if lot.pending.is_positive() {
        assert!(lot.available.is_zero() && lot.held.is_zero(), "points of a lot become available together");
        WAITING
    } else if lot.is_empty() {
        CLOSED
    } else {
        OPEN
    };
    place_in(phase, lot.at.available_at, lot.at.expires_at)
}

pub(crate) fn place_in(phase: u8, available_at: Timestamp, expires_at: Timestamp) -> Place {
    let sort_at = if phase == WAITING { available_at.min(expires_at) } else { expires_at };
    Place { phase, sort_at }
}

/// A time that is NULL when there is none.
pub(crate) fn due_column(due_at: Timestamp) -> Option<i64> {
    if due_at == Timestamp::NEVER { None } else { Some(due_at.micros()) }
}

pub(crate) fn column_due(due_at: Option<i64>) -> Timestamp {
    due_at.map_or(Timestamp::NEVER, Timestamp::from_micros)
}

pub(crate) fn points(row: &Row<'_>, index: usize) -> sql::Result<Points> {
    row.get(index).map(Points::new)
}

pub(crate) fn time(row: &Row<'_>, index: usize) -> sql::Result<Timestamp> {
    row.get(index).map(Timestamp::from_micros)
}

pub(crate) fn member(row: &Row<'_>, index: usize) -> Found<MemberId> {
    blob(row, index).map(MemberId)
}

pub(crate) fn blob(row: &Row<'_>, index: usize) -> Found<[u8; 16]> {
    let bytes = row.get_ref(index)?.as_blob().map_err(|_| Fault::Row("an id is no blob"))?;
    bytes.try_into().map_err(|_| Fault::Row("an id has another length than 16 bytes"))
}
