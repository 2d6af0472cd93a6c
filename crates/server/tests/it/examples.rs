//! The worked examples of the API, sent one after the other to a new server: a shop's first day. Each answer is just what
//! its file says; `GUERDON_ACCEPT=1` writes it there.

use std::fs;
use std::path::{Path, PathBuf};

use axum::body::Body as HttpBody;
use axum::http::Request;
use serde_json::Value;

use crate::root;
use crate::served::{ADMIN, Answered, Served};

const FOLDER: &str = "crates/server/src/api/examples";
const MORNING: &str = "2026-03-02T14:00:00Z";

/// An example as its file has it.
pub(crate) struct Example {
    pub(crate) name: String,
    path: PathBuf,
    text: String,
    pub(crate) value: Value,
}

/// All examples, in the order of their numbers.
pub(crate) fn examples() -> Vec<Example> {
    let folder = fs::read_dir(root().join(FOLDER)).expect(FOLDER);
    let mut paths: Vec<PathBuf> = folder.map(|it| it.expect("a readable folder").path()).collect();
    paths.retain(|it| it.extension().is_some_and(|it| it == "json"));
    paths.sort_by_key(|it| (number_of(it), it.clone()));
    let read = |path: PathBuf| {
        let text = fs::read_to_string(&path).expect("a readable file");
        let name = path.file_stem().expect("a name").to_string_lossy().into_owned();
        let value = serde_json::from_str(&text).unwrap_or_else(|error| panic!("{name}: {error}"));
        Example { name, path, text, value }
    };
    paths.into_iter().map(read).collect()
}

/// The number with which the name of its file begins.
fn number_of(path: &Path) -> u32 {
    let name = path.file_stem().expect("a name").to_string_lossy();
    let number = name.split('-').next().and_then(|it| it.parse().ok());
    number.unwrap_or_else(|| panic!("{name} begins with no number"))
}

impl Example {
    pub(crate) fn operation(&self) -> &str {
        self.value["operation"].as_str().expect("an operation")
    }

    /// The request, with that API key or none.
    pub(crate) fn request(&self, key: Option<&str>) -> Request<HttpBody> {
        let asked = &self.value["request"];
        let text = |field: &str| asked[field].as_str().unwrap_or_else(|| panic!("{}: {field}", self.name));
        let mut request = Request::builder().method(text("method")).uri(text("path"));
        for (name, value) in asked["headers"].as_object().into_iter().flatten() {
            request = request.header(name, value.as_str().expect("a text"));
        }
        if let Some(key) = key {
            request = request.header("authorization", format!("Bearer {key}"));
        }
        let body = asked.get("body");
        if body.is_some() {
            request = request.header("content-type", "application/json");
        }
        request.body(body.map_or_else(HttpBody::empty, |it| HttpBody::from(it.to_string()))).expect("a request")
    }

    /// Sends it at its time of day.
    pub(crate) async fn send(&self, served: &Served) -> Answered {
        match self.value["at"].as_str() {
            Some(at) => served.set_clock(at),
            None => served.pass_minutes(1),
        }
        served.ask(self.request(Some(ADMIN))).await
    }

    /// Whether its answer is shown: the description of the API is not shown within itself, nor what
    /// no two servers say alike.
    fn shows_answer(&self) -> bool {
        !matches!(self.operation(), "openapi" | "metrics")
    }

    fn accept(&self, answered: &Answered) {
        let mut response = format!("{{\n    \"status\": {}", answered.status.as_u16());
        if self.shows_answer() && !answered.text.is_empty() {
            let body = format!("{:#}", answered.json()).replace('\n', "\n    ");
            response += &format!(",\n    \"body\": {body}");
        }
        let (request, _) = self.text.split_once("  \"response\":").expect("the response comes last");
        // Other tests read the file meanwhile: it is there as a whole at any time.
        let whole = self.path.with_extension("new");
        fs::write(&whole, format!("{request}  \"response\": {response}\n  }}\n}}\n")).expect("a writable file");
        fs::rename(&whole, &self.path).expect("a writable folder");
    }

    fn check(&self, answered: &Answered) {
        let Self { name, value, .. } = self;
        let expected = &value["response"];
        assert_eq!(answered.status.as_u16(), expected["status"], "{name}: {}", answered.text);
        if self.shows_answer() {
            let body = answered.json();
            assert!(body == expected["body"], "{name}: run `./dev accept` and read the difference\n{body:#}");
        }
        let kind = match answered.status.as_u16() {
            204 => "",
            ..300 if self.operation() == "metrics" => "application/openmetrics-text; version=1.0.0; charset=utf-8",
            ..300 => "application/json",
            _ => "application/problem+json",
        };
        assert_eq!(answered.header("content-type"), kind, "{name}");
        assert!(!answered.header("x-request-id").is_empty(), "{name}");
    }
}

#[tokio::test]
async fn a_shops_first_day_goes_as_the_examples_say() {
    let served = Served::at(MORNING);
    for example in examples() {
        let answered = example.send(&served).await;
        if std::env::var_os("GUERDON_ACCEPT").is_some() {
            example.accept(&answered);
        } else {
            example.check(&answered);
        }
    }
}

#[tokio::test]
async fn the_first_day_balances() {
    let served = Served::at(MORNING);
    for example in examples() {
        example.send(&served).await;
    }
    let reader = served.app.store().reader().expect("a reader");
    let found = reader.verify(&mut |_| ()).expect("a ledger that can be read");
    assert_eq!(found.difference, None);
}

/// As a shop does that got no answer: at once, and once more when all that comes after has happened.
#[tokio::test]
async fn what_is_sent_again_is_answered_as_the_first_time() {
    let served = Served::at(MORNING);
    let mut sent = Vec::new();
    for example in examples() {
        let first = example.send(&served).await;
        if !example.value["request"]["headers"]["Idempotency-Key"].is_string() {
            continue;
        }
        let again = served.ask(example.request(Some(ADMIN))).await;
        if example.operation() == "add_key" {
            assert_eq!((again.status.as_u16(), &again.json()["code"]), (409, &"already_made".into()));
            continue;
        }
        assert_eq!((again.status, &again.text), (first.status, &first.text), "{}", example.name);
        sent.push((example, first));
    }
    assert!(7 < sent.len(), "{}", sent.len());
    served.pass_minutes(60 * 24 * 3);
    for (example, first) in sent.iter().filter(|it| it.0.operation() != "switch_program") {
        let again = served.ask(example.request(Some(ADMIN))).await;
        assert_eq!(again.status, first.status, "{} days later", example.name);
        if ["sign_up", "merge_members", "undo_merge"].contains(&example.operation()) {
            // Answers keep no personal data: the member is shown as it is now.
            assert_eq!(
                (&again.json()["id"], &again.json()["created"]),
                (&first.json()["id"], &first.json()["created"])
            );
        } else {
            assert_eq!(again.text, first.text, "{} days later", example.name);
        }
    }
}
