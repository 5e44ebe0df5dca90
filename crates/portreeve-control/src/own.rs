//! Which addresses are our own: a backend there would have us talk to ourselves.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr, UdpSocket};

/// Where our listeners are.
#[derive(Debug, Default)]
pub(crate) struct Own {
    /// Canonical: IPv4 within IPv6 is kept as IPv4.
    listeners: Vec<SocketAddr>,
}

impl Own {
    /// Listeners as they are bound; those on a wildcard address stand for every address of this machine.
    pub(crate) fn new(listeners: Vec<SocketAddr>) -> Self {
        let listeners = listeners.into_iter().map(canonical).collect();
        Self { listeners }
    }

    /// Whether a connection to `address` would reach one of them. Asks the system about this machine's addresses only
    /// if the port is that of a wildcard listener.
    pub(crate) fn has(&self, address: SocketAddr) -> bool {
        let address = canonical(address);
        let mut at_port = self
            .listeners
            .iter()
            .filter(|listener| listener.port() == address.port());
        at_port.any(|listener| reaches(address.ip(), listener.ip()))
    }
}

fn reaches(address: IpAddr, listener: IpAddr) -> bool {
    let shares_family = address.is_ipv4() == listener.is_ipv4() || listener.is_ipv6();
    address == listener || listener.is_unspecified() && shares_family && is_local(address)
}

/// Whether an address is one of this machine. A UDP socket that is connected, which sends nothing, is given the source
/// from which the destination is reached: to one's own address that is the address itself.
fn is_local(address: IpAddr) -> bool {
    address.is_loopback() || address.is_unspecified() || source_for(address) == Some(address)
}

fn source_for(address: IpAddr) -> Option<IpAddr> {
    let any: IpAddr = match address {
        IpAddr::V4(_) => Ipv4Addr::UNSPECIFIED.into(),
        IpAddr::V6(_) => Ipv6Addr::UNSPECIFIED.into(),
    };
    let socket = UdpSocket::bind((any, 0)).ok()?;
    socket.connect((address, ANY_PORT)).ok()?;
    Some(socket.local_addr().ok()?.ip())
}

fn canonical(address: SocketAddr) -> SocketAddr {
    SocketAddr::new(address.ip().to_canonical(), address.port())
}

/// Port 0 cannot be connected to; which other one it is makes no difference.
const ANY_PORT: u16 = 9;

#[cfg(test)]
mod tests {
    use super::*;

    fn own(listeners: &[&str]) -> Own {
        Own::new(listeners.iter().map(|text| text.parse().unwrap()).collect())
    }

    fn has(own: &Own, address: &str) -> bool {
        own.has(address.parse().unwrap())
    }

    #[test]
    fn an_exact_listener_is_only_itself() {
        let own = own(&["127.0.0.1:8080", "[::1]:8443"]);
        assert!(has(&own, "127.0.0.1:8080") && has(&own, "[::1]:8443"));
        assert!(!has(&own, "127.0.0.2:8080"), "another socket may listen there");
        assert!(!has(&own, "127.0.0.1:8081") && !has(&own, "127.0.0.1:8443"));
    }

    #[test]
    fn a_wildcard_listener_is_every_loopback_address() {
        let own = own(&["0.0.0.0:8080"]);
        assert!(has(&own, "127.0.0.1:8080") && has(&own, "127.0.0.2:8080"));
        assert!(!has(&own, "127.0.0.2:8081"));
        assert!(!has(&own, "[::1]:8080"), "it takes IPv4 only");
    }

    #[test]
    fn a_wildcard_of_both_families_takes_both() {
        let own = own(&["[::]:8080"]);
        assert!(has(&own, "127.0.0.2:8080") && has(&own, "[::1]:8080"));
    }

    #[test]
    fn a_wildcard_listener_is_every_address_of_this_machine_and_no_other() {
        let own = own(&["0.0.0.0:8080"]);
        assert!(!has(&own, "192.0.2.1:8080"), "TEST-NET-1 is nobody's");
        if let Some(mine) = source_for("192.0.2.1".parse().unwrap()) {
            assert!(own.has((mine, 8080).into()), "{mine}");
        }
    }

    #[test]
    fn mapped_addresses_count_as_what_they_mean() {
        assert!(has(&own(&["127.0.0.1:80"]), "[::ffff:127.0.0.1]:80"));
        assert!(has(&own(&["[::ffff:127.0.0.1]:80"]), "127.0.0.1:80"));
    }

    #[test]
    fn without_listeners_nothing_is_ours() {
        assert!(!has(&own(&[]), "127.0.0.1:80"));
    }
}
