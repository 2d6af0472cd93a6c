//! Who is meant: a member by its id, or by one of the identities that find it.

use std::collections::BTreeSet;
use std::fmt;
use std::str::FromStr;

use engine::{Date, is_name};
use unicode_normalization::UnicodeNormalization as _;
use unicode_normalization::char::is_combining_mark;

use crate::id::MemberId;

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
        // An accent is one character or two, as the keyboard has it: that makes nobody else.
        let value: String = self.value.trim().nfc().collect();
        let value = match self.kind {
            IdentityKind::Customer | IdentityKind::Card => value,
            IdentityKind::Email => value.to_lowercase(),
            IdentityKind::Phone => value.replace("(0)", "").chars().filter(|it| !" ()-./".contains(*it)).collect(),
        };
        Self { kind: self.kind, value }
    }

    /// Whether a normalised identity can be one.
    pub fn is_valid(&self) -> bool {
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

/// The words of a name as they are compared: letters and digits, in small letters, without accents.
pub(crate) fn words_of(name: &str) -> BTreeSet<String> {
    let folded = name.nfkd().filter(|it| !is_combining_mark(*it)).collect::<String>().to_lowercase();
    folded.split(|it: char| !it.is_alphanumeric()).filter(|it| !it.is_empty()).map(str::to_owned).collect()
}

/// What is to change of what is known of a member. Left out: it stays; nothing inside: it is known no more.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct MemberChange {
    pub name: Option<Option<String>>,
    pub customer_type: Option<Option<String>>,
    pub birthday: Option<Option<Date>>,
    /// The member writes it, and not the shop: the birthday once, and no customer type.
    pub by_member: bool,
}

impl MemberChange {
    /// Another name, or none.
    pub fn name(name: Option<&str>) -> Self {
        Self { name: Some(name.map(str::to_owned)), ..Self::default() }
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
        if text.starts_with(MemberId::PREFIX) {
            return text.parse().map(Self::Id).map_err(|_| MemberFault);
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
