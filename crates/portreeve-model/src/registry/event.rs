//! What happened to a member, or to a backend of the file.

use crate::address::BackendAddress;
use crate::policy::Policies;
use crate::registration::MemberKey;

/// One thing that happened to a member, or to a backend of the file: to those only [`Up`](EventKind::Up) and
/// [`Down`](EventKind::Down).
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Event {
    /// 1 for the first of the process, one more for each that follows.
    pub sequence: u64,
    /// When, in milliseconds since 1970.
    pub unix_ms: u64,
    /// To whom; a backend of the file has its label for an id.
    pub key: MemberKey,
    /// What.
    pub kind: EventKind,
    /// Where it is, or was.
    pub address: BackendAddress,
    /// What it upholds, or upheld.
    pub policies: Policies,
    /// Why, in words for people.
    pub reason: Option<String>,
}

/// What can happen to a member.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum EventKind {
    /// It joined, or came back after its lease was over.
    Registered,
    /// It registered again with another address, weight, spelling or other policies.
    Replaced,
    /// It ended as another registered at its address.
    Superseded,
    /// A probe passed, and it may be given requests unless it drains.
    Up,
    /// A probe failed, or a request could not reach it.
    Down,
    /// It gets no new requests, by its own or the operator's word.
    Draining,
    /// Nobody asks it to drain any more.
    Undrained,
    /// Its lease is over.
    Expired,
    /// Its grace is over too: its policies are no longer known by it.
    Forgotten,
    /// It left.
    Deregistered,
    /// The operator removed it, or its pool may not be joined any more.
    Removed,
    /// The token by which it registered was revoked.
    Revoked,
    /// It was there before the process started.
    Restored,
}

impl EventKind {
    /// All of them.
    pub const ALL: [Self; 13] = [
        Self::Registered,
        Self::Replaced,
        Self::Superseded,
        Self::Up,
        Self::Down,
        Self::Draining,
        Self::Undrained,
        Self::Expired,
        Self::Forgotten,
        Self::Deregistered,
        Self::Removed,
        Self::Revoked,
        Self::Restored,
    ];

    /// Its name in the API, records and metrics.
    #[must_use]
    pub fn code(self) -> &'static str {
        match self {
            Self::Registered => "registered",
            Self::Replaced => "replaced",
            Self::Superseded => "superseded",
            Self::Up => "up",
            Self::Down => "down",
            Self::Draining => "draining",
            Self::Undrained => "undrained",
            Self::Expired => "expired",
            Self::Forgotten => "forgotten",
            Self::Deregistered => "deregistered",
            Self::Removed => "removed",
            Self::Revoked => "revoked",
            Self::Restored => "restored",
        }
    }
}
