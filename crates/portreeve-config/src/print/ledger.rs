//! `[ledger]` and `[policy.NAME]`.

use portreeve_model::plan::{LedgerMode, PolicyPlan};

use super::said::{Said, bytes};
use super::{Text, text_of};
use crate::place::quoted;
use crate::{Config, LedgerConfig, ledger};

/// `[ledger]`, if there is a ledger.
pub(super) fn section(file: &mut Text, config: &Config) {
    let Some(own) = &config.ledger else { return };
    let plain = LedgerConfig::in_state(&config.state);
    file.comment("Who served what, chained and signed");
    let mut said = Said::default();
    if own.file != plain.file {
        said.value("file", quoted(&text_of(&own.file)));
    }
    said.unless("rotate_bytes", own.rotate_bytes, plain.rotate_bytes, bytes);
    said.write_always(file, &["ledger"]);
}

/// `[policy.NAME]`, each that there is.
pub(super) fn policies(file: &mut Text, plans: &[PolicyPlan]) {
    if plans.is_empty() {
        return;
    }
    file.comment("What is to be known of single policies");
    for plan in plans {
        let mut said = Said::default();
        said.unless("ledger", plan.ledger, LedgerMode::Off, mode);
        said.write_always(file, &["policy", plan.policy.as_str()]);
    }
}

/// A mode as TOML.
pub(super) fn mode(mode: LedgerMode) -> String {
    quoted(ledger::show(mode))
}
