//! Entries of the ledger: what is not in columns of their row.

use engine::{
    Actor, Bucket, Carried, CausedBy, Changes, Claimed, ConvertRate, Converted, CreditPart, Displaced, Entry, EntryNo,
    HoldChange, HoldNo, HoldState, Kind, LotNo, LotOpened, LotRef, Money, OrderNo, Paid, PaidCredit, Points, Posting,
    Reason, RedeemRate, Target, Timestamp,
};

use super::certificate::{read_paid, read_parts, uses_code, uses_of, write_paid, write_parts};
use super::earned::{pack_earned, unpack_earned};
use super::extension::{read_acted, read_award, read_extended, write_acted, write_award, write_extended};
use super::figures::{read_allotted, read_closed, read_of_day, write_allotted, write_closed, write_of_day};
use super::merged::{read_merged, write_merged};
use super::tier::{read_review, read_state, write_review, write_state};
use super::worked::{read_budget_use, write_budget_use};
use super::{Packer, Read, Unpacker, Unreadable, reward};

const VERSION: u8 = 1;
const ZERO: Timestamp = Timestamp::from_micros(0);

/// What the columns of an entry's row say.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct EntryRow {
    pub(crate) number: EntryNo,
    pub(crate) at: Timestamp,
    pub(crate) kind: u8,
    pub(crate) order: Option<OrderNo>,
}

pub(crate) fn pack_entry(entry: &Entry) -> Vec<u8> {
    let mut it = Packer::new(VERSION);
    pack_actor(&mut it, entry.actor);
    pack_reason(&mut it, &entry.reason);
    it.list(&entry.opened, |it, opened| {
        pack_lot(it, opened.lot, entry.at);
        let (uses, share) = uses_code(opened.certificate);
        it.byte(u8::from(opened.graced) | (u8::from(opened.order.is_some()) << 1) | uses << 2);
        if let Some(order) = opened.order {
            it.unsigned(order.0);
        }
        if share != 0 {
            it.unsigned(u64::from(share));
        }
    });
    it.list(&entry.dated, |it, lot| pack_lot(it, *lot, entry.at));
    it.option(entry.hold, |it, hold| {
        it.unsigned(hold.no.0);
        pack_hold_state(it, hold.state);
        it.time(hold.lapses_at, entry.at);
    });
    it.list(&entry.postings, |it, posting| {
        it.unsigned(posting.lot.0);
        it.byte(bucket_number(posting.from) << 4 | bucket_number(posting.to));
        it.points(posting.points);
    });
    pack_changes(&mut it, &entry.changes, entry.at);
    if moves_all(entry.kind) {
        it.option(entry.changes.merged.as_deref(), write_merged);
    }
    it.done()
}

/// Entries of these kinds may say what comes from another member or goes there.
fn moves_all(kind: Kind) -> bool {
    matches!(kind, Kind::Merge | Kind::Unmerge)
}

pub(crate) fn unpack_entry(row: EntryRow, body: &[u8]) -> Read<Entry> {
    let mut it = Unpacker::new(body, VERSION)?;
    let mut entry = Entry {
        number: row.number,
        at: row.at,
        kind: Kind::ALL.into_iter().find(|it| kind_number(*it) == row.kind).ok_or(Unreadable)?,
        order: row.order,
        actor: unpack_actor(&mut it)?,
        reason: unpack_reason(&mut it)?,
        opened: it.list(|it| {
            let lot = unpack_lot(it, row.at)?;
            let flags = it.byte()?;
            let order = if flags & 2 == 0 { None } else { Some(OrderNo(it.unsigned()?)) };
            let share = if flags >> 2 == 3 { u16::try_from(it.unsigned()?).map_err(|_| Unreadable)? } else { 0 };
            Ok(LotOpened { lot, order, graced: flags & 1 == 1, certificate: uses_of(flags >> 2, share)? })
        })?,
        dated: it.list(|it| unpack_lot(it, row.at))?,
        hold: it.option(|it| {
            let no = HoldNo(it.unsigned()?);
            let state = unpack_hold_state(it)?;
            Ok(HoldChange { no, state, lapses_at: it.time(row.at)? })
        })?,
        postings: it.list(|it| {
            let lot = LotNo(it.unsigned()?);
            let buckets = it.byte()?;
            let (from, to) = (numbered_bucket(buckets >> 4)?, numbered_bucket(buckets & 15)?);
            Ok(Posting { lot, from, to, points: it.points()? })
        })?,
        changes: unpack_changes(&mut it, row.at)?,
    };
    if moves_all(entry.kind) {
        entry.changes.merged = it.option(read_merged)?.map(Box::new);
    }
    it.done()?;
    Ok(entry)
}

/// The stable number of a kind of entry.
pub(crate) fn kind_number(kind: Kind) -> u8 {
    match kind {
        Kind::Earn => 1,
        Kind::Revoke => 2,
        Kind::Redeem => 3,
        Kind::Return => 4,
        Kind::Expire => 5,
        Kind::Release => 6,
        Kind::Hold => 7,
        Kind::Lapse => 8,
        Kind::Repay => 9,
        Kind::Adjust => 10,
        Kind::Redate => 11,
        Kind::Extend => 12,
        Kind::Convert => 13,
        Kind::Unconvert => 14,
        Kind::Spend => 15,
        Kind::Refund => 16,
        Kind::Reinstate => 17,
        Kind::Activity => 18,
        Kind::Tier => 19,
        Kind::Claim => 20,
        Kind::Issue => 21,
        Kind::Use => 22,
        Kind::GiveBack => 23,
        Kind::Cancel => 24,
        Kind::Close => 25,
        Kind::Join => 26,
        Kind::Forfeit => 27,
        Kind::Merge => 40,
        Kind::Unmerge => 41,
        Kind::Reward => 42,
        Kind::Fulfil => 43,
        Kind::CancelReward => 44,
    }
}

fn bucket_number(bucket: Bucket) -> u8 {
    match bucket {
        Bucket::Pending => 1,
        Bucket::Available => 2,
        Bucket::Held => 3,
        Bucket::Issued => 4,
        Bucket::Redeemed => 5,
        Bucket::Revoked => 6,
        Bucket::Deducted => 7,
        Bucket::Converted => 8,
        Bucket::Expired => 9,
        Bucket::Forfeited => 10,
        Bucket::Moved => 11,
    }
}

fn numbered_bucket(number: u8) -> Read<Bucket> {
    Bucket::ALL.into_iter().find(|it| bucket_number(*it) == number).ok_or(Unreadable)
}

pub(super) fn pack_actor(it: &mut Packer, actor: Actor) {
    let (code, number) = match actor {
        Actor::System => (0, 0),
        Actor::Channel(number) => (1, u64::from(number)),
        Actor::Staff(number) => (2, u64::from(number)),
        Actor::Import => (3, 0),
        // The code of an import with a number behind it: imports have none.
        Actor::Key(number) => (3, u64::from(number) + 1),
    };
    it.unsigned(number << 2 | code);
}

fn unpack_actor(it: &mut Unpacker<'_>) -> Read<Actor> {
    let packed = it.unsigned()?;
    let small = |number: u64| u32::try_from(number).map_err(|_| Unreadable);
    match (packed & 3, packed >> 2) {
        (0, 0) => Ok(Actor::System),
        (1, number) => small(number).map(Actor::Channel),
        (2, number) => small(number).map(Actor::Staff),
        (3, 0) => Ok(Actor::Import),
        (3, number) => small(number - 1).map(Actor::Key),
        _ => Err(Unreadable),
    }
}

/// The other times of a lot follow from the first as a rule.
pub(super) fn pack_lot(it: &mut Packer, lot: LotRef, base: Timestamp) {
    it.unsigned(lot.no.0);
    it.time(lot.earned_at, base);
    it.time(lot.available_at, lot.earned_at);
    it.time(lot.expires_at, lot.available_at);
}

pub(super) fn unpack_lot(it: &mut Unpacker<'_>, base: Timestamp) -> Read<LotRef> {
    let no = LotNo(it.unsigned()?);
    let earned_at = it.time(base)?;
    let available_at = it.time(earned_at)?;
    let expires_at = it.time(available_at)?;
    Ok(LotRef { no, earned_at, available_at, expires_at })
}

pub(super) fn pack_hold_state(it: &mut Packer, state: HoldState) {
    match state {
        HoldState::Active => it.byte(1),
        HoldState::Ended => it.byte(2),
        HoldState::Taken(order) => {
            it.byte(3);
            it.unsigned(order.0);
        }
    }
}

pub(super) fn unpack_hold_state(it: &mut Unpacker<'_>) -> Read<HoldState> {
    match it.byte()? {
        1 => Ok(HoldState::Active),
        2 => Ok(HoldState::Ended),
        3 => Ok(HoldState::Taken(OrderNo(it.unsigned()?))),
        _ => Err(Unreadable),
    }
}

fn pack_reason(it: &mut Packer, reason: &Reason) {
    match reason {
        Reason::Due => it.byte(1),
        Reason::Earned(earned) => {
            it.byte(2);
            pack_earned(it, earned);
        }
        Reason::Paid(paid) => {
            it.byte(if paid.tier.is_some() { 22 } else { 3 });
            it.points(paid.rate.points);
            it.money(paid.rate.value);
            it.points(paid.fits);
            it.points(paid.before);
            it.points(paid.after);
            it.money(paid.value);
            it.option(paid.hold, |it, hold| it.unsigned(hold.0));
            paid.tier.iter().for_each(|tier| it.text(tier));
        }
        Reason::Held { minutes } => {
            it.byte(4);
            it.unsigned(u64::from(*minutes));
        }
        Reason::Note(note) => {
            it.byte(5);
            it.text(note);
        }
        Reason::Extended(extended) => {
            it.byte(6);
            write_extended(it, extended);
        }
        Reason::Credit(paid) => {
            it.byte(7);
            [paid.fits, paid.before, paid.after].into_iter().for_each(|amount| it.money(amount));
        }
        Reason::Cause(cause) => {
            it.byte(8);
            it.unsigned(u64::from(cause.program));
            it.unsigned(cause.entry.0);
            it.option(cause.order, |it, order| it.unsigned(order.0));
        }
        Reason::Acted(award) => {
            it.byte(9);
            write_award(it, award);
        }
        Reason::Tier(review) => {
            it.byte(10);
            write_review(it, review);
        }
        Reason::Claimed(claimed) => {
            it.byte(11);
            it.time(claimed.recorded_at, ZERO);
            it.option(claimed.note.as_deref(), Packer::text);
        }
        Reason::Certificates(paid) => {
            it.byte(12);
            write_paid(it, paid);
        }
        Reason::Reward => it.byte(21),
        Reason::Merged { other } => {
            it.byte(20);
            it.bytes(other);
        }
        Reason::Bearer { other, certificate } => {
            it.byte(30);
            it.bytes(other);
            it.unsigned(certificate.0);
        }
    }
}

fn unpack_reason(it: &mut Unpacker<'_>) -> Read<Reason> {
    match it.byte()? {
        1 => Ok(Reason::Due),
        2 => unpack_earned(it).map(Reason::Earned),
        code @ (3 | 22) => Ok(Reason::Paid(Paid {
            rate: RedeemRate { points: it.points()?, value: it.money()? },
            fits: it.points()?,
            before: it.points()?,
            after: it.points()?,
            value: it.money()?,
            hold: it.option(|it| it.unsigned().map(HoldNo))?,
            tier: if code == 22 { Some(it.text()?.into()) } else { None },
        })),
        4 => Ok(Reason::Held { minutes: it.small()? }),
        5 => it.text().map(Reason::Note),
        6 => read_extended(it).map(Reason::Extended),
        7 => Ok(Reason::Credit(PaidCredit { fits: it.money()?, before: it.money()?, after: it.money()? })),
        8 => Ok(Reason::Cause(CausedBy {
            program: it.small()?,
            entry: EntryNo(it.unsigned()?),
            order: it.option(|it| it.unsigned().map(OrderNo))?,
        })),
        9 => read_award(it).map(Reason::Acted),
        10 => read_review(it).map(Reason::Tier),
        11 => Ok(Reason::Claimed(Claimed { recorded_at: it.time(ZERO)?, note: it.option(Unpacker::text)? })),
        12 => read_paid(it).map(Reason::Certificates),
        20 => Ok(Reason::Merged { other: it.array()? }),
        21 => Ok(Reason::Reward),
        30 => Ok(Reason::Bearer { other: it.array()?, certificate: LotNo(it.unsigned()?) }),
        _ => Err(Unreadable),
    }
}

/// A bit for each figure that is not zero, then those; what carried steps do follows only where there are some.
fn pack_changes(it: &mut Packer, changes: &Changes, base: Timestamp) {
    let figures = [changes.owed, changes.let_go, changes.expired, changes.earned, changes.undone]
        .map(Points::get)
        .into_iter()
        .chain([changes.counted.minor(), changes.steps]);
    let counts = changes.figures.is_some() || changes.allotted.is_some() || !changes.spent.is_zero();
    let more = [
        changes.carried.is_some(),
        changes.displaced.is_some(),
        counts,
        changes.converted.is_some(),
        !changes.credit.is_empty(),
        changes.extended.is_some(),
        changes.acted.is_some(),
        changes.tier.is_some() || changes.closed.is_some(),
        !changes.budgets.is_empty(),
        !changes.certificates.is_empty(),
        changes.reward.is_some(),
    ];
    let has_more = more.contains(&true);
    let bits: u8 = figures.clone().enumerate().map(|(index, it)| u8::from(it != 0) << index).sum();
    it.byte(bits | u8::from(has_more) << 7);
    for figure in figures.filter(|it| *it != 0) {
        it.signed(figure);
    }
    if has_more {
        it.unsigned(more.iter().enumerate().map(|(index, it)| u64::from(*it) << index).sum());
        if let Some(carried) = &changes.carried {
            write_carried(it, carried);
        }
        if let Some(displaced) = &changes.displaced {
            it.list(displaced, write_displaced);
        }
        if counts {
            it.money(changes.spent);
            it.option(changes.figures, |it, of_day| write_of_day(it, &of_day, changes));
            it.option(changes.allotted, |it, allotted| write_allotted(it, &allotted));
        }
        if let Some(converted) = &changes.converted {
            write_convert_rate(it, converted.rate);
            it.signed(converted.times);
            it.option(converted.certificate, |it, lot| pack_lot(it, lot, base));
        }
        if !changes.credit.is_empty() {
            it.list(&changes.credit, |it, part| write_credit(it, part, base));
        }
        if let Some(extended) = changes.extended {
            it.time(extended, ZERO);
        }
        if let Some(acted) = &changes.acted {
            write_acted(it, acted);
        }
        if changes.tier.is_some() || changes.closed.is_some() {
            it.option(changes.tier.as_deref(), write_state);
            it.option(changes.closed.as_deref(), write_closed);
        }
        if !changes.budgets.is_empty() {
            it.list(&changes.budgets, write_budget_use);
        }
        if !changes.certificates.is_empty() {
            write_parts(it, &changes.certificates, base);
        }
        if let Some(change) = &changes.reward {
            reward::write_change(it, change);
        }
    }
}

fn unpack_changes(it: &mut Unpacker<'_>, base: Timestamp) -> Read<Changes> {
    let bits = it.byte()?;
    let mut figures = [0; 7];
    for (index, figure) in figures.iter_mut().enumerate() {
        if bits >> index & 1 == 1 {
            *figure = it.signed()?;
        }
    }
    let [owed, let_go, expired, earned, undone, counted, steps] = figures;
    let more = if bits >> 7 == 1 { it.unsigned()? } else { 0 };
    if 2_047 < more {
        return Err(Unreadable);
    }
    let has = |index: u8| more >> index & 1 == 1;
    let mut changes = Changes {
        owed: Points::new(owed),
        let_go: Points::new(let_go),
        expired: Points::new(expired),
        earned: Points::new(earned),
        undone: Points::new(undone),
        counted: Money::new(counted),
        steps,
        carried: if has(0) { Some(read_carried(it)?) } else { None },
        displaced: if has(1) { Some(it.list(read_displaced)?) } else { None },
        ..Changes::default()
    };
    if has(2) {
        changes.spent = it.money()?;
        changes.figures = it.option(|it| read_of_day(it, &changes))?;
        changes.allotted = it.option(read_allotted)?;
    }
    if has(3) {
        let (rate, times) = (read_convert_rate(it)?, it.signed()?);
        let certificate = it.option(|it| unpack_lot(it, base))?;
        changes.converted = Some(Box::new(Converted { rate, times, certificate }));
    }
    if has(4) {
        changes.credit = it.list(|it| read_credit(it, base))?;
    }
    if has(5) {
        changes.extended = Some(it.time(ZERO)?);
    }
    if has(6) {
        changes.acted = Some(Box::new(read_acted(it)?));
    }
    if has(7) {
        changes.tier = it.option(read_state)?.map(Box::new);
        changes.closed = it.option(read_closed)?.map(Box::new);
    }
    if has(8) {
        changes.budgets = it.list(read_budget_use)?.into_boxed_slice();
    }
    if has(9) {
        changes.certificates = read_parts(it, base)?;
    }
    if has(10) {
        changes.reward = Some(Box::new(reward::read_change(it)?));
    }
    Ok(changes)
}

pub(super) fn write_carried(it: &mut Packer, carried: &Carried) {
    it.money(carried.per);
    it.money(carried.remainder);
}

pub(super) fn read_carried(it: &mut Unpacker<'_>) -> Read<Carried> {
    Ok(Carried { per: it.money()?, remainder: it.money()? })
}

pub(super) fn write_convert_rate(it: &mut Packer, rate: ConvertRate) {
    it.points(rate.points);
    it.money(rate.value);
    it.byte(target_number(rate.target));
}

/// The stable number of what points become.
pub(crate) fn target_number(target: Target) -> u8 {
    match target {
        Target::Credit => 1,
        Target::Certificate => 2,
    }
}

pub(super) fn read_convert_rate(it: &mut Unpacker<'_>) -> Read<ConvertRate> {
    let (points, value) = (it.points()?, it.money()?);
    let target = match it.byte()? {
        1 => Target::Credit,
        2 => Target::Certificate,
        _ => return Err(Unreadable),
    };
    Ok(ConvertRate { points, value, target })
}

pub(super) fn write_credit(it: &mut Packer, part: &CreditPart, base: Timestamp) {
    pack_lot(it, part.lot, base);
    it.money(part.amount);
}

pub(super) fn read_credit(it: &mut Unpacker<'_>, base: Timestamp) -> Read<CreditPart> {
    Ok(CreditPart { lot: unpack_lot(it, base)?, amount: it.money()? })
}

pub(super) fn write_displaced(it: &mut Packer, displaced: &Displaced) {
    it.unsigned(displaced.order.0);
    it.signed(displaced.steps);
    it.money(displaced.level);
}

pub(super) fn read_displaced(it: &mut Unpacker<'_>) -> Read<Displaced> {
    Ok(Displaced { order: OrderNo(it.unsigned()?), steps: it.signed()?, level: it.money()? })
}
