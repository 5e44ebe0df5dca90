//! Why a registration, renewal or deregistration is refused.

use std::fmt;
use std::net::{IpAddr, SocketAddr};
use std::time::Duration;

use super::address_fault::AddressFault;
use crate::plan::Name;
use crate::policy::{Policies, Policy};
use crate::registration::{MemberKey, TokenId};

/// Why a registration, renewal or deregistration is refused. Whose fault it is follows from
/// [`status`](Self::status).
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum RegistrationFault {
    /// The sender is in none of the networks from which backends may register.
    SourceNotAllowed {
        /// Where it is.
        source: IpAddr,
    },
    /// From where it is, the sender has to show a token.
    TokenNeeded {
        /// Where it is.
        source: IpAddr,
    },
    /// The token ran out.
    TokenExpired {
        /// Which one.
        token: TokenId,
    },
    /// There is no such pool.
    UnknownPool {
        /// The name that was given.
        pool: Name,
    },
    /// The pool has only the backends of the file.
    PoolNotJoinable {
        /// Which one.
        pool: Name,
    },
    /// The token is for other pools.
    PoolNotAllowed {
        /// Which token.
        token: TokenId,
        /// The pool that was asked for.
        pool: Name,
    },
    /// The id has a wrong length or form.
    BadId {
        /// How long it is.
        bytes: usize,
    },
    /// The weight is out of range.
    BadWeight {
        /// What was asked for.
        weight: u16,
    },
    /// More weight than the token allows.
    WeightNotAllowed {
        /// Which token.
        token: TokenId,
        /// What was asked for.
        weight: u16,
        /// What it allows.
        weight_max: u16,
    },
    /// More policies than one backend may uphold.
    TooManyPolicies {
        /// How many.
        policies: usize,
    },
    /// A policy that the token does not allow.
    PolicyNotAllowed {
        /// Which token.
        token: TokenId,
        /// The first one.
        policy: Policy,
    },
    /// No backend may be there.
    AddressRefused {
        /// Where.
        address: SocketAddr,
        /// Why not.
        why: AddressFault,
    },
    /// An address outside the token's networks.
    AddressNotAllowed {
        /// Which token.
        token: TokenId,
        /// What was asked for.
        address: SocketAddr,
    },
    /// Without a token a backend may register only its own address.
    AddressNotYours {
        /// Where the sender is.
        source: IpAddr,
        /// What was asked for.
        address: SocketAddr,
    },
    /// Another backend is registered at that address, and the sender has no right to take it over.
    AddressHeld {
        /// What was asked for.
        address: SocketAddr,
        /// Who is there.
        by: MemberKey,
    },
    /// The time between heartbeats is out of range.
    BadTtl {
        /// What was asked for.
        ttl: Duration,
        /// The longest that is allowed.
        ttl_max: Duration,
    },
    /// A longer time between heartbeats than the token allows.
    TtlNotAllowed {
        /// Which token.
        token: TokenId,
        /// What was asked for.
        ttl: Duration,
        /// What it allows.
        ttl_max: Duration,
    },
    /// Somebody else registered that key, by another token or from another host, and its lease is not over.
    HeldByAnother {
        /// Which one.
        key: MemberKey,
    },
    /// Nobody is registered under that key (any more).
    NotRegistered(NotRegistered),
    /// There are as many registrations as there may be.
    TooMany {
        /// Of whom.
        of: Bound,
        /// How many there may be.
        max: u32,
    },
}

impl RegistrationFault {
    /// Its name in the API and in metrics.
    #[must_use]
    pub fn code(&self) -> &'static str {
        match self {
            Self::SourceNotAllowed { .. } => "source_not_allowed",
            Self::TokenNeeded { .. } => "token_needed",
            Self::TokenExpired { .. } => "token_expired",
            Self::UnknownPool { .. } => "unknown_pool",
            Self::PoolNotJoinable { .. } => "pool_not_joinable",
            Self::PoolNotAllowed { .. } => "pool_not_allowed",
            Self::BadId { .. } => "bad_id",
            Self::BadWeight { .. } => "bad_weight",
            Self::WeightNotAllowed { .. } => "weight_not_allowed",
            Self::TooManyPolicies { .. } => "too_many_policies",
            Self::PolicyNotAllowed { .. } => "policy_not_allowed",
            Self::AddressRefused { .. } => "address_refused",
            Self::AddressNotAllowed { .. } => "address_not_allowed",
            Self::AddressNotYours { .. } => "address_not_yours",
            Self::AddressHeld { .. } => "address_held",
            Self::BadTtl { .. } => "bad_ttl",
            Self::TtlNotAllowed { .. } => "ttl_not_allowed",
            Self::HeldByAnother { .. } => "held_by_another",
            Self::NotRegistered(_) => "not_registered",
            Self::TooMany { .. } => "too_many_registrations",
        }
    }

    /// Which field of the announcement it is about, if about one.
    #[must_use]
    pub fn field(&self) -> Option<&'static str> {
        match self {
            Self::UnknownPool { .. } | Self::PoolNotJoinable { .. } | Self::PoolNotAllowed { .. } => {
                Some("pool")
            }
            Self::BadId { .. } | Self::HeldByAnother { .. } | Self::NotRegistered(_) => Some("id"),
            Self::BadWeight { .. } | Self::WeightNotAllowed { .. } => Some("weight"),
            Self::TooManyPolicies { .. } | Self::PolicyNotAllowed { .. } => Some("policies"),
            Self::AddressRefused { .. }
            | Self::AddressNotAllowed { .. }
            | Self::AddressNotYours { .. }
            | Self::AddressHeld { .. } => Some("address"),
            Self::BadTtl { .. } | Self::TtlNotAllowed { .. } => Some("ttl"),
            Self::SourceNotAllowed { .. }
            | Self::TokenNeeded { .. }
            | Self::TokenExpired { .. }
            | Self::TooMany { .. } => None,
        }
    }

    /// The HTTP status (RFC 9110 section 15.5; 429: RFC 6585 section 4): 400, 403, 404, 409 or 429.
    #[must_use]
    pub fn status(&self) -> u16 {
        match self {
            Self::BadId { .. }
            | Self::BadWeight { .. }
            | Self::TooManyPolicies { .. }
            | Self::AddressRefused { .. }
            | Self::BadTtl { .. } => 400,
            Self::SourceNotAllowed { .. }
            | Self::TokenNeeded { .. }
            | Self::TokenExpired { .. }
            | Self::PoolNotJoinable { .. }
            | Self::PoolNotAllowed { .. }
            | Self::WeightNotAllowed { .. }
            | Self::PolicyNotAllowed { .. }
            | Self::AddressNotAllowed { .. }
            | Self::AddressNotYours { .. }
            | Self::TtlNotAllowed { .. } => 403,
            Self::UnknownPool { .. } | Self::NotRegistered(_) => 404,
            Self::AddressHeld { .. } | Self::HeldByAnother { .. } => 409,
            Self::TooMany { .. } => 429,
        }
    }
}

impl fmt::Display for RegistrationFault {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::SourceNotAllowed { source } => {
                write!(out, "backends may not register from {source}: {IN_NO_NETWORK}")
            }
            Self::TokenNeeded { source } => {
                write!(out, "registering from {source} needs a token, {NOT_OURS}")
            }
            Self::TokenExpired { token } => write!(out, "the token {token} has expired; ask for a new one"),
            Self::UnknownPool { pool } => write!(out, "there is no pool {pool}"),
            Self::PoolNotJoinable { pool } => {
                write!(out, "no backend may register in the pool {pool}, {CLOSED}")
            }
            Self::PoolNotAllowed { token, pool } => write!(out, "the token {token} is not for pool {pool}"),
            Self::BadId { bytes } => {
                write!(
                    out,
                    "the id has {bytes} bytes; an id is 1 to {ID_BYTES_MAX} bytes {ID_LETTERS}"
                )
            }
            Self::BadWeight { weight } => write!(out, "the weight is {weight}; it may be 1 to {WEIGHT_MAX}"),
            Self::WeightNotAllowed {
                token,
                weight,
                weight_max,
            } => write!(
                out,
                "the weight is {weight}; the token {token} allows 1 to {weight_max}"
            ),
            Self::TooManyPolicies { policies } => {
                write!(
                    out,
                    "{policies} policies; one backend may uphold at most {POLICIES_MAX}"
                )
            }
            Self::PolicyNotAllowed { token, policy } => {
                write!(out, "the token {token} does not allow the policy {policy}")
            }
            Self::AddressRefused { address, why } => write!(out, "no backend may be at {address}: {why}"),
            Self::AddressNotAllowed { token, address } => {
                write!(out, "{address} is in no network of the token {token}, {OWN_ONLY}")
            }
            Self::AddressNotYours { source, address } => {
                write!(
                    out,
                    "without a token {source} may register only itself, not {address}"
                )
            }
            Self::AddressHeld { address, by } => write!(out, "{by} is registered at {address}; {TAKE_OVER}"),
            Self::BadTtl { ttl, ttl_max } => {
                write!(out, "the ttl is {ttl:?}; it may be {TTL_MIN:?} to {ttl_max:?}")
            }
            Self::TtlNotAllowed { token, ttl, ttl_max } => {
                write!(
                    out,
                    "the ttl is {ttl:?}; the token {token} allows at most {ttl_max:?}"
                )
            }
            Self::HeldByAnother { key } => write!(out, "{key} is held by another sender; {SAME_SENDER}"),
            Self::NotRegistered(fault) => fault.fmt(out),
            Self::TooMany { of, max } => {
                write!(out, "there are {max} registrations {of}, as many as there may be")
            }
        }
    }
}

impl std::error::Error for RegistrationFault {}

impl From<NotRegistered> for RegistrationFault {
    fn from(fault: NotRegistered) -> Self {
        Self::NotRegistered(fault)
    }
}

/// Nobody is registered under this key (any more).
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NotRegistered(
    /// The key that was asked for.
    pub MemberKey,
);

impl fmt::Display for NotRegistered {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(out, "{} is not registered", self.0)
    }
}

impl std::error::Error for NotRegistered {}

/// Whose registrations are bounded.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Bound {
    /// All of them: `registrations_max`.
    All,
    /// Those from one address: `per_source_max`.
    Source(Option<IpAddr>),
    /// Those by one token: `per_token_max`.
    Token(TokenId),
}

impl fmt::Display for Bound {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::All => out.write_str("in all"),
            Self::Source(Some(source)) => write!(out, "from {source}"),
            Self::Source(None) => out.write_str("over Unix sockets"),
            Self::Token(token) => write!(out, "by the token {token}"),
        }
    }
}

/// The longest id: a packet server's id, `@` and its policy, of 64 bytes each.
pub(super) const ID_BYTES_MAX: usize = 129;
pub(super) const WEIGHT_MAX: u16 = 1_000;
const POLICIES_MAX: usize = Policies::UPHELD_MAX;
/// The shortest time between heartbeats.
pub(super) const TTL_MIN: Duration = Duration::from_millis(100);

// The second halves of sentences, where they are long.
const IN_NO_NETWORK: &str = "it is in none of the `networks` of [registration]";
const NOT_OURS: &str = "as it is not the proxy's own host";
const CLOSED: &str = "as it has no `register` in the configuration";
const ID_LETTERS: &str = "without `/` and control characters";
const OWN_ONLY: &str = "which without networks is for the sender's own address only";
const TAKE_OVER: &str = "only that host, or the same token, may put another there";
const SAME_SENDER: &str = "the same token is needed, or where there is none, the same host or a token for all that it \
                           registered";
