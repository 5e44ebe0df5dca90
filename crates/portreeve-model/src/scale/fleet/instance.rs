//! What a driver started, as its fleet sees it.

use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use super::telling::Telling;
use crate::tick::Tick;

/// What a driver started, or was asked to start.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Instance {
    /// Under which the driver knows it and its backend registers.
    pub id: Arc<str>,
    /// What the driver itself calls it; `None`: it has not said so yet.
    pub handle: Option<String>,
    /// Where it listens, as far as the driver knows.
    pub address: Option<SocketAddr>,
    /// Where it is between its order and its end.
    pub state: InstanceState,
    /// Since when it is in this state.
    pub since: Tick,
    /// When it was ordered or found.
    pub ordered_at: Tick,
    /// How often what stood in its place had to be started again, since it had ended or hung.
    pub restarts: u32,
    /// Grows with each order: who is newer.
    pub(super) number: u64,
    /// When it served for the first time.
    pub(super) first_pass: Option<Tick>,
    /// It has served for so long that its start counts as a success.
    pub(super) is_settled: bool,
    /// It was there before us, so how long it took to start is not known.
    pub(super) is_adopted: bool,
    /// Others told it to end, so it is not asked to.
    pub(super) is_ended_by_others: bool,
    /// It drains by our own word, so we may take that back.
    pub(super) is_ours_to_recall: bool,
    /// Its drain was taken back, and that may not have come about yet.
    pub(super) is_recalled: bool,
    /// Where it was asked to listen.
    pub(super) port: Option<u16>,
    /// The driver's list has it under this id.
    pub(super) is_listed: bool,
    /// How often the driver could not start one at the port that this one is to keep.
    pub(super) refused: u8,
    /// The driver's lists that lacked it, one after the other.
    pub(super) unlisted: u8,
    /// For what its state asks for.
    pub(super) telling: Telling,
    /// For the end of its registration.
    pub(super) deregistering: Telling,
}

impl Instance {
    pub(super) fn new(id: Arc<str>, state: InstanceState, number: u64, now: Tick) -> Self {
        Self {
            id,
            handle: None,
            address: None,
            state,
            since: now,
            ordered_at: now,
            restarts: 0,
            number,
            first_pass: None,
            is_settled: false,
            is_adopted: false,
            is_ended_by_others: false,
            is_ours_to_recall: false,
            is_recalled: false,
            port: None,
            is_listed: false,
            refused: 0,
            unlisted: 0,
            telling: Telling::at(now),
            deregistering: Telling::at(now),
        }
    }

    /// It is in this state from now on, and what that asks for is told at once.
    pub(super) fn enter(&mut self, state: InstanceState, now: Tick) {
        self.state = state;
        self.since = now;
        self.telling = Telling::at(now);
    }

    pub(super) fn is_for(&self, time: Duration, now: Tick) -> bool {
        now.since(self.since) >= time
    }
}

/// Where an instance is between its order and its end.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum InstanceState {
    /// The driver is asked to start it.
    Ordered,
    /// It runs, and has not passed its first probe.
    Starting,
    /// Its backend serves.
    Serving,
    /// Its backend served, and does not now.
    Down,
    /// It gets no new requests, and finishes those that it has.
    Draining,
    /// It was asked to end.
    Stopping,
    /// It was asked in vain.
    Killing,
}

impl InstanceState {
    /// All of them, in the order of a life.
    pub const ALL: [Self; 7] = [
        Self::Ordered,
        Self::Starting,
        Self::Serving,
        Self::Down,
        Self::Draining,
        Self::Stopping,
        Self::Killing,
    ];

    /// Its name in the API, records and metrics.
    #[must_use]
    pub fn code(self) -> &'static str {
        match self {
            Self::Ordered => "ordered",
            Self::Starting => "starting",
            Self::Serving => "serving",
            Self::Down => "down",
            Self::Draining => "draining",
            Self::Stopping => "stopping",
            Self::Killing => "killing",
        }
    }

    /// Whether it counts towards the size: it serves, may come to, or may come back.
    #[must_use]
    pub fn is_staying(self) -> bool {
        matches!(self, Self::Ordered | Self::Starting | Self::Serving | Self::Down)
    }

    /// Whether it was told to end.
    #[must_use]
    pub fn is_ending(self) -> bool {
        matches!(self, Self::Stopping | Self::Killing)
    }
}

/// An instance as the driver's list has it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct FoundInstance {
    /// As it was ordered, or as others named it.
    pub id: Arc<str>,
    /// What the driver itself calls it.
    pub handle: String,
    /// Where it listens, if the driver knows.
    pub address: Option<SocketAddr>,
    /// It is on its way out, whoever wants that.
    pub is_ending: bool,
    /// For how long it has been there; `None`: unknown.
    pub age: Option<Duration>,
}

/// How many instances a fleet has in each state.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Sizes {
    /// See [`InstanceState::Ordered`].
    pub ordered: u32,
    /// See [`InstanceState::Starting`].
    pub starting: u32,
    /// See [`InstanceState::Serving`].
    pub serving: u32,
    /// See [`InstanceState::Down`].
    pub down: u32,
    /// See [`InstanceState::Draining`].
    pub draining: u32,
    /// See [`InstanceState::Stopping`] and [`InstanceState::Killing`].
    pub stopping: u32,
}

impl Sizes {
    pub(super) fn count(&mut self, state: InstanceState) {
        *match state {
            InstanceState::Ordered => &mut self.ordered,
            InstanceState::Starting => &mut self.starting,
            InstanceState::Serving => &mut self.serving,
            InstanceState::Down => &mut self.down,
            InstanceState::Draining => &mut self.draining,
            InstanceState::Stopping | InstanceState::Killing => &mut self.stopping,
        } += 1;
    }

    /// Those that serve, may come to, or may come back: what is kept at the size that is wanted.
    #[must_use]
    pub fn staying(&self) -> u32 {
        self.ordered + self.starting + self.serving + self.down
    }

    /// What may never be more than the plan's `max`: all that were not told to end.
    #[must_use]
    pub fn counted(&self) -> u32 {
        self.staying() + self.draining
    }

    /// All that there are.
    #[must_use]
    pub fn total(&self) -> u32 {
        self.counted() + self.stopping
    }
}
