//! Finding members by a text that somebody types: an id, an identity, the beginning of one, the words of a name.
//!
//! What fits best comes first: ids and whole identities, then beginnings of identities, then names. Each stage walks an
//! index from a cursor on; whom an earlier stage has shown is left out. Bounded whatever the number of members: one call
//! looks at [`EXAMINED_MAX`] rows at most, and then says where to go on, even when its page is not full.

use std::collections::BTreeSet;
use std::fmt;
use std::str::FromStr;

use super::Reader;
use super::member::{MemberInfo, find_info};
use crate::directory::{find, identity_key, is_member};
use crate::error::StoreError;
use crate::fault::Found;
use crate::id::MemberId;
use crate::member::{Identity, IdentityKind, MemberRef, words_of};
use crate::rows;
use crate::sql::{Connection, params};

/// The most rows that one call looks at.
const EXAMINED_MAX: usize = 2_000;
/// Rows of one step.
const STEP: usize = 100;
/// How far the rows of a word are counted to find the rarest one.
const COUNTED_MAX: usize = 1_000;
/// The most words that are counted; all of them must fit.
const WORDS_MAX: usize = 8;
/// Bytes of a text behind which nobody is found.
const TEXT_BYTES_MAX: usize = 400;

const BY_IDENTITY: &str = "SELECT lower(value), owner_id FROM identities
    WHERE lower(value) >= $1 AND NOT (lower(value) = $1 AND owner_id <= $2) AND lower(value) < $3
    ORDER BY lower(value), owner_id LIMIT $4";
const BY_WORD: &str = "SELECT word, owner_id FROM name_words
    WHERE ($1, $2) < (word, owner_id) AND word < $3
    ORDER BY word, owner_id LIMIT $4";
const WORD_COUNT: &str =
    "SELECT count(*) FROM (SELECT 1 FROM name_words WHERE $1 <= word AND word < $2 LIMIT $3) AS subquery";

/// Where a page of a search ended. Its text is of no meaning to others.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SearchCursor {
    stage: usize,
    member: MemberId,
    key: String,
}

/// The text is no cursor of a search.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("is no cursor: allowed is what the page before ended with")]
pub struct CursorFault;

impl fmt::Display for SearchCursor {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}.{}.{}", self.stage, self.member, self.key)
    }
}

impl FromStr for SearchCursor {
    type Err = CursorFault;

    fn from_str(text: &str) -> Result<Self, CursorFault> {
        let mut parts = text.splitn(3, '.');
        let mut next = || parts.next().ok_or(CursorFault);
        let stage = next()?.parse().map_err(|_| CursorFault)?;
        let member = next()?.parse().map_err(|_| CursorFault)?;
        Ok(Self { stage, member, key: next()?.to_owned() })
    }
}

/// Members that fit a text, the best first.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct SearchPage {
    pub members: Vec<MemberInfo>,
    /// Where to go on. There may be nobody behind it.
    pub next: Option<SearchCursor>,
}

impl Reader {
    /// Members that a text fits: an id, an identity of any kind, the beginning of an identity, or the beginnings of words
    /// of the name, all of them. Capitals do not count. A page may be shorter than `limit` and still have a `next`.
    pub fn search(&self, text: &str, after: Option<&SearchCursor>, limit: usize) -> Result<SearchPage, StoreError> {
        self.ask(|conn| {
            if TEXT_BYTES_MAX < text.len() {
                return Ok(SearchPage::default());
            }
            let mut search = Search::new(conn, text, limit.max(1))?;
            search.run(after)?;
            Ok(search.page())
        })
    }
}

struct Search<'a> {
    conn: &'a Connection,
    exact: BTreeSet<MemberId>,
    /// Beginnings of identities, as they may be written.
    prefixes: Vec<String>,
    words: Vec<String>,
    limit: usize,
    left: usize,
    found: Vec<(SearchCursor, MemberInfo)>,
    /// The last row that was looked at.
    last: Option<SearchCursor>,
}

/// Whether to look at more rows.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Next {
    Row,
    Enough,
}

impl<'a> Search<'a> {
    fn new(conn: &'a Connection, text: &str, limit: usize) -> Found<Self> {
        let text = text.trim();
        let exact = exact(conn, text)?;
        let mut prefixes = Vec::new();
        let phone = Identity::new(IdentityKind::Phone, text).value;
        for prefix in [text.to_ascii_lowercase(), text.to_lowercase(), phone.to_ascii_lowercase()] {
            if !prefix.is_empty() && !prefixes.contains(&prefix) {
                prefixes.push(prefix);
            }
        }
        // A word that begins another one says nothing more.
        let all = words_of(text);
        let says_more = |it: &&String| !all.iter().any(|other| other != *it && other.starts_with(it.as_str()));
        let words = all.iter().filter(says_more).cloned().collect();
        Ok(Self { conn, exact, prefixes, words, limit, left: EXAMINED_MAX, found: Vec::new(), last: None })
    }

    fn run(&mut self, after: Option<&SearchCursor>) -> Found<()> {
        let words_stage = 1 + self.prefixes.len();
        for stage in after.map_or(0, |it| it.stage)..=words_stage {
            let after = after.filter(|it| it.stage == stage);
            let next = if stage == 0 {
                self.walk_exact(after)?
            } else if let Some(prefix) = self.prefixes.get(stage - 1).cloned() {
                self.walk(BY_IDENTITY, stage, &prefix, after)?
            } else {
                match self.rarest_word(after)? {
                    Some(word) => self.walk(BY_WORD, stage, &word, after)?,
                    None => Next::Row,
                }
            };
            if next == Next::Enough {
                return Ok(());
            }
        }
        self.last = None;
        Ok(())
    }

    fn page(mut self) -> SearchPage {
        let mut next = self.last;
        // One more than asked for was looked for: whether there is a page behind.
        if self.limit < self.found.len() {
            self.found.truncate(self.limit);
            next = self.found.last().map(|it| it.0.clone());
        }
        SearchPage { members: self.found.into_iter().map(|it| it.1).collect(), next }
    }

    fn walk_exact(&mut self, after: Option<&SearchCursor>) -> Found<Next> {
        for member in self.exact.clone() {
            if after.is_some_and(|it| member <= it.member) {
                continue;
            }
            if self.look(SearchCursor { stage: 0, member, key: String::new() })? == Next::Enough {
                return Ok(Next::Enough);
            }
        }
        Ok(Next::Row)
    }

    /// Rows whose key begins with `prefix`, in the order of key and member.
    fn walk(&mut self, select: &str, stage: usize, prefix: &str, after: Option<&SearchCursor>) -> Found<Next> {
        let mut at = after.map_or_else(|| (prefix.to_owned(), Vec::new()), |it| (it.key.clone(), it.member.0.to_vec()));
        let end = end_of(prefix);
        loop {
            let mut statement = self.conn.prepare_cached(select)?;
            let mut rows = statement.query(params![at.0, at.1, end, STEP])?;
            let mut step = Vec::new();
            while let Some(row) = rows.next()? {
                step.push(SearchCursor { stage, member: rows::member(row, 1)?, key: row.get(0)? });
            }
            let Some(last) = step.last() else { return Ok(Next::Row) };
            at = (last.key.clone(), last.member.0.to_vec());
            for row in step {
                if self.look(row)? == Next::Enough {
                    return Ok(Next::Enough);
                }
            }
        }
    }

    /// Takes the member of a row, unless it was shown before this row or a word does not fit.
    fn look(&mut self, row: SearchCursor) -> Found<Next> {
        if self.left == 0 {
            return Ok(Next::Enough);
        }
        self.left -= 1;
        let is_again = self.last.as_ref() == Some(&row);
        self.last = Some(row.clone());
        if is_again {
            return Ok(Next::Row);
        }
        let Some(mut info) = find_info(self.conn, row.member)? else { return Ok(Next::Row) };
        if self.shows(&row, &info) {
            if let Some(survivor) = info.merged_into {
                info = find_info(self.conn, survivor)?.unwrap_or(info);
            }
            if self.found.iter().all(|it| it.1.id != info.id) {
                self.found.push((row, info));
            }
        }
        Ok(if self.limit < self.found.len() { Next::Enough } else { Next::Row })
    }

    /// A member is shown at the first stage that it fits, and there at its first key.
    fn shows(&self, row: &SearchCursor, info: &MemberInfo) -> bool {
        if row.stage == 0 {
            return true;
        }
        let values: Vec<String> = info.identities.iter().map(|it| it.value.to_ascii_lowercase()).collect();
        let before = self.prefixes.iter().take(row.stage - 1);
        let fits_before = before.into_iter().any(|it| values.iter().any(|value| value.starts_with(it.as_str())));
        if fits_before || self.exact.contains(&info.id) {
            return false;
        }
        if let Some(prefix) = self.prefixes.get(row.stage - 1) {
            return values.iter().filter(|it| it.starts_with(prefix.as_str())).min() == Some(&row.key);
        }
        let name = info.name.as_deref().map(words_of).unwrap_or_default();
        let fits = |word: &String| name.iter().any(|it| it.starts_with(word.as_str()));
        let driver = self.words.iter().find(|it| row.key.starts_with(it.as_str()));
        let first = driver.and_then(|word| name.iter().find(|it| it.starts_with(word.as_str())));
        first == Some(&row.key) && self.words.iter().all(fits)
    }

    /// The word that the fewest names have; on later pages, the one that the first page has chosen.
    fn rarest_word(&self, after: Option<&SearchCursor>) -> Found<Option<String>> {
        if let Some(after) = after {
            return Ok(self.words.iter().find(|it| after.key.starts_with(it.as_str())).cloned());
        }
        let mut rarest: Option<(usize, &String)> = None;
        for word in self.words.iter().take(WORDS_MAX) {
            let mut statement = self.conn.prepare_cached(WORD_COUNT)?;
            let count = statement.query_row(params![word, end_of(word), COUNTED_MAX], |row| row.get(0))?;
            if rarest.is_none_or(|it| count < it.0) {
                rarest = Some((count, word));
            }
        }
        Ok(rarest.map(|it| it.1.clone()))
    }
}

/// Whom the text names as a whole: one member of each kind of identity at most.
fn exact(conn: &Connection, text: &str) -> Found<BTreeSet<MemberId>> {
    let mut named: Vec<Identity> = IdentityKind::ALL.iter().map(|kind| Identity::new(*kind, text)).collect();
    let mut found = BTreeSet::new();
    match text.parse() {
        Ok(MemberRef::Id(id)) if is_member(conn, id)? => {
            found.insert(id);
        }
        Ok(MemberRef::Identity(identity)) => named.push(identity),
        Ok(MemberRef::Id(_)) | Err(_) => {}
    }
    for identity in named.iter().filter(|it| it.is_valid()) {
        found.extend(find(conn, identity_key(identity))?.map(|it| it.owner));
    }
    Ok(found)
}

/// The first text behind all those that begin with `prefix`.
fn end_of(prefix: &str) -> String {
    let mut end = prefix.to_owned();
    while let Some(last) = end.pop() {
        let next = match last {
            '\u{d7ff}' => Some('\u{e000}'),
            _ => char::from_u32(u32::from(last) + 1),
        };
        if let Some(next) = next {
            end.push(next);
            return end;
        }
    }
    // Nothing lies behind the last character: two of them lie behind every text that people write.
    "\u{10ffff}\u{10ffff}".to_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_search_looks_at_all_members() {
        let conn = rusqlite::Connection::open_in_memory().expect("a database");
        conn.execute_batch(include_str!("../migrations/001_ledger.sql")).expect("the schema");
        for select in [BY_IDENTITY, BY_WORD, WORD_COUNT] {
            let mut statement = conn.prepare(&format!("EXPLAIN QUERY PLAN {select}")).expect(select);
            // A plan does not depend on parameters.
            let plan: Vec<String> =
                statement.raw_query().mapped(|row| row.get(3)).collect::<Result<_, _>>().expect(select);
            let says = |what: &str| plan.iter().any(|it| it.contains(what));
            assert!(says("SEARCH") && says("INDEX") | says("PRIMARY KEY"), "{select}: {plan:?}");
            let reads_all = plan.iter().any(|it| it.starts_with("SCAN") && !it.contains("subquery"));
            assert!(!reads_all && !says("TEMP B-TREE"), "{select}: {plan:?}");
        }
    }

    #[test]
    fn a_beginning_ends_before_the_next_one() {
        assert_eq!(end_of("ana"), "anb");
        assert_eq!(end_of("a\u{d7ff}"), "a\u{e000}");
        assert_eq!(end_of("a\u{10ffff}"), "b");
        assert!("ana\u{10ffff}z" < end_of("ana").as_str() && "anb" >= end_of("ana").as_str());
        assert_eq!(end_of("\u{10ffff}"), "\u{10ffff}\u{10ffff}");
    }

    #[test]
    fn a_cursor_is_read_as_it_is_written() {
        let cursor = SearchCursor { stage: 2, member: MemberId([7; 16]), key: "a.b@example.com".to_owned() };
        assert_eq!(cursor.to_string().parse(), Ok(cursor));
        for wrong in ["", "2", "2.mem_x.y", "x.y.z"] {
            assert_eq!(wrong.parse::<SearchCursor>(), Err(CursorFault), "{wrong}");
        }
    }
}
