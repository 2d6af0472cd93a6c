//! What a file tells when it is not as it should be: the line, what was expected, what was found, what is allowed.

use super::*;

/// Runs a scenario of these lines and answers what failed, without the place of the file.
fn failures(text: &str) -> Vec<String> {
    let folder = tempfile::tempdir().expect("a folder for one file can be made");
    let file = folder.path().join("it.txt");
    fs::write(&file, text).expect("the folder can be written to");
    let summary = run(std::slice::from_ref(&file), &[Which::Engine]);
    assert_eq!(summary.passed + summary.failed, 1);
    assert_eq!(summary.failed == 0, summary.failures.is_empty());
    let place = file.display().to_string();
    summary.failures.iter().map(|it| it.replace(&place, "it.txt")).collect()
}

const PROGRAM: &str = "program  earn 1 per 1.00 on paid\n";

fn check(steps: &str, expected: &[&str]) {
    assert_eq!(failures(&format!("{PROGRAM}{steps}")), expected, "{steps}");
}

#[test]
fn what_comes_out_as_expected_passes() {
    check("# A comment.\n\n2022-07-27  order ana #1 paid 100.00  => earned 100, 100\n", &[]);
}

#[test]
fn a_miss_names_line_expected_and_found() {
    check(
        "2022-07-27 order ana #1 paid 100.00 => earned 101, never expires\n2022-07-28 balance ana => 99",
        &[
            "it.txt:2: on the engine: expected earned 101, found earned 100",
            "it.txt:3: on the engine: expected balance 99, found balance 100",
        ],
    );
    check(
        "2022-07-27 balance ana => refused invalid",
        &["it.txt:2: on the engine: expected refused invalid, found accepted"],
    );
    check("2022-07-27 entries ana => earn 100", &["it.txt:2: on the engine: expected earn 100, found none"]);
}

#[test]
fn a_refusal_that_nobody_expects_is_a_failure() {
    check(
        "2022-07-27 order ana #1 paid 10.00 redeem 5",
        &[
            "it.txt:2: on the engine: expected accepted, found refused insufficient_points (redeem: allowed are at most 0 \
         points, all that can be spent)",
        ],
    );
    check(
        "2022-07-27 order ana #1 paid",
        &[
            "it.txt:2: on the engine: expected accepted, found refused invalid (an order that was sent before, or what was \
         sold (an amount or lines))",
        ],
    );
}

#[test]
fn a_line_that_is_no_step_says_what_is_allowed() {
    let starts = |steps: &str, start: &str| {
        let failures = failures(&format!("{PROGRAM}{steps}"));
        let told = failures.first().is_some_and(|it| it.starts_with(start));
        assert!(told && failures.len() == 1, "{steps}: {failures:?}");
    };
    starts("2022-07-27 pay ana 5", "it.txt:2: `pay` is not understood; allowed is `program …`");
    starts("order ana #1 paid 5.00", "it.txt:2: something is missing; allowed is a day such as 2022-07-27");
    starts("2022-07-27 order ana 1001 paid 5.00", "it.txt:2: `1001` is not understood; allowed is the reference");
    starts("2022-07-27 order ana #1 gladly 5.00", "it.txt:2: `gladly` is not understood; allowed is an amount");
    starts("2022-07-27 order ana #1 5.001", "it.txt:2: `5.001` has more digits");
    starts("2022-07-27 balance ana => earned", "it.txt:2: `earned` is not understood; allowed is `100`");
    starts("2022-07-27 balance ana\n2022-07-26 balance ana", "it.txt:3: this step happens before the one above it");
    starts("2022-07-27 program earn much", "it.txt:2: `much` is not understood; allowed is a figure");
    starts("2022-07-27 adjust ana +5 goodwill", "it.txt:2: `goodwill` is not understood; allowed is a text in quotes");
}

#[test]
fn a_program_that_cannot_be_is_told_with_its_line() {
    let failures = failures("program  redeem 0 for 1.00\n");
    assert!(failures[0].starts_with("it.txt:1: this program cannot be: redeem.points"), "{failures:?}");
}

#[test]
fn a_path_without_scenarios_fails() {
    let folder = tempfile::tempdir().expect("a folder can be made");
    let summary = run(&[folder.path().to_owned(), folder.path().join("gone")], &Which::all(None));
    assert_eq!((summary.passed, summary.failed, summary.failures.len()), (0, 2, 2));
    assert!(summary.to_string().ends_with("0 passed, 2 failed"));
}

#[test]
fn a_file_that_checks_nothing_does_not_pass() {
    let nothing = "it.txt: nothing is expected; allowed is `=> …` behind a step, with what it leads to";
    check("2022-07-27  order ana #1 paid 100.00\n", &[nothing]);
    assert_eq!(failures("# Only a comment.\n"), [nothing]);
}

#[test]
fn the_first_step_is_the_program() {
    let said = failures("2022-07-27  order ana #1 paid 100.00  => earned 100\n");
    assert!(said.len() == 1 && said[0].starts_with("it.txt:1: ") && said[0].contains("as the first step"), "{said:?}");
}
