//! Merges in memory: whose orders and identities lead to whom.

use std::sync::Arc;

use anyhow::{Result, anyhow};
use engine::{
    Account, HoldNo, Joined, LotNo, Merger, Moment, OrderNo, Parting, Place, Placed as _, Reason, Rejection, Rules,
    Shift, Stop, Timeline, credit_uses, disentangle, undo_ends,
};

use super::super::backend::{MemberNo, Outcome, Person, Reply, member_bytes};
use super::{EngineBackend, Kept};

/// A member that was merged into another.
pub(super) struct MergedMember {
    pub(super) survivor: MemberNo,
    pub(super) place: Place,
    pub(super) member: MemberNo,
    first: Place,
    at: engine::Timestamp,
    undone: bool,
    stays: bool,
}

impl EngineBackend {
    /// Who a member is now, and under which place of it.
    pub(super) fn home(&self, member: MemberNo) -> (MemberNo, Place) {
        let last = self.merges.iter().rev().find(|it| it.member == member && !it.undone);
        last.map_or((member, Place::OWN), |it| (it.survivor, it.place))
    }

    /// What is new under a member that was merged is numbered under its place: there must be one.
    pub(super) fn go_under(&mut self, person: Option<&Person>, is_issue: bool, moment: Moment) -> Result<()> {
        self.under = Place::OWN;
        let Some(Ok(member)) = person.map(|it| self.named(it)) else { return Ok(()) };
        let (survivor, place) = self.home(member);
        self.under = place;
        if place == Place::OWN {
            return Ok(());
        }
        let ours = |it: &&MergedMember| it.survivor == survivor;
        let row = self.merges.iter().filter(ours).find(|it| it.place == place).ok_or_else(|| anyhow!("no place"))?;
        let merger = self.merger(survivor, row.first, !row.stays)?;
        let mut nobody = Account::default();
        let with_it = self.merges.iter().filter(ours).filter(|it| it.first == merger.place && !it.undone);
        let others = with_it.filter(|it| it.place != merger.place);
        nobody.joined = others.map(|it| nothing_of(Place(it.place.0 - merger.place.0))).collect();
        let kept = self.accounts.entry(survivor).or_default();
        // Nothing where there is such a place. Of those who came together one may have had nothing in it.
        let new = |account: &Account| {
            let has = |place: Place| account.joined.iter().any(|it| it.place == place);
            let alone = Merger { place, can_be_undone: false, ..merger };
            match (has(place), has(merger.place)) {
                (true, _) => None,
                (false, true) => Some((Account::default(), alone)),
                (false, false) => Some((nobody.clone(), merger)),
            }
        };
        if let Some((nobody, merger)) = kept.account.purse.as_ref().and_then(|it| new(&it.credit)) {
            kept.merge_credit(&nobody, &merger, moment)?;
        }
        let wallet = kept.account.wallet.as_ref().filter(|_| is_issue);
        if let Some((nobody, merger)) = wallet.and_then(|it| new(&it.ledger)) {
            kept.merge_certificates(&nobody, &merger, moment)?;
        }
        if let Some((nobody, merger)) = new(&kept.account) {
            let rules = Rules { under: Place::OWN, ..Rules::of(&self.timeline) };
            let both = engine::merge(&kept.account, &nobody, rules, &merger, moment).map_err(|it| anyhow!("{it:?}"))?;
            self.keep(survivor, &both.survivor);
        }
        Ok(())
    }

    fn merger(&self, survivor: MemberNo, place: Place, can_be_undone: bool) -> Result<Merger> {
        let first = self.merges.iter().find(|it| it.survivor == survivor && it.place == place);
        let other = first.ok_or_else(|| anyhow!("a merge begins with a place"))?.member;
        Ok(Merger { place, can_be_undone, survivor: member_bytes(survivor), other: member_bytes(other) })
    }

    pub(super) fn merge(&mut self, other: &Person, into: &Person, moment: Moment) -> Outcome {
        let (survivor, other) = match (self.named(into), self.named(other)) {
            (Ok(into), Ok(other)) => (self.home(into).0, self.home(other).0),
            (Err(rejection), _) | (_, Err(rejection)) => return Ok(Err(rejection)),
        };
        if survivor == other {
            return Ok(Err(Rejection::CannotMerge));
        }
        let last = |member| self.merges.iter().filter(|it| it.survivor == member).map(|it| it.place.0).max();
        let place = Place(last(survivor).unwrap_or(0) + 1);
        for member in [survivor, other] {
            self.settle_now(member, moment)?;
            if let Some(kept) = self.accounts.get_mut(&member) {
                kept.settle_certificates(moment)?;
            }
        }
        let merger =
            Merger { place, can_be_undone: true, survivor: member_bytes(survivor), other: member_bytes(other) };
        let mut gone = self.accounts.remove(&other).unwrap_or_default();
        let kept = self.accounts.entry(survivor).or_default();
        let their_credit = gone.account.purse.as_ref().map(|it| it.credit.clone()).unwrap_or_default();
        let went = kept.merge_credit(&their_credit, &merger, moment)?;
        gone.post_credit(&went);
        let their_wallet = gone.account.wallet.as_ref().map(|it| it.ledger.clone()).unwrap_or_default();
        let went = kept.merge_certificates(&their_wallet, &merger, moment)?;
        gone.post_certificates(&went);
        let is_there = |it: &Kept| it.account.next_entry.0 != 1 || !it.account.orders().is_empty();
        if is_there(&gone) || is_there(kept) {
            let rules = Rules { facts: &kept.facts, ..Rules::of(&self.timeline) };
            let both = engine::merge(&kept.account, &gone.account, rules, &merger, moment);
            let both = both.map_err(|it| anyhow!("{it:?}"))?;
            gone.post(&both.other);
            self.keep(survivor, &both.survivor);
        }
        self.accounts.insert(other, gone);
        let kept = self.accounts.entry(survivor).or_default();
        kept.level(&Reason::Merged { other: merger.other }, moment)?;
        let shift = Shift::Behind(place);
        for (owner, no) in self.orders.values_mut().filter(|it| it.0 == other) {
            (*owner, *no) = (survivor, no.moved(shift));
        }
        for it in self.merges.iter_mut().filter(|it| [survivor, other].contains(&it.survivor)) {
            it.stays = true;
        }
        let mut rows = vec![(place, other)];
        let theirs = self.merges.iter().filter(|it| it.survivor == other && !it.undone);
        rows.extend(theirs.map(|it| (Place(place.0 + it.place.0), it.member)));
        for (its, member) in rows {
            let (at, undone, stays) = (moment.now, false, false);
            self.merges.push(MergedMember { survivor, place: its, member, first: place, at, undone, stays });
        }
        Ok(Ok(Reply::Done))
    }

    pub(super) fn unmerge(&mut self, person: &Person, moment: Moment) -> Outcome {
        let survivor = match self.named(person) {
            Ok(member) => self.home(member).0,
            Err(rejection) => return Ok(Err(rejection)),
        };
        let ours = |it: &&MergedMember| it.survivor == survivor;
        let last = self.merges.iter().filter(ours).find(|it| !it.undone && !it.stays);
        let last = last.filter(|it| moment.now < undo_ends(it.at));
        let Some(first) = last.map(|it| it.first) else { return Ok(Err(Rejection::CannotUndo)) };
        let merger = self.merger(survivor, first, true)?;
        let row = self.merges.iter().find(|it| it.survivor == survivor && it.place == first);
        let other = row.ok_or_else(|| anyhow!("a merge begins with a place"))?.member;
        if self.accounts.get(&survivor).is_some_and(|it| engine::certificates_cross(&it.account, first)) {
            let allowed = "one of whom no order is paid with a certificate of the other";
            return Ok(Err(Rejection::Invalid { path: "member".into(), allowed }));
        }
        let ended = self.decide(survivor, |account, rules| disentangle(account, rules, moment))?;
        let is_unconverted = ended.is_ok_and(|it| it.is_unconverted());
        self.part((survivor, other), &merger, is_unconverted, moment)?;
        for (owner, no) in self.orders.values_mut().filter(|it| it.0 == survivor && first <= it.1.place()) {
            (*owner, *no) = (other, no.moved(Shift::Back(first)));
        }
        for it in self.merges.iter_mut().filter(|it| it.survivor == survivor && it.first == first) {
            it.undone = true;
        }
        Ok(Ok(Reply::Done))
    }

    fn part(
        &mut self,
        (survivor, other): (MemberNo, MemberNo),
        merger: &Merger,
        is_unconverted: bool,
        moment: Moment,
    ) -> Result<()> {
        let mut ours = self.accounts.remove(&survivor).unwrap_or_default();
        let mut theirs = self.accounts.remove(&other).unwrap_or_default();
        let uses = credit_uses(&ours.account, merger.place);
        let Merger { place: from, survivor: ours_id, other: theirs_id, .. } = *merger;
        let plain = Parting::plain(from, ours_id, theirs_id);
        let mut stand_ins = Vec::new();
        let nothing = Timeline::default();
        let of_credit = Rules::of(&nothing);
        if let (Some(purse), Some(away)) = (&ours.account.purse, &theirs.account.purse)
            && purse.credit.merged_from() == Some(merger.place)
        {
            let parting = Parting { uses: &uses, ..plain };
            let parted = engine::unmerge((&purse.credit, of_credit), (&away.credit, of_credit), &parting, moment);
            let parted = parted.map_err(|it| anyhow!("{it:?}"))?;
            ours.post_credit(&parted.both.survivor);
            theirs.post_credit(&parted.both.other);
            stand_ins = parted.stand_ins;
        }
        if let (Some(wallet), Some(away)) = (&ours.account.wallet, &theirs.account.wallet)
            && wallet.ledger.merged_from() == Some(merger.place)
        {
            let parting = Parting { is_wallet: true, ..plain };
            let parted = engine::unmerge((&wallet.ledger, of_credit), (&away.ledger, of_credit), &parting, moment);
            let parted = parted.map_err(|it| anyhow!("{it:?}"))?;
            ours.post_certificates(&parted.both.survivor);
            theirs.post_certificates(&parted.both.other);
        }
        let is_apart = ours.account.merged_from() == Some(merger.place);
        if is_apart || !uses.is_empty() {
            let parting = Parting { credit: &stand_ins, is_unconverted, ..plain };
            let rules = Rules { facts: &ours.facts, ..Rules::of(&self.timeline) };
            let other_rules = Rules { facts: &theirs.facts, ..rules };
            let parted = engine::unmerge((&ours.account, rules), (&theirs.account, other_rules), &parting, moment);
            let parted = parted.map_err(|it| anyhow!("{it:?}"))?;
            ours.post(&parted.both.survivor);
            theirs.post(&parted.both.other);
        }
        for (kept, other) in [(&mut ours, theirs_id), (&mut theirs, ours_id)] {
            kept.level(&Reason::Merged { other }, moment)?;
            kept.settle_certificates(moment)?;
        }
        self.accounts.extend([(survivor, ours), (other, theirs)]);
        Ok(())
    }

    fn settle_now(&mut self, member: MemberNo, moment: Moment) -> Result<()> {
        self.decide(member, |account, rules| engine::settle(account, rules, moment.now).map_err(Stop::from))?.ok();
        Ok(())
    }
}

impl Kept {
    fn post(&mut self, decided: &engine::Decided) {
        self.account.apply(decided);
        self.entries.extend(decided.entries.iter().cloned());
        self.credit.extend(decided.credit.iter().cloned());
        self.certificates.extend(decided.certificates.iter().cloned());
    }

    /// Certificates are suspended while the program is left, and only then.
    fn level(&mut self, why: &Reason, moment: Moment) -> Result<()> {
        let Some(wallet) = &self.account.wallet else { return Ok(()) };
        let left = self.account.closed().filter(|_| wallet.ledger.next_entry.0 != 1);
        let level = match (left, wallet.ledger.closed()) {
            (Some(left), None) => engine::close_wallet(&wallet.ledger, left.forfeits_at, why.clone(), moment),
            (None, Some(_)) => Ok(engine::open_wallet(&wallet.ledger, why.clone(), moment)),
            _ => return Ok(()),
        };
        self.post_certificates(&level.map_err(|it| anyhow!("{it:?}"))?);
        Ok(())
    }

    fn post_credit(&mut self, decided: &engine::Decided) {
        if let Some(purse) = &mut self.account.purse {
            Arc::make_mut(purse).credit.apply(decided);
        }
        self.credit.extend(decided.entries.iter().cloned());
    }

    pub(super) fn post_certificates(&mut self, decided: &engine::Decided) {
        if let Some(wallet) = &mut self.account.wallet {
            Arc::make_mut(wallet).ledger.apply(decided);
        }
        self.certificates.extend(decided.entries.iter().cloned());
    }

    pub(super) fn settle_certificates(&mut self, moment: Moment) -> Result<()> {
        let nothing = Timeline::default();
        let Some(wallet) = &self.account.wallet else { return Ok(()) };
        let due = engine::settle(&wallet.ledger, Rules::of(&nothing), moment.now).map_err(|it| anyhow!("{it:?}"))?;
        self.post_certificates(&due);
        Ok(())
    }

    /// Answers what the other's certificates are to post.
    fn merge_certificates(&mut self, other: &Account, merger: &Merger, moment: Moment) -> Result<engine::Decided> {
        let nothing = Timeline::default();
        let wallet = self.account.wallet.as_ref().ok_or_else(|| anyhow!("an account has its certificates"))?;
        let both = engine::merge(&wallet.ledger, other, Rules::of(&nothing), merger, moment);
        let both = both.map_err(|it| anyhow!("{it:?}"))?;
        self.post_certificates(&both.survivor);
        Ok(both.other)
    }

    /// Answers what the other's credit is to post.
    fn merge_credit(&mut self, other: &Account, merger: &Merger, moment: Moment) -> Result<engine::Decided> {
        let nothing = Timeline::default();
        let purse = self.account.purse.as_ref().ok_or_else(|| anyhow!("an account has its credit"))?;
        let both = engine::merge(&purse.credit, other, Rules::of(&nothing), merger, moment);
        let both = both.map_err(|it| anyhow!("{it:?}"))?;
        self.post_credit(&both.survivor);
        Ok(both.other)
    }
}

fn nothing_of(place: Place) -> Joined {
    let (next_lot, next_order, next_hold) = (LotNo::first(place), OrderNo::first(place), HoldNo::first(place));
    Joined { place, next_lot, next_order, next_hold }
}
