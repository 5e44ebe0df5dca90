//! One registered backend, as the registry knows it.

use std::net::IpAddr;
use std::sync::Arc;
use std::time::Duration;

use super::kept::Kept;
use crate::backend::Backend;
use crate::health::Health;
use crate::registration::{Announcement, Beat, MemberKey, Moment, Term, TokenId};
use crate::report::Report;
use crate::standing::Standing;
use crate::tick::Tick;

/// One registered backend, as the registry knows it.
#[derive(Debug)]
pub struct Member {
    /// What requests are given to; another one after each replacement.
    pub backend: Arc<Backend>,
    /// What it said of itself.
    pub announcement: Announcement,
    /// From where it registered; `None` over a Unix socket.
    pub source: Option<IpAddr>,
    /// By which token.
    pub token: Option<TokenId>,
    /// When it joined, in milliseconds since 1970.
    pub since_unix_ms: u64,
    /// Its place in the order of registration: lower is earlier, unique among all members.
    pub place: u64,
    /// How busy it said it is, 0 to 1.
    pub load: Option<f32>,
    /// How many requests it said it has in flight.
    pub in_flight: Option<u32>,
    /// Which version of itself it said it is.
    pub version: Option<Arc<str>>,
    /// Whether the operator drains it. Only the operator lifts that.
    pub is_drained: bool,
    /// Whether it wants no new requests by its own word.
    pub is_leaving: bool,
    pub(super) health: Health,
    /// When the word runs out, or when it is forgotten if it has; `None`: not while probes pass.
    pub(super) lease_until: Option<Duration>,
    /// The lease is over; all that is left is the memory.
    pub(super) is_expired: bool,
}

impl Member {
    /// By what it is known.
    #[must_use]
    pub fn key(&self) -> &MemberKey {
        &self.announcement.key
    }

    /// Whether it gets no new requests by the operator's or its own word.
    #[must_use]
    pub fn is_draining(&self) -> bool {
        self.is_drained || self.is_leaving
    }

    /// What its backend may be given now.
    #[must_use]
    pub fn standing(&self) -> Standing {
        self.backend.standing()
    }

    /// How long until its lease is over unless it is renewed; `None`: it counts as long as probes pass.
    #[must_use]
    pub fn expires_in(&self, now: Moment) -> Option<Duration> {
        self.lease_until
            .map(|until| until.saturating_sub(now.since_start))
    }

    /// Why it does not serve, or soon may not, in words for people: of the last probe that failed. `None` once it passes.
    #[must_use]
    pub fn last_reason(&self) -> Option<&str> {
        self.health.reason()
    }

    /// What a store keeps of it.
    #[must_use]
    pub fn kept(&self) -> Kept {
        Kept {
            announcement: self.announcement.clone(),
            source: self.source,
            token: self.token.clone(),
            is_drained: self.is_drained,
            is_leaving: self.is_leaving,
            since_unix_ms: self.since_unix_ms,
            place: self.place,
        }
    }

    /// One that was kept, or joins: no probe has passed, and one is due now.
    pub(super) fn unproved(kept: Kept, lease: Duration, at: Moment) -> Self {
        Self {
            backend: Arc::new(Backend::registered(&kept.announcement)),
            announcement: kept.announcement,
            source: kept.source,
            token: kept.token,
            since_unix_ms: kept.since_unix_ms,
            place: kept.place,
            load: None,
            in_flight: None,
            version: None,
            is_drained: kept.is_drained,
            is_leaving: kept.is_leaving,
            health: Health::unproved(at.since_start),
            lease_until: Some(at.since_start.saturating_add(lease)),
            is_expired: false,
        }
    }

    /// Takes in what a heartbeat carries; what it does not say stays.
    pub(super) fn hear(&mut self, beat: Beat, at: Moment) {
        let report = Report {
            load: beat
                .load
                .filter(|load| load.is_finite())
                .map(|load| load.clamp(0.0, 1.0)),
            in_flight: beat.in_flight,
        };
        self.backend.report(report, Tick::after_start(at.since_start));
        self.load = report.load.or(self.load);
        self.in_flight = report.in_flight.or(self.in_flight);
        let is_short = |version: &Arc<str>| version.len() <= Beat::VERSION_BYTES_MAX;
        self.version = beat.version.filter(is_short).or_else(|| self.version.take());
    }

    /// Lets all threads see what it may be given.
    pub(super) fn show(&self) {
        self.backend.stand(match self.is_draining() {
            true => Standing::Draining,
            false => self.health.standing(),
        });
    }

    /// Whether the data plane could not reach it and nobody here has noticed yet.
    pub(super) fn is_suspected(&self) -> bool {
        self.health.is_suspected(self.backend.standing())
    }

    pub(super) fn is_kept_by_probes(&self) -> bool {
        self.announcement.term == Term::Probes
    }
}
