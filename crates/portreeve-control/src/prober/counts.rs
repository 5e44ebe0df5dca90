//! How many probes passed and failed.

use std::sync::atomic::{AtomicU64, Ordering::Relaxed};

use portreeve_model::plan::Check;

/// How many probes passed and failed, by kind of check, since the start.
#[derive(Debug, Default)]
pub struct ProbeCounts {
    kinds: [[AtomicU64; 2]; KINDS],
}

/// The same as of one moment, of one kind.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct ProbeTotals {
    /// As in [`Check::code`].
    pub kind: &'static str,
    /// How many passed.
    pub passed: u64,
    /// How many did not.
    pub failed: u64,
}

impl ProbeCounts {
    pub(super) fn note(&self, check: &Check, is_good: bool) {
        self.kinds[check.kind()][usize::from(is_good)].fetch_add(1, Relaxed);
    }

    /// All kinds, those too that were never used.
    pub fn totals(&self) -> impl Iterator<Item = ProbeTotals> {
        let kinds = self.kinds.iter().zip(Check::CODES);
        kinds.map(|([failed, passed], kind)| ProbeTotals {
            kind,
            passed: passed.load(Relaxed),
            failed: failed.load(Relaxed),
        })
    }
}

const KINDS: usize = Check::CODES.len();
