//! What is done for all members of a program: tried in a dry run, or sent with many commands in flight.

use anyhow::{Context, Result};
use store::{Body, Failure, MemberId, MemberRef, Reader, Reply, Store};

use crate::flight::Flight;
use crate::open;
use crate::progress::Progress;

/// Members that are read at once.
const PAGE: usize = 1_000;

/// What is done for each of them.
pub(crate) trait Each {
    /// What it came to, all in all.
    type Tally: Default;

    /// Tells what it would come to for one member.
    fn preview(&self, tally: &mut Self::Tally, member: MemberId) -> Result<()>;

    /// What is sent for one member.
    fn body(&self, member: MemberRef) -> Body;

    /// What was answered for one member.
    fn land(&self, tally: &mut Self::Tally, member: MemberId, reply: Result<Reply, Failure>) -> Result<()>;
}

/// Goes through all members who have an account in the program of that number, with a progress bar.
pub(crate) fn everyone<E: Each>(
    each: &E,
    (store, reader): (&Store, &Reader),
    program: u32,
    dry_run: bool,
) -> Result<E::Tally> {
    let mut tally = E::Tally::default();
    let mut flight = Flight::new(store);
    let mut progress = Progress::new("members", reader.member_count()?);
    let (mut after, mut done) = (None, 0);
    loop {
        let page = reader.members(after, PAGE).context("reading the members failed")?;
        let Some(last) = page.last() else { break };
        after = Some(last.id);
        for member in &page {
            done += 1;
            if !reader.accounts(member.id)?.contains(&program) {
                continue;
            }
            if dry_run {
                each.preview(&mut tally, member.id)?;
                continue;
            }
            let command = open::by_hand(each.body(MemberRef::Id(member.id)), None);
            if let Some((id, reply)) = flight.send(member.id, command) {
                each.land(&mut tally, id, reply)?;
            }
        }
        progress.set(done);
    }
    while let Some((id, reply)) = flight.land() {
        each.land(&mut tally, id, reply)?;
    }
    progress.finish();
    Ok(tally)
}
