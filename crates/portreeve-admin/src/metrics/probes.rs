//! Probes.

use std::fmt;

use super::sheet::Sheet;
use crate::Registrar;

pub(super) fn write(sheet: &mut Sheet<'_>, registrar: Option<&Registrar>) -> fmt::Result {
    let totals = registrar
        .into_iter()
        .flat_map(|registrar| registrar.door().probes().totals());
    let series = totals.flat_map(|totals| {
        let outcomes = [("pass", totals.passed), ("fail", totals.failed)];
        outcomes.map(|(outcome, count)| ([("kind", totals.kind), ("outcome", outcome)], count))
    });
    sheet.counters(
        "portreeve_probes",
        "Probes that ended, by kind of check and by what came of them.",
        series,
    )
}
