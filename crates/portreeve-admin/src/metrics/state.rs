//! The proxy's own state: its version, configuration, readiness, lost records and ledger.

use std::fmt;

use portreeve_model::Snapshot;

use super::sheet::Sheet;
use crate::{AcmeFigures, LedgerFigures, View};

pub(super) fn write(sheet: &mut Sheet<'_>, view: &View, snapshot: &Snapshot) -> fmt::Result {
    let events = view.events.totals();
    let ready = view.readiness.borrow().is_ready();
    let version = [("version", env!("CARGO_PKG_VERSION"))];
    sheet.gauges(
        "portreeve_build_info",
        "Always 1; the version is a label.",
        [(version, 1_u64)],
    )?;
    sheet.gauge(
        "portreeve_ready",
        "1 while new requests are welcome.",
        u64::from(ready),
    )?;
    sheet.gauge(
        "portreeve_config_sequence",
        "Number of the snapshot in use, from 1.",
        snapshot.sequence,
    )?;
    sheet.gauge(
        "portreeve_config_last_reload_successful",
        "1 if the last attempt to read the configuration succeeded.",
        u64::from(events.reload_succeeded),
    )?;
    sheet.gauge(
        "portreeve_config_last_reload_success_timestamp_seconds",
        "When the configuration was last read with success, since 1970.",
        events.reload_success_unix_s,
    )?;
    sheet.counters(
        "portreeve_access_records_lost",
        "Access records dropped because the writer lagged, or not written because of an error.",
        [
            ([("reason", "lagging")], events.records_dropped),
            ([("reason", "unwritten")], events.records_unwritten),
        ],
    )?;
    write_ledger(sheet, view.events.ledger())?;
    write_acme(sheet, &view.events.acme())
}

fn write_ledger(sheet: &mut Sheet<'_>, ledger: LedgerFigures) -> fmt::Result {
    sheet.counter(
        "portreeve_ledger_records_dropped",
        "Ledger records that nothing required and that were dropped because the writer lagged or the disk was full.",
        ledger.dropped,
    )?;
    sheet.gauge(
        "portreeve_ledger_required_outstanding",
        "Required ledger records that are not in the file yet, those of running requests included.",
        u64::from(ledger.outstanding),
    )?;
    sheet.gauge(
        "portreeve_ledger_failing",
        "1 while the disk takes no ledger records, and requests that require one are refused.",
        u64::from(ledger.is_failing),
    )
}

fn write_acme(sheet: &mut Sheet<'_>, acme: &AcmeFigures) -> fmt::Result {
    sheet.counters(
        "portreeve_acme_orders",
        "Orders of certificates, and attempts to open the account that failed, by what came of them.",
        acme.orders
            .iter()
            .map(|(outcome, count)| ([("outcome", *outcome)], *count)),
    )?;
    sheet.gauges(
        "portreeve_acme_certified",
        "1 while a name has a certificate by ACME.",
        acme.names
            .iter()
            .map(|(name, is_certified, _)| ([("name", name.as_str())], u64::from(*is_certified))),
    )?;
    sheet.gauges(
        "portreeve_acme_failures_in_a_row",
        "Orders for a name that brought no certificate since the last one that did.",
        acme.names
            .iter()
            .map(|(name, _, failures)| ([("name", name.as_str())], *failures)),
    )
}
