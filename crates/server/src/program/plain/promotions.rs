//! Promotions in plain words: what each gives, when, and for what and whom.

use engine::{Date, Points};

use super::Plain;
use super::rates::listed;
use crate::program::document::ProgramDocument;
use crate::program::promotions::{PromotionDocument, Weekday};
use crate::words::day;

/// So many promotions are told.
const TOLD_MAX: usize = 10;

impl Plain<'_> {
    pub(super) fn promotions(&self, document: &ProgramDocument) -> Vec<String> {
        let all = &document.promotions;
        let mut said: Vec<String> = all.iter().take(TOLD_MAX).map(|it| self.promotion(it)).collect();
        if TOLD_MAX < all.len() {
            said.push(format!("There are {} more promotions.", all.len() - TOLD_MAX));
        }
        if 1 < all.len() {
            said.push(
                "What several promotions give is added up; of one group only the first that fits counts.".to_owned(),
            );
        }
        said
    }

    fn promotion(&self, it: &PromotionDocument) -> String {
        let what = match it.points {
            Some(points) => format!("{} more", self.points(Points::new(points))),
            None => format!("{} times the {}", it.times.as_deref().unwrap_or("1"), self.voice.names.many),
        };
        let mut said = format!("“{}” gives {what}", it.name);
        let names = |what: &str, names: &[String]| match names {
            [] => String::new(),
            names => format!(" {what} {}", listed(names.iter().map(String::as_str))),
        };
        said += &names("for product", &it.products);
        said += &names("for category", &it.categories);
        said += &names("in channel", &it.channels);
        said += &names("to members of type", &it.customer_types);
        said += &names("to members of tier", &it.tiers);
        if it.first_order {
            said += " on a member's first order";
        }
        if let Some(least) = &it.min_amount {
            said += &format!(" from {} on", least.0);
        }
        if !it.weekdays.is_empty() {
            said += &format!(" on {}", listed(it.weekdays.iter().map(|it| weekday(*it))));
        }
        if let Some(hours) = &it.hours {
            said += &format!(" between {} and {}", hours.from, hours.until);
        }
        let date = |text: &Option<String>| text.as_deref().and_then(|it| Date::parse(it).ok()).map(day);
        if let Some(from) = date(&it.from) {
            said += &format!(" from {from}");
        }
        if let Some(until) = date(&it.until) {
            said += &format!(" until the end of {until}");
        }
        if let Some(budget) = it.budget {
            said += &format!(", {} in all and no more", self.points(Points::new(budget)));
        }
        said + "."
    }
}

fn weekday(it: Weekday) -> &'static str {
    match it {
        Weekday::Monday => "Monday",
        Weekday::Tuesday => "Tuesday",
        Weekday::Wednesday => "Wednesday",
        Weekday::Thursday => "Thursday",
        Weekday::Friday => "Friday",
        Weekday::Saturday => "Saturday",
        Weekday::Sunday => "Sunday",
    }
}
