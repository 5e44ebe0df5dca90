//! Where a backend is, as an operator writes it.

use std::net::{IpAddr, Ipv6Addr, SocketAddr};

use portreeve_model::plan::TargetAddress;

use crate::host;
use crate::word::{Complaint, port, socket_path};

/// `10.0.0.7:8000`, `localhost:8001`, `[::1]:8000`, `unix:/run/app.sock`; with `http://` and a slash at the end if
/// one likes. With the scheme the port may be left out and is 80.
pub(crate) fn target(text: &str) -> Result<TargetAddress, Complaint> {
    if let Some(path) = text.strip_prefix("unix:") {
        return socket_path(path).map(TargetAddress::Unix);
    }
    let (authority, default_port) = match scheme(text) {
        Some((scheme, rest)) if scheme.eq_ignore_ascii_case("http") => (rest, Some(80)),
        Some((scheme, _)) => return Err(scheme_complaint(scheme)),
        None => (text, None),
    };
    let authority = authority.strip_suffix('/').unwrap_or(authority);
    if authority.contains(['/', '?', '#', '@']) {
        return Err(extra_complaint(authority));
    }
    if authority.parse::<Ipv6Addr>().is_ok() {
        return Err(brackets_complaint(authority, default_port.unwrap_or(8000)));
    }
    let (host, port) = split(authority, default_port).ok_or_else(|| port_complaint(authority))?;
    address(host, port).ok_or_else(|| host_complaint(host, port))
}

fn scheme(text: &str) -> Option<(&str, &str)> {
    text.split_once("://")
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
        None if host::is_name(host) && !is_like_ipv4(host) => Some(TargetAddress::Host {
            host: host.to_owned(),
            port,
        }),
        None => None,
    }
}

/// No name ends in a label of digits alone (RFC 3696 section 2); a mistyped address does.
fn is_like_ipv4(host: &str) -> bool {
    let last = host.trim_end_matches('.').rsplit('.').next().unwrap_or_default();
    last.bytes().all(|byte| byte.is_ascii_digit())
}

fn complaint() -> Complaint {
    Complaint::new(
        "a host with a port such as \"10.0.0.7:8000\" or \"localhost:8001\", or \"unix:/run/app.sock\"",
    )
}

fn scheme_complaint(scheme: &str) -> Complaint {
    match scheme.eq_ignore_ascii_case("https") {
        true => complaint().hint("TLS to backends is not there yet; use http, or leave the scheme out"),
        false => complaint().hint("the only scheme is http"),
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
        true if is_like_ipv4(host) => complaint().hint("an IPv4 address has four numbers from 0 to 255"),
        true => complaint(),
        false => complaint().hint("write the name in punycode: \"xn--...\""),
    }
}
