//! What a batch changes of members themselves: who they are, and what finds them.

use std::collections::{BTreeSet, btree_map};

use engine::{Date, Timestamp};

use super::{Batch, MemberRow, Profile, Stored};
use crate::directory::{self, Listed, Listing, identity_key};
use crate::fault::Found;
use crate::id::MemberId;
use crate::member::{Identity, IdentityKind, MemberChange};
use crate::rows::AccountId;
use crate::totals::TotalsKey;

impl Batch<'_> {
    /// A new member, counted on its day.
    pub(crate) fn sign_up(&mut self, id: MemberId, profile: Profile, at: Timestamp) {
        self.rows.members.insert(id, MemberRow { profile, stored: Stored::New(at) });
        self.rows.totals.entry(TotalsKey::of_sign_ups(at)).or_default().signed_up += 1;
    }

    /// The birthday that is known of a member, by what the batch has changed so far.
    pub(crate) fn birthday_of(&self, id: MemberId) -> Found<Option<Date>> {
        self.guard.check_owner(&self.rows, id)?;
        match self.rows.members.get(&id) {
            Some(row) => Ok(row.profile.facts.birthday),
            None => Ok(directory::profile_of(self.conn, id)?.facts.birthday),
        }
    }

    /// What is known of a member changes; the commands after this one see it.
    pub(crate) fn change_member(&mut self, id: MemberId, change: &MemberChange, now: Timestamp) -> Found<()> {
        self.guard.check_owner(&self.rows, id)?;
        let row = match self.rows.members.entry(id) {
            btree_map::Entry::Occupied(row) => row.into_mut(),
            btree_map::Entry::Vacant(empty) => {
                let profile = directory::profile_of(self.conn, id)?;
                let stored = Stored::Named(profile.name.clone());
                empty.insert(MemberRow { profile, stored })
            }
        };
        let Profile { name, facts } = &mut row.profile;
        if let Some(new) = &change.name {
            name.clone_from(new);
        }
        if let Some(new) = &change.customer_type {
            facts.customer_type.clone_from(new);
        }
        if let Some(new) = change.birthday.filter(|it| *it != facts.birthday) {
            (facts.birthday, facts.birthday_since) = (new, now);
        }
        let first = AccountId { owner: id, program: 0 };
        let own = self.accounts.range_mut(first..).take_while(|it| it.0.owner == id);
        own.for_each(|(_, slot)| slot.facts.clone_from(facts));
        Ok(())
    }

    pub(crate) fn add_identity(&mut self, owner: MemberId, identity: Identity) {
        let listed = Listed { owner, kind: Listing::Identity, program: 0, number: 0 };
        self.rows.directory.insert(identity_key(&identity), listed);
        self.rows.identities.insert((owner, identity));
    }

    /// Takes away an identity that the member has.
    pub(crate) fn remove_identity(&mut self, owner: MemberId, identity: Identity) {
        let key = identity_key(&identity);
        if identity.kind == IdentityKind::Card {
            self.rows.cards.insert((owner, identity.value.clone()), None);
        }
        let row = (owner, identity);
        self.rows.directory.remove(&key);
        // What this batch added is not stored yet.
        if !self.rows.identities.remove(&row) {
            self.rows.unlisted.insert(key);
            self.rows.identities_gone.insert(row);
        }
    }

    pub(crate) fn identities_of(&self, owner: MemberId) -> Found<usize> {
        self.guard.check_owner(&self.rows, owner)?;
        let of_owner = |set: &BTreeSet<(MemberId, Identity)>| set.iter().filter(|it| it.0 == owner).count();
        let stored = directory::identities_of(self.conn, owner)?;
        Ok(stored + of_owner(&self.rows.identities) - of_owner(&self.rows.identities_gone))
    }

    pub(crate) fn is_member(&self, id: MemberId) -> Found<bool> {
        let is_new = self.rows.members.contains_key(&id);
        let is_stored = !is_new && directory::is_member(self.conn, id)?;
        self.guard.check_absent(id, is_stored)?;
        Ok(is_new || is_stored)
    }
}
