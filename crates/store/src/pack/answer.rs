//! What a command was answered, so that its key is answered the same again.

use std::borrow::Cow;
use std::collections::BTreeSet;
use std::sync::{Mutex, PoisonError};

use engine::{Answer, Balance, EntryNo, HoldNo, LotNo, Money, OrderNo, Points, Rejection, Share, Status, Timestamp};

use super::certificate;
use super::earned::{pack_earned, unpack_earned};
use super::figures::{read_closed, read_date, write_closed, write_date};
use super::order::{read_taken, write_taken};
use super::reward::{self, read_claim, write_claim};
use super::{Packer, Read, Unpacker, Unreadable};
use crate::command::Reply;
use crate::id::{ChannelId, MemberId, ProgramId};

const VERSION: u8 = 1;
const ZERO: Timestamp = Timestamp::from_micros(0);

/// What is remembered: refusals by the rules as well as replies, but no failure of the world.
pub(crate) type Outcome = Result<Reply, Rejection>;

pub(crate) fn pack_outcome(outcome: &Outcome) -> Vec<u8> {
    let mut it = Packer::new(VERSION);
    match outcome {
        Ok(reply) => write_reply(&mut it, reply),
        Err(rejection) => {
            it.byte(0);
            write_rejection(&mut it, rejection);
        }
    }
    it.done()
}

pub(crate) fn unpack_outcome(bytes: &[u8]) -> Read<Outcome> {
    let mut it = Unpacker::new(bytes, VERSION)?;
    let outcome = match it.byte()? {
        0 => Err(read_rejection(&mut it)?),
        code => Ok(read_reply(&mut it, code)?),
    };
    it.done()?;
    Ok(outcome)
}

fn write_reply(it: &mut Packer, reply: &Reply) {
    match reply {
        Reply::Member { id, created } => {
            it.byte(1);
            it.bytes(&id.0);
            it.flag(*created);
        }
        Reply::Order { member, order, answer } => {
            it.byte(2);
            it.option(member.as_ref(), |it, member| it.bytes(&member.0));
            it.unsigned(order.0);
            write_answer(it, answer);
        }
        Reply::Hold { member, hold, balance, lapses_at } => {
            it.byte(3);
            it.bytes(&member.0);
            it.unsigned(hold.0);
            write_balance(it, balance);
            it.time(*lapses_at, ZERO);
        }
        Reply::Adjusted { entry, balance } => {
            it.byte(4);
            it.unsigned(entry.0);
            write_balance(it, balance);
        }
        Reply::Settled { entries, due_at } => {
            it.byte(5);
            it.unsigned(*entries);
            it.time(*due_at, ZERO);
        }
        Reply::Program { id, number, version } => {
            it.byte(6);
            it.bytes(&id.0);
            it.unsigned(u64::from(*number));
            it.unsigned(u64::from(*version));
        }
        Reply::Channel { id, number } => {
            it.byte(7);
            it.bytes(&id.0);
            it.unsigned(u64::from(*number));
        }
        Reply::Done => it.byte(8),
        Reply::Forgotten { answers, next } => {
            it.byte(9);
            it.unsigned(*answers);
            it.option(next.as_ref(), |it, next| it.bytes(next));
        }
        Reply::Redated { lots, points, balance } => {
            it.byte(12);
            it.unsigned(*lots);
            it.points(*points);
            write_balance(it, balance);
        }
        Reply::Standing { closed, balance } => {
            it.byte(15);
            it.option(closed.as_ref(), write_closed);
            write_balance(it, balance);
        }
        Reply::Withdrawn { points } => {
            it.byte(16);
            it.points(*points);
        }
        Reply::Key { number } => {
            it.byte(10);
            it.unsigned(u64::from(*number));
        }
        other => write_means(it, other),
    }
}

/// Of store credit and certificates.
fn write_means(it: &mut Packer, reply: &Reply) {
    match reply {
        Reply::Credit { entry, credit } => {
            it.byte(11);
            it.unsigned(entry.0);
            it.money(*credit);
        }
        Reply::Certificates { entry, certificates } => {
            it.byte(13);
            it.unsigned(entry.0);
            certificate::write_numbers(it, certificates);
        }
        Reply::Bearers { owners } => {
            it.byte(30);
            it.list(owners, |it, owner| it.bytes(&owner.0));
        }
        Reply::Cancelled { member, certificate, entry } => {
            it.byte(14);
            it.bytes(&member.0);
            it.unsigned(certificate.0);
            it.option(*entry, |it, entry| it.unsigned(entry.0));
        }
        Reply::Claim { member, claim, balance } => {
            it.byte(20);
            it.bytes(&member.0);
            write_claim(it, claim);
            write_balance(it, balance);
        }
        other => unreachable!("{other:?} is packed elsewhere"),
    }
}

fn read_reply(it: &mut Unpacker<'_>, code: u8) -> Read<Reply> {
    Ok(match code {
        1 => Reply::Member { id: MemberId(it.array()?), created: it.flag()? },
        2 => Reply::Order {
            member: it.option(|it| it.array().map(MemberId))?,
            order: OrderNo(it.unsigned()?),
            answer: Box::new(read_answer(it)?),
        },
        3 => Reply::Hold {
            member: MemberId(it.array()?),
            hold: HoldNo(it.unsigned()?),
            balance: read_balance(it)?,
            lapses_at: it.time(ZERO)?,
        },
        4 => Reply::Adjusted { entry: EntryNo(it.unsigned()?), balance: read_balance(it)? },
        5 => Reply::Settled { entries: it.unsigned()?, due_at: it.time(ZERO)? },
        6 => Reply::Program { id: ProgramId(it.array()?), number: it.small()?, version: it.small()? },
        7 => Reply::Channel { id: ChannelId(it.array()?), number: it.small()? },
        8 => Reply::Done,
        9 => Reply::Forgotten { answers: it.unsigned()?, next: it.option(Unpacker::array)? },
        10 => Reply::Key { number: it.small()? },
        11 => Reply::Credit { entry: EntryNo(it.unsigned()?), credit: it.money()? },
        14 => Reply::Cancelled {
            member: MemberId(it.array()?),
            certificate: LotNo(it.unsigned()?),
            entry: it.option(|it| it.unsigned().map(EntryNo))?,
        },
        13 => Reply::Certificates { entry: EntryNo(it.unsigned()?), certificates: certificate::read_numbers(it)? },
        30 => Reply::Bearers { owners: it.list(|it| it.array().map(MemberId))? },
        15 => Reply::Standing { closed: it.option(read_closed)?, balance: read_balance(it)? },
        20 => {
            Reply::Claim { member: MemberId(it.array()?), claim: Box::new(read_claim(it)?), balance: read_balance(it)? }
        }
        16 => Reply::Withdrawn { points: it.points()? },
        12 => Reply::Redated { lots: it.unsigned()?, points: it.points()?, balance: read_balance(it)? },
        _ => return Err(Unreadable),
    })
}

fn write_answer(it: &mut Packer, answer: &Answer) {
    it.byte(match answer.status {
        Status::Recorded => 1,
        Status::Retry => 2,
        Status::Stale => 3,
    });
    it.unsigned(answer.order.0);
    pack_earned(it, &answer.earned);
    it.points(answer.redeemed);
    it.points(answer.asked);
    it.money(answer.value);
    it.money(answer.credit);
    it.money(answer.credit_asked);
    it.option(answer.credit_left, Packer::money);
    it.points(answer.owed);
    it.points(answer.let_go);
    it.points(answer.expired);
    certificate::write_parts(it, &answer.certificates, ZERO);
    it.money(answer.certificates_asked);
    it.list(&answer.spent, |it, taken| write_taken(it, taken, ZERO));
    it.option(answer.tier.as_deref(), |it, tier: &str| it.text(tier));
    write_balance(it, &answer.balance);
}

fn read_answer(it: &mut Unpacker<'_>) -> Read<Answer> {
    let status = match it.byte()? {
        1 => Status::Recorded,
        2 => Status::Retry,
        3 => Status::Stale,
        _ => return Err(Unreadable),
    };
    Ok(Answer {
        status,
        order: OrderNo(it.unsigned()?),
        earned: unpack_earned(it)?,
        redeemed: it.points()?,
        asked: it.points()?,
        value: it.money()?,
        credit: it.money()?,
        credit_asked: it.money()?,
        credit_left: it.option(Unpacker::money)?,
        owed: it.points()?,
        let_go: it.points()?,
        expired: it.points()?,
        certificates: certificate::read_parts(it, ZERO)?,
        certificates_asked: it.money()?,
        spent: it.list(|it| read_taken(it, ZERO))?,
        tier: it.option(Unpacker::text)?.map(Into::into),
        balance: read_balance(it)?,
    })
}

fn write_balance(it: &mut Packer, balance: &Balance) {
    for points in crate::rows::figures(balance) {
        it.points(points);
    }
}

fn read_balance(it: &mut Unpacker<'_>) -> Read<Balance> {
    let mut figures = [Points::ZERO; crate::rows::FIGURES];
    for figure in &mut figures {
        *figure = it.points()?;
    }
    Ok(crate::rows::balance_of(figures))
}

fn write_rejection(it: &mut Packer, rejection: &Rejection) {
    match rejection {
        Rejection::Invalid { path, allowed } => {
            it.byte(1);
            it.text(path);
            it.text(allowed);
        }
        Rejection::UnknownChannel | Rejection::UnknownProgram | Rejection::UnknownMember => it.byte(unknown(rejection)),
        Rejection::UnknownOrder | Rejection::UnknownTier | Rejection::CannotUndo => it.byte(unknown(rejection)),
        Rejection::IdentityTaken | Rejection::OtherMember | Rejection::CannotMerge => it.byte(unknown(rejection)),
        Rejection::ClaimEnded { last } => {
            it.byte(28);
            write_date(it, *last);
        }
        Rejection::WrongCurrency => it.byte(7),
        Rejection::DateTooOld { path } | Rejection::DateAhead { path } => {
            it.byte(if matches!(rejection, Rejection::DateAhead { .. }) { 9 } else { 8 });
            it.text(path);
        }
        Rejection::VersionKind | Rejection::VersionConflict => it.byte(unmet(rejection)),
        Rejection::ProgramOff => it.byte(12),
        Rejection::UnknownHold | Rejection::HoldTaken => it.byte(unmet(rejection)),
        Rejection::BelowMinimum { value, points } => {
            it.byte(15);
            it.money(*value);
            it.points(*points);
        }
        Rejection::ExceedsOrder { fits } => {
            it.byte(16);
            it.points(*fits);
        }
        Rejection::OrderType | Rejection::AccountClosed | Rejection::CardBlocked => it.byte(unmet(rejection)),
        Rejection::BehindAccount => it.byte(17),
        Rejection::InsufficientPoints { spendable } => {
            it.byte(18);
            it.points(*spendable);
        }
        Rejection::NotWithDiscounts => it.byte(19),
        Rejection::UnknownCertificate
        | Rejection::CertificateClaimed
        | Rejection::CertificateCancelled { .. }
        | Rejection::CertificateExpired { .. }
        | Rejection::CertificateUsed { .. }
        | Rejection::CertificateOfOrder { .. }
        | Rejection::CertificateExceedsOrder { .. } => certificate::write_rejection(it, rejection),
        Rejection::UnknownReward
        | Rejection::RewardNotYet { .. }
        | Rejection::RewardOver { .. }
        | Rejection::RewardTier
        | Rejection::RewardSoldOut
        | Rejection::RewardLimit { .. }
        | Rejection::UnknownClaim
        | Rejection::ClaimCancelled
        | Rejection::PointsOwed { .. } => reward::write_rejection(it, rejection),
        Rejection::UnknownLot
        | Rejection::UnknownActivity
        | Rejection::NoRewards
        | Rejection::ActivityLimit { .. }
        | Rejection::ExceedsExpired { .. } => write_refused_act(it, rejection),
        Rejection::BalanceBelowMinimum { .. }
        | Rejection::NotInSteps { .. }
        | Rejection::AboveMaximum { .. }
        | Rejection::AboveShare { .. } => write_refused_figure(it, rejection),
        Rejection::CreditExceedsOrder { .. } | Rejection::InsufficientCredit { .. } => write_refused_act(it, rejection),
    }
}

/// Of limits of redeeming.
fn write_refused_figure(it: &mut Packer, rejection: &Rejection) {
    match rejection {
        Rejection::BalanceBelowMinimum { points, balance } => {
            it.byte(20);
            it.points(*points);
            it.points(*balance);
        }
        Rejection::NotInSteps { step } => {
            it.byte(21);
            it.points(*step);
        }
        Rejection::AboveMaximum { points } => {
            it.byte(22);
            it.points(*points);
        }
        Rejection::AboveShare { share, fits } => {
            it.byte(23);
            it.unsigned(u64::from(share.0));
            it.points(*fits);
        }
        other => unreachable!("{other} is packed elsewhere"),
    }
}

/// Of what staff do by hand, of what earns without an order, and of store credit.
fn write_refused_act(it: &mut Packer, rejection: &Rejection) {
    match rejection {
        Rejection::UnknownLot => it.byte(40),
        Rejection::UnknownActivity => it.byte(41),
        Rejection::NoRewards => it.byte(66),
        Rejection::ActivityLimit { per, most } => {
            it.byte(42);
            it.text(per);
            it.unsigned(u64::from(*most));
        }
        Rejection::ExceedsExpired { there } => {
            it.byte(43);
            it.points(*there);
        }
        Rejection::CreditExceedsOrder { fits } => {
            it.byte(26);
            it.money(*fits);
        }
        Rejection::InsufficientCredit { spendable } => {
            it.byte(27);
            it.money(*spendable);
        }
        other => unreachable!("{other} is packed elsewhere"),
    }
}

/// The code of what is not there, or somebody else's.
fn unknown(rejection: &Rejection) -> u8 {
    match rejection {
        Rejection::UnknownChannel => 2,
        Rejection::UnknownProgram => 3,
        Rejection::UnknownMember => 4,
        Rejection::UnknownOrder => 24,
        Rejection::UnknownTier => 50,
        Rejection::IdentityTaken => 5,
        Rejection::OtherMember => 6,
        Rejection::CannotMerge => 90,
        Rejection::CannotUndo => 91,
        _ => unreachable!("it is asked for what is not there, or somebody else's, alone"),
    }
}

/// The code of what the order or its account is not.
fn unmet(rejection: &Rejection) -> u8 {
    match rejection {
        Rejection::VersionKind => 10,
        Rejection::VersionConflict => 11,
        Rejection::UnknownHold => 13,
        Rejection::HoldTaken => 14,
        Rejection::OrderType => 25,
        Rejection::CardBlocked => 67,
        _ => 29,
    }
}

fn read_rejection(it: &mut Unpacker<'_>) -> Read<Rejection> {
    Ok(match it.byte()? {
        1 => Rejection::Invalid { path: Cow::Owned(it.text()?), allowed: intern(it.text()?) },
        2 => Rejection::UnknownChannel,
        3 => Rejection::UnknownProgram,
        4 => Rejection::UnknownMember,
        5 => Rejection::IdentityTaken,
        6 => Rejection::OtherMember,
        28 => Rejection::ClaimEnded { last: read_date(it)? },
        7 => Rejection::WrongCurrency,
        8 => Rejection::DateTooOld { path: intern(it.text()?) },
        9 => Rejection::DateAhead { path: intern(it.text()?) },
        10 => Rejection::VersionKind,
        11 => Rejection::VersionConflict,
        12 => Rejection::ProgramOff,
        13 => Rejection::UnknownHold,
        14 => Rejection::HoldTaken,
        15 => {
            let value: Money = it.money()?;
            Rejection::BelowMinimum { value, points: it.points()? }
        }
        16 => Rejection::ExceedsOrder { fits: it.points()? },
        25 => Rejection::OrderType,
        29 => Rejection::AccountClosed,
        67 => Rejection::CardBlocked,
        17 => Rejection::BehindAccount,
        90 => Rejection::CannotMerge,
        91 => Rejection::CannotUndo,
        18 => Rejection::InsufficientPoints { spendable: it.points()? },
        50 => Rejection::UnknownTier,
        19 => Rejection::NotWithDiscounts,
        24 => Rejection::UnknownOrder,
        40 => Rejection::UnknownLot,
        41 => Rejection::UnknownActivity,
        66 => Rejection::NoRewards,
        42 => Rejection::ActivityLimit { per: intern(it.text()?), most: it.small()? },
        43 => Rejection::ExceedsExpired { there: it.points()? },
        20 => Rejection::BalanceBelowMinimum { points: it.points()?, balance: it.points()? },
        21 => Rejection::NotInSteps { step: it.points()? },
        22 => Rejection::AboveMaximum { points: it.points()? },
        23 => {
            let share = u16::try_from(it.unsigned()?).map_err(|_| Unreadable)?;
            Rejection::AboveShare { share: Share(share), fits: it.points()? }
        }
        code @ (60..=65 | 110) => certificate::read_rejection(it, code)?,
        code @ 70..=78 => reward::read_rejection(it, code, intern)?,
        26 => Rejection::CreditExceedsOrder { fits: it.money()? },
        27 => Rejection::InsufficientCredit { spendable: it.money()? },
        _ => return Err(Unreadable),
    })
}

/// Rejections hold texts of the program itself; one read back is such a text as well. Each is kept once, so what is
/// leaked is bounded by the number of texts that rejections ever had.
fn intern(text: String) -> &'static str {
    static TEXTS: Mutex<BTreeSet<&'static str>> = Mutex::new(BTreeSet::new());
    let mut texts = TEXTS.lock().unwrap_or_else(PoisonError::into_inner);
    if let Some(known) = texts.get(text.as_str()) {
        return known;
    }
    let kept: &'static str = Box::leak(text.into_boxed_str());
    texts.insert(kept);
    kept
}
