use std::fs;
use std::path::PathBuf;

use crate::ledger_cli::fixture::{Outcome, edit, folder, key, run, three_files, without_line};

fn verify(more: &[&str], files: &[PathBuf]) -> Outcome {
    let files = files.iter().map(|path| path.to_str().unwrap());
    run(["ledger", "verify"]
        .into_iter()
        .chain(more.iter().copied())
        .chain(files))
}

/// One sentence on stderr with the first bad line, code 1, and nothing on stdout.
fn is_bad(outcome: &Outcome, file: &str, text: &str) {
    assert_eq!(outcome.code, Some(1), "{outcome:?}");
    assert_eq!(outcome.stdout, "", "{outcome:?}");
    assert!(
        outcome.stderr.contains(file) && outcome.stderr.contains(text),
        "{outcome:?}"
    );
}

#[test]
fn a_good_ledger_is_told_in_four_lines() {
    let files = three_files(&folder("good"));
    let outcome = verify(&[], &files);

    assert_eq!(outcome.code, Some(0), "{outcome:?}");
    let expected = format!(
        "ok: 9 records and 3 signed heads in 3 files, n 1 to 12\nkey: {} (not compared with any)\n\
         last signed head: n 12 at 1970-01-01T00:00:00.000Z\nafter it: no records\n",
        key().public()
    );
    assert_eq!(outcome.stdout, expected);
}

#[test]
fn files_may_be_named_in_any_order() {
    let mut files = three_files(&folder("any_order"));
    files.rotate_left(1);
    assert_eq!(verify(&[], &files).code, Some(0));
}

#[test]
fn an_altered_record_is_named() {
    let files = three_files(&folder("altered"));
    edit(&files[1], |text| text.replacen("\"eu\"", "\"us\"", 1));
    let outcome = verify(&[], &files);
    is_bad(&outcome, "ledger-5.jsonl:2: n 5:", "the line was altered");
}

#[test]
fn a_removed_record_is_named() {
    let files = three_files(&folder("removed"));
    edit(&files[0], |text| without_line(text, 3));
    let outcome = verify(&[], &files);
    is_bad(&outcome, "ledger-1.jsonl:3: n 2:", "1 line is missing before it");
}

#[test]
fn reordered_records_are_named() {
    let files = three_files(&folder("reordered"));
    edit(&files[0], |text| {
        let mut lines: Vec<&str> = text.split_inclusive('\n').collect();
        lines.swap(2, 3);
        lines.concat()
    });
    let outcome = verify(&[], &files);
    is_bad(
        &outcome,
        "ledger-1.jsonl:3: n 2:",
        "it has n 3 where 2 must follow",
    );
}

#[test]
fn a_missing_file_is_named() {
    let mut files = three_files(&folder("missing_file"));
    files.remove(1);
    is_bad(
        &verify(&[], &files),
        "ledger.jsonl:1: n 5:",
        "4 lines are missing",
    );
}

#[test]
fn a_torn_end_is_named() {
    let files = three_files(&folder("torn"));
    edit(&files[2], |text| text[..text.len() - 20].to_owned());
    is_bad(&verify(&[], &files), "ledger.jsonl:5:", "in the midst of a line");
}

#[test]
fn a_cut_end_is_noticed_with_a_head_that_was_kept() {
    let folder = folder("cut");
    let files = three_files(&folder);
    let text = fs::read_to_string(&files[2]).unwrap();
    let head = folder.join("ledger.head");
    fs::write(&head, text.lines().last().unwrap()).unwrap();
    let by_head = ["--head", head.to_str().unwrap()];
    assert_eq!(verify(&by_head, &files).code, Some(0));

    edit(&files[2], |text| without_line(text, 5));

    let outcome = verify(&[], &files);
    assert!(
        outcome
            .stdout
            .contains("after it: 3 records, linked but not signed"),
        "{outcome:?}"
    );
    is_bad(
        &verify(&by_head, &files),
        "ledger.jsonl:5:",
        "its end was cut off",
    );
}

#[test]
fn a_key_that_is_named_must_be_the_one() {
    let files = three_files(&folder("key"));
    let ours = key().public().to_string();
    let outcome = verify(&["--key", &ours], &files);
    assert!(outcome.stdout.contains("(as demanded)"), "{outcome:?}");

    let other = portreeve_ledger::SigningKey::from_seed(&[2; 32])
        .public()
        .to_string();
    is_bad(&verify(&["--key", &other], &files), "ledger-1.jsonl:1:", &ours);
    assert_eq!(verify(&["--key", &other, "--key", &ours], &files).code, Some(0));
}

#[test]
fn what_is_no_key_is_wrong_usage() {
    let files = three_files(&folder("no_key"));
    let outcome = verify(&["--key", "12ab"], &files);
    assert_eq!(outcome.code, Some(2), "{outcome:?}");
    assert_eq!(run(["ledger", "verify"]).code, Some(2));
}

#[test]
fn what_is_not_there_or_no_ledger_is_named() {
    let folder = folder("none");
    let other = folder.join("notes.txt");
    fs::write(&other, "hello\n").unwrap();
    is_bad(
        &verify(&[], &[folder.join("nowhere")]),
        "nowhere",
        "cannot be read",
    );
    is_bad(
        &verify(&[], &[other]),
        "notes.txt:1:",
        "does not begin with a ledger's first line",
    );
}
