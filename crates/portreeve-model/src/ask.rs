//! What a pool is asked when a backend is wanted.

use crate::tick::Tick;
use crate::tried::Tried;

/// One wish for a backend.
#[derive(Debug, Clone, Copy)]
pub struct Ask<'a> {
    /// From [`Group::key`](crate::Group::key): the hash of what consistent hashing looks at, 0 if there is none.
    pub key: u64,
    /// A fresh random number, all 64 bits; the model has no randomness of its own.
    pub dice: u64,
    /// Where this request has been already; none of these is picked again.
    pub tried: &'a Tried,
    /// When.
    pub now: Tick,
    /// Where a sticky client has been: see [`Backend::sticky_key`](crate::Backend::sticky_key).
    pub sticky: Option<u64>,
}

/// Why nobody was picked.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum NotPicked {
    /// Nobody who upholds what is demanded may serve, or all who may were tried.
    Nobody,
    /// Somebody may serve, but has as many requests in flight as he may have.
    Full,
}
