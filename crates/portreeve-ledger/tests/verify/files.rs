//! A ledger in several files.

use portreeve_ledger::{Reason, Verifier};

use crate::sample::{Ledger, key, verify, verify_by};

/// Three files of two records and a head each, numbers 1 to 9.
fn rotated() -> Ledger {
    let mut ledger = Ledger::new();
    for file in 0..3 {
        if file > 0 {
            ledger.rotate();
        }
        ledger.record();
        ledger.record();
        ledger.sign();
    }
    ledger
}

#[test]
fn rotation_keeps_the_chain() {
    let summary = verify(&rotated().files).unwrap();
    assert_eq!((summary.files, summary.records, summary.heads), (3, 6, 3));
}

#[test]
fn each_file_is_good_by_itself() {
    for (number, file) in rotated().files.into_iter().enumerate() {
        let summary = verify(&[file]).unwrap();
        assert_eq!((summary.records, summary.first), (2, 1 + 3 * number as u64));
    }
}

#[test]
fn a_missing_file_is_named() {
    let mut files = rotated().files;
    files.remove(1);

    let bad = verify(&files).unwrap_err();

    assert_eq!((bad.file.as_str(), bad.line, bad.n), ("file1", 1, Some(4)));
    assert_eq!(
        bad.reason,
        Reason::Missing {
            expected: 4,
            found: 7
        }
    );
}

#[test]
fn files_out_of_order_are_named() {
    let mut files = rotated().files;
    files.swap(0, 1);
    let bad = verify(&files).unwrap_err();
    assert_eq!(
        bad.reason,
        Reason::Repeated {
            expected: 7,
            found: 1
        }
    );
}

#[test]
fn a_file_that_lost_its_end_is_noticed_at_the_next() {
    let mut files = rotated().files;
    let lines: Vec<Vec<u8>> = files[0]
        .split_inclusive(|byte| *byte == b'\n')
        .map(<[u8]>::to_vec)
        .collect();
    files[0] = lines[..2].concat();

    let bad = verify(&files).unwrap_err();

    assert_eq!((bad.file.as_str(), bad.line), ("file1", 1));
    assert!(matches!(bad.reason, Reason::Missing { .. }), "{bad}");
}

#[test]
fn a_file_of_another_ledger_is_refused() {
    let mut files = rotated().files;
    let mut other = Ledger::new();
    for _ in 0..2 {
        other.record();
    }
    other.record();
    other.rotate();
    files.truncate(1);
    files.push(other.files.remove(1));

    let bad = verify(&files).unwrap_err();

    assert_eq!((bad.line, bad.reason), (1, Reason::NotLinked));
}

#[test]
fn a_torn_file_before_another_is_named() {
    let mut files = rotated().files;
    files[0].pop();
    let bad = verify(&files).unwrap_err();
    assert_eq!((bad.file.as_str(), bad.line), ("file0", 4));
    assert!(matches!(bad.reason, Reason::Torn { .. }), "{bad}");
}

#[test]
fn another_key_in_the_second_file_is_refused_unless_both_are_trusted() {
    let mut ledger = Ledger::of(3);
    ledger.key = key(2);
    ledger.rotate();
    ledger.record();
    ledger.sign();
    let trusting = |seeds: &[u8]| {
        let keys = seeds.iter().map(|seed| key(*seed).public()).collect();
        verify_by(Verifier::new().trusting(keys), &ledger.files)
    };

    let bad = verify(&ledger.files).unwrap_err();

    assert_eq!((bad.file.as_str(), bad.line), ("file1", 1));
    assert!(matches!(bad.reason, Reason::OtherKey { .. }), "{bad}");
    assert_eq!(trusting(&[1]).unwrap_err().file, "file1");
    assert_eq!(trusting(&[2]).unwrap_err().file, "file0");
    assert!(trusting(&[1, 2]).is_ok());
}
