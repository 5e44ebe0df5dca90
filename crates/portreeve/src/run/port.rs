//! Where the app will be reached.

use std::io;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr, TcpListener, ToSocketAddrs, UdpSocket};

use crate::peer_address::PeerAddress;

/// The address of this machine that the proxy sees it by: the one that the way to the proxy begins at. No packet is
/// sent to find out. The loopback one if there is no way.
pub(super) fn own_address(to: &PeerAddress) -> IpAddr {
    let proxy = to.as_str().to_socket_addrs().ok().and_then(|mut all| all.next());
    proxy
        .and_then(|proxy| begin_of_way(proxy).ok())
        .unwrap_or(Ipv4Addr::LOCALHOST.into())
}

fn begin_of_way(proxy: SocketAddr) -> io::Result<IpAddr> {
    let any: IpAddr = match proxy {
        SocketAddr::V4(_) => Ipv4Addr::UNSPECIFIED.into(),
        SocketAddr::V6(_) => Ipv6Addr::UNSPECIFIED.into(),
    };
    let socket = UdpSocket::bind((any, 0))?;
    socket.connect(proxy)?;
    Ok(socket.local_addr()?.ip())
}

/// A port that nobody listens on now. Another program may take it before the app does, which the app will say then.
pub(super) fn free(own: IpAddr) -> io::Result<SocketAddr> {
    TcpListener::bind((own, 0))?.local_addr()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_way_to_this_machine_begins_at_loopback() {
        assert!(own_address(&"127.0.0.1:9".parse().unwrap()).is_loopback());
        assert!(own_address(&"no.such.name.invalid:9".parse().unwrap()).is_loopback());
    }

    #[test]
    fn a_free_port_can_be_listened_on() {
        let address = free(Ipv4Addr::LOCALHOST.into()).unwrap();
        TcpListener::bind(address).unwrap();
    }
}
