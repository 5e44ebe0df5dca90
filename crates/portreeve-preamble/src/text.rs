//! Version 1: `PROXY TCP4 192.0.2.1 192.0.2.7 56324 443` and CRLF.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};
use std::str::FromStr;

use crate::fault::Fault;
use crate::{Ends, Preamble};

/// What it begins with.
pub(crate) const SIGNATURE: &[u8] = b"PROXY ";
/// With `UNKNOWN` and the longest addresses, CRLF included.
const LINE_MAX: usize = 107;

/// Reads a header whose bytes so far agree with the signature.
pub(crate) fn parse(bytes: &[u8]) -> Result<Option<Preamble>, Fault> {
    let seen = &bytes[..bytes.len().min(LINE_MAX)];
    let Some(end) = seen.iter().position(|byte| *byte == b'\n') else {
        return match seen.len() < LINE_MAX {
            true => Ok(None),
            false => Err(Fault::LineTooLong),
        };
    };
    let line = seen[..end].strip_suffix(b"\r").ok_or(Fault::Line("CRLF"))?;
    let rest = line.strip_prefix(SIGNATURE).ok_or(Fault::Line("protocol"))?;
    Ok(Some(Preamble {
        length: end + 1,
        ends: ends(rest)?,
    }))
}

fn ends(rest: &[u8]) -> Result<Option<Ends>, Fault> {
    // Whatever follows it is to be ignored, even what is no text.
    if rest == b"UNKNOWN" || rest.starts_with(b"UNKNOWN ") {
        return Ok(None);
    }
    let rest = str::from_utf8(rest).map_err(|_| Fault::Line("text"))?;
    let mut words = rest.split(' ');
    let ends = match words.next() {
        Some("TCP4") => addresses::<Ipv4Addr>(&mut words)?,
        Some("TCP6") => addresses::<Ipv6Addr>(&mut words)?,
        _ => return Err(Fault::Line("protocol (TCP4, TCP6 or UNKNOWN)")),
    };
    match words.next() {
        None => Ok(Some(ends)),
        Some(_) => Err(Fault::Line("CRLF")),
    }
}

fn addresses<'a, Ip: FromStr + Into<IpAddr>>(
    words: &mut impl Iterator<Item = &'a str>,
) -> Result<Ends, Fault> {
    let mut address = |what| {
        let ip = words.next().and_then(|word| word.parse::<Ip>().ok());
        ip.map(Into::into).ok_or(Fault::Line(what))
    };
    let (client, server) = (address("source address")?, address("destination address")?);
    let mut port = |what| words.next().and_then(port).ok_or(Fault::Line(what));
    let (client_port, server_port) = (port("source port")?, port("destination port")?);
    Ok(Ends {
        client: SocketAddr::new(client, client_port),
        server: SocketAddr::new(server, server_port),
    })
}

/// Digits alone, none too many.
fn port(word: &str) -> Option<u16> {
    let is_plain =
        word.bytes().all(|byte| byte.is_ascii_digit()) && (word.len() == 1 || !word.starts_with('0'));
    is_plain.then(|| word.parse().ok()).flatten()
}
