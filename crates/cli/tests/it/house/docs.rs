//! The project speaks of itself alone, leaves nothing open in its text, and its links lead somewhere.

use super::source::words;
use super::{Text, assert_none, root, texts};

/// Written in two halves, so that this file does not contain what it looks for.
const FOREIGN_PLACES: [&str; 2] = [concat!("../sha", "red"), concat!("/wo", "rk/")];
const OPEN_MARKS: [&str; 2] = [concat!("TO", "DO"), concat!("FIX", "ME")];

#[test]
fn the_project_speaks_of_itself_alone() {
    let findings: Vec<String> = texts("").iter().flat_map(foreign).collect();
    assert_none("name no place outside the project, and leave no mark of unfinished work:", &findings);
}

#[test]
fn links_between_documents_lead_somewhere() {
    let mut lost = Vec::new();
    for file in texts("").iter().filter(|file| file.path.ends_with(".md")) {
        for (line, target) in links(&file.body) {
            if let Some(path) = inside(&file.path, target)
                && !root().join(path).exists()
            {
                lost.push(format!("{}:{line} {target}", file.path));
            }
        }
    }
    assert_none("links that lead nowhere:", &lost);
}

fn foreign(file: &Text) -> Vec<String> {
    let mut found = Vec::new();
    for (index, line) in file.body.lines().enumerate() {
        let place = FOREIGN_PLACES.into_iter().find(|it| line.contains(it));
        let mark = OPEN_MARKS.into_iter().find(|mark| words(line).any(|word| word == *mark));
        for what in place.into_iter().chain(mark) {
            found.push(format!("{}:{} {what}", file.path, index + 1));
        }
    }
    found
}

/// The inline links of a Markdown text with their lines, without those in code blocks and code spans.
pub(super) fn links(markdown: &str) -> Vec<(usize, &str)> {
    let mut found = Vec::new();
    let mut in_code = false;
    for (index, line) in markdown.lines().enumerate() {
        if line.trim_start().starts_with("```") {
            in_code = !in_code;
        } else if !in_code {
            found.extend(links_in(line).into_iter().map(|target| (index + 1, target)));
        }
    }
    found
}

fn links_in(line: &str) -> Vec<&str> {
    let mut found = Vec::new();
    for (at, opening) in line.match_indices("](") {
        let in_span = line[..at].matches('`').count() % 2 == 1;
        let target = line[at + opening.len()..].split_once(')').map(|(target, _)| target);
        if let Some(target) = target.filter(|_| !in_span) {
            // A title may follow the address.
            found.extend(target.split_whitespace().next());
        }
    }
    found
}

/// The path of a link within the project; nothing when it leads to another site or stays on its page.
fn inside(from: &str, target: &str) -> Option<String> {
    let path = target.split('#').next().filter(|path| !path.is_empty())?;
    if path.contains("://") || path.starts_with("mailto:") {
        return None;
    }
    let folder = from.rsplit_once('/').map_or("", |(folder, _)| folder);
    Some(if folder.is_empty() { path.to_owned() } else { format!("{folder}/{path}") })
}

fn sample(body: &str) -> Text {
    Text { path: "docs/it.md".to_owned(), body: body.to_owned() }
}

#[test]
fn foreign_places_and_open_marks_are_seen() {
    for what in FOREIGN_PLACES.into_iter().chain(OPEN_MARKS) {
        assert_eq!(foreign(&sample(&format!("fine\nsee {what} there"))), [format!("docs/it.md:2 {what}")]);
    }
    assert_eq!(foreign(&sample("the work/life of a METHODOLOGIST")), [""; 0]);
}

#[test]
fn links_are_read_as_people_see_them() {
    let text = "see [a](A.md) and [b](../b/#c \"title\")\n```text\n[no](no.md)\n```\n`[no](no.md)` `x` [d](d.md)";
    assert_eq!(links(text), [(1, "A.md"), (1, "../b/#c"), (5, "d.md")]);
}

#[test]
fn only_links_within_the_project_are_followed() {
    assert_eq!(inside("docs/RULES.md", "../scenarios/a.txt#x").as_deref(), Some("docs/../scenarios/a.txt"));
    assert_eq!(inside("README.md", "docs/").as_deref(), Some("docs/"));
    assert_eq!(inside("README.md", "https://example.org/a"), None);
    assert_eq!(inside("README.md", "#figures"), None);
}
