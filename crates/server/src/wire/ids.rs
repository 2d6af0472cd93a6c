//! Ids of what a member has: the member's id, the program's number and its own number. They say where to look, and are
//! the same on every database.

use std::fmt;
use std::str::FromStr;

use store::MemberId;

/// What is numbered within an account.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Owned {
    Order,
    Hold,
    Entry,
    Lot,
    Certificate,
    Claim,
}

impl Owned {
    const ALL: [Self; 6] = [Self::Order, Self::Hold, Self::Entry, Self::Lot, Self::Certificate, Self::Claim];

    fn prefix(self) -> &'static str {
        match self {
            Self::Order => "ord_",
            Self::Hold => "hld_",
            Self::Entry => "ent_",
            Self::Lot => "lot_",
            Self::Certificate => "crt_",
            Self::Claim => "clm_",
        }
    }
}

/// Such an id: `hld_01jwkbdfm0fber0gthyd8chafn_1_7` is hold 7 of that member in program 1.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct OwnedId {
    pub(crate) kind: Owned,
    pub(crate) member: MemberId,
    pub(crate) program: u32,
    pub(crate) number: u64,
}

impl fmt::Display for OwnedId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let member = self.member.to_string();
        let member = member.trim_start_matches("mem_");
        write!(f, "{}{member}_{}_{}", self.kind.prefix(), self.program, self.number)
    }
}

/// The text is no such id.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct NoId;

impl FromStr for OwnedId {
    type Err = NoId;

    fn from_str(text: &str) -> Result<Self, NoId> {
        let kind = Owned::ALL.into_iter().find(|it| text.starts_with(it.prefix())).ok_or(NoId)?;
        let mut parts = text[kind.prefix().len()..].splitn(3, '_');
        let (member, program, number) = (parts.next(), parts.next(), parts.next());
        let member = member.and_then(|it| format!("mem_{it}").parse().ok()).ok_or(NoId)?;
        let program = program.and_then(|it| it.parse().ok()).ok_or(NoId)?;
        let number = number.and_then(|it| it.parse().ok()).ok_or(NoId)?;
        let id = Self { kind, member, program, number };
        if id.to_string() == text { Ok(id) } else { Err(NoId) }
    }
}

#[test]
fn ids_are_read_as_they_are_written() {
    let id = OwnedId { kind: Owned::Hold, member: MemberId([7; 16]), program: 1, number: 42 };
    let text = id.to_string();
    assert!(text.starts_with("hld_") && text.ends_with("_1_42"), "{text}");
    assert_eq!(text.parse(), Ok(id));
    for wrong in
        ["", "hld_", "hld_x_1_2", &text.replace("_42", "_042"), &text.replace("hld_", "xyz_"), &format!("{text}_1")]
    {
        assert_eq!(wrong.parse::<OwnedId>(), Err(NoId), "{wrong}");
    }
}
