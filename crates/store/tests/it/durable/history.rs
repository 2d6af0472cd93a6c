//! A database that is killed again and again, beside one that goes through the same commands undisturbed; and what must
//! be true between them.
//!
//! After each kill: what was acknowledged is there with the effect that was told, in the one and in the other alike. At
//! the end, when all that could have been sent is sent again: both ledgers are the same to the byte, so nothing is there
//! twice.

use std::fs;
use std::path::Path;

use engine::{DocumentVersion, EntryNo, OrderNo};
use store::{Command, Database, Failure, MemberId, Reader, Reply, Store};

use super::lane::{LANES, command, is_again};
use super::writer::{Said, Task, WINDOW_MAX, backup_path, digest, options};
use crate::shop::{Shop, compile, set_up};
use crate::store::together;

type Answers = Vec<Result<Reply, Failure>>;

/// So many commands that are known to be answered are sent again, before those that are in doubt.
const BACK: u64 = 30;

const ALL: usize = 1_000_000;

/// How a round ends.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum After {
    /// The store is opened here, and everything is sent again.
    SendAgain,
    /// The database is only read. The next writing process opens it as it is, and sends everything again itself.
    Leave,
}

pub(super) struct History {
    pub(super) killed: Shop,
    document: &'static str,
    window: u64,
    undisturbed: Undisturbed,
    /// Commands of each lane that were answered, and those that may have been sent.
    answered: [u64; LANES],
    sent: [u64; LANES],
}

/// The same commands in a store that nobody kills, as far as they are needed.
struct Undisturbed {
    _shop: Shop,
    store: Store,
    answers: [Answers; LANES],
}

/// What a writing process said, put in order.
struct Told {
    answered: [u64; LANES],
    digests: Vec<(usize, u64, u32)>,
    /// What had been answered when a backup began, and whether it was made.
    backups: Vec<([u64; LANES], bool)>,
}

impl History {
    pub(super) fn new(document: &'static str, window: u64) -> Self {
        let shop = Shop::new();
        let store = Store::open(&shop.database(), options()).expect("the store opens");
        set_up(&store, document);
        let undisturbed = Undisturbed { _shop: shop, store, answers: Default::default() };
        Self { killed: Shop::new(), document, window, undisturbed, answered: [0; LANES], sent: [0; LANES] }
    }

    /// What the next writing process is told: to go on, with what is in doubt first.
    pub(super) fn task(&self, beside: bool) -> Task {
        let from = std::array::from_fn(|lane| match self.sent[lane] == self.answered[lane] {
            true => self.sent[lane],
            false => self.answered[lane].saturating_sub(BACK),
        });
        Task { document: self.document, window: self.window, from, beside }
    }

    /// Takes in what a writing process said before its death. Answers the first thing that is missing.
    pub(super) fn take_in(&mut self, task: &Task, said: &[i64]) -> Option<String> {
        let told = Told::by(said, task.from, self.answered);
        let in_doubt = self.sent;
        for lane in 0..LANES {
            self.answered[lane] = self.answered[lane].max(told.answered[lane]);
            // The process may have died just before it said that the next one was answered.
            self.sent[lane] = self.sent[lane].max(told.answered[lane].max(task.from[lane]) + WINDOW_MAX);
        }
        self.check_backups(&told.backups);
        self.undisturbed.run(self.answered);
        for (lane, number, digest) in told.digests {
            let it = command(lane, number);
            let first = &self.undisturbed.answers[lane][index(number)];
            // What was sent to an earlier process may be answered as a retry.
            if in_doubt[lane] <= number || it.key.is_some() {
                assert_eq!(digest, self::digest(first), "{lane}.{number} {it:?} is to be answered {first:?}");
            }
        }
        if self.answered == [0; LANES] {
            return None;
        }
        match Reader::open(&self.killed.database(), compile) {
            Ok(reader) => self.undisturbed.missing_in(&reader),
            Err(error) => Some(format!("the database: {error}")),
        }
    }

    /// A backup that is there is whole, and has what had been answered when it began.
    fn check_backups(&mut self, backups: &[([u64; LANES], bool)]) {
        for (number, (answered, is_made)) in (0..).zip(backups) {
            let path = backup_path(&self.killed.path(), number);
            assert!(path.exists() || !is_made, "{path:?} was made");
            if path.exists() {
                self.undisturbed.run(*answered);
                let reader = Reader::open(&Database::Sqlite(path.clone()), compile).expect("a backup can be read");
                verified(&reader);
                assert_eq!(self.undisturbed.missing_in(&reader), None, "in {path:?}");
            }
        }
        remove_backups(&self.killed.path());
    }

    /// Everything that is left must be true; then, if so wanted, all that may have been sent is sent again.
    pub(super) fn go_on(&mut self, after: After) {
        match after {
            After::SendAgain => self.send_again(self.answered.map(|it| it.saturating_sub(BACK))),
            After::Leave if self.answered == [0; LANES] => {}
            After::Leave => verified(&self.killed.reader()),
        }
    }

    /// At the end everything that was ever sent is sent again, and both ledgers are the same to the byte.
    pub(super) fn end(mut self) {
        self.send_again([0; LANES]);
        let reader = self.killed.reader();
        verified(&reader);
        let undisturbed = self.undisturbed.store.reader().expect("a reader");
        assert_same(&export(&reader), &export(&undisturbed));
        let members = reader.members(None, ALL).expect("members").len();
        assert!(LANES <= members, "{members} members: the writing processes came to nothing");
        let answers: Vec<_> = self.undisturbed.answers.iter().flatten().collect();
        let refused = answers.iter().filter(|it| it.is_err()).count();
        assert!(refused * 5 < answers.len(), "{refused} of {} commands were refused: little was tested", answers.len());
    }

    fn send_again(&mut self, from: [u64; LANES]) {
        let store = Store::open(&self.killed.database(), options()).expect("the store opens after any kill");
        if self.answered != [0; LANES] {
            verified(&store.reader().expect("a reader"));
        }
        set_up(&store, self.document);
        self.undisturbed.run(self.sent);
        let numbers = || (0..LANES).flat_map(|lane| (from[lane]..self.sent[lane]).map(move |it| (lane, it)));
        let commands: Vec<Command> = numbers().map(|(lane, number)| command(lane, number)).collect();
        let answers = together(&store, commands.clone());
        for (((lane, number), command), answer) in numbers().zip(&commands).zip(&answers) {
            let first = &self.undisturbed.answers[lane][index(number)];
            let is_first = self.answered[lane] <= number && answer == first;
            let is_right = is_first || is_again(command, first, answer);
            assert!(is_right, "{lane}.{number} {command:?}: first {first:?}, then {answer:?}");
        }
        self.answered = self.sent;
    }
}

impl Undisturbed {
    fn run(&mut self, to: [u64; LANES]) {
        let mut commands = Vec::new();
        for (lane, to) in to.into_iter().enumerate() {
            let from = u64::try_from(self.answers[lane].len()).expect("a count");
            commands.extend((from..to).map(|number| (lane, command(lane, number))));
        }
        let (lanes, commands): (Vec<usize>, Vec<Command>) = commands.into_iter().unzip();
        for (lane, answer) in lanes.into_iter().zip(together(&self.store, commands)) {
            assert!(!matches!(answer, Err(Failure::Store(_) | Failure::Internal)), "{answer:?}");
            self.answers[lane].push(answer);
        }
    }

    /// The first thing that is here and not in `reader`, which may have more.
    fn missing_in(&self, reader: &Reader) -> Option<String> {
        let here = self.store.reader().expect("a reader");
        let members = here.members(None, ALL).expect("members");
        members.iter().find_map(|it| missing_of(it.id, &here, reader))
    }
}

fn missing_of(id: MemberId, here: &Reader, there: &Reader) -> Option<String> {
    if there.member(id).expect("a member can be read").is_none() {
        return Some(format!("member {id}"));
    }
    let entries = |reader: &Reader| reader.entries(id, 1, EntryNo(0), ALL).expect("entries");
    let (wanted_entries, found_entries) = (entries(here), entries(there));
    if !found_entries.starts_with(&wanted_entries) {
        let differs = wanted_entries.iter().zip(&found_entries).find(|(wanted, found)| wanted != found);
        return Some(format!("of {id} {} entries of {}, {differs:?}", found_entries.len(), wanted_entries.len()));
    }
    let orders = |reader: &Reader| reader.orders(id, 1, OrderNo(0), ALL).expect("orders");
    let orders_there = orders(there);
    for (index, wanted) in orders(here).iter().enumerate() {
        let Some(found) = orders_there.get(index) else { return Some(format!("order {wanted:?}")) };
        let is_newer = version(&wanted.document.version) < version(&found.document.version);
        let is_same_document = (&wanted.reference, &wanted.document) == (&found.reference, &found.document);
        let has_entries_since = wanted_entries.len() < found_entries.len();
        if !is_newer && !(is_same_document && (has_entries_since || wanted == found)) {
            return Some(format!("order {wanted:?}, there is {found:?}"));
        }
    }
    None
}

fn version(it: &DocumentVersion) -> u64 {
    match it {
        DocumentVersion::Number(number) => *number,
        DocumentVersion::Arrival | DocumentVersion::Changed(_) => 0,
    }
}

impl Told {
    fn by(said: &[i64], from: [u64; LANES], answered: [u64; LANES]) -> Self {
        let mut told = Self { answered: from, digests: Vec::new(), backups: Vec::new() };
        for it in said {
            match Said::from_number(*it) {
                Said::Opening => {}
                Said::Answered { lane, number, digest } => {
                    assert_eq!(number, told.answered[lane], "a lane is answered in its order");
                    told.answered[lane] += 1;
                    told.digests.push((lane, number, digest));
                }
                Said::BackupBegins(_) => {
                    let before = std::array::from_fn(|lane| told.answered[lane].max(answered[lane]));
                    told.backups.push((before, false));
                }
                Said::BackupIsThere(_) => told.backups.last_mut().expect("it has begun").1 = true,
            }
        }
        told
    }
}

fn verified(reader: &Reader) {
    let report = reader.verify(&mut |_| {}).expect("the database can be read");
    assert_eq!(report.difference, None, "{report:?}");
}

fn export(reader: &Reader) -> String {
    let mut bytes = Vec::new();
    reader.export(&mut bytes, &mut |_| {}).expect("an export");
    String::from_utf8(bytes).expect("it is text")
}

fn assert_same(killed: &str, undisturbed: &str) {
    if killed != undisturbed {
        let differs = killed.lines().zip(undisturbed.lines()).find(|(killed, undisturbed)| killed != undisturbed);
        panic!(
            "{} and {} lines; killed and undisturbed: {differs:#?}",
            killed.lines().count(),
            undisturbed.lines().count()
        );
    }
}

fn remove_backups(database: &Path) {
    let dir = database.parent().expect("the database lies in a directory");
    for file in fs::read_dir(dir).expect("the directory can be read") {
        let file = file.expect("the directory can be read");
        if file.file_name().to_string_lossy().starts_with("backup-") {
            fs::remove_file(file.path()).expect("a backup can be removed");
        }
    }
}

fn index(number: u64) -> usize {
    usize::try_from(number).expect("a count")
}
