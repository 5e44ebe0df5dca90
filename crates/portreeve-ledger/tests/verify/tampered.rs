//! One file that is not as it was written.

use portreeve_ledger::{Chain, Hash, LINE_BYTES_MAX, Reason, Verifier};

use crate::sample::{Ledger, bad, key, noon, verify, verify_by};

#[test]
fn a_ledger_as_it_was_written_is_good() {
    let summary = verify(&Ledger::of(8).files).unwrap();

    assert_eq!((summary.records, summary.heads, summary.unsigned), (8, 2, 2));
    assert_eq!((summary.files, summary.first), (1, 1));
    assert_eq!(summary.last_head.unwrap().n, 8);
    assert_eq!(summary.key, Some(key(1).public()));
}

#[test]
fn every_flipped_byte_is_found() {
    let file = &Ledger::of(4).files[0];
    for index in 0..file.len() {
        for bit in 0..8 {
            let mut flipped = file.clone();
            flipped[index] ^= 1 << bit;
            assert!(verify(&[flipped]).is_err(), "byte {index}, bit {bit}");
        }
    }
}

#[test]
fn an_altered_record_is_named() {
    let mut lines = Ledger::of(8).lines();
    let text = String::from_utf8(lines[2].clone()).unwrap();
    lines[2] = text.replace("[\"eu\"]", "[\"us\"]").into_bytes();

    assert_eq!(bad(&lines), (3, Some(2), Reason::Chain));
}

/// Who alters a record and mends its link has to mend all links after it, up to a signature that he cannot make.
#[test]
fn a_record_altered_with_its_links_mended_fails_at_the_next_signature() {
    let good = Ledger::of(4);
    let mut lines = good.lines();
    let mut chain = Chain::default();
    let mut forged = Vec::new();
    chain.header(&good.key.public(), noon(), &mut forged);
    for _ in 0..3 {
        chain
            .append(b"{\"at\":\"x\",\"policy\":[\"us\"]}", &mut forged)
            .unwrap();
    }
    let stolen = lines.remove(4);
    forged.extend(relinked(&stolen, &chain.hash()));

    let found = verify(&[forged]).unwrap_err();

    assert_eq!(
        (found.line, found.n, found.reason),
        (5, Some(4), Reason::Signature)
    );
}

/// The head's own time and count are signed too, although its link is not.
#[test]
fn the_last_head_cannot_be_given_another_time() {
    let mut lines = Ledger::of(3).lines();
    let Some(Ok(head)) = lines.last().map(|line| String::from_utf8(line.clone())) else {
        panic!("a head")
    };
    let before = &lines[lines.len() - 2];
    let previous: Hash = chain_of(before).parse().unwrap();
    let later = head.replace("12:00", "13:00");
    assert_ne!(head, later);
    *lines.last_mut().unwrap() = relinked(later.as_bytes(), &previous);

    assert_eq!(bad(&lines), (5, Some(4), Reason::Signature));
}

#[test]
fn a_removed_record_is_named() {
    let mut lines = Ledger::of(8).lines();
    lines.remove(2);

    let reason = Reason::Missing {
        expected: 2,
        found: 3,
    };
    assert_eq!(bad(&lines), (3, Some(2), reason));
}

#[test]
fn a_removed_first_line_is_named() {
    let mut lines = Ledger::of(8).lines();
    lines.remove(0);
    assert_eq!(bad(&lines), (1, None, Reason::NoHeader));
}

#[test]
fn reordered_records_are_named() {
    let mut lines = Ledger::of(8).lines();
    lines.swap(1, 2);

    let reason = Reason::Missing {
        expected: 1,
        found: 2,
    };
    assert_eq!(bad(&lines), (2, Some(1), reason));
}

#[test]
fn a_doubled_record_is_named() {
    let mut lines = Ledger::of(8).lines();
    lines.insert(3, lines[2].clone());

    let reason = Reason::Repeated {
        expected: 3,
        found: 2,
    };
    assert_eq!(bad(&lines), (4, Some(3), reason));
}

#[test]
fn a_torn_last_line_is_named() {
    let mut lines = Ledger::of(8).lines();
    let last = lines.last_mut().unwrap();
    last.truncate(10);

    assert_eq!(bad(&lines), (11, Some(10), Reason::Torn { bytes: 10 }));
}

#[test]
fn a_line_that_is_no_json_is_named() {
    let mut lines = Ledger::of(8).lines();
    lines[4] = b"what is this?\n".to_vec();

    let (line, n, reason) = bad(&lines);

    assert_eq!((line, n), (5, Some(4)));
    assert!(matches!(reason, Reason::NotJson(_)), "{reason:?}");
}

#[test]
fn a_member_that_is_there_twice_is_refused() {
    let mut ledger = Ledger::new();
    let file = &mut ledger.files[0];
    ledger.chain.append(b"{\"n\":7,\"a\":1}", file).unwrap();

    let (line, _, reason) = bad(&ledger.lines());

    assert_eq!(line, 2);
    assert!(reason.to_string().contains("duplicate field `n`"), "{reason}");
}

#[test]
fn a_huge_line_is_refused_while_it_comes() {
    let mut verifier = Verifier::new();
    verifier.file("huge").unwrap();
    verifier.feed(&Ledger::new().files[0]).unwrap();
    let piece = [b'x'; 1024];
    let fed = (0..).find(|_| verifier.feed(&piece).is_err()).unwrap();

    assert_eq!(fed, LINE_BYTES_MAX / piece.len());
    assert!(verifier.is_mid_line());
}

#[test]
fn a_huge_line_in_one_piece_is_refused() {
    let mut file = Ledger::new().files.remove(0);
    file.extend(vec![b'x'; 2 * LINE_BYTES_MAX]);
    file.push(b'\n');
    assert_eq!(verify(&[file]).unwrap_err().reason, Reason::TooLong);
}

#[test]
fn nothing_is_no_ledger() {
    assert_eq!(verify(&[Vec::new()]).unwrap_err().reason, Reason::NoHeader);
    assert_eq!(verify(&[b"\n".to_vec()]).unwrap_err().reason, Reason::NoHeader);
}

#[test]
fn a_format_to_come_is_named_as_such() {
    let mut lines = Ledger::of(1).lines();
    let text = String::from_utf8(lines[0].clone()).unwrap();
    lines[0] = text.replace("\"ledger\":1", "\"ledger\":2").into_bytes();
    assert_eq!(bad(&lines).2, Reason::Version(2));
}

#[test]
fn a_ledger_signed_by_another_key_than_the_trusted_one_is_refused() {
    let files = Ledger::of(8).files;
    let by = |seed| verify_by(Verifier::new().trusting(vec![key(seed).public()]), &files);

    assert!(by(1).is_ok());
    let bad = by(2).unwrap_err();
    assert_eq!((bad.line, bad.n), (1, None));
    assert!(matches!(bad.reason, Reason::OtherKey { .. }), "{bad}");
}

#[test]
fn a_head_signed_by_another_key_than_the_files_is_refused() {
    let mut ledger = Ledger::of(1);
    ledger.key = key(2);
    ledger.sign();
    assert_eq!(bad(&ledger.lines()), (3, Some(2), Reason::Signature));
}

#[test]
fn a_message_names_file_line_and_number() {
    let mut lines = Ledger::of(8).lines();
    lines.drain(2..4);
    let message = verify(&[lines.concat()]).unwrap_err().to_string();
    assert_eq!(
        message,
        "file0:3: n 2: it has n 4 where 2 must follow: 2 lines are missing before it"
    );
}

fn chain_of(line: &[u8]) -> String {
    let text = std::str::from_utf8(line).unwrap();
    let (_, end) = text.rsplit_once("\"chain\":\"").unwrap();
    end.trim_end_matches("\"}\n").to_owned()
}

/// The line with the link that it needs after `previous`: what anybody can compute.
fn relinked(line: &[u8], previous: &Hash) -> Vec<u8> {
    let text = std::str::from_utf8(line).unwrap();
    let (hashed, _) = text.rsplit_once(",\"chain\":").unwrap();
    let link = previous.then(hashed.as_bytes());
    format!("{hashed},\"chain\":\"{link}\"}}\n").into_bytes()
}
