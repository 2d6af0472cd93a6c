//! What an order costs of a member with very many open lots, beside one with ten.

use std::time::Instant;

use anyhow::{Context as _, Result};
use engine::{Actor, Adjustment, Money, Points, Timestamp};
use store::{Body, Command, Key, MemberRef, Store, Time};

use super::place::Place;
use super::round::median_ms;
use super::shop::{PROGRAM, landed, member, order_of};
use crate::flight::Flight;
use crate::open;
use crate::progress::Progress;

const FEW: u64 = 10;
/// Orders of each.
const ORDERS: usize = 300;

/// Milliseconds that an order takes, of a member with so many lots and of one with ten.
pub(crate) fn measure(place: &Place, lots: u64) -> Result<(f64, f64)> {
    let store = open::existing(&place.copy("lots")?)?;
    let now = store.now();
    let mut progress = Progress::new("lots", lots);
    give(&store, 0, lots, now, &mut progress)?;
    give(&store, 1, FEW, now, &mut progress)?;
    progress.finish();
    let (mut many, mut few) = (Vec::new(), Vec::new());
    for number in 0..ORDERS {
        for (who, took) in [(0, &mut many), (1, &mut few)] {
            // Every second one spends what two of them earn, so that there are always about as many lots.
            let redeem = (number % 2 == 1).then(|| Points::new(90));
            let command = order_of(who, &format!("lots-{who}-{number}"), Money::new(5_000), redeem, store.now());
            let began = Instant::now();
            store.submit(command).wait().context("an order of the bench failed")?;
            took.push(began.elapsed());
        }
    }
    drop(store);
    place.remove("lots")?;
    Ok((median_ms(many), median_ms(few)))
}

fn give(store: &Store, who: u64, lots: u64, now: Timestamp, progress: &mut Progress) -> Result<()> {
    let mut flight = Flight::new(store);
    for number in 0..lots {
        let adjustment = Adjustment { points: Points::new(100), note: "bench".to_owned(), expires_at: None };
        let body = Body::Adjust {
            program: PROGRAM.to_owned(),
            member: MemberRef::Id(member(who)),
            adjustment,
            reference: None,
        };
        let key = Some(Key(format!("bench-lot-{who}-{number}")));
        let command = Command { key, actor: Actor::Staff(0), time: Time::Import(now), seed: number, body };
        landed(flight.send((), command))?;
        progress.set(number);
    }
    while let Some(answer) = flight.land() {
        landed(Some(answer))?;
    }
    Ok(())
}
