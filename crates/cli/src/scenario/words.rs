//! The words of one line, read from left to right. Every fault says what stands there and what is allowed.

use engine::{Date, Money, Points};

/// What is wrong with a line, without its place.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Fault(pub(super) String);

impl Fault {
    pub(super) fn allowed(found: &str, allowed: &str) -> Self {
        Self(if found.is_empty() {
            format!("something is missing; allowed is {allowed}")
        } else {
            format!("`{found}` is not understood; allowed is {allowed}")
        })
    }
}

/// A part of a line as words; a text in quotes is one word.
pub(super) struct Words<'a> {
    words: Vec<&'a str>,
    next: usize,
}

impl<'a> Words<'a> {
    pub(super) fn of(text: &'a str) -> Result<Self, Fault> {
        let mut words = Vec::new();
        let mut rest = text.trim();
        while !rest.is_empty() {
            let end = match rest.strip_prefix('"') {
                Some(inside) => {
                    2 + inside.find('"').ok_or_else(|| Fault(format!("{rest}: the quote is not closed")))?
                }
                None => rest.find(char::is_whitespace).unwrap_or(rest.len()),
            };
            let (word, after) = rest.split_at(end);
            words.push(word);
            rest = after.trim_start();
        }
        Ok(Self { words, next: 0 })
    }

    pub(super) fn peek(&self) -> &'a str {
        self.words.get(self.next).copied().unwrap_or("")
    }

    pub(super) fn is_done(&self) -> bool {
        self.next == self.words.len()
    }

    /// The next word, or an empty one at the end.
    pub(super) fn take(&mut self) -> &'a str {
        let word = self.peek();
        self.next = self.words.len().min(self.next + 1);
        word
    }

    /// Passes over the words of `phrase` if they come next.
    pub(super) fn eat(&mut self, phrase: &str) -> bool {
        let count = phrase.split(' ').count();
        let comes_next = self.words[self.next..].iter().take(count).copied().eq(phrase.split(' '));
        if comes_next {
            self.next += count;
        }
        comes_next
    }

    pub(super) fn expect(&mut self, phrase: &str) -> Result<(), Fault> {
        if self.eat(phrase) { Ok(()) } else { Err(Fault::allowed(self.peek(), &format!("`{phrase}` here"))) }
    }

    pub(super) fn done(&self, allowed: &str) -> Result<(), Fault> {
        if self.is_done() { Ok(()) } else { Err(Fault::allowed(self.peek(), allowed)) }
    }

    /// A text in quotes, without them.
    pub(super) fn quoted(&mut self) -> Result<&'a str, Fault> {
        let word = self.take();
        let inside = word.strip_prefix('"').and_then(|it| it.strip_suffix('"'));
        inside.ok_or_else(|| Fault::allowed(word, "a text in quotes such as \"goodwill\""))
    }

    pub(super) fn number<N: std::str::FromStr>(&mut self, what: &str) -> Result<N, Fault> {
        let word = self.take();
        number(word).ok_or_else(|| Fault::allowed(word, what))
    }

    pub(super) fn points(&mut self) -> Result<Points, Fault> {
        self.number("a whole number of points such as 100").map(Points::new)
    }

    pub(super) fn money(&mut self, exponent: u8) -> Result<Money, Fault> {
        let word = self.take();
        money(word, exponent)
    }

    pub(super) fn is_date(&self) -> bool {
        Date::parse(self.peek()).is_ok()
    }

    pub(super) fn date(&mut self) -> Result<Date, Fault> {
        let word = self.take();
        Date::parse(word).map_err(|_| Fault::allowed(word, "a day such as 2022-07-27"))
    }

    pub(super) fn birthday(&mut self) -> Result<Date, Fault> {
        let word = self.take();
        Date::parse_birthday(word).map_err(|_| Fault::allowed(word, "a birthday such as 1992-02-29"))
    }

    /// A time of day such as 13:21, if one comes next.
    pub(super) fn time(&mut self) -> Result<Option<(i8, i8)>, Fault> {
        let word = self.peek();
        let Some((hour, minute)) = word.split_once(':').filter(|(hour, _)| hour.len() == 2) else { return Ok(None) };
        let hour = number(hour).filter(|it| (0..24).contains(it));
        let minute = number(minute).filter(|it| (0..60).contains(it));
        let (Some(hour), Some(minute)) = (hour, minute) else {
            return Err(Fault::allowed(word, "a time of day from 00:00 to 23:59"));
        };
        self.next += 1;
        Ok(Some((hour, minute)))
    }
}

pub(super) fn money(word: &str, exponent: u8) -> Result<Money, Fault> {
    Money::parse(word, exponent).map_err(|it| Fault(format!("`{word}` {it}")))
}

/// Digits with an optional sign; thousands may be set off by commas nowhere, so that a comma always ends a part.
fn number<N: std::str::FromStr>(word: &str) -> Option<N> {
    let digits = word.strip_prefix(['+', '-']).unwrap_or(word);
    if digits.is_empty() || !digits.bytes().all(|it| it.is_ascii_digit()) {
        return None;
    }
    word.parse().ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_text_in_quotes_is_one_word() {
        let mut words = Words::of("adjust ana +100 \"good will\"  now").expect("the quotes are closed");
        assert_eq!([words.take(), words.take(), words.take()], ["adjust", "ana", "+100"]);
        assert_eq!(words.quoted(), Ok("good will"));
        assert_eq!((words.take(), words.take(), words.is_done()), ("now", "", true));
        assert!(Words::of("adjust \"good").is_err());
    }

    #[test]
    fn a_phrase_is_eaten_whole_or_not_at_all() {
        let mut words = Words::of("let it go").expect("there are no quotes");
        assert!(!words.eat("let go"));
        assert!(words.eat("let it"));
        assert_eq!(words.peek(), "go");
    }

    #[test]
    fn times_and_numbers_have_limits() {
        let of = |text| Words::of(text).expect("there are no quotes");
        assert_eq!(of("23:59").time(), Ok(Some((23, 59))));
        assert_eq!(of("noon").time(), Ok(None));
        assert!(of("24:00").time().is_err());
        assert!(of("1.5").points().is_err());
        assert_eq!(of("-40").points(), Ok(Points::new(-40)));
    }
}
