//! What a step is expected to come to, and how that is compared with what was found. Only what is named is compared.

use std::collections::BTreeMap;

use super::certificates;
use super::moment::When;
use super::rewards;
use super::tiers;
use super::words::{Fault, Words};

/// Which figures a step tells of.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Tells {
    /// Only whether it was refused.
    Nothing,
    Order,
    Quote,
    Account,
    Lots,
    Entries,
    Certificates,
    Claims,
    Catalogue,
    Tier,
}

/// Figures of whole points that a step may tell, besides a bare number: the available balance.
const OF_ORDER: [&str; 9] =
    ["earned", "will earn", "redeemed", "owed", "let go", "expired", "balance", "pending", "held"];
const OF_ACCOUNT: [&str; 12] = [
    "forfeited",
    "balance",
    "pending",
    "held",
    "owed",
    "let go",
    "expired",
    "issued",
    "redeemed",
    "revoked",
    "deducted",
    "hold",
];
/// Amounts: what of the member's store credit can be spent, and what of it pays for an order.
const OF_MONEY: [&str; 4] = ["store credit", "credit", "certificates", "loses"];
const ALLOWED_OF_ORDER: &str = "`earned 100`, `because unpaid|unfulfilled|cancelled|program_off`, `will earn 100`, \
    `cut by order|day|month|year|nothing`, `in tier gold|nothing`, `base 85.00`, `redeemed 500`, `pays 5.00`, `credit 5.00`, `certificates 20.00`, `loses 5.00`, `owed 5`, `let go 5`, `expired 40`, `until 2023-08-05`, `never expires`, \
    `recorded`, `retry`, `stale`, `unchanged`, `refused CODE`, of a quote `choices 500 1000`, `no choices`, `more because \
    CODE`, `credit because CODE`, `certificate because CODE`, `offers 1 20.00 2 5.00`, `leaves out 3 certificate_used`, and of the account `balance 100` or `100`, `store credit 5.00`, `pending 20`, \
    `held 50`";
const ALLOWED_OF_ACCOUNT: &str = "`100` or `balance 100`, `pending 20`, `held 50`, `owed 5`, `let go 5`, `expired 40`, \
    `issued 100`, `redeemed 50`, `revoked 20`, `deducted 10`, `forfeited 5`, `hold 1`, `store credit 5.00`, `until 2023-08-05`, `never expires`, \
    `unchanged`, `refused CODE`";

/// Stands for a figure that a step did not tell.
const NOTHING: &str = "nothing";

/// One thing that is expected.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Expected {
    /// A figure or word by its name, written as it is found.
    Figure { name: &'static str, value: String },
    /// The whole list of lots or entries.
    Items(Vec<String>),
}

/// What a step told, by the names of its figures.
#[derive(Clone, Debug, Default)]
pub(super) struct Found {
    pub(super) figures: BTreeMap<&'static str, String>,
    pub(super) items: Vec<FoundItem>,
    /// What a refusal says to people.
    pub(super) message: String,
}

/// An item of a list, with as much detail as may be named.
#[derive(Clone, Debug)]
pub(super) struct FoundItem {
    pub(super) text: String,
    pub(super) day: String,
    pub(super) time: String,
}

/// An expectation that was not met, in the words of the language.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Mismatch {
    pub(super) expected: String,
    pub(super) found: String,
}

impl Expected {
    /// Reads what stands behind `=>`.
    pub(super) fn read(text: &str, tells: Tells, when: &When) -> Result<Vec<Self>, Fault> {
        if text.trim().is_empty() {
            return Ok(Vec::new());
        }
        let parts = text.split(',');
        match tells {
            Tells::Lots => Ok(vec![Self::Items(list(parts, read_lot)?)]),
            Tells::Entries => Ok(vec![Self::Items(list(parts, read_entry)?)]),
            Tells::Certificates => Ok(vec![Self::Items(list(parts, |words| certificates::read_item(words, when))?)]),
            Tells::Claims => Ok(vec![Self::Items(list(parts, rewards::read_claim)?)]),
            Tells::Catalogue => Ok(vec![Self::Items(list(parts, rewards::read_reward)?)]),
            Tells::Nothing | Tells::Order | Tells::Quote | Tells::Account | Tells::Tier => {
                let mut expected = Vec::new();
                for part in parts {
                    let mut words = Words::of(part)?;
                    read_figure(&mut words, tells, when, &mut expected)?;
                    words.done(allowed(tells))?;
                }
                Ok(expected)
            }
        }
    }

    pub(super) fn is_refusal(&self) -> bool {
        matches!(self, Self::Figure { name: "refused", .. })
    }

    /// Compares with what was found.
    pub(super) fn check(&self, found: &Found) -> Option<Mismatch> {
        match self {
            Self::Figure { name, value } => {
                let there = found.figures.get(name).map_or(NOTHING, String::as_str);
                let differs = there != value;
                differs.then(|| Mismatch { expected: say(name, value), found: say(name, there) })
            }
            Self::Items(items) => {
                let there: Vec<String> =
                    found.items.iter().enumerate().map(|(index, it)| it.like(items.get(index))).collect();
                let differs = *items != there;
                differs.then(|| Mismatch { expected: listed(items), found: listed(&there) })
            }
        }
    }
}

impl FoundItem {
    /// In as much detail as what it is compared with.
    fn like(&self, expected: Option<&String>) -> String {
        match expected.and_then(|it| it.split_once(" on ")) {
            Some((_, day)) if day.contains(':') => format!("{} on {} {}", self.text, self.day, self.time),
            Some(_) => format!("{} on {}", self.text, self.day),
            None => self.text.clone(),
        }
    }
}

fn list<'a>(parts: impl Iterator<Item = &'a str>, read: impl Fn(&mut Words) -> Result<String, Fault>) -> ListOf {
    let mut items = Vec::new();
    for part in parts {
        let mut words = Words::of(part)?;
        if !words.eat("none") {
            items.push(read(&mut words)?);
        }
        words.done("a comma before the next item")?;
    }
    Ok(items)
}

type ListOf = Result<Vec<String>, Fault>;

fn read_lot(words: &mut Words) -> Result<String, Fault> {
    let points = words.points()?;
    if words.eat("never expires") {
        return Ok(format!("{points} never expires"));
    }
    words.expect("until")?;
    Ok(format!("{points} until {}", words.date()?))
}

fn read_entry(words: &mut Words) -> Result<String, Fault> {
    let kind = words.take();
    if !engine::Kind::ALL.iter().any(|it| it.name() == kind) {
        let kinds: Vec<&str> = engine::Kind::ALL.iter().map(|it| it.name()).collect();
        return Err(Fault::allowed(kind, &format!("a kind of entry: {}", kinds.join(", "))));
    }
    let mut item = format!("{kind} {}", words.points()?);
    if words.eat("on") {
        item += &format!(" on {}", words.date()?);
        if let Some((hour, minute)) = words.time()? {
            item += &format!(" {hour:02}:{minute:02}");
        }
    }
    Ok(item)
}

fn read_figure(words: &mut Words, tells: Tells, when: &When, expected: &mut Vec<Expected>) -> Result<(), Fault> {
    let mut push = |name, value: String| expected.push(Expected::Figure { name, value });
    let of_sale = matches!(tells, Tells::Order | Tells::Quote);
    if words.eat("refused") {
        push("refused", words.take().to_owned());
        if !words.is_done() {
            push("at", words.take().to_owned());
        }
        return Ok(());
    }
    if tells == Tells::Nothing {
        return Err(Fault::allowed(words.peek(), allowed(tells)));
    }
    if tells == Tells::Tier
        && let Some((name, value)) = tiers::expected(words)?
    {
        push(name, value);
        return Ok(());
    }
    let points: &[&str] = if of_sale { &OF_ORDER } else { &OF_ACCOUNT };
    if tells == Tells::Quote
        && let Some((name, value)) = certificates::offered(words, when)?
    {
        push(name, value);
    } else if words.eat("credit because") {
        push("credit because", words.take().to_owned());
    } else if words.eat("because") {
        push("because", words.take().to_owned());
    } else if let Some(name) = points.iter().find(|name| words.eat(name)) {
        push(name, words.points()?.to_string());
        if of_sale && words.eat("because") {
            push("because", words.take().to_owned());
        }
    } else if let Some(name) = OF_MONEY.into_iter().find(|name| (of_sale || *name == "store credit") && words.eat(name))
    {
        push(name, words.money(when.exponent)?.to_text(when.exponent));
    } else if words.eat("until") {
        push("until", words.date()?.to_string());
    } else if of_sale && words.eat("cut by") {
        push("cut by", words.take().to_owned());
    } else if of_sale && words.eat("in tier") {
        push("in tier", words.take().to_owned());
    } else if words.eat("never expires") {
        push("until", "never".to_owned());
    } else if words.eat("unchanged") {
        push("unchanged", "yes".to_owned());
    } else if of_sale && matches!(words.peek(), "recorded" | "retry" | "stale") {
        push("status", words.take().to_owned());
    } else if tells == Tells::Quote && words.eat("no choices") {
        push("choices", "none".to_owned());
    } else if tells == Tells::Quote && words.eat("choices") {
        let mut figures = Vec::new();
        while !words.is_done() {
            figures.push(words.points()?.to_string());
        }
        push("choices", figures.join(" "));
    } else if tells == Tells::Quote && words.eat("more because") {
        push("more because", words.take().to_owned());
    } else if of_sale && matches!(words.peek(), "pays" | "base") {
        let name = if words.take() == "pays" { "pays" } else { "base" };
        push(name, words.money(when.exponent)?.to_text(when.exponent));
    } else if words.peek().starts_with(|it: char| it.is_ascii_digit()) {
        push("balance", words.points()?.to_string());
    } else {
        return Err(Fault::allowed(words.peek(), allowed(tells)));
    }
    Ok(())
}

fn allowed(tells: Tells) -> &'static str {
    match tells {
        Tells::Nothing => "`refused CODE`",
        Tells::Order | Tells::Quote => ALLOWED_OF_ORDER,
        Tells::Account => ALLOWED_OF_ACCOUNT,
        Tells::Tier => tiers::ALLOWED_OF_TIER,
        Tells::Lots => "`100 until 2023-08-05, 50 never expires` or `none`",
        Tells::Certificates => "`1 active 25.00 until 2023-12-31, 2 used 0.00 once` or `none`",
        Tells::Claims => "`1 Mug claimed, 2 Coupon fulfilled` or `none`",
        Tells::Catalogue => "`Mug 500 3 left, Coupon 250 because insufficient_points` or `none`",
        Tells::Entries => "`earn 100, redeem -50 on 2022-08-05` or `none`",
    }
}

fn say(name: &str, value: &str) -> String {
    match name {
        "status" => value.to_owned(),
        "refused" if value == NOTHING => "accepted".to_owned(),
        "until" if value == "never" => "never expires".to_owned(),
        "at" => format!("the field {value}"),
        "tier held" => value.to_owned(),
        "unchanged" => if value == "yes" { "unchanged" } else { "a new entry" }.to_owned(),
        _ => format!("{name} {value}"),
    }
}

fn listed(items: &[String]) -> String {
    if items.is_empty() { "none".to_owned() } else { items.join(", ") }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(text: &str, tells: Tells) -> Result<Vec<Expected>, Fault> {
        Expected::read(text, tells, &When::default())
    }

    fn found(name: &'static str, value: &str) -> Found {
        Found { figures: BTreeMap::from([(name, value.to_owned())]), ..Found::default() }
    }

    #[test]
    fn only_what_is_named_is_compared() {
        let expected = read("earned 100 because cancelled, pays 5.00", Tells::Order).expect("it is well formed");
        assert_eq!(expected.len(), 3);
        assert_eq!(expected[0].check(&found("earned", "100")), None);
        let mismatch = expected[2].check(&found("pays", "4.99")).expect("the amounts differ");
        assert_eq!((mismatch.expected.as_str(), mismatch.found.as_str()), ("pays 5.00", "pays 4.99"));
        assert_eq!(read("", Tells::Order), Ok(Vec::new()));
    }

    #[test]
    fn a_list_is_compared_whole_and_in_its_order() {
        let there = Found {
            items: ["earn 100", "redeem -40"]
                .map(|it| FoundItem { text: it.to_owned(), day: "2022-01-10".to_owned(), time: "12:00".to_owned() })
                .to_vec(),
            ..Found::default()
        };
        let fits = |text| read(text, Tells::Entries).expect("it is well formed")[0].check(&there).is_none();
        assert!(fits("earn 100, redeem -40 on 2022-01-10"));
        assert!(fits("earn 100 on 2022-01-10 12:00, redeem -40"));
        assert!(!fits("earn 100"));
        assert!(!fits("redeem -40, earn 100"));
        assert!(!fits("none"));
    }

    #[test]
    fn a_step_is_not_asked_for_what_it_cannot_tell() {
        assert!(read("pays 5.00", Tells::Account).is_err());
        assert!(read("100", Tells::Nothing).is_err());
        assert!(read("earns 100", Tells::Order).is_err());
        assert!(read("bought 100", Tells::Entries).is_err());
    }
}
