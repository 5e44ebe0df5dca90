//! Host names: as a route matches them, and as a backend is called.

use std::net::Ipv6Addr;

use portreeve_model::plan::HostPattern;

use crate::word::Complaint;

/// `shop.example.com`, `*.example.com`, `10.0.0.1` or `[::1]`; kept in lower case.
pub(crate) fn pattern(text: &str) -> Result<HostPattern, Complaint> {
    let lower = text.to_ascii_lowercase();
    match lower.strip_prefix("*.") {
        Some(rest) if is_name(rest) && !rest.ends_with('.') => Ok(HostPattern::Suffix(format!(".{rest}"))),
        None if (is_name(&lower) && !lower.ends_with('.')) || is_ipv6(&lower) => {
            Ok(HostPattern::Exact(lower))
        }
        _ => Err(complaint(text)),
    }
}

/// Whether this may be a host's name (RFC 1123 section 2.1, and `_` as Docker and Windows have it): at most 253
/// bytes of labels of 1 to 63, perhaps with a dot at the end.
pub(crate) fn is_name(text: &str) -> bool {
    let text = text.strip_suffix('.').unwrap_or(text);
    (1..=NAME_BYTES_MAX).contains(&text.len()) && text.split('.').all(is_label)
}

/// An address of IPv6 in brackets.
pub(crate) fn is_ipv6(text: &str) -> bool {
    let bare = text.strip_prefix('[').and_then(|rest| rest.strip_suffix(']'));
    bare.is_some_and(|bare| bare.parse::<Ipv6Addr>().is_ok())
}

/// No name ends in a label of digits alone (RFC 3696 section 2); a mistyped address does.
pub(crate) fn is_like_ipv4(host: &str) -> bool {
    let last = host.trim_end_matches('.').rsplit('.').next().unwrap_or_default();
    last.bytes().all(|byte| byte.is_ascii_digit())
}

/// A name that a certificate can be had for by ACME, in lower case.
pub(crate) fn domain(text: &str) -> Result<String, Complaint> {
    let lower = text.to_ascii_lowercase();
    match is_name(&lower) && !lower.ends_with('.') && !is_like_ipv4(&lower) && !lower.contains('_') {
        true => Ok(lower),
        false => Err(domain_complaint(text)),
    }
}

/// A name that a backend's certificate is for, in lower case, or an address.
pub(crate) fn server_name(text: &str) -> Result<String, Complaint> {
    let is_address = text.parse::<std::net::IpAddr>().is_ok();
    let is_name = is_name(text) && !text.ends_with('.') && !is_like_ipv4(text);
    match is_address || is_name {
        true => Ok(text.to_ascii_lowercase()),
        false => Err(Complaint::new(
            "a name such as \"api.example.com\", or an IP address without port",
        )),
    }
}

fn is_label(label: &str) -> bool {
    let is_good = |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'_');
    (1..=63).contains(&label.len())
        && label.bytes().all(is_good)
        && !label.starts_with('-')
        && !label.ends_with('-')
}

fn domain_complaint(text: &str) -> Complaint {
    let complaint = Complaint::new("a host's name such as \"shop.example.com\"");
    match hint(text) {
        _ if text.starts_with("*.") => {
            complaint.hint("a certificate for all names below one is had by DNS alone: name its file instead")
        }
        Some(hint) => complaint.hint(hint),
        None => complaint,
    }
}

fn complaint(text: &str) -> Complaint {
    let complaint = Complaint::new("a host such as \"shop.example.com\" or \"*.example.com\"");
    match hint(text) {
        Some(hint) => complaint.hint(hint),
        None => complaint,
    }
}

fn hint(text: &str) -> Option<String> {
    let bare = text.strip_suffix('.').unwrap_or(text);
    if let Some((_, rest)) = text.split_once("://") {
        let host = rest.split('/').next().unwrap_or(rest).to_lowercase();
        return Some(format!("without scheme and path: \"{host}\""));
    }
    if !text.is_ascii() {
        return Some("write it as browsers send it, in punycode: \"xn--...\"".to_owned());
    }
    if text == "*" {
        return Some("for any host leave host out".to_owned());
    }
    if text.parse::<Ipv6Addr>().is_ok() {
        return Some(format!("an IPv6 address stands in brackets: \"[{text}]\""));
    }
    match text.rsplit_once(':') {
        Some((host, port)) if port.bytes().all(|byte| byte.is_ascii_digit()) => Some(format!(
            "hosts are compared without their port: \"{}\"",
            host.to_lowercase()
        )),
        _ if bare != text => Some(format!("without the dot at the end: \"{bare}\"")),
        _ if text.contains('*') => Some("a * only as the whole first label".to_owned()),
        _ => None,
    }
}

const NAME_BYTES_MAX: usize = 253;
