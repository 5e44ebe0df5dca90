//! What TLS is configured with, as of one moment.

use std::collections::HashMap;
use std::sync::Arc;

use portreeve_model::plan::Name;

use crate::listener::ListenerTls;
use crate::pool::PoolTls;

/// All of it, as of one moment; never changed, only followed by the next. For as long as a reload is under way it has what
/// the plan before needs beside what the new one does: each request goes by what belongs to its own.
#[derive(Debug, Default)]
pub struct TlsTable {
    pub(crate) listeners: HashMap<Name, Arc<ListenerTls>>,
    pub(crate) pools: HashMap<Name, Arc<PoolTls>>,
    /// What a snapshot of the plan before may still need.
    pub(crate) former_listeners: HashMap<Name, Arc<ListenerTls>>,
    pub(crate) former_pools: HashMap<Name, Arc<PoolTls>>,
    pub(crate) http_challenges: HashMap<Box<str>, Arc<str>>,
    pub(crate) trusts_passed: u64,
}

impl TlsTable {
    /// How the listener of this name speaks TLS; `None`: it does not.
    #[must_use]
    pub fn listener(&self, name: &str) -> Option<&Arc<ListenerTls>> {
        self.listeners.get(name)
    }

    /// The same where the plan says this number ([`Trusts::stamp`](crate::Trusts::stamp)).
    #[must_use]
    pub fn listener_under(&self, name: &str, trust: u64) -> Option<&Arc<ListenerTls>> {
        let found = [self.listeners.get(name), self.former_listeners.get(name)];
        found
            .into_iter()
            .flatten()
            .find(|tls| tls.trust().number() == trust)
    }

    /// How TLS is spoken with the backends of the pool of this name; `None`: with none of them.
    #[must_use]
    pub fn pool(&self, name: &str) -> Option<&Arc<PoolTls>> {
        self.pools.get(name)
    }

    /// The same where the plan says this number.
    #[must_use]
    pub fn pool_under(&self, name: &str, trust: u64) -> Option<&Arc<PoolTls>> {
        let found = [self.pools.get(name), self.former_pools.get(name)];
        found
            .into_iter()
            .flatten()
            .find(|tls| tls.trust().number() == trust)
    }

    /// Those that speak TLS, in no order.
    pub fn listeners(&self) -> impl Iterator<Item = (&Name, &Arc<ListenerTls>)> {
        self.listeners.iter()
    }

    /// What is answered to who asks for this token of ACME's HTTP challenge (RFC 8555 section 8.3).
    #[must_use]
    pub fn http_challenge(&self, token: &str) -> Option<Arc<str>> {
        self.http_challenges.get(token).cloned()
    }

    /// How often connections that are open have lost what they stand on: whoever keeps some looks at them when this is
    /// another number.
    #[must_use]
    pub fn trusts_passed(&self) -> u64 {
        self.trusts_passed
    }
}
