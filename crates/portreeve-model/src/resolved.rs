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

#[cfg(test)]
mod tests {
    use super::*;
    use crate::samples::{named_target, target};

    fn expanded(addresses: &[&str]) -> Vec<(String, String)> {
        let mut resolved = Resolved::new();
        resolved.insert(
            "app",
            addresses.iter().map(|address| address.parse().unwrap()).collect(),
        );
        expanded_by(&resolved)
    }

    fn expanded_by(resolved: &Resolved) -> Vec<(String, String)> {
        let backends = resolved.expand(&named_target("app", 80)).into_iter();
        backends
            .map(|(label, address)| (label.to_string(), address.to_string()))
            .collect()
    }

    fn pairs<const N: usize>(wanted: [(&str, &str); N]) -> Vec<(String, String)> {
        wanted
            .map(|(label, address)| (label.to_owned(), address.to_owned()))
            .to_vec()
    }

    #[test]
    fn localhost_is_one_backend_with_two_addresses() {
        assert_eq!(
            expanded(&["::1", "127.0.0.1"]),
            pairs([("app:80", "127.0.0.1:80, [::1]:80")])
        );
    }

    #[test]
    fn three_addresses_are_three_backends_in_sorted_order() {
        let wanted = ["10.0.0.1:80", "10.0.0.2:80", "10.0.0.10:80"].map(|address| (address, address));
        assert_eq!(expanded(&["10.0.0.10", "10.0.0.2", "10.0.0.1"]), pairs(wanted));
    }

    #[test]
    fn families_are_paired_and_the_rest_stands_alone() {
        let wanted = [
            ("10.0.0.1:80", "10.0.0.1:80, [fd00::1]:80"),
            ("10.0.0.2:80", "10.0.0.2:80"),
        ];
        assert_eq!(expanded(&["fd00::1", "10.0.0.2", "10.0.0.1"]), pairs(wanted));
        let wanted = [("[fd00::1]:80", "[fd00::1]:80"), ("[fd00::2]:80", "[fd00::2]:80")];
        assert_eq!(expanded(&["fd00::2", "fd00::1"]), pairs(wanted));
    }

    #[test]
    fn repetitions_and_mapped_addresses_count_once() {
        assert_eq!(
            expanded(&["10.0.0.1", "::ffff:10.0.0.1", "10.0.0.1"]),
            pairs([("app:80", "10.0.0.1:80")])
        );
    }

    #[test]
    fn a_name_without_an_answer_yields_no_backend() {
        assert!(expanded_by(&Resolved::new()).is_empty());
        assert!(expanded(&[]).is_empty());
    }

    #[test]
    fn the_order_of_an_answer_makes_no_difference() {
        let answer = |addresses: [&str; 2]| {
            let mut resolved = Resolved::new();
            resolved.insert("app", addresses.map(|address| address.parse().unwrap()).to_vec());
            resolved
        };
        assert_eq!(answer(["10.0.0.1", "10.0.0.2"]), answer(["10.0.0.2", "10.0.0.1"]));
        assert_eq!(answer(["10.0.0.1", "10.0.0.2"]).get("app").unwrap().len(), 2);
        assert_eq!(answer(["10.0.0.1", "10.0.0.2"]).get("other"), None);
    }

    #[test]
    fn addresses_and_socket_paths_need_no_answer() {
        let resolved = Resolved::new();
        assert_eq!(&*resolved.expand(&target(7, 1))[0].0, "10.0.0.1:7");
        let unix = Target::new(TargetAddress::Unix("/run/app".into()));
        assert_eq!(&*resolved.expand(&unix)[0].0, "unix:/run/app");
    }
}
