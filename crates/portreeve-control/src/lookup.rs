//! Asking the system what a name means.

use std::future::Future;
use std::io;
use std::net::IpAddr;
use std::pin::Pin;
use std::sync::Arc;

/// What a lookup will answer.
pub(crate) type Pending = Pin<Box<dyn Future<Output = io::Result<Vec<IpAddr>>> + Send>>;

/// Turns a host name into addresses.
pub(crate) trait Lookup: Send + Sync + 'static {
    /// Begins one lookup; an empty answer counts as a failure.
    fn addresses(&self, host: Arc<str>) -> Pending;
}

/// The system's resolver (`getaddrinfo`): `/etc/hosts`, DNS, or whatever the machine is set up to ask.
pub(crate) struct SystemLookup;

impl Lookup for SystemLookup {
    fn addresses(&self, host: Arc<str>) -> Pending {
        Box::pin(async move {
            let found = tokio::net::lookup_host((&*host, 0)).await?;
            Ok(found.map(|socket| socket.ip()).collect())
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn localhost_is_a_loopback_address() {
        let found = SystemLookup.addresses("localhost".into()).await.unwrap();

        assert!(!found.is_empty());
        assert!(found.iter().all(IpAddr::is_loopback), "{found:?}");
    }
}
