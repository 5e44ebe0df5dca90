//! Headers of ours.

use std::io::Write as _;
use std::net::{IpAddr, Ipv6Addr};

use crate::binary::{LOCAL, PROXY, SIGNATURE, TCP_V4, TCP_V6, UNSPECIFIED, VERSION};
use crate::{Ends, Version};

/// Says whose connection it is; `None`: somebody's whose address cannot be told, as behind a Unix socket. Ends of two
/// families are both told as IPv6.
pub fn write(version: Version, ends: Option<Ends>, out: &mut Vec<u8>) {
    match (version, ends) {
        (Version::V1, None) => out.extend_from_slice(UNKNOWN),
        (Version::V1, Some(ends)) => line(ends, out),
        (Version::V2, None) => fixed(PROXY, UNSPECIFIED, 0, out),
        (Version::V2, Some(ends)) => binary(ends, out),
    }
}

/// Says that it is a connection of our own, as for a health check.
pub fn write_own(version: Version, out: &mut Vec<u8>) {
    match version {
        Version::V1 => out.extend_from_slice(UNKNOWN),
        Version::V2 => fixed(LOCAL, UNSPECIFIED, 0, out),
    }
}

const UNKNOWN: &[u8] = b"PROXY UNKNOWN\r\n";

/// The addresses in one family.
fn alike(ends: Ends) -> (IpAddr, IpAddr) {
    match (ends.client.ip().to_canonical(), ends.server.ip().to_canonical()) {
        (IpAddr::V4(client), IpAddr::V6(server)) => (client.to_ipv6_mapped().into(), server.into()),
        (IpAddr::V6(client), IpAddr::V4(server)) => (client.into(), server.to_ipv6_mapped().into()),
        same => same,
    }
}

fn line(ends: Ends, out: &mut Vec<u8>) {
    let (client, server) = alike(ends);
    let protocol = if client.is_ipv4() { "TCP4" } else { "TCP6" };
    let (from, to) = (ends.client.port(), ends.server.port());
    // Writing to memory cannot fail.
    let _ = write!(out, "PROXY {protocol} {client} {server} {from} {to}\r\n");
}

fn binary(ends: Ends, out: &mut Vec<u8>) {
    match alike(ends) {
        (IpAddr::V4(client), IpAddr::V4(server)) => {
            fixed(PROXY, TCP_V4, 12, out);
            out.extend_from_slice(&client.octets());
            out.extend_from_slice(&server.octets());
        }
        (client, server) => {
            fixed(PROXY, TCP_V6, 36, out);
            out.extend_from_slice(&as_v6(client).octets());
            out.extend_from_slice(&as_v6(server).octets());
        }
    }
    for end in [ends.client, ends.server] {
        out.extend_from_slice(&end.port().to_be_bytes());
    }
}

fn as_v6(address: IpAddr) -> Ipv6Addr {
    match address {
        IpAddr::V4(address) => address.to_ipv6_mapped(),
        IpAddr::V6(address) => address,
    }
}

fn fixed(command: u8, family: u8, rest: u16, out: &mut Vec<u8>) {
    out.extend_from_slice(SIGNATURE);
    out.extend_from_slice(&[VERSION | command, family]);
    out.extend_from_slice(&rest.to_be_bytes());
}
