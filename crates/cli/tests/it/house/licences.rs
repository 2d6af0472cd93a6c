//! Every dependency, on every platform, is under a licence that lets anyone use and sell Guerdon.

use super::assert_none;
use super::metadata::packages;

const ALLOWED: [&str; 14] = [
    "0BSD",
    "Apache-2.0",
    "Apache-2.0 WITH LLVM-exception",
    "BSD-2-Clause",
    "BSD-3-Clause",
    "BSL-1.0",
    "CC0-1.0",
    "CDLA-Permissive-2.0",
    "ISC",
    "MIT",
    "MIT-0",
    "Unicode-3.0",
    "Unlicense",
    "Zlib",
];

#[test]
fn dependencies_are_under_permissive_licences() {
    let mut refused = Vec::new();
    for package in packages() {
        let licence = package.licence.as_deref().unwrap_or("no licence named");
        if !is_permissive(licence) {
            refused.push(format!("{} {}: {licence}", package.name, package.version));
        }
    }
    assert_none("not on the list of licences (licences.rs):", &refused);
}

/// Reads an SPDX expression: names, `OR`, `AND`, `WITH`, parentheses, and the `/` that old manifests write for `OR`.
/// What it cannot read is refused.
fn is_permissive(expression: &str) -> bool {
    let spaced = expression.replace('(', " ( ").replace(')', " ) ").replace('/', " OR ");
    let words: Vec<&str> = spaced.split_whitespace().collect();
    let mut reader = Reader { words: &words };
    let permissive = reader.any_of();
    permissive == Some(true) && reader.words.is_empty()
}

struct Reader<'a> {
    words: &'a [&'a str],
}

impl<'a> Reader<'a> {
    fn any_of(&mut self) -> Option<bool> {
        let mut permissive = self.all_of()?;
        while self.takes("OR") {
            permissive |= self.all_of()?;
        }
        Some(permissive)
    }

    fn all_of(&mut self) -> Option<bool> {
        let mut permissive = self.one()?;
        while self.takes("AND") {
            permissive &= self.one()?;
        }
        Some(permissive)
    }

    fn one(&mut self) -> Option<bool> {
        if self.takes("(") {
            let permissive = self.any_of()?;
            return self.takes(")").then_some(permissive);
        }
        let name = self.next()?;
        if !self.takes("WITH") {
            return Some(ALLOWED.contains(&name));
        }
        let whole = format!("{name} WITH {}", self.next()?);
        Some(ALLOWED.contains(&whole.as_str()))
    }

    fn takes(&mut self, word: &str) -> bool {
        let is_next = self.words.first() == Some(&word);
        if is_next {
            self.words = &self.words[1..];
        }
        is_next
    }

    fn next(&mut self) -> Option<&'a str> {
        let (word, rest) = self.words.split_first()?;
        self.words = rest;
        Some(word)
    }
}

#[test]
fn a_choice_needs_one_permissive_licence_and_a_sum_needs_all() {
    for good in [
        "MIT",
        "MIT/Apache-2.0",
        "Apache-2.0 WITH LLVM-exception OR Apache-2.0 OR MIT",
        "(MIT OR Apache-2.0) AND Unicode-3.0",
        "GPL-3.0-only OR Unlicense",
        "MIT OR GPL-3.0-only AND MPL-2.0",
    ] {
        assert!(is_permissive(good), "{good}");
    }
    for bad in [
        "",
        "no licence named",
        "AGPL-3.0-only",
        "MIT AND GPL-3.0-only",
        "(MIT OR MPL-2.0) AND MPL-2.0",
        "Apache-2.0 WITH Classpath-exception-2.0",
        "(MIT",
        "MIT)",
        "MIT OR",
        "MIT Apache-2.0",
    ] {
        assert!(!is_permissive(bad), "{bad}");
    }
}
