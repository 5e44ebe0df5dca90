//! Addresses at which no backend may be.

use std::fmt;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr, SocketAddrV6};

/// Why no backend may be at an address, whoever says so.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum AddressFault {
    /// Port 0 is nowhere.
    PortZero,
    /// `0.0.0.0/8` and `::` say "this host" or nothing.
    Unspecified,
    /// One of many hosts at once.
    Multicast,
    /// All hosts at once.
    Broadcast,
    /// `169.254.0.0/16` and `fe80::/10`, where the plan does not allow them.
    LinkLocal,
    /// Where clouds tell a machine its secrets, where the plan does not allow it.
    Metadata,
    /// The proxy's own host, said from elsewhere by a token that does not name it.
    Loopback,
}

impl AddressFault {
    /// What is wrong with an address in its canonical form. Loopback depends on who says it, and is not looked at here.
    pub(super) fn of(address: SocketAddr, allows_link_local: bool) -> Option<Self> {
        let ip = address.ip();
        match ip {
            _ if address.port() == 0 => Some(Self::PortZero),
            _ if is_unspecified(ip) => Some(Self::Unspecified),
            _ if ip.is_multicast() => Some(Self::Multicast),
            IpAddr::V4(Ipv4Addr::BROADCAST) => Some(Self::Broadcast),
            _ if allows_link_local => None,
            _ if is_metadata(ip) => Some(Self::Metadata),
            _ if is_link_local(ip) => Some(Self::LinkLocal),
            _ => None,
        }
    }
}

impl fmt::Display for AddressFault {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.write_str(match self {
            Self::PortZero => "its port is 0; a port is 1 to 65535",
            Self::Unspecified => "it names no host; the address must be one that the proxy can connect to",
            Self::Multicast => "it is a multicast address; the address must be that of one host",
            Self::Broadcast => "it is the broadcast address; the address must be that of one host",
            Self::LinkLocal => {
                "link-local addresses are refused unless `link_local = true` in [registration]"
            }
            Self::Metadata => {
                "addresses of cloud metadata are refused unless `link_local = true` in [registration]"
            }
            Self::Loopback => {
                "the proxy's own host may be named only from there, or by a token whose networks have it"
            }
        })
    }
}

/// The one form of an address: IPv4 within IPv6 as IPv4, no flow, and a scope only where one is needed.
pub(super) fn canonical(address: SocketAddr) -> SocketAddr {
    match (address.ip().to_canonical(), address) {
        (IpAddr::V6(ip), SocketAddr::V6(said)) if ip.is_unicast_link_local() => {
            SocketAddrV6::new(ip, said.port(), 0, said.scope_id()).into()
        }
        (ip, _) => SocketAddr::new(ip, address.port()),
    }
}

/// The one form of a source: all loopback addresses are one host.
pub(super) fn canonical_source(source: IpAddr) -> IpAddr {
    match source.to_canonical() {
        ip if ip.is_loopback() => Ipv4Addr::LOCALHOST.into(),
        ip => ip,
    }
}

fn is_unspecified(ip: IpAddr) -> bool {
    match ip {
        IpAddr::V4(ip) => ip.octets()[0] == 0,
        IpAddr::V6(ip) => ip.is_unspecified(),
    }
}

fn is_link_local(ip: IpAddr) -> bool {
    match ip {
        IpAddr::V4(ip) => ip.is_link_local(),
        IpAddr::V6(ip) => ip.is_unicast_link_local(),
    }
}

fn is_metadata(ip: IpAddr) -> bool {
    match ip {
        IpAddr::V4(ip) => METADATA_V4.contains(&ip),
        IpAddr::V6(ip) => {
            METADATA_V6.contains(&ip) || translated(ip).is_some_and(|ip| METADATA_V4.contains(&ip))
        }
    }
}

/// The IPv4 address to which a translator on the way sends what is for this one: NAT64 (`64:ff9b::/96`, RFC 6052) or
/// 6to4 (`2002::/16`, RFC 3056).
fn translated(ip: Ipv6Addr) -> Option<Ipv4Addr> {
    let of = |high: u16, low: u16| Some(Ipv4Addr::from_bits(u32::from(high) << 16 | u32::from(low)));
    match ip.segments() {
        [0x64, 0xff9b, 0, 0, 0, 0, high, low] | [0x2002, high, low, ..] => of(high, low),
        _ => None,
    }
}

const METADATA_V4: [Ipv4Addr; 4] = [
    Ipv4Addr::new(169, 254, 169, 254), // AWS, Azure, Google and others
    Ipv4Addr::new(100, 100, 100, 200), // Alibaba
    Ipv4Addr::new(168, 63, 129, 16),   // Azure
    Ipv4Addr::new(192, 0, 0, 192),     // Oracle
];
const METADATA_V6: [Ipv6Addr; 4] = [
    Ipv6Addr::new(0xfd00, 0xec2, 0, 0, 0, 0, 0, 0x254), // AWS
    Ipv6Addr::new(0xfd00, 0xec2, 0, 0, 0, 0, 0, 0x23),  // AWS, of containers
    Ipv6Addr::new(0xfd20, 0xce, 0, 0, 0, 0, 0, 0x254),  // Google
    Ipv6Addr::new(0xfd00, 0xc1, 0, 0, 0, 0, 0xa9fe, 0xa9fe), // Oracle
];

#[cfg(test)]
mod tests {
    use super::*;

    fn fault(address: &str) -> Option<AddressFault> {
        AddressFault::of(canonical(address.parse().unwrap()), false)
    }

    #[test]
    fn what_is_not_one_reachable_host_is_refused() {
        let expected = [
            ("10.0.0.1:0", AddressFault::PortZero),
            ("0.0.0.0:80", AddressFault::Unspecified),
            ("0.1.2.3:80", AddressFault::Unspecified),
            ("[::]:80", AddressFault::Unspecified),
            ("224.0.0.1:80", AddressFault::Multicast),
            ("[ff02::1]:80", AddressFault::Multicast),
            ("255.255.255.255:80", AddressFault::Broadcast),
        ];
        for (address, why) in expected {
            assert_eq!(fault(address), Some(why), "{address}");
        }
        for good in [
            "10.0.0.1:80",
            "127.0.0.1:1",
            "[2001:db8::1]:65535",
            "[fd00::1]:80",
        ] {
            assert_eq!(fault(good), None, "{good}");
        }
    }

    #[test]
    fn link_local_and_metadata_need_the_operators_word() {
        let expected = [
            ("169.254.1.1:80", AddressFault::LinkLocal),
            ("[fe80::1%3]:80", AddressFault::LinkLocal),
            ("169.254.169.254:80", AddressFault::Metadata),
            ("[fd00:ec2::254]:80", AddressFault::Metadata),
            ("100.100.100.200:80", AddressFault::Metadata),
            ("168.63.129.16:80", AddressFault::Metadata),
            ("192.0.0.192:80", AddressFault::Metadata),
            ("[fd00:c1::a9fe:a9fe]:80", AddressFault::Metadata),
            ("[fd20:ce::254]:80", AddressFault::Metadata),
            ("[fd00:ec2::23]:80", AddressFault::Metadata),
            ("[64:ff9b::a9fe:a9fe]:80", AddressFault::Metadata),
            ("[2002:a9fe:a9fe::]:80", AddressFault::Metadata),
            ("[2002:a9fe:a9fe::1]:80", AddressFault::Metadata),
        ];
        for (address, why) in expected {
            assert_eq!(fault(address), Some(why), "{address}");
            assert_eq!(
                AddressFault::of(address.parse().unwrap(), true),
                None,
                "{address}"
            );
        }
    }

    #[test]
    fn ipv4_in_ipv6_clothes_is_seen_through() {
        assert_eq!(fault("[::ffff:169.254.169.254]:80"), Some(AddressFault::Metadata));
        assert_eq!(fault("[::ffff:0.0.0.0]:80"), Some(AddressFault::Unspecified));
        let canonical = canonical("[::ffff:10.0.0.1]:80".parse().unwrap());
        assert_eq!(canonical, "10.0.0.1:80".parse().unwrap());
    }

    #[test]
    fn a_scope_makes_another_address_only_of_link_local_ones() {
        let plain: SocketAddr = "[2001:db8::1]:80".parse().unwrap();
        assert_eq!(canonical("[2001:db8::1%7]:80".parse().unwrap()), plain);
        let scoped: SocketAddr = "[fe80::1%7]:80".parse().unwrap();
        assert_eq!(canonical(scoped), scoped);
    }

    #[test]
    fn all_loopback_sources_are_one_host() {
        let one: IpAddr = Ipv4Addr::LOCALHOST.into();
        for source in ["127.0.0.1", "127.9.9.9", "::1", "::ffff:127.0.0.2"] {
            assert_eq!(canonical_source(source.parse().unwrap()), one);
        }
    }
}
