//! A shop in a folder of its own, and the real binary run in it: the only place of these tests that starts a process.

use std::path::PathBuf;
use std::process::{Command, Output};

use tempfile::TempDir;

pub(crate) const PROGRAM: &str = r#"{
  "format": 1, "name": "Test shop", "currency": "EUR", "time_zone": "Europe/Zurich",
  "earn": { "points": 1, "per": "1.00", "on": "paid" },
  "validity": { "months": 12 },
  "redeem": { "points": 100, "value": "1.00" }
}"#;

/// A folder with a database `guerdon.db`.
pub(crate) struct Shop {
    folder: TempDir,
}

/// What a run said, and its exit code.
#[derive(Debug)]
pub(crate) struct Ran {
    pub(crate) code: i32,
    pub(crate) out: String,
    pub(crate) err: String,
}

impl Shop {
    /// A folder without a database.
    pub(crate) fn empty() -> Self {
        Self { folder: TempDir::new().expect("a temporary folder") }
    }

    /// A shop with a program since 2020 and the channel `web`.
    pub(crate) fn open() -> Self {
        let shop = Self::empty();
        shop.file("program.json", PROGRAM);
        shop.ok("program add program.json --from 2020-01-01");
        shop.ok("channel add web --program Test_shop");
        shop
    }

    pub(crate) fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    pub(crate) fn file(&self, name: &str, content: impl AsRef<[u8]>) {
        std::fs::write(self.path(name), content).expect("the folder is writable");
    }

    pub(crate) fn text(&self, name: &str) -> String {
        std::fs::read_to_string(self.path(name)).expect("the file was written")
    }

    pub(crate) fn command(&self, line: &str) -> Command {
        let mut command = Command::new(env!("CARGO_BIN_EXE_guerdon"));
        // In these lines a blank separates arguments, and _ stands for a blank within one.
        command.args(line.split_whitespace().map(|it| it.replace('_', " ")));
        command.current_dir(self.folder.path()).env_remove("GUERDON_DATABASE");
        command
    }

    pub(crate) fn run(&self, line: &str) -> Ran {
        Ran::of(&self.command(line).output().expect("the binary starts"))
    }

    /// Runs what must succeed; answers what it printed.
    #[track_caller]
    pub(crate) fn ok(&self, line: &str) -> String {
        let ran = self.run(line);
        assert_eq!(ran.code, 0, "guerdon {line}\n{}{}", ran.out, ran.err);
        ran.out
    }

    /// Runs what must fail with an exit code; answers what it said on stderr.
    #[track_caller]
    pub(crate) fn fails(&self, code: i32, line: &str) -> String {
        let ran = self.run(line);
        assert_eq!(ran.code, code, "guerdon {line}\n{}{}", ran.out, ran.err);
        ran.err
    }
}

impl Ran {
    pub(crate) fn of(output: &Output) -> Self {
        let text = |bytes: &[u8]| String::from_utf8(bytes.to_vec()).expect("output is UTF-8");
        Self { code: output.status.code().unwrap_or(-1), out: text(&output.stdout), err: text(&output.stderr) }
    }
}

#[track_caller]
pub(crate) fn assert_has(text: &str, part: &str) {
    assert!(text.contains(part), "expected {part:?} in\n{text}");
}

/// How many entries an export of the ledger has.
pub(crate) fn entries(ledger: &str) -> usize {
    let kind = |line: &str| serde_json::from_str::<serde_json::Value>(line).expect("each line is JSON")["type"].clone();
    ledger.lines().filter(|line| kind(line) == "entry").count()
}
