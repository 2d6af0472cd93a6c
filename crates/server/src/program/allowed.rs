//! What is allowed at each key, in words, with the limits of the engine.

use engine::limits;

use super::read::without_places;

const AMOUNT: &str = "a decimal amount in quotes such as \"30.98\"";

/// What is allowed at a path. Amounts are told more exactly where the currency is known.
pub(super) fn allowed(path: &str) -> String {
    let path = without_places(path);
    if let Some(allowed) = of_rates(&path) {
        return allowed;
    }
    let points = limits::RATE_POINTS_MAX;
    match path.as_str() {
        "format" => format!("{}", super::FORMAT),
        "name"
        | "points.one"
        | "points.many"
        | "promotions.name"
        | "promotions.group"
        | "earn.rates.product"
        | "earn.rates.category"
        | "earn.rates.customer_type"
        | "earn.multipliers.customer_type" => {
            format!("1 to {} bytes of text without control characters, no blank at its ends", limits::TEXT_BYTES_MAX)
        }
        "currency" => "an ISO 4217 code such as USD".to_owned(),
        "time_zone" => "an IANA name such as America/New_York".to_owned(),
        "$schema" => "a text; it is not read".to_owned(),
        "earn.points" => format!("a whole number from 0 to {points}"),
        _ if path.starts_with("convert.") => convert(&path),
        _ if path.starts_with("catalogue") => catalogue(&path),
        "redeem.points" => format!("a whole number from 1 to {points}"),
        "earn.waiting_days" => format!("a whole number from 0 to {}", limits::WAITING_DAYS_MAX),
        "grace_days" => format!("a whole number from 0 to {}", limits::GRACE_DAYS_MAX),
        "claim_days" => format!("a whole number from 0 to {}", limits::CLAIM_DAYS_MAX),
        _ if path.starts_with("tiers.") => tiers(&path),
        _ if path.starts_with("earn.caps.") => format!("a whole number from 1 to {}, or left out", limits::POINTS_MAX),
        "redeem.step" | "redeem.max_points" => format!("a whole number from 1 to {}", limits::POINTS_MAX),
        "redeem.max_share" => "a share in quotes such as \"50%\", \"0.01%\" to \"100%\"".to_owned(),
        "redeem.pays_shipping" | "redeem.pays_tax" => "true or false".to_owned(),
        "redeem.with_discounts" => "\"after\" or \"instead\"".to_owned(),
        "redeem.min_points" | "redeem.min_balance" => format!("a whole number from 0 to {}", limits::POINTS_MAX),
        "redeem.hold_minutes" => format!("a whole number from 1 to {}", limits::HOLD_MINUTES_MAX),
        "earn.per" | "redeem.value" | "redeem.min_value" | "redeem.max_value" => AMOUNT.to_owned(),
        "earn.mode" => "\"proportional\", \"steps\" or \"steps_carried\"".to_owned(),
        "earn.on" => "\"placed\", \"paid\" or \"fulfilled\"".to_owned(),
        "earn.include_tax" | "earn.include_shipping" => "true or false".to_owned(),
        "redeem.on_refund" => "\"stays\" or \"in_proportion\"".to_owned(),
        "refund.shortfall" => "\"owe\", \"take_what_is_there\" or \"all_or_nothing\"".to_owned(),
        "validity.days" => format!("a whole number from 1 to {}", limits::VALID_DAYS_MAX),
        "extend.on" => "\"order\" or \"earning\"".to_owned(),
        "validity.months" | "validity.inactive_months" | "extend.months" => {
            format!("a whole number from 1 to {}", limits::VALID_MONTHS_MAX)
        }
        "validity.until" => {
            format!("a day in quotes such as \"2027-12-31\", {} to {}", limits::YEAR_MIN, limits::YEAR_MAX)
        }
        "activities.sign_up" | "activities.birthday" => format!("a whole number from 0 to {points}"),
        "activities.custom" => "a list of objects with name and points".to_owned(),
        _ if path.starts_with("activities.custom") && path.ends_with(".name") => allowed("name"),
        _ if path.starts_with("activities.custom") && path.ends_with(".points") => {
            format!("a whole number from 1 to {points}")
        }
        _ if path.starts_with("activities.custom") && path.contains(".per_") => {
            format!("a whole number from 0 to {}", limits::ACTS_MAX)
        }
        "validity.yearly" => "a month and a day of it in quotes such as \"12-31\"".to_owned(),
        _ if path.starts_with("validity") => {
            "\"never\", {\"days\": 365}, {\"months\": 12}, {\"until\": \"2027-12-31\"}, {\"yearly\": \"12-31\"} or \
             {\"inactive_months\": 12}"
                .to_owned()
        }
        _ => "an object with keys, {\"key\": value, …}".to_owned(),
    }
}

/// What is allowed at keys of rates, multipliers, exclusions and order types.
fn of_rates(path: &str) -> Option<String> {
    let points = limits::RATE_POINTS_MAX;
    Some(match path {
        "certificates.uses" => "\"several\" or \"once\"".to_owned(),
        "earn.rates" => {
            "a list of objects such as {\"product\": \"SKU-1\", \"points\": 5, \"per\": \"1.00\"}".to_owned()
        }
        "earn.multipliers" => {
            "a list of objects such as {\"customer_type\": \"wholesale\", \"times\": \"1.5\"}".to_owned()
        }
        "order_types"
        | "promotions.products"
        | "promotions.categories"
        | "promotions.channels"
        | "promotions.customer_types"
        | "promotions.tiers"
        | "earn.exclude.products"
        | "earn.exclude.categories"
        | "earn.exclude.customer_types" => {
            format!("a list of texts, each of 1 to {} bytes without control characters", limits::TEXT_BYTES_MAX)
        }
        "earn.multipliers.times" => factor(),
        "earn.rates.points" | "earn.rates.points_each" => format!("a whole number from 0 to {points}"),
        "earn.rates.per" => "a decimal amount in quotes such as \"30.98\"".to_owned(),
        "earn.gift_cards" => "\"when_used\" or \"when_sold\"".to_owned(),
        "earn.rounding" => "\"order\" or \"line\"".to_owned(),
        "promotions" => "a list of objects such as {\"name\": \"Double Mondays\", \"times\": \"2\"}".to_owned(),
        "promotions.times" => {
            format!("a factor in quotes such as \"1.5\", more than \"1\" and at most \"{}\"", limits::TIMES_MAX)
        }
        "promotions.points" => format!("a whole number from 1 to {points}"),
        "promotions.from" | "promotions.until" => {
            format!("a day in quotes such as \"2027-12-31\", {} to {}", limits::YEAR_MIN, limits::YEAR_MAX)
        }
        "promotions.weekdays" => "a list of \"monday\", \"tuesday\" … \"sunday\"".to_owned(),
        "promotions.hours.from" | "promotions.hours.until" => "a time of day in quotes such as \"17:00\"".to_owned(),
        "promotions.min_amount" => "a decimal amount in quotes such as \"30.98\"".to_owned(),
        "promotions.budget" => format!("a whole number from 1 to {}", limits::POINTS_MAX),
        "promotions.priority" => "a whole number from -1000 to 1000".to_owned(),
        "promotions.first_order" => "true or false".to_owned(),
        _ => return None,
    })
}

fn factor() -> String {
    format!(
        "a factor in quotes such as \"1.5\", \"0\" to \"{}\" with at most 3 digits behind the point",
        limits::TIMES_MAX
    )
}

/// What is allowed at the keys of tiers.
fn tiers(path: &str) -> String {
    match path {
        "tiers.by" => "\"points\", \"spend\" or \"orders\"".to_owned(),
        "tiers.within" => "\"lifetime\", \"year\" or \"12_months\"".to_owned(),
        "tiers.keep.months" => format!("a whole number from 1 to {}", limits::TIER_MONTHS_MAX),
        _ if path.starts_with("tiers.keep") => {
            "\"while_reached\", \"this_year\", \"next_year\", \"ever\" or {\"months\": 12}".to_owned()
        }
        "tiers.downgrade" => "\"straight\" or \"one_step\"".to_owned(),
        "tiers.grace_days" => format!("a whole number from 0 to {}", limits::GRACE_DAYS_MAX),
        "tiers.levels" => format!("a list of 1 to {} tiers, from the lowest to the highest", limits::TIERS_MAX),
        _ if path.ends_with(".from") => {
            "a whole number of points or orders, or an amount in quotes such as \"500.00\"".to_owned()
        }
        _ if path.ends_with(".per") || path.ends_with(".value") => {
            "a decimal amount in quotes such as \"30.98\"".to_owned()
        }
        _ if path.ends_with(".times") => factor(),
        _ if path.ends_with(".points") => format!("a whole number from 0 to {}", limits::RATE_POINTS_MAX),
        _ if path.ends_with(".name") => allowed("name"),
        _ => "an object with keys, {\"key\": value, …}".to_owned(),
    }
}

/// What points buy.
fn catalogue(path: &str) -> String {
    match path.strip_prefix("catalogue.").unwrap_or(path) {
        "catalogue" => "a list of objects such as {\"name\": \"Mug\", \"points\": 500}".to_owned(),
        "name" | "product" => allowed("name"),
        "points" => format!("a whole number from 1 to {}", limits::CONVERT_POINTS_MAX),
        "stock" => format!("a whole number from 0 to {}", limits::STOCK_MAX),
        "from" | "until" => allowed("promotions.from"),
        "tiers" => allowed("promotions.tiers"),
        "per_day" | "per_month" | "per_life" => format!("a whole number from 1 to {}", limits::ACTS_MAX),
        "coupon" => "an object such as {\"value\": \"10.00\"}, or left out".to_owned(),
        "coupon.share" => allowed("redeem.max_share"),
        coupon => convert(&coupon.replace("coupon", "certificate")),
    }
}

/// What points become.
fn convert(path: &str) -> String {
    match path.strip_prefix("convert.").unwrap_or(path) {
        "points" => format!("a whole number from 1 to {}", limits::CONVERT_POINTS_MAX),
        "certificate" => "an object such as {\"value\": \"25.00\"}, or left out".to_owned(),
        "certificate.uses" => "\"several\" or \"once\"".to_owned(),
        "certificate.given" => "\"at_once\" or \"by_staff\"".to_owned(),
        "certificate.validity" => {
            "\"never\", or one of {\"days\": 90}, {\"months\": 6} and {\"until\": \"2027-12-31\"}".to_owned()
        }
        "certificate.validity.days" => format!("a whole number from 1 to {}", limits::VALID_DAYS_MAX),
        "certificate.validity.months" => format!("a whole number from 1 to {}", limits::VALID_MONTHS_MAX),
        "certificate.validity.until" => "a day such as \"2027-12-31\"".to_owned(),
        _ => AMOUNT.to_owned(),
    }
}
