//! What a store keeps of the registry over a restart.

use std::net::IpAddr;
use std::sync::Arc;

use crate::plan::Name;
use crate::registration::{Announcement, MemberKey, TokenId};

/// What is kept of one member.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Kept {
    /// What it said of itself.
    pub announcement: Announcement,
    /// From where.
    pub source: Option<IpAddr>,
    /// By which token.
    pub token: Option<TokenId>,
    /// Whether the operator drains it.
    pub is_drained: bool,
    /// Whether it wants no new requests by its own word.
    pub is_leaving: bool,
    /// When it joined, in milliseconds since 1970.
    pub since_unix_ms: u64,
    /// Its place in the order of registration: lower is earlier, unique among all members.
    pub place: u64,
}

/// What a store has to write down.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Change {
    /// Keep this under its key, in place of what was there.
    Put(Kept),
    /// Keep nothing of this member; nothing may be there.
    Delete(MemberKey),
    /// Keep that the backend of this name (pool; label of the file, or id) is drained.
    DrainPut(Name, Arc<str>),
    /// Keep it no longer.
    DrainDelete(Name, Arc<str>),
}
