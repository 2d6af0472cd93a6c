//! What tells two bodies apart that share an idempotency key.

use std::collections::BTreeSet;

use engine::{CreditAdjustment, Date, Timestamp};
use sha2::{Digest as _, Sha256};

use super::Packer;
use super::document::{write_document, write_return, write_version};
use crate::card::{CardAct, CardChange};
use crate::certificate::{CertificateRef, NewCertificates};
use crate::command::{Body, Ledger, ReturnedPart};
use crate::member::{Identity, MemberChange, MemberRef};

const VERSION: u8 = 1;
const ZERO: Timestamp = Timestamp::from_micros(0);

/// Tells bodies apart that share a key. What is drawn anew at each attempt is left out: ids and secrets.
pub(crate) fn fingerprint(body: &Body) -> [u8; 16] {
    let mut it = Packer::new(VERSION);
    match body {
        Body::SignUp { id: _, name, identities, facts } => {
            it.byte(1);
            it.option(name.as_deref(), Packer::text);
            // In whatever order they are told.
            let identities: BTreeSet<Identity> = identities.iter().map(Identity::normalised).collect();
            it.count(identities.len());
            identities.iter().for_each(|identity| write_identity(&mut it, identity));
            it.option(facts.customer_type.as_deref(), Packer::text);
            it.option(facts.birthday, write_date);
        }
        Body::PutOrder { channel, member, reference, document, certificates } => {
            it.byte(2);
            it.text(channel);
            it.option(member.as_ref(), write_member);
            it.text(reference);
            write_document(&mut it, document);
            it.option(certificates.as_ref(), |it, named| it.list(named, write_certificate));
        }
        Body::PutReturn { channel, reference, order, currency, returned } => {
            it.byte(29);
            write_returned(&mut it, [channel, reference, &order.channel, &order.reference], *currency, returned);
        }
        Body::Hold { program, member, points, minutes } => {
            it.byte(3);
            it.text(program);
            write_member(&mut it, member);
            it.points(*points);
            it.option(*minutes, |it, minutes| it.unsigned(u64::from(minutes)));
        }
        Body::ReleaseHold { program, member, hold } => write_release(&mut it, program, member, hold.0),
        Body::Adjust { program, member, adjustment, reference } => {
            it.byte(5);
            it.text(program);
            write_member(&mut it, member);
            it.points(adjustment.points);
            it.text(&adjustment.note);
            it.maybe_time(adjustment.expires_at, ZERO);
            it.option(reference.as_deref(), Packer::text);
        }
        Body::AdjustCredit { currency, member, adjustment, reference } => {
            it.byte(21);
            it.bytes(currency);
            write_credit(&mut it, member, adjustment, reference.as_deref());
        }
        Body::Collect { .. } | Body::Redate { .. } | Body::Reinstate { .. } | Body::Act { .. } => {
            write_act(&mut it, body)
        }
        Body::SetTier { program, member, set } => write_set_tier(&mut it, program, member, set),
        Body::Merge { member, other } => write_merge(&mut it, member, Some(other)),
        Body::Unmerge { member } => write_merge(&mut it, member, None),
        Body::Settle { owner, program } => {
            it.byte(6);
            it.bytes(&owner.0);
            it.unsigned(u64::from(*program));
        }
        Body::ForgetAnswers { after, before } => {
            it.byte(11);
            it.time(*before, ZERO);
            it.option(after.as_ref(), |it, after| it.bytes(after));
        }
        other => write_certificates(&mut it, other),
    }
    let mut half = [0; 16];
    half.copy_from_slice(&Sha256::digest(it.done())[..16]);
    half
}

fn write_credit(it: &mut Packer, member: &MemberRef, adjustment: &CreditAdjustment, reference: Option<&str>) {
    write_member(it, member);
    it.money(adjustment.amount);
    it.text(&adjustment.note);
    it.option(reference, Packer::text);
}

fn write_returned(it: &mut Packer, names: [&String; 4], currency: [u8; 3], returned: &ReturnedPart) {
    names.into_iter().for_each(|name| it.text(name));
    let ReturnedPart { version, returned_at, lines, refunded } = returned;
    it.bytes(&currency);
    write_version(it, *version, ZERO);
    it.time(*returned_at, ZERO);
    it.list(lines, write_return);
    it.money(*refunded);
}

fn write_certificate(it: &mut Packer, certificate: &CertificateRef) {
    match certificate {
        CertificateRef::NoCode => it.byte(0),
        CertificateRef::Code(hash) => {
            it.byte(1);
            it.bytes(&hash.0);
        }
        CertificateRef::Numbered { owner, ledger, number } => {
            it.byte(2);
            it.bytes(&owner.0);
            it.unsigned(u64::from(*ledger));
            it.unsigned(number.0);
        }
    }
}

/// Certificates that are given or cancelled.
fn write_certificates(it: &mut Packer, body: &Body) {
    match body {
        Body::IssueCertificates { program, member, new, reference } => {
            it.byte(43);
            it.text(program);
            write_member(it, member);
            write_new_certificates(it, new);
            it.option(reference.as_ref(), |it, reference| it.text(reference));
        }
        Body::IssueBearers { program, new } => {
            it.byte(80);
            it.text(program);
            write_new_certificates(it, new);
        }
        Body::CancelCertificate { certificate, note } => {
            it.byte(44);
            write_certificate(it, certificate);
            it.text(note);
        }
        other => write_other(it, other),
    }
}

fn write_new_certificates(it: &mut Packer, new: &NewCertificates) {
    let NewCertificates { value, count, uses, validity, note } = new;
    it.money(*value);
    it.unsigned(u64::from(*count));
    it.option(*uses, |it, uses| {
        it.text(uses.name());
        it.option(uses.share(), |it, share| it.unsigned(u64::from(share.0)));
    });
    it.text(&format!("{validity:?}"));
    it.text(note);
}

/// What staff do to points that are there or have expired, and what earns without an order.
fn write_act(it: &mut Packer, body: &Body) {
    match body {
        Body::Redate { program, member, redating } => {
            it.byte(40);
            it.text(program);
            write_member(it, member);
            it.option(redating.lot, |it, lot| it.unsigned(lot.0));
            it.maybe_time(redating.expiring_by, ZERO);
            it.time(redating.expires_at, ZERO);
            it.text(&redating.note);
        }
        Body::Collect { program, member, note } => {
            it.byte(45);
            it.text(program);
            write_member(it, member);
            it.text(note);
        }
        Body::Reinstate { program, member, reinstatement } => {
            it.byte(41);
            it.text(program);
            write_member(it, member);
            it.points(reinstatement.points);
            it.option(reinstatement.lot, |it, lot| it.unsigned(lot.0));
            it.maybe_time(reinstatement.expires_at, ZERO);
            it.text(&reinstatement.note);
        }
        Body::Act { program, member, name, reference } => {
            it.byte(42);
            it.text(program);
            write_member(it, member);
            it.text(name);
            it.option(reference.as_deref(), Packer::text);
        }
        other => write_other(it, other),
    }
}

/// Of members themselves, of signing in, and of reference data.
fn write_other(it: &mut Packer, body: &Body) {
    match body {
        Body::ChangeMember { member, change } => {
            it.byte(12);
            write_member(it, member);
            write_change(it, change);
        }
        Body::ClaimOrder { order, member, note } => {
            it.byte(31);
            [&order.channel, &order.reference, note].into_iter().for_each(|text| it.text(text));
            write_member(it, member);
        }
        Body::Withdraw { from, member, reference, note } => write_withdraw(it, from, member, [reference, note]),
        Body::Close { program, member, closing } => {
            it.byte(32);
            it.text(program);
            write_member(it, member);
            it.unsigned(u64::from(closing.grace_days));
            it.text(&closing.note);
        }
        Body::Join { program, member, note } => {
            it.byte(33);
            it.text(program);
            write_member(it, member);
            it.text(note);
        }
        Body::AddIdentity { member, identity } => {
            it.byte(13);
            write_member(it, member);
            write_identity(it, identity);
        }
        Body::RemoveIdentity { member, identity } => {
            it.byte(14);
            write_member(it, member);
            write_identity(it, identity);
        }
        Body::Card { card, act } => write_card(it, card, act),
        Body::Erase { member, only_unused } => {
            it.byte(63);
            it.flag(*only_unused);
            write_member(it, member);
        }
        Body::OpenLink { link, expires_at } => {
            it.byte(15);
            it.bytes(&link.0);
            it.time(*expires_at, ZERO);
        }
        Body::UseLink { link, session: _, expires_at } => {
            it.byte(16);
            it.bytes(&link.0);
            it.time(*expires_at, ZERO);
        }
        Body::OpenSession { session, key, expires_at } => {
            it.byte(17);
            it.bytes(&session.0);
            it.unsigned(key.map_or(0, |it| u64::from(it) + 1));
            it.time(*expires_at, ZERO);
        }
        Body::EndSession { session } => {
            it.byte(18);
            it.bytes(&session.0);
        }
        Body::ClaimReward { .. } | Body::EndClaim { .. } => write_claim(it, body),
        reference => write_reference(it, reference),
    }
}

fn write_change(it: &mut Packer, change: &MemberChange) {
    let MemberChange { name, customer_type, birthday, by_member } = change;
    for text in [name, customer_type] {
        it.option(text.as_ref(), |it, text| it.option(text.as_deref(), Packer::text));
    }
    it.option(*birthday, |it, day| it.option(day, write_date));
    it.flag(*by_member);
}

/// Of rewards of the catalogue.
fn write_claim(it: &mut Packer, body: &Body) {
    match body {
        Body::ClaimReward { program, member, reward } => {
            it.byte(70);
            it.text(program);
            write_member(it, member);
            it.text(reward);
        }
        Body::EndClaim { program, member, claim, cancels, note } => {
            it.byte(71);
            it.text(program);
            write_member(it, member);
            it.unsigned(claim.0);
            it.flag(*cancels);
            it.text(note);
        }
        other => write_reference(it, other),
    }
}

fn write_withdraw(it: &mut Packer, from: &Ledger, member: &MemberRef, texts: [&String; 2]) {
    it.byte(34);
    match from {
        Ledger::Points(program) => it.text(program),
        Ledger::Credit(currency) | Ledger::Certificates(currency) => it.bytes(currency),
    }
    it.byte(match from {
        Ledger::Points(_) => 0,
        Ledger::Credit(_) => 1,
        Ledger::Certificates(_) => 2,
    });
    write_member(it, member);
    texts.into_iter().for_each(|text| it.text(text));
}

fn write_reference(it: &mut Packer, body: &Body) {
    match body {
        Body::CreateProgram { id: _, name, document, effective_at } => {
            it.byte(7);
            it.text(name);
            it.text(document);
            it.maybe_time(*effective_at, ZERO);
        }
        Body::AddVersion { program, document, effective_at } => {
            it.byte(8);
            it.text(program);
            it.text(document);
            it.maybe_time(*effective_at, ZERO);
        }
        Body::SwitchProgram { program, on, at } => {
            it.byte(9);
            it.text(program);
            it.flag(*on);
            it.maybe_time(*at, ZERO);
        }
        Body::AddChannel { id: _, name, program, signs_up } => {
            it.byte(10);
            it.text(name);
            it.text(program);
            it.flag(*signs_up);
        }
        Body::ChangeChannel { channel, signs_up } => {
            it.byte(30);
            it.text(channel);
            it.flag(*signs_up);
        }
        Body::AddKey { name, hash: _, hint: _, scopes } => write_key(it, name, scopes.bits()),
        Body::RevokeKey { number } => write_revoked(it, *number),
        Body::SignUp { .. }
        | Body::PutOrder { .. }
        | Body::PutReturn { .. }
        | Body::ClaimOrder { .. }
        | Body::Hold { .. }
        | Body::ReleaseHold { .. }
        | Body::Adjust { .. }
        | Body::AdjustCredit { .. }
        | Body::IssueCertificates { .. }
        | Body::IssueBearers { .. }
        | Body::CancelCertificate { .. }
        | Body::Withdraw { .. }
        | Body::Collect { .. }
        | Body::Redate { .. }
        | Body::Reinstate { .. }
        | Body::Act { .. }
        | Body::SetTier { .. }
        | Body::Close { .. }
        | Body::Join { .. }
        | Body::Merge { .. }
        | Body::Unmerge { .. }
        | Body::Settle { .. }
        | Body::ForgetAnswers { .. }
        | Body::ChangeMember { .. }
        | Body::AddIdentity { .. }
        | Body::RemoveIdentity { .. }
        | Body::Card { .. }
        | Body::Erase { .. }
        | Body::OpenLink { .. }
        | Body::UseLink { .. }
        | Body::OpenSession { .. }
        | Body::EndSession { .. }
        | Body::ClaimReward { .. }
        | Body::EndClaim { .. } => {}
    }
}

fn write_key(it: &mut Packer, name: &str, scopes: u32) {
    it.byte(19);
    it.text(name);
    it.unsigned(u64::from(scopes));
}

fn write_revoked(it: &mut Packer, number: u32) {
    it.byte(20);
    it.unsigned(u64::from(number));
}

fn write_release(it: &mut Packer, program: &str, member: &MemberRef, hold: u64) {
    it.byte(4);
    it.text(program);
    write_member(it, member);
    it.unsigned(hold);
}

/// A merge, or its undo.
fn write_merge(it: &mut Packer, member: &MemberRef, other: Option<&MemberRef>) {
    it.byte(if other.is_some() { 60 } else { 61 });
    write_member(it, member);
    if let Some(other) = other {
        write_member(it, other);
    }
}

fn write_card(it: &mut Packer, card: &str, act: &CardAct) {
    it.byte(62);
    it.text(card);
    let change = |it: &mut Packer, text: &Option<Option<String>>| {
        it.option(text.as_ref(), |it, text| it.option(text.as_deref(), Packer::text));
    };
    match act {
        CardAct::Add { member, label } => {
            it.byte(1);
            write_member(it, member);
            it.option(label.as_deref(), Packer::text);
        }
        CardAct::Change(CardChange { label, blocked, note }) => {
            it.byte(2);
            change(it, label);
            it.option(*blocked, Packer::flag);
            change(it, note);
        }
        CardAct::Replace { by, note } => {
            it.byte(3);
            it.text(by);
            it.option(note.as_deref(), Packer::text);
        }
        CardAct::Remove => it.byte(4),
    }
}

fn write_set_tier(it: &mut Packer, program: &str, member: &MemberRef, set: &engine::SetTier) {
    it.byte(45);
    it.text(program);
    write_member(it, member);
    it.option(set.tier.as_deref(), Packer::text);
    it.maybe_time(set.until, ZERO);
    it.text(&set.note);
}

fn write_date(it: &mut Packer, date: Date) {
    it.text(&date.to_string());
}

fn write_member(it: &mut Packer, member: &MemberRef) {
    match member {
        MemberRef::Id(id) => {
            it.byte(0);
            it.bytes(&id.0);
        }
        MemberRef::Identity(identity) => write_identity(it, identity),
    }
}

fn write_identity(it: &mut Packer, identity: &Identity) {
    let identity = identity.normalised();
    it.byte(identity.kind.number());
    it.text(&identity.value);
}
