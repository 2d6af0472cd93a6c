//! Who a member is: an id of our own, and the identities that find it.

use std::fmt;
use std::str::FromStr;

use engine::{Timestamp, is_name};
use sha2::{Digest as _, Sha256};
use uuid::Uuid;

const PREFIX: &str = "mem_";
const ALPHABET: &[u8; 32] = b"0123456789abcdefghjkmnpqrstvwxyz";
const ID_CHARS: usize = 26;

/// A uuid v7, written as `mem_` and 26 characters of Crockford's base 32 in lower case.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct MemberId(pub [u8; 16]);

impl MemberId {
    /// A new id, for a member that signs up now.
    pub fn draw() -> Self {
        Self(*Uuid::now_v7().as_bytes())
    }

    /// The id that follows from a time and a seed: an import that runs again gives everybody the same id.
    pub fn derived(at: Timestamp, seed: &[u8]) -> Self {
        let millis = u64::try_from(at.micros().div_euclid(1_000)).unwrap_or(0);
        let hash = Sha256::digest(seed);
        let mut random = [0; 10];
        random.copy_from_slice(&hash[..10]);
        Self(*uuid::Builder::from_unix_timestamp_millis(millis, &random).into_uuid().as_bytes())
    }
}

impl fmt::Display for MemberId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let bits = u128::from_be_bytes(self.0);
        f.write_str(PREFIX)?;
        for index in (0..ID_CHARS).rev() {
            let digit = usize::try_from((bits >> (5 * index)) & 31).expect("five bits");
            write!(f, "{}", char::from(ALPHABET[digit]))?;
        }
        Ok(())
    }
}

impl fmt::Debug for MemberId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

impl FromStr for MemberId {
    type Err = MemberFault;

    fn from_str(text: &str) -> Result<Self, MemberFault> {
        let digits = text.strip_prefix(PREFIX).ok_or(MemberFault)?;
        if digits.len() != ID_CHARS || !digits.starts_with(['0', '1', '2', '3', '4', '5', '6', '7']) {
            return Err(MemberFault);
        }
        let mut bits: u128 = 0;
        for byte in digits.bytes() {
            let digit = ALPHABET.iter().position(|it| *it == byte).ok_or(MemberFault)?;
            bits = (bits << 5) | u128::try_from(digit).map_err(|_| MemberFault)?;
        }
        Ok(Self(bits.to_be_bytes()))
    }
}

/// A key that finds a member.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Identity {
    pub kind: IdentityKind,
    pub value: String,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum IdentityKind {
    Customer,
    Card,
    Email,
    Phone,
}

impl IdentityKind {
    pub const ALL: [Self; 4] = [Self::Customer, Self::Card, Self::Email, Self::Phone];

    /// The stable name of the kind.
    pub fn name(self) -> &'static str {
        match self {
            Self::Customer => "customer",
            Self::Card => "card",
            Self::Email => "email",
            Self::Phone => "phone",
        }
    }

    /// The stable number of the kind in the database.
    pub(crate) fn number(self) -> u8 {
        match self {
            Self::Customer => 1,
            Self::Card => 2,
            Self::Email => 3,
            Self::Phone => 4,
        }
    }

    pub(crate) fn numbered(number: u8) -> Option<Self> {
        Self::ALL.into_iter().find(|it| it.number() == number)
    }
}

impl Identity {
    pub fn new(kind: IdentityKind, value: impl Into<String>) -> Self {
        Self { kind, value: value.into() }.normalised()
    }

    /// The identity as it is compared: trimmed, e-mail in lower case, a phone number without the signs that people group
    /// digits with. Nothing else is dropped: what is no phone number stays none, and two members never become one.
    #[must_use]
    pub fn normalised(&self) -> Self {
        let value = self.value.trim();
        let value = match self.kind {
            IdentityKind::Customer | IdentityKind::Card => value.to_owned(),
            IdentityKind::Email => value.to_lowercase(),
            IdentityKind::Phone => value.replace("(0)", "").chars().filter(|it| !" ()-./".contains(*it)).collect(),
        };
        Self { kind: self.kind, value }
    }

    /// Whether a normalised identity can be one.
    pub(crate) fn is_valid(&self) -> bool {
        let fits_kind = match self.kind {
            IdentityKind::Customer | IdentityKind::Card => true,
            IdentityKind::Email => {
                self.value.split_once('@').is_some_and(|(who, at)| !who.is_empty() && !at.is_empty())
            }
            IdentityKind::Phone => {
                let digits = self.value.strip_prefix('+').unwrap_or(&self.value);
                3 <= digits.len() && digits.bytes().all(|it| it.is_ascii_digit())
            }
        };
        is_name(&self.value) && fits_kind
    }
}

/// Names a member by id or by an identity.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum MemberRef {
    Id(MemberId),
    Identity(Identity),
}

impl fmt::Display for MemberRef {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Id(id) => id.fmt(f),
            Self::Identity(identity) => write!(f, "{}:{}", identity.kind.name(), identity.value),
        }
    }
}

impl FromStr for MemberRef {
    type Err = MemberFault;

    /// Reads `mem_…`, `customer:00042`, `card:123`, `email:…` or `phone:…`.
    fn from_str(text: &str) -> Result<Self, MemberFault> {
        if text.starts_with(PREFIX) {
            return text.parse().map(Self::Id);
        }
        let (kind, value) = text.split_once(':').ok_or(MemberFault)?;
        let kind = IdentityKind::ALL.into_iter().find(|it| it.name() == kind).ok_or(MemberFault)?;
        let identity = Identity::new(kind, value);
        if identity.is_valid() { Ok(Self::Identity(identity)) } else { Err(MemberFault) }
    }
}

/// The text names no member.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("is no member: allowed are mem_…, customer:…, card:…, email:… and phone:…")]
pub struct MemberFault;

#[test]
fn ids_are_read_as_they_are_written() {
    for bytes in [[0; 16], [255; 16], *b"0123456789abcdef"] {
        let id = MemberId(bytes);
        let text = id.to_string();
        assert_eq!(text.len(), 30);
        assert_eq!(text.parse(), Ok(id), "{text}");
    }
    let at = Timestamp::from_micros(1_700_000_000_000_000);
    assert_eq!(MemberId::derived(at, b"7"), MemberId::derived(at, b"7"));
    assert_ne!(MemberId::derived(at, b"7"), MemberId::derived(at, b"8"));
    for wrong in ["", "mem_", "mem_00000000000000000000000000x", "mem_8zzzzzzzzzzzzzzzzzzzzzzzzz"] {
        assert_eq!(wrong.parse::<MemberId>(), Err(MemberFault), "{wrong}");
    }
    assert_ne!(MemberId::draw(), MemberId::draw());
}

#[test]
fn identities_are_compared_as_people_mean_them() {
    let check = |text: &str, expected: &str| {
        let found: MemberRef = text.parse().expect(text);
        assert_eq!(found.to_string(), expected);
    };
    check("email: Ana@Example.COM", "email:ana@example.com");
    check("phone:+41 (0)44 123-45", "phone:+414412345");
    check("customer:00042", "customer:00042");
    check("card: a B ", "card:a B");
    for wrong in [
        "ana",
        "mail:ana@example.com",
        "email:ana",
        "email:@",
        "card:",
        "phone:none",
        "phone:1-800-FLOWERS",
        "phone:+",
        "phone:44+11",
        "phone:+41 44 \u{661}\u{662}\u{663}",
    ] {
        assert_eq!(wrong.parse::<MemberRef>(), Err(MemberFault), "{wrong}");
    }
}
