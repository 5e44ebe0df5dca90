//! What happened in the process that no snapshot tells: reloads, lost access records, the state of the ledger.

use std::fmt;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering::Relaxed};
use std::sync::{Arc, OnceLock};
use std::time::{SystemTime, UNIX_EPOCH};

use crate::CertificateFigures;

/// Counters that the server raises and `/metrics` shows.
#[derive(Debug, Default)]
pub struct Events {
    records_dropped: Arc<AtomicU64>,
    records_unwritten: AtomicU64,
    reload_failed: AtomicBool,
    reload_success: AtomicU64,
    ledger: OnceLock<Look<LedgerFigures>>,
    acme: OnceLock<Look<AcmeFigures>>,
    certificates: OnceLock<Look<Vec<CertificateFigures>>>,
}

/// The ledger's figures at one moment.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct LedgerFigures {
    /// Records and events that were dropped, since nothing required them and the writer or the disk took them not.
    pub dropped: u64,
    /// Required records that are not in the file yet, those of running requests included.
    pub outstanding: u32,
    /// Whether the disk takes no records at the moment.
    pub is_failing: bool,
}

/// How it is with the names that are certified by ACME, at one moment.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct AcmeFigures {
    /// Orders so far, by what came of them.
    pub orders: Vec<(&'static str, u64)>,
    /// Each name, whether it has a certificate, and how many orders in a row brought none.
    pub names: Vec<(String, bool, u64)>,
}

/// Looks figures up.
struct Look<T>(Box<dyn Fn() -> T + Send + Sync>);

impl<T> fmt::Debug for Look<T> {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.write_str("Look(…)")
    }
}

impl Events {
    /// Nothing happened yet, and the configuration was read just now.
    #[must_use]
    pub fn new(now: SystemTime) -> Self {
        let events = Self::default();
        events.reloaded(now);
        events
    }

    /// The count of access records that the data plane dropped because the writer lagged; whoever drops raises it.
    #[must_use]
    pub fn records_dropped(&self) -> Arc<AtomicU64> {
        Arc::clone(&self.records_dropped)
    }

    /// So many access records could not be written to their file.
    pub fn records_unwritten(&self, count: u64) {
        self.records_unwritten.fetch_add(count, Relaxed);
    }

    /// How many so far.
    #[must_use]
    pub fn records_unwritten_so_far(&self) -> u64 {
        self.records_unwritten.load(Relaxed)
    }

    /// A configuration was applied.
    pub fn reloaded(&self, now: SystemTime) {
        let seconds = now.duration_since(UNIX_EPOCH).unwrap_or_default().as_secs();
        self.reload_success.store(seconds, Relaxed);
        self.reload_failed.store(false, Relaxed);
    }

    /// A configuration was refused; the one before it stays in use.
    pub fn reload_refused(&self) {
        self.reload_failed.store(true, Relaxed);
    }

    /// There is a ledger, and this says how it is. Only the first call counts.
    pub fn watch_ledger(&self, look: impl Fn() -> LedgerFigures + Send + Sync + 'static) {
        let _ = self.ledger.set(Look(Box::new(look)));
    }

    /// Names are certified by ACME, and this says how it goes. Only the first call counts.
    pub fn watch_acme(&self, look: impl Fn() -> AcmeFigures + Send + Sync + 'static) {
        let _ = self.acme.set(Look(Box::new(look)));
    }

    /// Listeners show certificates, and this says which. Only the first call counts.
    pub fn watch_certificates(&self, look: impl Fn() -> Vec<CertificateFigures> + Send + Sync + 'static) {
        let _ = self.certificates.set(Look(Box::new(look)));
    }

    /// Empty where no listener shows one.
    pub(crate) fn certificates(&self) -> Vec<CertificateFigures> {
        self.certificates
            .get()
            .map(|Look(look)| look())
            .unwrap_or_default()
    }

    /// Empty where nothing is certified.
    pub(crate) fn acme(&self) -> AcmeFigures {
        self.acme.get().map(|Look(look)| look()).unwrap_or_default()
    }

    /// All zero where there is no ledger.
    pub(crate) fn ledger(&self) -> LedgerFigures {
        self.ledger.get().map(|Look(look)| look()).unwrap_or_default()
    }

    pub(crate) fn totals(&self) -> EventTotals {
        EventTotals {
            records_dropped: self.records_dropped.load(Relaxed),
            records_unwritten: self.records_unwritten_so_far(),
            reload_succeeded: !self.reload_failed.load(Relaxed),
            reload_success_unix_s: self.reload_success.load(Relaxed),
        }
    }
}

/// The counters at one moment.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct EventTotals {
    pub(crate) records_dropped: u64,
    pub(crate) records_unwritten: u64,
    /// Whether the last attempt to reload succeeded; true before the first.
    pub(crate) reload_succeeded: bool,
    /// Seconds since 1970 of the last success.
    pub(crate) reload_success_unix_s: u64,
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::time::Duration;

    #[test]
    fn a_refused_reload_keeps_the_time_of_the_last_success() {
        let events = Events::new(UNIX_EPOCH + Duration::from_secs(7));

        events.reload_refused();

        assert!(!events.totals().reload_succeeded);
        assert_eq!(events.totals().reload_success_unix_s, 7);
    }

    #[test]
    fn a_good_reload_makes_up_for_a_refused_one() {
        let events = Events::new(UNIX_EPOCH);
        events.reload_refused();

        events.reloaded(UNIX_EPOCH + Duration::from_secs(9));

        assert!(events.totals().reload_succeeded);
        assert_eq!(events.totals().reload_success_unix_s, 9);
    }
}
