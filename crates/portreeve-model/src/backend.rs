//! One server of a pool.

mod room;

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering::Relaxed};

use crate::address::BackendAddress;
use crate::digest::digest;
use crate::gate::Gate;
use crate::plan::{Name, Scheme};
use crate::policy::Policies;
use crate::registration::Announcement;
use crate::report::LastReport;
use crate::standing::{SharedStanding, Standing};
use crate::tick::Tick;
use crate::vitals::Vitals;
use crate::warmth::Warmth;

/// A backend's number: unique for the life of the process, never reused, from 1 up.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct BackendId(u64);

impl BackendId {
    /// What fills the empty places of a [`Tried`](crate::Tried); no backend has it.
    pub(crate) const NOBODY: Self = Self(0);

    /// The bare number.
    #[must_use]
    pub fn get(self) -> u64 {
        self.0
    }

    fn next() -> Self {
        static LAST: AtomicU64 = AtomicU64::new(0);
        Self(LAST.fetch_add(1, Relaxed) + 1)
    }
}

/// One server of a pool. All of it stays as it was made but for its standing, its room and its vitals: a server that
/// changes its address, policies or weight is another backend with another number.
#[derive(Debug)]
pub struct Backend {
    /// Its number.
    pub id: BackendId,
    /// As configured, or `ip:port` where one name means several backends; the id of one that registered.
    pub label: Arc<str>,
    /// Where it is.
    pub address: BackendAddress,
    /// Its share under weighted balancing, 1 to 1,000.
    pub weight: u16,
    /// What it upholds.
    pub policies: Policies,
    /// Where it is; `None`: anywhere.
    pub zone: Option<Name>,
    /// Whether it serves only while no other may.
    pub is_backup: bool,
    /// What is spoken with it, as the file says; of one that registered, its pool knows: [`Pool::scheme_of`](crate::Pool::scheme_of).
    pub scheme: Scheme,
    /// Its host as the file names it, which a certificate has to be for; `None`: an address.
    pub host: Option<Arc<str>>,
    /// Whether it registered itself; else it stands in the file.
    pub is_registered: bool,
    /// A packet server that wants `type` as text.
    pub spells_types_as_text: bool,
    standing: SharedStanding,
    is_retired: AtomicBool,
    gate: Gate,
    warmth: Warmth,
    report: LastReport,
    /// How it does.
    pub vitals: Vitals,
}

impl Backend {
    /// A backend of the file, with a number of its own, that has carried nothing yet. It serves from the start.
    #[must_use]
    pub fn new(label: Arc<str>, address: BackendAddress, weight: u16, policies: Policies) -> Self {
        Self {
            id: BackendId::next(),
            label,
            address,
            weight,
            policies,
            zone: None,
            is_backup: false,
            scheme: Scheme::default(),
            host: None,
            is_registered: false,
            spells_types_as_text: false,
            standing: SharedStanding::new(Standing::Serving),
            is_retired: AtomicBool::new(false),
            gate: Gate::default(),
            warmth: Warmth::default(),
            report: LastReport::default(),
            vitals: Vitals::default(),
        }
    }

    /// A backend that registered itself, with a number of its own. It serves after its first pass.
    #[must_use]
    pub fn registered(announcement: &Announcement) -> Self {
        let address = BackendAddress::Tcp(vec![announcement.address]);
        let label = Arc::clone(&announcement.key.id);
        Self {
            is_registered: true,
            spells_types_as_text: announcement.spells_types_as_text,
            zone: announcement.zone.clone(),
            is_backup: announcement.is_backup,
            standing: SharedStanding::new(Standing::Unproved),
            ..Self::new(label, address, announcement.weight, announcement.policies.clone())
        }
    }

    /// The same in that zone, and perhaps as a backup.
    #[must_use]
    pub fn placed(self, zone: Option<Name>, is_backup: bool) -> Self {
        Self {
            zone,
            is_backup,
            ..self
        }
    }

    /// The same, with which that is spoken, and which has that host.
    #[must_use]
    pub fn speaking(self, scheme: Scheme, host: Option<Arc<str>>) -> Self {
        Self { scheme, host, ..self }
    }

    /// What tells a sticky client's backend from others: the same in every process and after every restart, as long as
    /// label and address stay.
    #[must_use]
    pub fn sticky_key(&self) -> u64 {
        digest(format!("{}\n{}", self.label, self.address).as_bytes())
    }

    /// Whether it may be given requests, as of now: not as of a snapshot.
    #[must_use]
    pub fn standing(&self) -> Standing {
        self.standing.get()
    }

    /// Whether a request that demands `demanded` may meet it now. What is asked last before the first byte goes out.
    #[must_use]
    pub fn may_serve(&self, demanded: &Policies) -> bool {
        self.standing.is_serving() && self.policies.uphold(demanded)
    }

    /// For the one writer: what it may do from now on, seen by all threads at once. Nothing follows
    /// [`Standing::Gone`].
    pub fn stand(&self, standing: Standing) {
        if self.standing.set(standing) {
            self.warmth.reset();
        }
    }

    /// For the one writer: no snapshot that follows has it, so connections to it need not be kept.
    pub(crate) fn retire(&self) {
        self.is_retired.store(true, Relaxed);
    }

    /// Whether no connection to it need be kept, as nobody new will ask for one.
    #[must_use]
    pub fn is_retired(&self) -> bool {
        self.is_retired.load(Relaxed) || self.standing() == Standing::Gone
    }

    /// For the data plane: a backend that cannot be reached gets no more requests until a probe passes. Whether this
    /// call was the first to say so.
    pub fn suspect(&self) -> bool {
        self.standing.suspect()
    }

    /// Counts a request in; how many are in flight with it.
    pub(crate) fn begin(&self, now: Tick) -> u32 {
        self.vitals.begin(now)
    }

    /// Counts a request out.
    pub(crate) fn end(&self, is_answered: bool) {
        self.vitals.end(is_answered);
    }

    /// Leases that are held now.
    #[must_use]
    pub fn in_flight(&self) -> u32 {
        self.vitals.in_flight()
    }

    /// Which of the alternatives in `address` worked last; always a valid place among them.
    #[must_use]
    pub fn preferred(&self) -> usize {
        self.vitals.preferred.load(Relaxed)
    }

    /// Remembers that alternative `place` worked; a place that does not exist changes nothing.
    pub fn prefer(&self, place: usize) {
        if place < self.address.alternatives() {
            self.vitals.preferred.store(place, Relaxed);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn local() -> Backend {
        let addresses = ["127.0.0.1:80", "[::1]:80"].map(|address| address.parse().unwrap());
        Backend::new(
            "localhost:80".into(),
            BackendAddress::Tcp(addresses.to_vec()),
            1,
            Policies::none(),
        )
    }

    #[test]
    fn no_two_backends_have_the_same_number() {
        let (one, other) = (local(), local());
        assert!(other.id > one.id);
        assert!(one.id > BackendId::NOBODY);
    }

    #[test]
    fn only_an_existing_alternative_can_be_preferred() {
        let backend = local();
        backend.prefer(1);
        assert_eq!(backend.preferred(), 1);
        backend.prefer(2);
        assert_eq!(backend.preferred(), 1);
    }

    #[test]
    fn connects_and_failures_are_counted_apart() {
        let backend = local();
        backend.vitals.note_connect();
        backend.vitals.note_connect();
        backend.vitals.note_failure();
        assert_eq!(
            (backend.vitals.connects_total(), backend.vitals.failures_total()),
            (2, 1)
        );
    }
}
