//! API keys: who may do what, known by the hash of a secret that nobody keeps.

use std::fmt;
use std::str::FromStr;

use engine::Timestamp;
use sha2::{Digest as _, Sha256};

/// The SHA-256 of a secret: of an API key, a link or a session. It is compared, and never shown in a log.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct SecretHash(pub [u8; 32]);

impl SecretHash {
    pub fn of(secret: &str) -> Self {
        Self(Sha256::digest(secret).into())
    }
}

impl fmt::Debug for SecretHash {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("SecretHash(…)")
    }
}

/// What an API key may do: a set.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub struct Scopes(u32);

/// The text names no scope.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("is no scope: allowed are read, orders, members, adjust, programs, import, metrics and admin")]
pub struct ScopeFault;

impl Scopes {
    pub const NONE: Self = Self(0);
    pub const READ: Self = Self(1);
    pub const ORDERS: Self = Self(2);
    pub const MEMBERS: Self = Self(4);
    pub const ADJUST: Self = Self(8);
    pub const PROGRAMS: Self = Self(16);
    pub const IMPORT: Self = Self(32);
    /// Everything, and what only this allows: keys and sessions.
    pub const ADMIN: Self = Self(64);
    /// How the server fares, and nothing of anybody.
    pub const METRICS: Self = Self(128);

    /// Each scope with its stable name; the bits are those of the database.
    const NAMED: [(Self, &str); 8] = [
        (Self::READ, "read"),
        (Self::ORDERS, "orders"),
        (Self::MEMBERS, "members"),
        (Self::ADJUST, "adjust"),
        (Self::PROGRAMS, "programs"),
        (Self::IMPORT, "import"),
        (Self::METRICS, "metrics"),
        (Self::ADMIN, "admin"),
    ];

    /// Whether all of `wanted` is allowed; `admin` allows everything.
    pub fn contains(self, wanted: Self) -> bool {
        self.0 & Self::ADMIN.0 != 0 || self.0 & wanted.0 == wanted.0
    }

    #[must_use]
    pub fn with(self, more: Self) -> Self {
        Self(self.0 | more.0)
    }

    pub fn is_empty(self) -> bool {
        self.0 == 0
    }

    /// The names of its scopes, always in the same order.
    pub fn names(self) -> Vec<&'static str> {
        Self::NAMED.iter().filter(|(scope, _)| self.0 & scope.0 != 0).map(|(_, name)| *name).collect()
    }

    pub(crate) fn bits(self) -> u32 {
        self.0
    }

    pub(crate) fn of_bits(bits: u32) -> Option<Self> {
        let known = Self::NAMED.iter().fold(0, |known, (scope, _)| known | scope.0);
        if bits & !known == 0 { Some(Self(bits)) } else { None }
    }
}

impl fmt::Display for Scopes {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.names().join(","))
    }
}

impl FromStr for Scopes {
    type Err = ScopeFault;

    /// Reads names with commas between them: `read,orders`.
    fn from_str(text: &str) -> Result<Self, ScopeFault> {
        let named = |name: &str| Self::NAMED.iter().find(|it| it.1 == name.trim()).map(|it| it.0).ok_or(ScopeFault);
        text.split(',').try_fold(Self::NONE, |scopes, name| Ok(scopes.with(named(name)?)))
    }
}

/// An API key as it is stored: without its secret.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct KeyInfo {
    /// Names it in entries, as `Actor::Key`.
    pub number: u32,
    pub name: String,
    pub hash: SecretHash,
    /// The last characters of the secret, to tell keys apart.
    pub hint: String,
    pub scopes: Scopes,
    pub created_at: Timestamp,
    pub revoked_at: Option<Timestamp>,
}

#[test]
fn scopes_are_read_as_they_are_written() {
    let scopes = Scopes::READ.with(Scopes::ADJUST);
    assert_eq!(scopes.to_string(), "read,adjust");
    assert_eq!("adjust, read".parse(), Ok(scopes));
    assert_eq!(Scopes::of_bits(scopes.bits()), Some(scopes));
    assert_eq!(Scopes::of_bits(256), None);
    assert!(scopes.contains(Scopes::READ) && !scopes.contains(Scopes::READ.with(Scopes::ORDERS)));
    assert!(Scopes::ADMIN.contains(Scopes::IMPORT.with(Scopes::ADJUST)), "admin allows everything");
    assert!(!Scopes::NONE.contains(Scopes::READ) && Scopes::NONE.is_empty());
    for wrong in ["", "write", "read;orders", "Read"] {
        assert_eq!(wrong.parse::<Scopes>(), Err(ScopeFault), "{wrong}");
    }
}

#[test]
fn a_hash_is_not_shown() {
    let hash = SecretHash::of("secret");
    assert_eq!(format!("{hash:?}"), "SecretHash(…)");
    assert_ne!(hash, SecretHash::of("another"));
}
