//! Whatever is written is good; whatever is done to it, however the bytes come, is found.

use portreeve_ledger::{Bad, Summary, Verifier};
use proptest::prelude::*;

use crate::sample::{Ledger, verify};

/// One step of a ledger's life.
#[derive(Debug, Clone, Copy)]
enum Step {
    Record,
    Sign,
    Rotate,
}

fn steps() -> impl Strategy<Value = Vec<Step>> {
    let step = prop_oneof![6 => Just(Step::Record), 2 => Just(Step::Sign), 1 => Just(Step::Rotate)];
    proptest::collection::vec(step, 1..40)
}

fn lived(steps: &[Step]) -> Ledger {
    let mut ledger = Ledger::new();
    for step in steps {
        match step {
            Step::Record => ledger.record(),
            Step::Sign => ledger.sign(),
            Step::Rotate => ledger.rotate(),
        }
    }
    ledger
}

/// What can be done to a list of lines without the key.
#[derive(Debug, Clone, Copy)]
enum Harm {
    Remove,
    Double,
    Swap,
    Flip,
    /// A byte is taken out of a line.
    Shorten,
}

fn harm() -> impl Strategy<Value = Harm> {
    prop_oneof![
        Just(Harm::Remove),
        Just(Harm::Double),
        Just(Harm::Swap),
        Just(Harm::Flip),
        Just(Harm::Shorten)
    ]
}

/// Does it to a line that is not the last, as to remove that is to cut the end off.
fn harmed(mut lines: Vec<Vec<u8>>, harm: Harm, place: usize, byte: usize) -> Vec<Vec<u8>> {
    let place = place % (lines.len() - 1);
    let byte = byte % lines[place].len();
    match harm {
        Harm::Remove => drop(lines.remove(place)),
        Harm::Double => lines.insert(place, lines[place].clone()),
        Harm::Swap => lines.swap(place, place + 1),
        Harm::Flip => lines[place][byte] ^= 1,
        Harm::Shorten => drop(lines[place].remove(byte)),
    }
    lines
}

fn in_pieces(file: &[u8], cuts: &[usize]) -> Result<Summary, Bad> {
    let mut verifier = Verifier::new();
    verifier.file("file0")?;
    let mut rest = file;
    for cut in cuts {
        let (piece, after) = rest.split_at(cut % (rest.len() + 1));
        verifier.feed(piece)?;
        rest = after;
    }
    verifier.feed(rest)?;
    verifier.finish()
}

proptest! {
    #[test]
    fn any_life_of_a_ledger_is_good(steps in steps()) {
        let ledger = lived(&steps);
        let summary = verify(&ledger.files).unwrap();
        prop_assert_eq!(summary.records, ledger.chain.records());
        prop_assert_eq!(summary.heads, ledger.heads.len() as u64);
    }

    #[test]
    fn any_harm_to_a_file_is_found_where_it_was_done(
        records in 1_u64..20, harm in harm(), place: usize, byte: usize,
    ) {
        let lines = Ledger::of(records).lines();
        let at = place % (lines.len() - 1);
        let bad = verify(&[harmed(lines, harm, place, byte).concat()]).unwrap_err();
        // A doubled line is bad as the second of the two; so is a line whose line feed is lost.
        let line = at as u64 + 1;
        prop_assert!(bad.line == line || bad.line == line + 1, "line {} harmed: {}", line, bad);
    }

    #[test]
    fn bytes_may_come_in_any_pieces(
        records in 0_u64..12, flip: Option<usize>, cuts in proptest::collection::vec(any::<usize>(), 0..20),
    ) {
        let mut file = Ledger::of(records).files.remove(0);
        if let Some(flip) = flip {
            let length = file.len();
            file[flip % length] ^= 1;
        }
        prop_assert_eq!(in_pieces(&file, &cuts), verify(&[file]));
    }

    #[test]
    fn any_bytes_are_refused_without_panic(bytes: Vec<u8>) {
        prop_assert!(verify(&[bytes]).is_err());
    }
}
