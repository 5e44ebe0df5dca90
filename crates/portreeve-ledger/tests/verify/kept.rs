//! A head that was kept elsewhere proves that the end was not cut off.

use portreeve_ledger::{Bad, Head, Reason, Summary, Verifier};

use crate::sample::{Ledger, verify, verify_by};

fn expecting(head: &Head, files: &[Vec<u8>]) -> Result<Summary, Bad> {
    verify_by(Verifier::new().expecting(head.clone()), files)
}

#[test]
fn a_ledger_that_goes_on_holds_each_head_that_was_kept() {
    let ledger = Ledger::of(8);
    for head in &ledger.heads {
        expecting(head, &ledger.files).unwrap();
    }
}

#[test]
fn records_after_the_last_head_are_counted_as_unsigned() {
    let mut lines = Ledger::of(8).lines();
    lines.truncate(4);
    assert_eq!(verify(&[lines.concat()]).unwrap().unsigned, 3);
}

#[test]
fn a_cut_end_is_noticed_by_the_kept_head_alone() {
    let ledger = Ledger::of(8);
    let mut lines = ledger.lines();
    lines.truncate(6);
    let cut = [lines.concat()];

    assert!(verify(&cut).is_ok());
    let bad = expecting(&ledger.heads[1], &cut).unwrap_err();

    assert_eq!((bad.line, bad.n), (7, Some(6)));
    assert!(
        matches!(bad.reason, Reason::EndsBeforeKept { end: 5, .. }),
        "{bad}"
    );
}

#[test]
fn a_ledger_written_anew_is_not_the_one_that_was_kept() {
    let mut other = Ledger::new();
    for _ in 0..5 {
        other.record();
    }
    let bad = expecting(&Ledger::of(8).heads[0], &other.files).unwrap_err();

    assert_eq!(bad.line, 5);
    assert!(matches!(bad.reason, Reason::NotTheKept { .. }), "{bad}");
}

#[test]
fn a_kept_head_right_before_the_first_file_is_held_against_it() {
    let mut ledger = Ledger::of(3);
    ledger.rotate();
    ledger.record();
    let last = &ledger.files[1..];

    expecting(&ledger.heads[0], last).unwrap();

    let mut other = ledger.heads[0].clone();
    other.hash = other.hash.then(b"");
    let bad = expecting(&other, last).unwrap_err();
    assert!(matches!(bad.reason, Reason::NotTheKept { .. }), "{bad}");
}

#[test]
fn a_kept_head_of_an_earlier_file_cannot_be_looked_for() {
    let mut ledger = Ledger::of(8);
    ledger.rotate();
    let bad = expecting(&ledger.heads[0], &ledger.files[1..]).unwrap_err();
    assert!(matches!(bad.reason, Reason::StartsAfterKept { .. }), "{bad}");
}

#[test]
fn what_was_good_before_the_fault_is_known() {
    let mut lines = Ledger::of(8).lines();
    lines[6] = b"{}\n".to_vec();
    let mut verifier = Verifier::new();
    verifier.file("x").unwrap();
    verifier.feed(&lines.concat()).unwrap_err();

    let good: usize = lines[..6].iter().map(Vec::len).sum();
    assert_eq!(verifier.so_far().whole_bytes, good as u64);
    assert_eq!(verifier.so_far().records, 4);
    assert_eq!(verifier.chain().unwrap().next(), 6);
}
