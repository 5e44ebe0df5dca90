use std::fs;

use crate::ledger_cli::fixture::{Outcome, edit, folder, run, three_files};

fn show(name: &str, more: &[&str]) -> Outcome {
    let files = three_files(&folder(name));
    run(["ledger", "show", files[0].to_str().unwrap()].iter().chain(more))
}

#[test]
fn records_and_events_are_rows() {
    let outcome = show("rows", &[]);

    assert_eq!(
        (outcome.code, outcome.stderr.as_str()),
        (Some(0), ""),
        "{outcome:?}"
    );
    let rows: Vec<Vec<&str>> = outcome
        .stdout
        .lines()
        .map(|line| line.split_whitespace().collect())
        .collect();
    assert_eq!(rows.len(), 1 + 3, "{outcome:?}");
    assert_eq!(rows[0][..3], ["N", "TIME", "POLICIES"]);
    assert_eq!(
        rows[2],
        [
            "2",
            "2026-05-04T03:02:02.000Z",
            "us,hipaa",
            "shop",
            "b2",
            "2",
            "502",
            "backend:",
            "connect_refused"
        ]
    );
    assert_eq!(
        rows[3],
        ["3", "2026-05-04T03:02:03.000Z", "eu", "registered", "c3"]
    );
}

#[test]
fn records_are_chosen_by_policy_and_backend() {
    let numbers = |name: &str, more: &[&str]| {
        let outcome = show(name, more);
        let rows = outcome.stdout.lines().skip(1);
        rows.map(|row| row.split(' ').next().unwrap().to_owned())
            .collect::<Vec<_>>()
    };
    assert_eq!(numbers("eu", &["--policy", "eu"]), ["1", "3"]);
    assert_eq!(numbers("hipaa", &["--policy", "hipaa"]), ["2"]);
    assert_eq!(numbers("a1", &["--backend", "a1"]), ["1"]);
    assert_eq!(numbers("address", &["--backend", "10.0.0.3:80"]), ["3"]);
    assert_eq!(numbers("both", &["--backend", "b2", "--policy", "eu"]), [""; 0]);
}

#[test]
fn json_is_the_lines_as_they_are() {
    let outcome = show("json", &["--json", "--policy", "eu"]);
    let file =
        fs::read_to_string(folder("json_again").parent().unwrap().join("json/ledger-1.jsonl")).unwrap();
    let lines: Vec<&str> = file.lines().collect();
    assert_eq!(outcome.stdout, format!("{}\n{}\n", lines[1], lines[3]));
}

#[test]
fn a_line_that_is_none_ends_it_and_is_named() {
    let files = three_files(&folder("broken"));
    edit(&files[0], |text| text.replacen("{\"n\":2", "n\":2", 1));
    let outcome = run(["ledger", "show", files[0].to_str().unwrap()]);

    assert_eq!(outcome.code, Some(1), "{outcome:?}");
    assert!(
        outcome.stderr.contains("ledger-1.jsonl:3: is no ledger line"),
        "{outcome:?}"
    );
    assert_eq!(outcome.stdout.lines().count(), 1 + 1);
}
