//! Documents at their limits: whatever is accepted can be said in plain words, and the engine can count with it.

use server::program::{parse, plain_words};

use crate::document;

#[test]
fn what_is_accepted_can_be_told() {
    let earn = [
        r#""points": 0"#,
        r#""points": 1000000, "per": "0.10""#,
        r#""points": 1000000, "per": "100000000000.00", "mode": "steps""#,
        r#""points": 1, "per": "100000000000.00", "mode": "steps_carried""#,
        r#""points": 1, "per": "0.01", "on": "placed", "include_tax": true, "include_shipping": true"#,
        r#""waiting_days": 366, "on": "fulfilled""#,
    ];
    let validity = [
        r#""never""#,
        r#"{"days": 1}"#,
        r#"{"days": 36500}"#,
        r#"{"months": 1200}"#,
        r#"{"until": "1970-01-01"}"#,
        r#"{"until": "2500-12-31"}"#,
    ];
    let redeem = [
        r#""points": 1000000, "value": "0.10""#,
        r#""points": 1, "value": "10000.00", "min_points": 1000000000000"#,
        r#""points": 1000000, "value": "10000000000.00", "min_value": "100000000000.00""#,
        r#""points": 1000000, "value": "0.10", "min_value": "100000000000.00", "hold_minutes": 1"#,
        r#""points": 3, "value": "0.01", "on_refund": "in_proportion", "hold_minutes": 120"#,
        r#""step": 1000000000000, "max_share": "0.01%", "min_balance": 1000000000000"#,
        r#""points": 7, "value": "1", "step": 3, "max_points": 3, "max_share": "99.99%", "pays_tax": true"#,
        r#""max_value": "100000000000.00", "pays_shipping": true, "with_discounts": "instead""#,
    ];
    let shortfall = ["owe", "take_what_is_there", "all_or_nothing"];
    for (index, earn) in earn.into_iter().enumerate() {
        for validity in validity {
            for redeem in redeem {
                for currency in ["USD", "JPY", "KWD", "CLF"] {
                    let shortfall = shortfall[index % shortfall.len()];
                    let text = document(&format!(
                        r#""earn": {{{earn}}}, "validity": {validity}, "grace_days": {}, "redeem": {{{redeem}}},
                           "refund": {{"shortfall": "{shortfall}"}}"#,
                        index % 2,
                    ));
                    check(&text.replace("USD", currency));
                }
            }
        }
    }
}

/// Documents with digits that the currency does not have are refused, and that is right as well.
fn check(text: &str) {
    if let Ok(document) = parse(text) {
        let said = plain_words(&document).unwrap();
        assert!(10 < said.len(), "{text}: {said:?}");
        assert!(said.iter().all(|it| it.ends_with('.') && !it.contains("  ")), "{said:#?}");
    } else {
        assert!(!text.contains("USD"), "{text}");
    }
}
