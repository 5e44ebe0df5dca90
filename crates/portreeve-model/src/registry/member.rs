//! One registered backend, as the registry knows it.

use std::net::IpAddr;
use std::sync::Arc;
use std::time::Duration;

use super::kept::Kept;
use crate::backend::Backend;
use crate::registration::{Announcement, MemberKey, Moment, Term, TokenId};
use crate::standing::Standing;

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
    /// Whether the operator drains it. Only the operator lifts that.
    pub is_drained: bool,
    /// Whether it wants no new requests by its own word.
    pub is_leaving: bool,
    pub(super) health: Health,
    /// When the word runs out, or when it is forgotten if it has; `None`: not while probes pass.
    pub(super) lease_until: Option<Duration>,
    pub(super) probe: Probe,
    pub(super) reason: Option<String>,
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

    /// Why it does not serve, in words for people: of the last probe that failed. `None` once one has passed.
    #[must_use]
    pub fn last_reason(&self) -> Option<&str> {
        self.reason.as_deref()
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
            is_drained: kept.is_drained,
            is_leaving: kept.is_leaving,
            health: Health::Unproved,
            lease_until: Some(at.since_start.saturating_add(lease)),
            probe: Probe::Due(at.since_start),
            reason: None,
            is_expired: false,
        }
    }

    /// Lets all threads see what it may be given.
    pub(super) fn show(&self) {
        self.backend.stand(match self.health {
            _ if self.is_draining() => Standing::Draining,
            Health::Unproved => Standing::Unproved,
            Health::Proved => Standing::Serving,
            Health::Down => Standing::Down,
        });
    }

    /// Whether the data plane could not reach it and nobody here has noticed yet.
    pub(super) fn is_suspected(&self) -> bool {
        self.health == Health::Proved && self.backend.standing() == Standing::Down
    }

    pub(super) fn is_kept_by_probes(&self) -> bool {
        self.announcement.term == Term::Probes
    }

    /// When the next probe is due after one was answered.
    pub(super) fn probe_after(&self, now: Duration) -> Probe {
        match (self.health, self.announcement.term) {
            (Health::Unproved | Health::Down, _) => Probe::Due(now.saturating_add(RETRY_EVERY)),
            (Health::Proved, Term::Probes) => Probe::Due(now.saturating_add(WATCH_EVERY)),
            (Health::Proved, Term::Heartbeats(_)) => Probe::Idle,
        }
    }
}

/// What probes say of a member.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Health {
    /// None has passed yet.
    Unproved,
    /// The last one passed.
    Proved,
    /// One had passed, then one failed or a request could not reach it.
    Down,
}

/// Whether a member is to be probed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Probe {
    /// Not now.
    Idle,
    /// At this time since the start.
    Due(Duration),
    /// It is on its way.
    Out,
}

impl Probe {
    pub(super) fn due(self) -> Option<Duration> {
        match self {
            Self::Due(due) => Some(due),
            Self::Idle | Self::Out => None,
        }
    }
}

/// Between two probes of a member that does not pass.
const RETRY_EVERY: Duration = Duration::from_secs(1);
/// Between two probes of a member that is kept by them.
const WATCH_EVERY: Duration = Duration::from_secs(5);
