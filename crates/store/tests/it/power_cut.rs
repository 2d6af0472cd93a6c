//! A power cut for tests: compiles `power_cut.c`, loads it under a writing process, and after its death takes back what
//! the process wrote without a sync. How the layer works and what it cannot see stands at the head of that file.
//!
//! Two disks are played. `Loss::All`: every unsynced write is gone. `Loss::Scattered`: of the unsynced writes some are
//! there, some are gone, some are torn at sector borders, in no order, as a disk with a cache leaves them; the unsynced
//! names (files created or unlinked) are lost as a whole. Bounded by the memory for one undo log, which the layer
//! empties whenever all is synced.

use std::{
    fs::{self, File},
    io::ErrorKind,
    os::unix::fs::FileExt as _,
    path::{Path, PathBuf},
    process::Command,
};

use crate::crash::Random;

const SUFFIXES: [&str; 3] = ["", "-wal", "-journal"];
const MAGIC: u32 = 0x5455_4350;
const HEADER: usize = 48;
const SECTOR: u64 = 512;

/// The compiled layer.
pub(crate) struct PowerCut {
    library: PathBuf,
}

/// What the disk does when it is told to sync.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum Disk {
    Honest,
    /// Answers that all is well and keeps nothing.
    Lying,
}

/// What a cut takes of the unsynced writes.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum Loss {
    All,
    Scattered,
}

/// How many unsynced changes a cut met, per file: database, WAL, rollback journal; and of names.
#[derive(Clone, Copy, Default, Debug)]
pub(crate) struct Unsynced {
    pub(crate) database: usize,
    pub(crate) wal: usize,
    pub(crate) journal: usize,
    pub(crate) names: usize,
}

impl PowerCut {
    /// Compiles the layer into `dir` with the C compiler that the bundled SQLite needs as well.
    pub(crate) fn build(dir: &Path) -> Self {
        let source = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/it/power_cut.c");
        let library = dir.join("power_cut.so");
        let mut cc = Command::new("cc");
        cc.args(["-std=gnu11", "-O1", "-shared", "-fPIC", "-pthread", "-o"]);
        let status = cc.arg(&library).arg(source).status().expect("a C compiler is installed as `cc`");
        assert!(status.success(), "the power cut layer must compile");
        Self { library }
    }

    /// Puts the layer under the process that `command` will start, for `database`, its WAL and its rollback journal.
    pub(crate) fn put_under(&self, command: &mut Command, database: &Path, disk: Disk) {
        command.env("LD_PRELOAD", &self.library).env("POWER_CUT_FILES", database);
        if disk == Disk::Lying {
            command.env("POWER_CUT_LIE", "1");
        }
    }

    /// As `put_under`, and the power fails by itself just before the `nth` change or sync of these files.
    pub(crate) fn put_under_until(&self, command: &mut Command, database: &Path, nth: u64) {
        self.put_under(command, database, Disk::Honest);
        command.env("POWER_CUT_AT", nth.to_string());
    }
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Kind {
    Write,
    Truncate,
    Create,
    Unlink,
    Settle,
    SettleNames,
}

/// One entry of the undo log: what a change of file `slot` destroyed.
struct Record {
    kind: Kind,
    slot: usize,
    offset: u64,
    length_before: u64,
    span: u64,
    old: Vec<u8>,
    /// Which file of that name it was: counts the unlinks before it.
    life: usize,
}

/// Takes back what the dead process had not synced, and cleans the layer's own files away.
pub(crate) fn restore(database: &Path, loss: Loss, random: &mut Random) -> Unsynced {
    let log_path = with_suffix(database, "-undo");
    let log = fs::read(&log_path).expect("the layer was under the process: it made an undo log");
    let (records, lives) = unsettled(read_records(&log));

    let mut redo = Vec::new();
    for record in records.iter().rev() {
        redo.push(undo(database, record));
    }
    if loss == Loss::Scattered {
        for (record, after) in records.iter().zip(redo.into_iter().rev()) {
            // What belongs to a file that the cut took away as a whole, or to its successor, is gone with it.
            if record.life == lives[record.slot] {
                keep_some(database, record, &after, random);
            }
        }
    }
    remove_own_files(database);
    count(&records)
}

fn with_suffix(database: &Path, suffix: &str) -> PathBuf {
    let mut path = database.as_os_str().to_owned();
    path.push(suffix);
    path.into()
}

/// Reads the records up to a torn one, which belongs to a change that has not happened.
fn read_records(mut log: &[u8]) -> Vec<Record> {
    let mut records = Vec::new();
    while let Some((header, rest)) = log.split_at_checked(HEADER) {
        let small = |at: usize| u32::from_ne_bytes(header[at..at + 4].try_into().expect("four bytes"));
        let large = |at: usize| u64::from_ne_bytes(header[at..at + 8].try_into().expect("eight bytes"));
        assert_eq!(small(0), MAGIC, "the undo log is damaged");
        let kind = match small(4) {
            1 => Kind::Write,
            2 => Kind::Truncate,
            3 => Kind::Create,
            4 => Kind::Unlink,
            5 => Kind::Settle,
            6 => Kind::SettleNames,
            other => panic!("the undo log has a record of unknown kind {other}"),
        };
        let slot = usize::try_from(small(8)).expect("a small number");
        let Some((old, rest)) = rest.split_at_checked(usize::try_from(large(40)).expect("a length")) else { break };
        let (offset, length_before, span) = (large(16), large(24), large(32));
        records.push(Record { kind, slot, offset, length_before, span, old: old.to_vec(), life: 0 });
        log = rest;
    }
    records
}

/// The records that no sync has settled, in order, and which life of each name its last settled state belongs to.
fn unsettled(records: Vec<Record>) -> (Vec<Record>, [usize; SUFFIXES.len()]) {
    let mut open: Vec<Record> = Vec::new();
    let mut life = [0; SUFFIXES.len()];
    let mut settled_life = life;
    for mut record in records {
        let slot = record.slot;
        record.life = life[slot];
        match record.kind {
            Kind::Write | Kind::Truncate | Kind::Create => open.push(record),
            Kind::Unlink => {
                life[slot] += 1;
                open.push(record);
            }
            Kind::Settle => open.retain(|it| it.slot != slot || it.life != life[slot] || it.names()),
            Kind::SettleNames => {
                open.retain(|it| !it.names() && it.life == life[it.slot]);
                settled_life = life;
            }
        }
    }
    (open, settled_life)
}

impl Record {
    /// Whether it changes the directory, not a file's content.
    fn names(&self) -> bool {
        matches!(self.kind, Kind::Create | Kind::Unlink)
    }
}

fn open_file(path: &Path) -> File {
    File::options().read(true).write(true).open(path).expect("a watched file can be opened")
}

/// Undoes one change. Answers what the changed bytes were, so that the change can be made again.
fn undo(database: &Path, record: &Record) -> Vec<u8> {
    let path = with_suffix(database, SUFFIXES[record.slot]);
    match record.kind {
        Kind::Create => match fs::remove_file(&path) {
            Err(error) if error.kind() != ErrorKind::NotFound => panic!("cannot remove {path:?}: {error}"),
            _ => Vec::new(),
        },
        Kind::Unlink => {
            let saved = with_suffix(database, &format!("-undo-{}", record.offset));
            fs::rename(saved, &path).expect("the layer kept the unlinked file");
            Vec::new()
        }
        _ => {
            let file = open_file(&path);
            let length = file.metadata().expect("metadata").len();
            let end = if record.kind == Kind::Write { length.min(record.offset + record.span) } else { record.offset };
            let mut after = vec![0; usize::try_from(end.saturating_sub(record.offset)).expect("a length")];
            file.read_exact_at(&mut after, record.offset).expect("the bytes are within the file");
            file.set_len(record.length_before).expect("set_len");
            file.write_all_at(&record.old, record.offset).expect("write");
            after
        }
    }
}

/// Makes a change again, or not, or some of its sectors.
fn keep_some(database: &Path, record: &Record, after: &[u8], random: &mut Random) {
    let path = with_suffix(database, SUFFIXES[record.slot]);
    if record.names() || !path.exists() {
        return;
    }
    let file = open_file(&path);
    let (none, whole) = (0, 1);
    let kept = random.within(0..=2);
    if record.kind == Kind::Truncate {
        if kept == whole {
            file.set_len(record.span).expect("set_len");
        }
        return;
    }
    let (mut at, mut rest) = (record.offset, after);
    while kept != none && !rest.is_empty() {
        let to_border = usize::try_from(SECTOR - at % SECTOR).expect("a sector is short");
        let (sector, next) = rest.split_at(to_border.min(rest.len()));
        if kept == whole || random.within(0..=1) == 1 {
            file.write_all_at(sector, at).expect("write");
        }
        at += u64::try_from(sector.len()).expect("a sector is short");
        rest = next;
    }
}

fn remove_own_files(database: &Path) {
    let own = with_suffix(database, "-undo");
    let own = own.file_name().expect("it has a name").to_string_lossy().into_owned();
    let dir = database.parent().expect("the database lies in a directory");
    for file in fs::read_dir(dir).expect("the directory can be read") {
        let file = file.expect("the directory can be read");
        if file.file_name().to_string_lossy().starts_with(&own) {
            fs::remove_file(file.path()).expect("the layer's own file can be removed");
        }
    }
}

fn count(records: &[Record]) -> Unsynced {
    let of = |slot: usize| records.iter().filter(|it| it.slot == slot && !it.names()).count();
    let names = records.iter().filter(|it| it.names()).count();
    Unsynced { database: of(0), wal: of(1), journal: of(2), names }
}
