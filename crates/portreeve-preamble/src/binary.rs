//! Version 2: a signature, a command, a family, a length, addresses, extensions.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};

use crate::fault::Fault;
use crate::{Ends, LENGTH_MAX, Preamble, checksum};

/// What it begins with; chosen so that no protocol takes it for its own.
pub(crate) const SIGNATURE: &[u8] = b"\r\n\r\n\0\r\nQUIT\n";
/// Signature, version and command, family, length.
pub(crate) const FIXED: usize = 16;
pub(crate) const VERSION: u8 = 0x20;
pub(crate) const LOCAL: u8 = 0;
pub(crate) const PROXY: u8 = 1;
pub(crate) const UNSPECIFIED: u8 = 0;
pub(crate) const TCP_V4: u8 = 0x11;
pub(crate) const TCP_V6: u8 = 0x21;

/// Reads a header whose bytes so far agree with the signature. What is wrong is said as soon as it can be seen.
pub(crate) fn parse(bytes: &[u8]) -> Result<Option<Preamble>, Fault> {
    let Some(command) = bytes
        .get(SIGNATURE.len())
        .map(|byte| command(*byte))
        .transpose()?
    else {
        return Ok(None);
    };
    let Some(family) = bytes.get(13).copied() else {
        return Ok(None);
    };
    let addresses = match command {
        // Of such a one everything else is to be ignored, the family too.
        LOCAL => 0,
        _ => room_for_addresses(family)?,
    };
    let Some(length) = length(bytes)? else {
        return Ok(None);
    };
    if length < FIXED + addresses {
        return Err(Fault::NoAddresses);
    }
    let Some(header) = bytes.get(..length) else {
        return Ok(None);
    };
    if addresses > 0 {
        check_extensions(header, FIXED + addresses)?;
    }
    let ends = if command == PROXY {
        ends(header, family)
    } else {
        None
    };
    Ok(Some(Preamble { length, ends }))
}

fn command(byte: u8) -> Result<u8, Fault> {
    match (byte & 0xf0, byte & 0x0f) {
        (VERSION, command @ (LOCAL | PROXY)) => Ok(command),
        (VERSION, other) => Err(Fault::Command(other)),
        (other, _) => Err(Fault::Version(other >> 4)),
    }
}

/// Of the header as a whole, if it is here.
fn length(bytes: &[u8]) -> Result<Option<usize>, Fault> {
    let Some(&[high, low]) = bytes.get(14..FIXED) else {
        return Ok(None);
    };
    let length = FIXED + usize::from(u16::from_be_bytes([high, low]));
    match length <= LENGTH_MAX {
        true => Ok(Some(length)),
        false => Err(Fault::TooLong(length)),
    }
}

/// None where the family, or the transport, is not specified: nobody can say what follows.
fn room_for_addresses(family: u8) -> Result<usize, Fault> {
    match (family >> 4, family & 0x0f) {
        (0..=3, 0) | (0, 1 | 2) => Ok(0),
        (1, 1 | 2) => Ok(12),
        (2, 1 | 2) => Ok(36),
        (3, 1 | 2) => Ok(216),
        _ => Err(Fault::Family(family)),
    }
}

/// Those of TCP; no others can be ours.
fn ends(header: &[u8], family: u8) -> Option<Ends> {
    let addresses = &header[FIXED..];
    match family {
        TCP_V4 => {
            let (client, server) = (take::<4>(addresses, 0)?, take::<4>(addresses, 4)?);
            ends_of(
                Ipv4Addr::from(client).into(),
                Ipv4Addr::from(server).into(),
                addresses,
                8,
            )
        }
        TCP_V6 => {
            let (client, server) = (take::<16>(addresses, 0)?, take::<16>(addresses, 16)?);
            ends_of(
                Ipv6Addr::from(client).into(),
                Ipv6Addr::from(server).into(),
                addresses,
                32,
            )
        }
        _ => None,
    }
}

fn ends_of(client: IpAddr, server: IpAddr, addresses: &[u8], ports: usize) -> Option<Ends> {
    let port = |at| take::<2>(addresses, at).map(u16::from_be_bytes);
    Some(Ends {
        client: SocketAddr::new(client, port(ports)?),
        server: SocketAddr::new(server, port(ports + 2)?),
    })
}

fn take<const COUNT: usize>(bytes: &[u8], at: usize) -> Option<[u8; COUNT]> {
    bytes.get(at..)?.first_chunk().copied()
}

/// Extensions are skipped, but they have to add up, and if one is a checksum, it has to be this header's.
fn check_extensions(header: &[u8], begin: usize) -> Result<(), Fault> {
    let mut at = begin;
    while at < header.len() {
        let (kind, value) = extension(header, at).ok_or(Fault::Extension)?;
        if kind == CHECKSUM {
            check(header, value.clone())?;
        }
        at = value.end;
    }
    Ok(())
}

/// Its kind, and where its value stands.
fn extension(header: &[u8], at: usize) -> Option<(u8, std::ops::Range<usize>)> {
    let [kind, high, low] = take::<3>(header, at)?;
    let begin = at + 3;
    let end = begin + usize::from(u16::from_be_bytes([high, low]));
    (end <= header.len()).then_some((kind, begin..end))
}

/// It was made while its own place was filled with zeros.
fn check(header: &[u8], place: std::ops::Range<usize>) -> Result<(), Fault> {
    let stated: [u8; 4] = header[place.clone()].try_into().map_err(|_| Fault::Checksum)?;
    let parts = [&header[..place.start], &[0; 4], &header[place.end..]];
    match checksum::crc32c(parts) == u32::from_be_bytes(stated) {
        true => Ok(()),
        false => Err(Fault::Checksum),
    }
}

/// `PP2_TYPE_CRC32C`
const CHECKSUM: u8 = 3;
