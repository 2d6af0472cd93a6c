//! The ids of members, programs and channels: uuids of version 7, written as a prefix that says of what, and 26 characters
//! of Crockford's base 32 in lower case.

use std::fmt;
use std::str::FromStr;

use engine::Timestamp;
use sha2::{Digest as _, Sha256};
use uuid::Uuid;

const ALPHABET: &[u8; 32] = b"0123456789abcdefghjkmnpqrstvwxyz";
const ID_CHARS: usize = 26;

/// The text is no id of its kind.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("is no id: allowed is {prefix} and 26 letters and digits")]
pub struct IdFault {
    prefix: &'static str,
}

macro_rules! id {
    ($(#[$doc:meta])* $name:ident, $prefix:literal) => {
        $(#[$doc])*
        #[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
        pub struct $name(pub [u8; 16]);

        impl $name {
            pub const PREFIX: &str = $prefix;

            /// A new id, drawn at the door.
            pub fn draw() -> Self {
                Self(*Uuid::now_v7().as_bytes())
            }

            /// The id that follows from a time and a seed: what is made again gets the same one.
            pub fn derived(at: Timestamp, seed: &[u8]) -> Self {
                Self(derived(at, seed))
            }

            /// The time that it was made with, to the millisecond.
            pub fn made_at(self) -> Timestamp {
                let millis = self.0[..6].iter().fold(0_i64, |millis, byte| millis << 8 | i64::from(*byte));
                Timestamp::from_micros(millis * 1_000)
            }
        }

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                write(f, Self::PREFIX, self.0)
            }
        }

        impl fmt::Debug for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                fmt::Display::fmt(self, f)
            }
        }

        impl FromStr for $name {
            type Err = IdFault;

            fn from_str(text: &str) -> Result<Self, IdFault> {
                read(text, Self::PREFIX).map(Self).ok_or(IdFault { prefix: Self::PREFIX })
            }
        }
    };
}

id!(
    /// A person known to the organization.
    MemberId,
    "mem_"
);
id!(
    /// The terms that members join.
    ProgramId,
    "prg_"
);
id!(
    /// A place that sells.
    ChannelId,
    "chn_"
);

impl MemberId {
    /// Owners of certificates that belong to nobody have ids from here on, behind those of all members: a list of members never
    /// passes over them, and nobody takes one for a member.
    pub(crate) const BEARERS: Self = {
        let mut first = [0; 16];
        first[0] = 0xff;
        Self(first)
    };

    /// The id of such an owner: those that are made together follow each other.
    pub(crate) fn bearer(at: Timestamp, seed: &[u8], index: u8) -> Self {
        let mut id = Self::BEARERS.0;
        id[1..15].copy_from_slice(&derived(at, seed)[..14]);
        id[15] = index;
        Self(id)
    }

    pub(crate) fn is_bearer(self) -> bool {
        Self::BEARERS <= self
    }
}

/// Whether a text begins as an id does: no name may.
pub(crate) fn looks_like_id(text: &str) -> bool {
    [MemberId::PREFIX, ProgramId::PREFIX, ChannelId::PREFIX].iter().any(|it| text.starts_with(it))
}

fn derived(at: Timestamp, seed: &[u8]) -> [u8; 16] {
    let millis = u64::try_from(at.micros().div_euclid(1_000)).unwrap_or(0);
    let hash = Sha256::digest(seed);
    let mut random = [0; 10];
    random.copy_from_slice(&hash[..10]);
    *uuid::Builder::from_unix_timestamp_millis(millis, &random).into_uuid().as_bytes()
}

fn write(f: &mut fmt::Formatter<'_>, prefix: &str, bytes: [u8; 16]) -> fmt::Result {
    let bits = u128::from_be_bytes(bytes);
    f.write_str(prefix)?;
    for index in (0..ID_CHARS).rev() {
        let digit = usize::try_from((bits >> (5 * index)) & 31).expect("five bits");
        write!(f, "{}", char::from(ALPHABET[digit]))?;
    }
    Ok(())
}

fn read(text: &str, prefix: &str) -> Option<[u8; 16]> {
    let digits = text.strip_prefix(prefix)?;
    if digits.len() != ID_CHARS || !digits.starts_with(['0', '1', '2', '3', '4', '5', '6', '7']) {
        return None;
    }
    let mut bits: u128 = 0;
    for byte in digits.bytes() {
        let digit = ALPHABET.iter().position(|it| *it == byte)?;
        bits = (bits << 5) | u128::try_from(digit).ok()?;
    }
    Some(bits.to_be_bytes())
}

#[test]
fn ids_are_read_as_they_are_written() {
    for bytes in [[0; 16], [255; 16], *b"0123456789abcdef"] {
        let id = MemberId(bytes);
        let text = id.to_string();
        assert_eq!(text.len(), 30);
        assert_eq!(text.parse(), Ok(id), "{text}");
        assert_eq!(ChannelId(bytes).to_string().parse(), Ok(ChannelId(bytes)));
        assert!(text.parse::<ProgramId>().is_err(), "of another kind");
    }
    let at = Timestamp::from_micros(1_700_000_000_000_000);
    assert_eq!(MemberId::derived(at, b"7"), MemberId::derived(at, b"7"));
    assert_eq!(MemberId::derived(MemberId::derived(at, b"7").made_at(), b"7"), MemberId::derived(at, b"7"));
    assert_ne!(MemberId::derived(at, b"7"), MemberId::derived(at, b"8"));
    let bearer = MemberId::bearer(at, b"7", 0);
    assert!(bearer.is_bearer() && bearer == MemberId::bearer(at, b"7", 0) && bearer != MemberId::bearer(at, b"8", 0));
    assert!(bearer < MemberId::bearer(at, b"7", 1));
    let latest = MemberId::derived(Timestamp::from_micros(16_725_225_600_000_000), b"7");
    assert!(!latest.is_bearer() && latest < bearer, "the year 2500");
    for wrong in ["", "mem_", "mem_00000000000000000000000000x", "mem_8zzzzzzzzzzzzzzzzzzzzzzzzz"] {
        assert!(wrong.parse::<MemberId>().is_err(), "{wrong}");
    }
    assert_ne!(MemberId::draw(), MemberId::draw());
    let fault = "prg".parse::<ProgramId>().expect_err("no id");
    assert_eq!(fault.to_string(), "is no id: allowed is prg_ and 26 letters and digits");
}
