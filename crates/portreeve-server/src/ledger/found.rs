//! What is in the ledger's file when it is opened.

use std::io::{self, Read as _};

use portreeve_ledger::{Bad, Chain, Head, PublicKey, Reason, Verifier};

use super::files::Files;

/// What was found.
#[derive(Debug)]
pub(super) enum Found {
    /// No line yet.
    Nothing,
    /// A good ledger that goes on.
    Good(Standing),
    /// Good up to here, and then a line without its end.
    Torn {
        /// Bytes that are good.
        whole_bytes: u64,
    },
    /// Not good; where it stood when it last was.
    Bad { bad: Box<Bad>, good: Option<Standing> },
}

/// Where a file stands.
#[derive(Debug, Clone, Copy)]
pub(super) struct Standing {
    /// The `n` with which it begins.
    pub(super) first: u64,
    pub(super) chain: Chain,
    pub(super) key: Option<PublicKey>,
    /// Records after its last signed head.
    pub(super) unsigned: u64,
}

/// Reads all of the file. `kept` is the head that it should hold.
pub(super) fn look(files: &Files, kept: Option<&Head>) -> io::Result<Found> {
    let found = look_once(files, kept)?;
    if let Found::Bad { bad, .. } = &found
        && matches!(bad.reason, Reason::StartsAfterKept { .. })
    {
        tracing::warn!(%bad, "the kept head of the ledger is older than the ledger's file: whether records are missing at its end cannot be seen");
        return look_once(files, None);
    }
    Ok(found)
}

fn look_once(files: &Files, kept: Option<&Head>) -> io::Result<Found> {
    let mut verifier = Verifier::new();
    if let Some(head) = kept {
        verifier = verifier.expecting(head.clone());
    }
    let mut is_empty = true;
    let outcome = read(files, &mut verifier, &mut is_empty)?;
    if is_empty {
        return Ok(Found::Nothing);
    }
    let standing = standing(&verifier);
    let whole_bytes = verifier.so_far().whole_bytes;
    let outcome = outcome.and_then(|()| verifier.finish());
    Ok(match (outcome, standing) {
        (Ok(_), Some(standing)) => Found::Good(standing),
        (Ok(_), None) => Found::Nothing,
        (Err(bad), _) if matches!(bad.reason, Reason::Torn { .. }) => Found::Torn { whole_bytes },
        (Err(bad), good) => Found::Bad {
            bad: Box::new(bad),
            good,
        },
    })
}

fn read(files: &Files, verifier: &mut Verifier, is_empty: &mut bool) -> io::Result<Result<(), Bad>> {
    let mut file = files.reader()?;
    let mut buffer = vec![0; PIECE];
    let mut outcome = verifier.file(&files.path().display().to_string());
    while outcome.is_ok() {
        let count = file.read(&mut buffer)?;
        if count == 0 {
            break;
        }
        *is_empty = false;
        outcome = verifier.feed(&buffer[..count]);
    }
    Ok(outcome)
}

fn standing(verifier: &Verifier) -> Option<Standing> {
    let summary = verifier.so_far();
    verifier.chain().map(|chain| Standing {
        first: summary.first,
        chain,
        key: summary.key,
        unsigned: summary.unsigned,
    })
}

/// Bytes read at once.
const PIECE: usize = 256 * 1024;
