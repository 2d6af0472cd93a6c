//! What comes with a merge and leaves with its undo, and what an account knows of it.

use engine::{
    Account, Apart, Balance, Estate, Hold, HoldNo, Joined, Lot, LotNo, Merged, OrderNo, Parted, Place, Placed as _,
    Points, Posted, Presence, Standing, Timestamp, Year,
};

use super::certificate::{lot_code, read_lot_code, read_parts, write_parts};
use super::entry::{
    pack_hold_state, pack_lot, read_carried, read_credit, read_displaced, unpack_hold_state, unpack_lot, write_carried,
    write_credit, write_displaced,
};
use super::extension::{read_acted, write_acted};
use super::figures::{pack_year, read_allotted, read_closed, unpack_year, write_allotted, write_closed};
use super::order::{pack_conversion, read_taken, read_taken_back, unpack_conversion, write_taken, write_taken_back};
use super::reward::{read_claim, write_claim};
use super::tier::{read_name, read_state, write_name, write_state};
use super::worked::{read_budget_use, write_budget_use};
use super::{Packer, Read, Unpacker, Unreadable};
use crate::rows::{balance_of, figures};

const ZERO: Timestamp = Timestamp::from_micros(0);

pub(super) fn write_merged(it: &mut Packer, merged: &Merged) {
    match merged {
        Merged::Came { estate, can_be_undone } => {
            it.byte(if *can_be_undone { 1 } else { 5 });
            write_estate(it, estate);
        }
        Merged::Went => it.byte(2),
        Merged::Parted(parted) => {
            it.byte(3);
            write_parted(it, parted);
        }
        Merged::Returned(estate) => {
            it.byte(4);
            write_estate(it, estate);
        }
    }
}

pub(super) fn read_merged(it: &mut Unpacker<'_>) -> Read<Merged> {
    Ok(match it.byte()? {
        1 => Merged::Came { estate: Box::new(read_estate(it)?), can_be_undone: true },
        2 => Merged::Went,
        3 => Merged::Parted(Box::new(read_parted(it)?)),
        4 => Merged::Returned(Box::new(read_estate(it)?)),
        5 => Merged::Came { estate: Box::new(read_estate(it)?), can_be_undone: false },
        _ => return Err(Unreadable),
    })
}

fn write_estate(it: &mut Packer, estate: &Estate) {
    it.list(&estate.joined, write_joined);
    write_balance(it, &estate.balance);
    it.list(&estate.lots, write_lot);
    it.list(&estate.holds, write_hold);
    it.list(&estate.orders, write_order);
    it.list(&estate.conversions, |it, conversion| write_bytes(it, &pack_conversion(conversion)));
    it.list(&estate.claims, write_claim);
    it.list(&estate.years, write_year);
    it.list(&estate.carried, write_carried);
    write_standing(it, &estate.standing);
}

fn read_estate(it: &mut Unpacker<'_>) -> Read<Estate> {
    Ok(Estate {
        joined: it.list(read_joined)?,
        balance: read_balance(it)?,
        lots: it.list(read_lot)?,
        holds: it.list(read_hold)?,
        orders: it.list(read_order)?,
        conversions: it.list(|it| unpack_conversion(read_bytes(it)?))?,
        claims: it.list(read_claim)?,
        years: it.list(read_year)?,
        carried: it.list(read_carried)?,
        standing: read_standing(it)?,
    })
}

fn write_parted(it: &mut Packer, parted: &Parted) {
    it.unsigned(u64::from(parted.from.0));
    write_balance(it, &parted.balance);
    it.list(&parted.years, write_year);
    it.list(&parted.orders, write_order);
    it.list(&parted.conversions, |it, conversion| write_bytes(it, &pack_conversion(conversion)));
    it.list(&parted.claims, write_claim);
    it.list(&parted.carried, write_carried);
    write_standing(it, &parted.standing);
}

fn read_parted(it: &mut Unpacker<'_>) -> Read<Parted> {
    Ok(Parted {
        from: read_place(it)?,
        balance: read_balance(it)?,
        years: it.list(read_year)?,
        orders: it.list(read_order)?,
        conversions: it.list(|it| unpack_conversion(read_bytes(it)?))?,
        claims: it.list(read_claim)?,
        carried: it.list(read_carried)?,
        standing: read_standing(it)?,
    })
}

fn write_joined(it: &mut Packer, joined: &Joined) {
    it.unsigned(u64::from(joined.place.0));
    for number in [joined.next_lot.within(), joined.next_order.within(), joined.next_hold.within()] {
        it.unsigned(number);
    }
}

fn read_joined(it: &mut Unpacker<'_>) -> Read<Joined> {
    let place = read_place(it)?;
    Ok(Joined {
        place,
        next_lot: LotNo(it.unsigned()?).under(place),
        next_order: OrderNo(it.unsigned()?).under(place),
        next_hold: HoldNo(it.unsigned()?).under(place),
    })
}

fn read_place(it: &mut Unpacker<'_>) -> Read<Place> {
    it.small().map(Place).and_then(|it| if it <= Place::MAX { Ok(it) } else { Err(Unreadable) })
}

fn write_balance(it: &mut Packer, balance: &Balance) {
    figures(balance).into_iter().for_each(|points| it.points(points));
}

fn read_balance(it: &mut Unpacker<'_>) -> Read<Balance> {
    let mut read = figures(&Balance::default());
    for points in &mut read {
        *points = it.points()?;
    }
    Ok(balance_of(read))
}

/// A lot without points inside.
fn write_lot(it: &mut Packer, lot: &Lot) {
    pack_lot(it, lot.at, ZERO);
    it.option(lot.order, |it, order| it.unsigned(order.0));
    it.unsigned(u64::from(lot_code(lot.graced, lot.certificate)));
    it.points(lot.expired);
    it.points(lot.forfeited);
}

fn read_lot(it: &mut Unpacker<'_>) -> Read<Lot> {
    let at = unpack_lot(it, ZERO)?;
    let order = it.option(|it| it.unsigned().map(OrderNo))?;
    let (graced, certificate) = read_lot_code(u32::try_from(it.unsigned()?).map_err(|_| Unreadable)?)?;
    Ok(Lot {
        at,
        order,
        graced,
        dated_by: None,
        certificate,
        pending: Points::ZERO,
        available: Points::ZERO,
        held: Points::ZERO,
        expired: it.points()?,
        forfeited: it.points()?,
    })
}

fn write_hold(it: &mut Packer, hold: &Hold) {
    it.unsigned(hold.no.0);
    pack_hold_state(it, hold.state);
    it.time(hold.lapses_at, ZERO);
    it.points(hold.points);
    it.list(&hold.taken, |it, taken| write_taken(it, taken, ZERO));
}

fn read_hold(it: &mut Unpacker<'_>) -> Read<Hold> {
    Ok(Hold {
        no: HoldNo(it.unsigned()?),
        state: unpack_hold_state(it)?,
        lapses_at: it.time(ZERO)?,
        points: it.points()?,
        taken: it.list(|it| read_taken(it, ZERO))?,
    })
}

fn write_order(it: &mut Packer, (no, posted): &(OrderNo, Posted)) {
    it.unsigned(no.0);
    it.option(posted.lot, |it, lot| pack_lot(it, lot, ZERO));
    it.points(posted.earned);
    it.list(&posted.taken_back, |it, part| write_taken_back(it, part, ZERO));
    it.list(&posted.redeemed, |it, taken| write_taken(it, taken, ZERO));
    it.money(posted.counted);
    it.signed(posted.steps);
    it.list(&posted.displaced, write_displaced);
    it.money(posted.spent);
    it.option(posted.allotted, |it, allotted| write_allotted(it, &allotted));
    it.list(&posted.budgets, write_budget_use);
    it.list(&posted.credit, |it, part| write_credit(it, part, ZERO));
    write_parts(it, &posted.certificates, ZERO);
}

fn read_order(it: &mut Unpacker<'_>) -> Read<(OrderNo, Posted)> {
    let no = OrderNo(it.unsigned()?);
    let posted = Posted {
        lot: it.option(|it| unpack_lot(it, ZERO))?,
        earned: it.points()?,
        taken_back: it.list(|it| read_taken_back(it, ZERO))?,
        redeemed: it.list(|it| read_taken(it, ZERO))?,
        counted: it.money()?,
        steps: it.signed()?,
        displaced: it.list(read_displaced)?,
        spent: it.money()?,
        allotted: it.option(read_allotted)?,
        budgets: it.list(read_budget_use)?,
        credit: it.list(|it| read_credit(it, ZERO))?,
        certificates: read_parts(it, ZERO)?,
    };
    Ok((no, posted))
}

fn write_year(it: &mut Packer, year: &Year) {
    it.signed(i64::from(year.year));
    write_bytes(it, &pack_year(year));
}

fn read_year(it: &mut Unpacker<'_>) -> Read<Year> {
    let year = i16::try_from(it.signed()?).map_err(|_| Unreadable)?;
    unpack_year(year, read_bytes(it)?)
}

fn write_bytes(it: &mut Packer, bytes: &[u8]) {
    it.count(bytes.len());
    it.bytes(bytes);
}

fn read_bytes<'a>(it: &mut Unpacker<'a>) -> Read<&'a [u8]> {
    let length = usize::try_from(it.unsigned()?).map_err(|_| Unreadable)?;
    it.bytes(length)
}

fn write_standing(it: &mut Packer, standing: &Standing) {
    it.option(standing.tier.as_ref(), write_state);
    it.list(&standing.tiers_before, |it, (tier, since)| {
        write_name(it, tier);
        it.time(*since, Timestamp::START);
    });
    it.list(&standing.acts, write_acted);
    it.list(&standing.closings, write_closed);
    it.flag(standing.has_begun);
}

fn read_standing(it: &mut Unpacker<'_>) -> Read<Standing> {
    Ok(Standing {
        tier: it.option(read_state)?,
        tiers_before: it.list(|it| Ok((read_name(it)?, it.time(Timestamp::START)?)))?.into(),
        acts: it.list(read_acted)?,
        closings: it.list(read_closed)?,
        has_begun: it.flag()?,
    })
}

/// What an account knows of merges; nothing where there were none.
pub(super) fn has_merges(account: &Account) -> bool {
    account.presence != Presence::default() || account.apart.is_some() || !account.joined.is_empty()
}

pub(super) fn write_merges(it: &mut Packer, account: &Account) {
    it.flag(account.presence.is_away);
    it.unsigned(account.presence.bare);
    it.list(&account.joined, write_joined);
    it.option(account.apart.as_deref(), |it, apart| {
        it.unsigned(u64::from(apart.from.0));
        it.time(apart.since, ZERO);
        write_balance(it, &apart.balance);
        it.list(&apart.repaid, |it, (lot, points)| {
            it.unsigned(lot.0);
            it.points(*points);
        });
        it.list(&apart.orders, |it, order| it.unsigned(order.0));
        write_standing(it, &apart.ours);
        write_standing(it, &apart.theirs);
    });
}

pub(super) fn read_merges(it: &mut Unpacker<'_>, account: &mut Account) -> Read<()> {
    account.presence = Presence { is_away: it.flag()?, bare: it.unsigned()? };
    account.joined = it.list(read_joined)?;
    account.apart = it.option(|it| {
        Ok(Box::new(Apart {
            from: read_place(it)?,
            since: it.time(ZERO)?,
            balance: read_balance(it)?,
            repaid: it.list(|it| Ok((LotNo(it.unsigned()?), it.points()?)))?,
            orders: it.list(|it| it.unsigned().map(OrderNo))?,
            ours: read_standing(it)?,
            theirs: read_standing(it)?,
        }))
    })?;
    Ok(())
}
