//! Which rows may be brought over at once: those that name nobody in common. Bounded by the rows of one round.

use std::collections::BTreeMap;

use super::MemberRow;

/// The rows by their places, in groups that have nobody in common; within a group in the order of the file.
pub(super) fn groups<E>(rows: &[Result<MemberRow, E>]) -> Vec<Vec<usize>> {
    let mut groups: Vec<Vec<usize>> = Vec::new();
    let mut of_name: BTreeMap<String, usize> = BTreeMap::new();
    for (index, row) in rows.iter().enumerate() {
        let names = row.as_ref().map(names).unwrap_or_default();
        let mut known: Vec<usize> = names.iter().filter_map(|it| of_name.get(it).copied()).collect();
        known.sort_unstable();
        known.dedup();
        let group = known.first().copied().unwrap_or_else(|| {
            groups.push(Vec::new());
            groups.len() - 1
        });
        // Whom this row names in common with several groups makes them one.
        for other in known.into_iter().skip(1) {
            let rows = std::mem::take(&mut groups[other]);
            groups[group].extend(rows);
            of_name.values_mut().filter(|it| **it == other).for_each(|it| *it = group);
        }
        groups[group].push(index);
        groups[group].sort_unstable();
        of_name.extend(names.into_iter().map(|it| (it, group)));
    }
    groups.retain(|it| !it.is_empty());
    groups
}

/// Whoever a row names, and what it is called: a name stands for one row as for one member.
fn names(row: &MemberRow) -> Vec<String> {
    let identities = row.identities.iter().map(|it| format!("{}:{}", it.kind.name(), it.value));
    identities.chain([row.member.to_string(), format!("reference {}", row.reference)]).collect()
}

#[cfg(test)]
mod tests {
    use engine::{Facts, Validity};
    use store::{Identity, IdentityKind, MemberRef};

    use super::*;

    fn row(customer: &str, cards: &[&str]) -> Result<MemberRow, ()> {
        let identity = Identity::new(IdentityKind::Customer, customer);
        let cards = cards.iter().map(|it| Identity::new(IdentityKind::Card, *it));
        Ok(MemberRow {
            line: 1,
            reference: customer.to_owned(),
            member: MemberRef::Identity(identity.clone()),
            identities: [identity].into_iter().chain(cards).collect(),
            name: None,
            facts: Facts::default(),
            points: None,
            expires_at: None,
            tier: None,
            tier_until: None,
            credit: None,
            certificate: None,
            certificate_expires: Validity::Never,
            certificate_uses: None,
        })
    }

    #[test]
    fn rows_that_name_somebody_in_common_stay_in_their_order() {
        let rows = [row("a", &["1"]), row("b", &["2"]), Err(()), row("c", &[]), row("d", &["1", "2"]), row("a", &[])];
        assert_eq!(groups(&rows), [vec![0, 1, 4, 5], vec![2], vec![3]]);
        assert_eq!(groups::<()>(&[]), Vec::<Vec<usize>>::new());
    }
}
