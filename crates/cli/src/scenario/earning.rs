//! Program clauses on rates, multipliers, exclusions and order types, as they stand in the program document.

use serde_json::{Value, json};

use super::words::{Fault, Words};

/// The keys that these clauses set.
#[derive(Clone, Debug, Default)]
pub(super) struct Earning {
    rates: Vec<Value>,
    multipliers: Vec<Value>,
    excluded: [Vec<String>; 3],
    when_sold: bool,
    per_line: bool,
    order_types: Vec<String>,
    promotions: Vec<Value>,
}

/// What a clause is for: the word in the language, and the key in the document.
const TARGETS: [(&str, &str); 3] = [("product", "product"), ("category", "category"), ("type", "customer_type")];

impl Earning {
    /// Changes what a clause names; answers whether it is one of these.
    pub(super) fn change(&mut self, words: &mut Words) -> Result<bool, Fault> {
        if words.eat("rate") {
            let points = words.number::<i64>("points such as 5")?;
            let mut rate = if words.eat("each") {
                json!({ "points_each": points })
            } else {
                words.expect("per")?;
                json!({ "points": points, "per": words.take() })
            };
            words.expect("for")?;
            let (key, name) = target(words)?;
            rate[key] = name.into();
            replace(&mut self.rates, key, rate);
        } else if words.eat("multiply") {
            let times = words.take().to_owned();
            words.expect("for type")?;
            let multiplier = json!({ "customer_type": words.take(), "times": times });
            replace(&mut self.multipliers, "customer_type", multiplier);
        } else if words.eat("exclude") {
            let (key, name) = target(words)?;
            let index = TARGETS.iter().position(|it| it.1 == key).unwrap_or_default();
            self.excluded[index].push(name);
        } else if words.eat("gift cards when") {
            self.when_sold = words.eat("sold");
            if !self.when_sold {
                words.expect("used")?;
            }
        } else if words.eat("round per") {
            self.per_line = words.eat("line");
            if !self.per_line {
                words.expect("order")?;
            }
        } else if words.eat("order types") {
            self.order_types.clear();
            while !words.is_done() {
                self.order_types.push(words.take().to_owned());
            }
        } else if words.eat("promotion") {
            let promotion = promotion(words)?;
            replace(&mut self.promotions, "name", promotion);
        } else if words.eat("no promotion") {
            let name = words.quoted()?;
            self.promotions.retain(|it| it["name"] != name);
        } else {
            return Ok(false);
        }
        Ok(true)
    }

    /// The keys inside of `earn`.
    pub(super) fn keys(&self) -> String {
        let [products, categories, customer_types] = &self.excluded;
        let exclude = json!({ "products": products, "categories": categories, "customer_types": customer_types });
        let gift_cards = if self.when_sold { "when_sold" } else { "when_used" };
        let rounding = if self.per_line { "line" } else { "order" };
        let [rates, multipliers] = [&self.rates, &self.multipliers].map(|it| json!(it));
        format!(
            r#""rates": {rates}, "multipliers": {multipliers}, "exclude": {exclude},
    "gift_cards": "{gift_cards}", "rounding": "{rounding}""#
        )
    }

    pub(super) fn promotions(&self) -> Value {
        json!(self.promotions)
    }

    pub(super) fn order_types(&self) -> Value {
        json!(self.order_types)
    }
}

const ALLOWED: &str = "`times 2` or `gives 500`, then `since 2026-03-01`, `until 2026-03-31`, `on monday tuesday`, `hours 17:00 \
    19:00`, `for product tea`, `for category cakes`, `for type gold`, `for tier silver`, `for channel till`, `first order`, `at \
    least 50.00`, `group spring`, `priority 2`, `budget 10000`";

/// `promotion "Double Mondays" times 2 on monday for category coffee`.
fn promotion(words: &mut Words) -> Result<Value, Fault> {
    let mut it = json!({ "name": words.quoted()? });
    while !words.is_done() {
        if words.eat("times") {
            it["times"] = words.take().into();
        } else if words.eat("gives") {
            it["points"] = words.number::<i64>("points such as 500")?.into();
        } else if words.eat("since") {
            it["from"] = words.take().into();
        } else if words.eat("until") {
            it["until"] = words.take().into();
        } else if words.eat("on") {
            while words.peek().ends_with("day") {
                push(&mut it, "weekdays", words.take());
            }
        } else if words.eat("hours") {
            it["hours"] = json!({ "from": words.take(), "until": words.take() });
        } else if words.eat("for product") {
            push(&mut it, "products", words.take());
        } else if words.eat("for category") {
            push(&mut it, "categories", words.take());
        } else if words.eat("for type") {
            push(&mut it, "customer_types", words.take());
        } else if words.eat("for tier") {
            push(&mut it, "tiers", words.take());
        } else if words.eat("for channel") {
            push(&mut it, "channels", words.take());
        } else if words.eat("first order") {
            it["first_order"] = true.into();
        } else if words.eat("at least") {
            it["min_amount"] = words.take().into();
        } else if words.eat("group") {
            it["group"] = words.take().into();
        } else if words.eat("budget") {
            it["budget"] = words.number::<i64>("points such as 500")?.into();
        } else if words.eat("priority") {
            it["priority"] = words.number::<i64>("a number such as 2")?.into();
        } else {
            return Err(Fault::allowed(words.peek(), ALLOWED));
        }
    }
    Ok(it)
}

fn push(it: &mut Value, key: &str, name: &str) {
    if it[key].is_null() {
        it[key] = json!([]);
    }
    if let Some(list) = it[key].as_array_mut() {
        list.push(name.into());
    }
}

fn target(words: &mut Words) -> Result<(&'static str, String), Fault> {
    let found = TARGETS.into_iter().find(|(word, _)| words.eat(word));
    let allowed = || Fault::allowed(words.peek(), "`product tea`, `category cakes` or `type wholesale`");
    let (_, key) = found.ok_or_else(allowed)?;
    Ok((key, words.take().to_owned()))
}

/// A clause for the same thing takes the place of the one before.
fn replace(list: &mut Vec<Value>, key: &str, new: Value) {
    list.retain(|it| it[key] != new[key] || it[key].is_null());
    list.push(new);
}
