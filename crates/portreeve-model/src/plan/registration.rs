//! Who may register backends, and how long that counts.

use std::net::IpAddr;
use std::time::Duration;

use super::Network;

/// Who may register backends, and how many.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RegistrationPlan {
    /// Where registrations may come from; default the loopback networks.
    pub networks: Vec<Network>,
    /// Whether those that come from elsewhere than loopback need no token; default no.
    pub is_insecure: bool,
    /// Whether link-local and metadata addresses may be registered; default no.
    pub allows_link_local: bool,
    /// Registrations at once, in all; default 20,000.
    pub registrations_max: u32,
    /// Registrations at once from one address; default 1,024.
    pub per_source_max: u32,
    /// Registrations at once by one token; default 1,024.
    pub per_token_max: u32,
}

impl Default for RegistrationPlan {
    fn default() -> Self {
        let loopback = |address: IpAddr, prefix| Network { address, prefix };
        Self {
            networks: vec![
                loopback([127, 0, 0, 0].into(), 8),
                loopback(std::net::Ipv6Addr::LOCALHOST.into(), 128),
            ],
            is_insecure: false,
            allows_link_local: false,
            registrations_max: 20_000,
            per_source_max: 1_024,
            per_token_max: 1_024,
        }
    }
}

/// How long registrations in a pool count.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct MembersPlan {
    /// How long a registration that says nothing else counts without a heartbeat; default 10 s.
    pub ttl: Duration,
    /// The longest that a registration may ask for; default 1 h.
    pub ttl_max: Duration,
    /// How long an expired registration is still known (its policies too) before it is forgotten; default 60 s.
    pub grace: Duration,
}

impl Default for MembersPlan {
    fn default() -> Self {
        Self {
            ttl: Duration::from_secs(10),
            ttl_max: Duration::from_secs(3_600),
            grace: Duration::from_secs(60),
        }
    }
}
