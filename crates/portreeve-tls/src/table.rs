//! What TLS is configured with, as of one moment.

use std::collections::HashMap;
use std::sync::Arc;

use portreeve_model::plan::Name;

use crate::listener::ListenerTls;
use crate::pool::PoolTls;

/// All of it, as of one moment; never changed, only followed by the next.
#[derive(Debug, Default)]
pub struct TlsTable {
    pub(crate) listeners: HashMap<Name, Arc<ListenerTls>>,
    pub(crate) pools: HashMap<Name, Arc<PoolTls>>,
    pub(crate) http_challenges: HashMap<Box<str>, Arc<str>>,
}

impl TlsTable {
    /// How the listener of this name speaks TLS; `None`: it does not.
    #[must_use]
    pub fn listener(&self, name: &str) -> Option<&Arc<ListenerTls>> {
        self.listeners.get(name)
    }

    /// How TLS is spoken with the backends of the pool of this name; `None`: with none of them.
    #[must_use]
    pub fn pool(&self, name: &str) -> Option<&Arc<PoolTls>> {
        self.pools.get(name)
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
}
