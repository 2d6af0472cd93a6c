//! What merges write: entries that bring or take all that a member has, and what an account knows of them.

use engine::{
    Apart, Balance, Certificate, Estate, Hold, Joined, Lot, Merged, Parted, Place, Placed as _, Presence, Share,
    Standing, Uses,
};

use super::*;
use crate::pack::reward::tests::claims;
use crate::rows::{FIGURES, balance_of};

fn places() -> impl Strategy<Value = Place> {
    prop_oneof![0..4_u32, 0..=Place::MAX.0].prop_map(Place)
}

fn joined() -> BoxedStrategy<Joined> {
    let within = || 0..1_u64 << 40;
    (places(), within(), within(), within())
        .prop_map(|(place, lot, order, hold)| Joined {
            place,
            next_lot: LotNo(lot).under(place),
            next_order: OrderNo(order).under(place),
            next_hold: HoldNo(hold).under(place),
        })
        .boxed()
}

fn balances() -> BoxedStrategy<Balance> {
    vec(points(), FIGURES).prop_map(|it| balance_of(it.try_into().expect("as many as there are"))).boxed()
}

fn empty_lots() -> impl Strategy<Value = Lot> {
    let certificates = option::of((any::<bool>(), any::<bool>()));
    (lots(), option::of(numbers()), any::<bool>(), certificates, points(), points()).prop_map(
        |(at, order, graced, certificate, expired, forfeited)| Lot {
            at,
            order: order.map(OrderNo),
            graced,
            dated_by: None,
            certificate: certificate.map(|(once, is_cancelled)| Certificate {
                uses: if once { Uses::Share(Share(777)) } else { Uses::Several },
                is_cancelled,
            }),
            pending: Points::ZERO,
            available: Points::ZERO,
            held: Points::ZERO,
            expired,
            forfeited,
        },
    )
}

fn holds() -> BoxedStrategy<Hold> {
    (numbers(), hold_states(), times(), points(), vec(taken(), 0..3))
        .prop_map(|(no, state, lapses_at, points, taken)| Hold { no: HoldNo(no), state, lapses_at, points, taken })
        .boxed()
}

fn posted() -> BoxedStrategy<(OrderNo, Posted)> {
    (numbers(), orders()).prop_map(|(no, order)| (OrderNo(no), order.posted)).boxed()
}

fn standings() -> BoxedStrategy<Standing> {
    let lists = (vec((tier_names(), times()), 0..3), vec(acted(), 0..3), vec(closings(), 0..3));
    (option::of(tier_states()), lists, any::<bool>())
        .prop_map(|(tier, (tiers_before, acts, closings), has_begun)| Standing {
            tier,
            tiers_before: tiers_before.into(),
            acts,
            closings,
            has_begun,
        })
        .boxed()
}

fn conversions() -> BoxedStrategy<Conversion> {
    (lots(), rates(), vec(taken(), 0..3)).prop_map(|(lot, rate, taken)| Conversion { lot, rate, taken }).boxed()
}

fn carried() -> impl Strategy<Value = Carried> {
    (money(), money()).prop_map(|(per, remainder)| Carried { per, remainder })
}

fn estates() -> BoxedStrategy<Estate> {
    (
        (vec(joined(), 0..3), balances(), standings()),
        (vec(empty_lots(), 0..3), vec(holds(), 0..3), vec(posted(), 0..3)),
        (vec(conversions(), 0..3), vec(claims(), 0..3), vec(years(), 0..3), vec(carried(), 0..3)),
    )
        .prop_map(|((joined, balance, standing), (lots, holds, orders), (conversions, claims, years, carried))| {
            Estate { joined, balance, lots, holds, orders, conversions, claims, years, carried, standing }
        })
        .boxed()
}

fn parted() -> BoxedStrategy<Parted> {
    (
        (places(), balances(), standings(), vec(years(), 0..3)),
        (vec(posted(), 0..3), vec(conversions(), 0..3), vec(claims(), 0..3), vec(carried(), 0..3)),
    )
        .prop_map(|((from, balance, standing, years), (orders, conversions, claims, carried))| Parted {
            from,
            balance,
            years,
            orders,
            conversions,
            claims,
            carried,
            standing,
        })
        .boxed()
}

fn merges() -> BoxedStrategy<Merged> {
    prop_oneof![
        (estates(), any::<bool>())
            .prop_map(|(estate, can_be_undone)| Merged::Came { estate: Box::new(estate), can_be_undone }),
        Just(Merged::Went),
        parted().prop_map(|it| Merged::Parted(Box::new(it))),
        estates().prop_map(|it| Merged::Returned(Box::new(it))),
    ]
    .boxed()
}

fn aparts() -> BoxedStrategy<Apart> {
    let repaid = vec((numbers().prop_map(LotNo), points()), 0..3);
    let orders = vec(numbers().prop_map(OrderNo), 0..3);
    ((places(), times()), balances(), repaid, orders, (standings(), standings()))
        .prop_map(|((from, since), balance, repaid, orders, (ours, theirs))| Apart {
            from,
            since,
            balance,
            repaid,
            orders,
            ours,
            theirs,
        })
        .boxed()
}

proptest! {
    #[test]
    fn merges_are_read_as_they_were_written(entry in entries(), merged in merges(), undone: bool) {
        let mut entry = Entry { kind: if undone { Kind::Unmerge } else { Kind::Merge }, ..entry };
        entry.changes.merged = Some(Box::new(merged));
        prop_assert_eq!(unpack_entry(row_of(&entry), &pack_entry(&entry)), Ok(entry));
    }

    #[test]
    fn merged_accounts_are_read_as_they_were_written(
        (is_away, bare) in any::<(bool, u64)>(),
        joined in vec(joined(), 0..3),
        apart in option::of(aparts()),
    ) {
        let mut account = Account::default();
        (account.joined, account.apart) = (joined, apart.map(Box::new));
        account.presence = Presence { is_away, bare };
        let mut read = Account::default();
        prop_assert_eq!(unpack_activities(pack_activities(&account).as_deref(), &mut read), Ok(()));
        prop_assert_eq!(read, account);
    }
}
