//! Compact rows: numbers as varints, with a leading byte for the version of the format.
//!
//! Codes are numbers that never change; a reader refuses what it does not know and never panics on damaged bytes. Bounded
//! by the row: a length is checked against the bytes that are left before anything is allocated.

mod answer;
mod certificate;
mod document;
mod earned;
mod entry;
mod extension;
mod figures;
mod fingerprint;
mod merged;
mod order;
mod reward;
#[cfg(test)]
mod tests;
mod tier;
mod worked;

use engine::{Money, Points, Timestamp};

pub(crate) use answer::{pack_outcome, unpack_outcome};
pub(crate) use certificate::{lot_code, read_lot_code};
pub(crate) use document::{pack_document, unpack_document};
pub(crate) use entry::{EntryRow, kind_number, pack_entry, target_number, unpack_entry};
pub(crate) use extension::{pack_activities, unpack_activities};
pub(crate) use figures::{pack_rest, pack_year, unpack_rest, unpack_year};
pub(crate) use fingerprint::fingerprint;
pub(crate) use order::{pack_conversion, pack_state, pack_taken, unpack_conversion, unpack_state, unpack_taken};
pub(crate) use reward::{pack_claim, unpack_claim};

const MINUTE: i64 = 60_000_000;

/// The bytes are not what this program writes.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("a packed row cannot be read")]
pub(crate) struct Unreadable;

pub(crate) type Read<T> = Result<T, Unreadable>;

pub(crate) struct Packer(Vec<u8>);

impl Packer {
    /// Starts a row with the version of its format.
    pub(crate) fn new(version: u8) -> Self {
        let mut bytes = Vec::with_capacity(64);
        bytes.push(version);
        Self(bytes)
    }

    pub(crate) fn done(self) -> Vec<u8> {
        self.0
    }

    pub(crate) fn byte(&mut self, byte: u8) {
        self.0.push(byte);
    }

    pub(crate) fn unsigned(&mut self, mut number: u64) {
        while 0x7f < number {
            self.0.push(u8::try_from(number & 0x7f).expect("seven bits") | 0x80);
            number >>= 7;
        }
        self.0.push(u8::try_from(number).expect("seven bits"));
    }

    pub(crate) fn signed(&mut self, number: i64) {
        self.unsigned(zigzag(number));
    }

    pub(crate) fn count(&mut self, count: usize) {
        self.unsigned(u64::try_from(count).expect("a count"));
    }

    pub(crate) fn points(&mut self, points: Points) {
        self.signed(points.get());
    }

    pub(crate) fn money(&mut self, money: Money) {
        self.signed(money.minor());
    }

    pub(crate) fn flag(&mut self, flag: bool) {
        self.0.push(u8::from(flag));
    }

    pub(crate) fn bytes(&mut self, bytes: &[u8]) {
        self.0.extend_from_slice(bytes);
    }

    pub(crate) fn text(&mut self, text: &str) {
        self.count(text.len());
        self.bytes(text.as_bytes());
    }

    pub(crate) fn option<T>(&mut self, value: Option<T>, write: impl FnOnce(&mut Self, T)) {
        self.flag(value.is_some());
        if let Some(value) = value {
            write(self, value);
        }
    }

    pub(crate) fn list<T>(&mut self, items: &[T], mut write: impl FnMut(&mut Self, &T)) {
        self.count(items.len());
        for item in items {
            write(self, item);
        }
    }

    /// An instant: one byte when it is `base` or never, about four when it is a full minute, else about eight.
    pub(crate) fn time(&mut self, time: Timestamp, base: Timestamp) {
        if time == base {
            self.byte(0);
        } else if time == Timestamp::NEVER {
            self.byte(1);
        } else if time.micros().rem_euclid(MINUTE) == 0 {
            self.unsigned((zigzag(time.micros().div_euclid(MINUTE)) << 2) | 2);
        } else {
            self.unsigned((zigzag(time.micros()) << 2) | 3);
        }
    }

    pub(crate) fn maybe_time(&mut self, time: Option<Timestamp>, base: Timestamp) {
        self.option(time, |it, time| it.time(time, base));
    }
}

pub(crate) struct Unpacker<'a>(&'a [u8]);

impl<'a> Unpacker<'a> {
    /// Starts to read a row of one of the formats up to `version`.
    pub(crate) fn new(bytes: &'a [u8], version: u8) -> Read<Self> {
        let mut it = Self(bytes);
        let found = it.byte()?;
        if found == 0 || version < found { Err(Unreadable) } else { Ok(it) }
    }

    /// Nothing may be left over.
    pub(crate) fn done(self) -> Read<()> {
        if self.0.is_empty() { Ok(()) } else { Err(Unreadable) }
    }

    /// Whether nothing is left.
    pub(crate) fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    pub(crate) fn byte(&mut self) -> Read<u8> {
        let (first, rest) = self.0.split_first().ok_or(Unreadable)?;
        self.0 = rest;
        Ok(*first)
    }

    pub(crate) fn unsigned(&mut self) -> Read<u64> {
        let mut number = 0;
        for shift in (0..64).step_by(7) {
            let byte = self.byte()?;
            if shift == 63 && 1 < byte {
                return Err(Unreadable);
            }
            number |= u64::from(byte & 0x7f) << shift;
            if byte < 0x80 {
                return Ok(number);
            }
        }
        Err(Unreadable)
    }

    pub(crate) fn signed(&mut self) -> Read<i64> {
        self.unsigned().map(unzigzag)
    }

    pub(crate) fn small(&mut self) -> Read<u32> {
        u32::try_from(self.unsigned()?).map_err(|_| Unreadable)
    }

    pub(crate) fn points(&mut self) -> Read<Points> {
        self.signed().map(Points::new)
    }

    pub(crate) fn money(&mut self) -> Read<Money> {
        self.signed().map(Money::new)
    }

    pub(crate) fn flag(&mut self) -> Read<bool> {
        match self.byte()? {
            0 => Ok(false),
            1 => Ok(true),
            _ => Err(Unreadable),
        }
    }

    pub(crate) fn bytes(&mut self, length: usize) -> Read<&'a [u8]> {
        let (bytes, rest) = self.0.split_at_checked(length).ok_or(Unreadable)?;
        self.0 = rest;
        Ok(bytes)
    }

    pub(crate) fn array<const N: usize>(&mut self) -> Read<[u8; N]> {
        self.bytes(N)?.try_into().map_err(|_| Unreadable)
    }

    pub(crate) fn text(&mut self) -> Read<String> {
        let length = usize::try_from(self.unsigned()?).map_err(|_| Unreadable)?;
        String::from_utf8(self.bytes(length)?.to_vec()).map_err(|_| Unreadable)
    }

    pub(crate) fn option<T>(&mut self, read: impl FnOnce(&mut Self) -> Read<T>) -> Read<Option<T>> {
        if self.flag()? { read(self).map(Some) } else { Ok(None) }
    }

    /// Every item takes at least one byte, so that a damaged count allocates nothing.
    pub(crate) fn list<T>(&mut self, mut read: impl FnMut(&mut Self) -> Read<T>) -> Read<Vec<T>> {
        let count = usize::try_from(self.unsigned()?).map_err(|_| Unreadable)?;
        if self.0.len() < count {
            return Err(Unreadable);
        }
        (0..count).map(|_| read(self)).collect()
    }

    pub(crate) fn time(&mut self, base: Timestamp) -> Read<Timestamp> {
        let packed = self.unsigned()?;
        let number = unzigzag(packed >> 2);
        match packed & 3 {
            0 if packed == 0 => Ok(base),
            1 if packed == 1 => Ok(Timestamp::NEVER),
            2 => number.checked_mul(MINUTE).map(Timestamp::from_micros).ok_or(Unreadable),
            3 => Ok(Timestamp::from_micros(number)),
            _ => Err(Unreadable),
        }
    }
}

/// Small differences of either sign become small numbers.
fn zigzag(number: i64) -> u64 {
    let doubled = number.unsigned_abs() << 1;
    if number < 0 { doubled.wrapping_sub(1) } else { doubled }
}

fn unzigzag(packed: u64) -> i64 {
    let half = (packed >> 1).cast_signed();
    if packed & 1 == 0 { half } else { !half }
}
