//! The scenarios are the specification: each verb of the engine has a folder of them, each refusal is expected by one,
//! and docs/RULES.md leads from every rule to one that exists.

use std::collections::BTreeSet;

use super::docs::links;
use super::source::{code_of, words};
use super::{Text, assert_none, root, text, texts};

/// What the engine can do; those that have no file yet are still to come.
const VERBS: [&str; 17] = [
    "activity",
    "adjust",
    "certificate",
    "claim",
    "close",
    "convert",
    "credit",
    "earn",
    "expire",
    "extend",
    "hold",
    "merge",
    "order",
    "redeem",
    "settle",
    "tier",
    "transfer",
];

#[test]
fn each_verb_has_scenarios() {
    let has_file = |verb: &&str| {
        let source = root().join("crates/engine/src").join(verb);
        source.is_dir() || source.with_extension("rs").is_file()
    };
    let verbs: Vec<&str> = VERBS.into_iter().filter(has_file).collect();
    assert!(!verbs.is_empty(), "the engine can do something");
    assert_none("a verb without a scenario:", &verbs_without_scenarios(&verbs, &scenarios()));
}

#[test]
fn each_rejection_is_expected_by_a_scenario() {
    let source = text("crates/engine/src/rejection.rs");
    let codes = codes(&source.body);
    assert!(!codes.is_empty(), "`fn code` in {} names each rejection in snake_case", source.path);
    assert_none("a rejection that no scenario expects:", &unexpected(&codes, &scenarios()));
}

#[test]
fn rules_lead_to_scenarios() {
    let rules = text("docs/RULES.md");
    let targets: Vec<&str> = links(&rules.body).into_iter().map(|(_, target)| target).collect();
    let paths: BTreeSet<String> = scenarios().into_iter().map(|it| it.path).collect();
    assert!(targets.iter().any(|it| it.contains("scenarios/")), "docs/RULES.md links scenarios");
    assert_none("docs/RULES.md leads to what is no scenario:", &lost(&targets, &paths));
}

#[test]
fn each_rule_is_listed_and_shown() {
    let rules = text("docs/RULES.md");
    let sections = sections(&rules.body);
    assert!(!sections.is_empty(), "docs/RULES.md has a heading such as `### E1 Points per amount` for each rule");
    assert_none("a rule of docs/RULES.md that nothing shows, or that its top does not list:", &unshown(&rules.body));
    let linked: BTreeSet<&str> = links(&rules.body).into_iter().filter_map(|(_, it)| it.strip_prefix("../")).collect();
    let files = scenarios().into_iter().map(|it| it.path);
    let aside: Vec<String> = files.filter(|path| !linked.contains(path.as_str())).collect();
    assert_none("a scenario that no rule of docs/RULES.md links:", &aside);
}

fn scenarios() -> Vec<Text> {
    let mut files = texts("scenarios");
    files.retain(|file| file.path.ends_with(".txt"));
    files
}

fn verbs_without_scenarios(verbs: &[&str], scenarios: &[Text]) -> Vec<String> {
    let shown = |verb: &&&str| {
        let folder = format!("scenarios/{verb}/");
        scenarios.iter().any(|it| it.path.starts_with(&folder))
    };
    verbs.iter().filter(|verb| !shown(verb)).map(|verb| format!("scenarios/{verb}/*.txt")).collect()
}

/// The texts in the body of `fn code`, where each variant is given its name for the outside.
fn codes(source: &str) -> Vec<String> {
    let Some(start) = source.find("fn code(") else { return Vec::new() };
    let code = code_of(source);
    let end = code[start..].find("\n    }").map_or(source.len(), |at| start + at);
    let mut parts = source[start..end].split('"');
    let mut codes = Vec::new();
    while let (Some(_), Some(inside)) = (parts.next(), parts.next()) {
        codes.push(inside.to_owned());
    }
    codes
}

/// The codes that stand behind no `=>` of any step.
fn unexpected(codes: &[String], scenarios: &[Text]) -> Vec<String> {
    let steps = scenarios.iter().flat_map(|file| file.body.lines()).filter(|line| !line.starts_with('#'));
    let expectations = steps.filter_map(|line| line.split_once("=>"));
    let expected: BTreeSet<&str> = expectations.flat_map(|(_, result)| words(result)).collect();
    codes.iter().filter(|code| !expected.contains(code.as_str())).cloned().collect()
}

/// Each rule by its heading, with what stands below it.
fn sections(rules: &str) -> Vec<(&str, &str)> {
    let rules = rules.split("\n### ").skip(1);
    let rules = rules.map(|it| it.split_once("\n## ").map_or(it, |(section, _)| section));
    rules.filter_map(|it| it.split_once('\n')).collect()
}

/// The headings of rules without a scenario or a test, and of those that the list at the top leaves out.
fn unshown(rules: &str) -> Vec<String> {
    let shows = |target: &str| target.starts_with("../scenarios/") || target.contains("/tests/");
    let mut found = Vec::new();
    for (heading, body) in sections(rules) {
        let id = heading.split(' ').next().unwrap_or_default();
        if !rules.contains(&format!("[{id}](#{}-", id.to_lowercase())) {
            found.push(format!("{heading}: not listed"));
        }
        if !links(body).into_iter().any(|(_, target)| shows(target)) {
            found.push(format!("{heading}: neither a scenario nor a test"));
        }
    }
    found
}

/// Links of docs/RULES.md to a scenario that is not there; a folder is too little, a rule is shown by a file.
fn lost(targets: &[&str], scenarios: &BTreeSet<String>) -> Vec<String> {
    let to_scenario = targets.iter().filter_map(|it| it.strip_prefix("../").filter(|it| it.starts_with("scenarios/")));
    to_scenario.filter(|path| !scenarios.contains(*path)).map(str::to_owned).collect()
}

fn sample(path: &str, body: &str) -> Text {
    Text { path: path.to_owned(), body: body.to_owned() }
}

#[test]
fn a_verb_without_scenarios_is_seen() {
    let scenarios = [sample("scenarios/earn/rates.txt", "")];
    assert_eq!(verbs_without_scenarios(&["earn", "redeem"], &scenarios), ["scenarios/redeem/*.txt"]);
}

#[test]
fn codes_are_read_from_the_match_that_names_them() {
    let source = "impl Rejection {\n    pub fn code(&self) -> &str {\n        match self {\n            \
                  Self::Stale { .. } => \"stale\", // } \"no\n            Self::Off => \"program_off\",\n        }\n    \
                  }\n    fn other() { \"not_this\" }\n}\n";
    assert_eq!(codes(&source.replace(" // } \"no", "")), ["stale", "program_off"]);
    assert_eq!(codes("fn none() {}"), [""; 0]);
}

#[test]
fn a_rejection_that_nothing_expects_is_seen() {
    let codes = ["below_minimum".to_owned(), "program_off".to_owned()];
    let scenarios =
        [sample("scenarios/redeem/least.txt", "# => program_off\n2026-01-01 redeem => refused below_minimum\n")];
    assert_eq!(unexpected(&codes, &scenarios), ["program_off"]);
    assert_eq!(unexpected(&codes, &[sample("it", "program_off\nx => below_minimum_points")]), codes);
}

#[test]
fn a_rule_that_nothing_shows_is_seen() {
    let rules = "[E1](#e1-a)\n\n## Earning\n\n### E1 A\n\nNo proof.\n\n### E2 B\n\n[b](../scenarios/b.txt)\n\n## End\n[c](../c/tests/c.rs)\n";
    assert_eq!(unshown(rules), ["E1 A: neither a scenario nor a test", "E2 B: not listed"]);
}

#[test]
fn a_rule_that_leads_nowhere_is_seen() {
    let scenarios = BTreeSet::from(["scenarios/earn/rates.txt".to_owned()]);
    let targets = ["../scenarios/earn/rates.txt", "GLOSSARY.md", "../scenarios/earn/gone.txt", "../scenarios/earn"];
    assert_eq!(lost(&targets, &scenarios), ["scenarios/earn/gone.txt", "scenarios/earn"]);
}
