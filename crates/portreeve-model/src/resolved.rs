//! What names resolve to.

use std::collections::BTreeMap;
use std::net::{IpAddr, SocketAddr};
use std::sync::Arc;

use crate::address::BackendAddress;
use crate::plan::{Target, TargetAddress};

/// What names resolve to. A name that is not there, or has no address, yields no backend.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Resolved(BTreeMap<String, Vec<IpAddr>>);

impl Resolved {
    /// Nothing resolved yet.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// Replaces what `host` resolves to. Order and repetitions do not matter.
    pub fn insert(&mut self, host: impl Into<String>, mut addresses: Vec<IpAddr>) {
        addresses
            .iter_mut()
            .for_each(|address| *address = address.to_canonical());
        addresses.sort_unstable();
        addresses.dedup();
        self.0.insert(host.into(), addresses);
    }

    /// The addresses of `host`, sorted, IPv4 first; `None` if it was never resolved.
    #[must_use]
    pub fn get(&self, host: &str) -> Option<&[IpAddr]> {
        self.0.get(host).map(Vec::as_slice)
    }

    /// The backends that a target stands for, with their labels.
    pub(crate) fn expand(&self, target: &Target) -> Vec<(Arc<str>, BackendAddress)> {
        match &target.address {
            TargetAddress::Socket(address) => vec![tcp(address.to_string(), vec![*address])],
            TargetAddress::Unix(path) => {
                let address = BackendAddress::Unix(path.clone());
                vec![(address.to_string().into(), address)]
            }
            TargetAddress::Host { host, port } => self.expand_host(host, *port),
        }
    }

    /// The k-th backend has the k-th address of each family: one backend that is reachable both ways counts once.
    fn expand_host(&self, host: &str, port: u16) -> Vec<(Arc<str>, BackendAddress)> {
        let sockets = self
            .get(host)
            .unwrap_or_default()
            .iter()
            .map(|ip| SocketAddr::new(*ip, port));
        let (v4, v6): (Vec<_>, Vec<_>) = sockets.partition(SocketAddr::is_ipv4);
        let backends: Vec<Vec<SocketAddr>> = (0..v4.len().max(v6.len()))
            .map(|place| v4.get(place).into_iter().chain(v6.get(place)).copied().collect())
            .collect();
        match <[_; 1]>::try_from(backends) {
            Ok([only]) => vec![tcp(format!("{host}:{port}"), only)],
            Err(several) => several
                .into_iter()
                .map(|one| tcp(one[0].to_string(), one))
                .collect(),
        }
    }
}

fn tcp(label: String, addresses: Vec<SocketAddr>) -> (Arc<str>, BackendAddress) {
    (label.into(), BackendAddress::Tcp(addresses))
}
