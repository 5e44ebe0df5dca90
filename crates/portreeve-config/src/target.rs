//! Where a backend is, as an operator writes it.

use std::net::{IpAddr, Ipv6Addr, SocketAddr};

use portreeve_model::plan::{Scheme, TargetAddress};

use crate::host;
use crate::word::{Complaint, port, socket_path};

/// A backend as it is written: where it is and, if that is said, what is spoken with it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Written {
    pub(crate) scheme: Option<Scheme>,
    pub(crate) address: TargetAddress,
}

/// `10.0.0.7:8000`, `localhost:8001`, `[::1]:8000`, `unix:/run/app.sock`; with `http://`, `https://`, `h2c://`,
/// `h2://`, `tcp://` or `tls://` before it and a slash at the end if one likes. With a scheme of HTTP the port may be
/// left out, and is 80 or 443.
pub(crate) fn target(text: &str) -> Result<Written, Complaint> {
    let (scheme, rest) = match text.split_once("://") {
        Some((word, rest)) if !text.starts_with(UNIX) => (Some(scheme(word)?), rest),
        _ => (None, text),
    };
    let address = address_of(rest, scheme)?;
    Ok(Written { scheme, address })
}

/// `http`, `https`, `h2c`, `h2`, `tcp` or `tls`, whatever the case.
fn scheme(word: &str) -> Result<Scheme, Complaint> {
    let lower = word.to_ascii_lowercase();
    let known = Scheme::ALL.into_iter().find(|scheme| scheme.code() == lower);
    known.ok_or_else(|| scheme_complaint(&lower))
}

fn address_of(text: &str, scheme: Option<Scheme>) -> Result<TargetAddress, Complaint> {
    if let Some(path) = text.strip_prefix(UNIX) {
        return socket_path(path).map(TargetAddress::Unix);
    }
    let default_port = scheme.and_then(Scheme::default_port);
    let authority = text.strip_suffix('/').unwrap_or(text);
    if authority.contains(['/', '?', '#', '@']) {
        return Err(extra_complaint(authority));
    }
    if authority.parse::<Ipv6Addr>().is_ok() {
        return Err(brackets_complaint(authority, default_port.unwrap_or(8000)));
    }
    let (host, port) = split(authority, default_port).ok_or_else(|| port_complaint(authority))?;
    address(host, port).ok_or_else(|| host_complaint(host, port))
}

fn split(authority: &str, default_port: Option<u16>) -> Option<(&str, u16)> {
    if let (Some(default), true) = (default_port, has_no_port(authority)) {
        return Some((authority, default));
    }
    let (host, digits) = authority.rsplit_once(':')?;
    Some((host, port(digits)?))
}

fn has_no_port(authority: &str) -> bool {
    !authority.contains(':') || host::is_ipv6(authority)
}

fn address(host: &str, port: u16) -> Option<TargetAddress> {
    let socket: Option<SocketAddr> = format!("{host}:{port}").parse().ok();
    match socket {
        Some(socket) if socket.ip().is_unspecified() => None,
        Some(socket) => Some(TargetAddress::Socket(socket)),
        None if host::is_name(host) && !host::is_like_ipv4(host) => Some(TargetAddress::Host {
            host: host.to_owned(),
            port,
        }),
        None => None,
    }
}

fn complaint() -> Complaint {
    Complaint::new(
        "a host with a port such as \"10.0.0.7:8000\" or \"localhost:8001\", or \"unix:/run/app.sock\"",
    )
}

fn scheme_complaint(scheme: &str) -> Complaint {
    let meant = ELSEWHERE.iter().find(|(word, _)| *word == scheme);
    match meant {
        Some((_, ours)) => complaint().hint(format!("here it is called {ours}://")),
        None => complaint().hint("the schemes are http, https, h2c, h2, tcp and tls"),
    }
}

fn extra_complaint(authority: &str) -> Complaint {
    let bare = authority.split(['/', '?', '#']).next().unwrap_or_default();
    match bare.contains('@') {
        true => complaint().hint("without user and password: they would not be sent"),
        false => complaint().hint(format!(
            "a backend has no path, requests keep their own: \"{bare}\""
        )),
    }
}

fn port_complaint(authority: &str) -> Complaint {
    match authority.rsplit_once(':') {
        Some((_, _)) if !has_no_port(authority) => complaint().hint("the port is from 1 to 65535"),
        _ if !authority.is_empty() => {
            complaint().hint(format!("the port is missing: perhaps \"{authority}:80\""))
        }
        _ => complaint(),
    }
}

fn brackets_complaint(address: &str, port: u16) -> Complaint {
    complaint().hint(format!(
        "an IPv6 address stands in brackets: \"[{address}]:{port}\""
    ))
}

fn host_complaint(host: &str, port: u16) -> Complaint {
    let bare = host.trim_start_matches('[').trim_end_matches(']');
    if host.is_empty() || bare.parse::<IpAddr>().is_ok_and(|ip| ip.is_unspecified()) {
        return complaint().hint(format!("for this machine write \"localhost:{port}\""));
    }
    if bare.parse::<Ipv6Addr>().is_ok() {
        return brackets_complaint(bare, port);
    }
    match host.is_ascii() {
        true if host::is_like_ipv4(host) => {
            complaint().hint("an IPv4 address has four numbers from 0 to 255")
        }
        true => complaint(),
        false => complaint().hint("write the name in punycode: \"xn--...\""),
    }
}

/// What others write before an address.
const ELSEWHERE: &[(&str, &str)] = &[
    ("grpc", "h2c"),
    ("grpcs", "h2"),
    ("http2", "h2"),
    ("ws", "http"),
    ("wss", "https"),
    ("ssl", "tls"),
];
const UNIX: &str = "unix:";
