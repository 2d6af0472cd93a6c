//! A member who has left a program, in words.

use engine::{Closed, Timestamp};

use super::Voice;

/// "Closed since 2 March 2022: its points cannot be spent, and are kept until 1 April 2022."
pub fn closed_in_words(closed: &Closed, now: Timestamp, voice: &Voice<'_>) -> String {
    let (since, many) = (voice.day_of(closed.since), &voice.names.many);
    match voice.last_day(closed.forfeits_at).filter(|_| now < closed.forfeits_at) {
        Some(day) => format!("Closed since {since}: its {many} cannot be spent, and are kept until {day}."),
        None => format!("Closed since {since}: its {many} were forfeited, and so is what comes later."),
    }
}
