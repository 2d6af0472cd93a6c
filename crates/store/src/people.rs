//! Commands on members themselves: who they are, what they are called and what finds them. Their points are not touched.
//!
//! Each sees what the commands before it in the batch have done: what was just added can be taken away again. A command
//! reads one member and its identities, of which there are at most [`IDENTITIES_MAX`].

use std::collections::BTreeSet;

use engine::{Rejection, Timestamp};

use crate::batch::Batch;
use crate::command::Reply;
use crate::decide::{Answered, Refused, find_member};
use crate::directory::identity_key;
use crate::id::MemberId;
use crate::member::{Identity, MemberRef};
use crate::reference::invalid;

const NAME_BYTES_MAX: usize = 200;
const IDENTITIES_MAX: usize = 16;

/// A sign-up whose identities all lead to one member is answered with that member. One that names another identity beside
/// is refused: else a stranger who knows a phone number links his e-mail to its points.
pub(crate) fn sign_up(
    batch: &mut Batch<'_>,
    id: MemberId,
    name: Option<&str>,
    identities: &[Identity],
    now: Timestamp,
) -> Answered {
    check_name(name)?;
    if IDENTITIES_MAX < identities.len() {
        return Err(invalid("identities", "at most 16").into());
    }
    let identities: BTreeSet<Identity> = identities.iter().map(Identity::normalised).collect();
    if !identities.iter().all(Identity::is_valid) {
        return Err(
            invalid("identities", "values of 1 to 120 bytes; an e-mail contains @, a phone number digits").into()
        );
    }
    let mut owners = Vec::with_capacity(identities.len());
    for identity in &identities {
        owners.push(batch.find(identity_key(identity))?.map(|it| it.owner));
    }
    if let Some(id) = owners.iter().flatten().next() {
        let all_lead_there = owners.iter().all(|it| it.as_ref() == Some(id));
        return if all_lead_there {
            Ok(Reply::Member { id: *id, created: false })
        } else {
            Err(Rejection::IdentityTaken.into())
        };
    }
    if batch.is_member(id)? {
        return Err(invalid("id", "an id that no other member has").into());
    }
    batch.sign_up(id, name.map(str::to_owned), now);
    for identity in identities {
        batch.add_identity(id, identity);
    }
    Ok(Reply::Member { id, created: true })
}

pub(crate) fn rename(batch: &mut Batch<'_>, member: &MemberRef, name: Option<&str>) -> Answered {
    check_name(name)?;
    let owner = find_member(batch, member)?;
    batch.rename(owner, name.map(str::to_owned))?;
    Ok(Reply::Done)
}

pub(crate) fn add_identity(batch: &mut Batch<'_>, member: &MemberRef, identity: &Identity) -> Answered {
    let identity = checked(identity)?;
    let owner = find_member(batch, member)?;
    match batch.find(identity_key(&identity))? {
        Some(listed) if listed.owner == owner => return Ok(Reply::Done),
        Some(_) => return Err(Rejection::IdentityTaken.into()),
        None => {}
    }
    if IDENTITIES_MAX <= batch.identities_of(owner)? {
        return Err(invalid("identity", "at most 16 of one member: remove another one first").into());
    }
    batch.add_identity(owner, identity);
    Ok(Reply::Done)
}

/// What nobody has is gone already; what somebody else has is a mistake that somebody should see.
pub(crate) fn remove_identity(batch: &mut Batch<'_>, member: &MemberRef, identity: &Identity) -> Answered {
    let identity = checked(identity)?;
    let owner = find_member(batch, member)?;
    match batch.find(identity_key(&identity))? {
        None => {}
        Some(listed) if listed.owner != owner => return Err(Rejection::IdentityTaken.into()),
        Some(_) => batch.remove_identity(owner, identity),
    }
    Ok(Reply::Done)
}

fn checked(identity: &Identity) -> Result<Identity, Refused> {
    let identity = identity.normalised();
    if identity.is_valid() {
        Ok(identity)
    } else {
        Err(invalid("identity", "a value of 1 to 120 bytes; an e-mail contains @, a phone number digits").into())
    }
}

fn check_name(name: Option<&str>) -> Result<(), Refused> {
    if name.is_some_and(|it| it.is_empty() || NAME_BYTES_MAX < it.len() || it.chars().any(char::is_control)) {
        return Err(invalid("name", "1 to 200 bytes of text without control characters").into());
    }
    Ok(())
}
