//! `[ledger]`, and whether requests are written to it.

use std::path::{Path, PathBuf};

use portreeve_model::plan::{LedgerMode, Plan};

use crate::quantity::bytes;
use crate::section::Section;
use crate::word::{self, Complaint};

/// Where the ledger is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LedgerConfig {
    /// The file that is written to; those before it lie beside it. Default `ledger.jsonl` in the folder for state.
    pub file: PathBuf,
    /// A file of so many bytes is put aside and the next one begun, 64 KiB to 1 TiB; default 256 MiB.
    pub rotate_bytes: u64,
}

impl LedgerConfig {
    /// By default, with this folder for state.
    #[must_use]
    pub fn in_state(state: &Path) -> Self {
        Self {
            file: state.join("ledger.jsonl"),
            rotate_bytes: 256 << 20,
        }
    }
}

/// Reads the section; `None` if it is not there.
pub(crate) fn read(mut section: Section<'_>, state: &Path) -> Option<LedgerConfig> {
    let is_there = !section.is_absent();
    let mut ledger = LedgerConfig::in_state(state);
    let file = section.word("file", word::path);
    section.quantity(
        "rotate_bytes",
        &bytes(64 << 10..=1_u64 << 40),
        &mut ledger.rotate_bytes,
    );
    section.finish(&[]);
    ledger.file = file.unwrap_or(ledger.file);
    is_there.then_some(ledger)
}

/// Whether any request is to be written to the ledger.
pub(crate) fn is_wanted(plan: &Plan) -> bool {
    let routes = plan.routes.iter().map(|route| route.ledger);
    let policies = plan.policies.iter().map(|policy| policy.ledger);
    routes.chain(policies).any(|mode| mode != LedgerMode::Off)
}

/// `off`, `on` or `required`.
pub(crate) fn mode(text: &str) -> Result<LedgerMode, Complaint> {
    match text {
        "off" => Ok(LedgerMode::Off),
        "on" => Ok(LedgerMode::On),
        "required" => Ok(LedgerMode::Required),
        _ => Err(Complaint::one_of(&["off", "on", "required"], text)),
    }
}

/// The word for a mode.
pub(crate) fn show(mode: LedgerMode) -> &'static str {
    match mode {
        LedgerMode::Off => "off",
        LedgerMode::On => "on",
        LedgerMode::Required => "required",
    }
}
