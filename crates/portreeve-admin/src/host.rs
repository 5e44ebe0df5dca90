//! The defence against DNS rebinding: which `Host` a request may name.

use std::net::{Ipv4Addr, Ipv6Addr};

use axum::extract::Request;
use axum::http::uri::Authority;
use axum::http::{HeaderMap, StatusCode, header};
use axum::middleware::Next;
use axum::response::{IntoResponse, Response};

/// Lets a request through only if it names this machine by address or as `localhost`.
pub(crate) async fn only_expected(request: Request, next: Next) -> Response {
    match is_expected(request.uri().authority(), request.headers()) {
        true => next.run(request).await,
        false => (StatusCode::MISDIRECTED_REQUEST, REFUSAL).into_response(),
    }
}

const REFUSAL: &str = "The Host of this request is neither an IP address nor localhost, so it may come from a web page \
    that tricks a browser (DNS rebinding). Use the address that the admin listener is bound to.\n";

/// A request without a `Host` (HTTP/1.0) comes from no browser and is let through; one with several is not.
fn is_expected(target: Option<&Authority>, fields: &HeaderMap) -> bool {
    let mut hosts = fields.get_all(header::HOST).iter();
    let host = hosts.next();
    let named_once = hosts.next().is_none();
    named_once
        && host.is_none_or(|value| names_us(value.as_bytes()))
        && target.is_none_or(|authority| names_us(authority.as_str().as_bytes()))
}

/// Whether `host[:port]` is an IP address or `localhost`. An address that is ours but unbound cannot reach us, so the
/// very address does not matter.
fn names_us(value: &[u8]) -> bool {
    let Ok(text) = std::str::from_utf8(value) else {
        return false;
    };
    match text.strip_prefix('[') {
        Some(rest) => rest
            .split_once(']')
            .is_some_and(|(ip, port)| is_ipv6(ip) && is_port_part(port)),
        None => {
            let end = text.find(':').unwrap_or(text.len());
            let (name, port) = text.split_at(end);
            (is_ipv4(name) || is_localhost(name)) && is_port_part(port)
        }
    }
}

fn is_ipv4(text: &str) -> bool {
    text.parse::<Ipv4Addr>().is_ok()
}

fn is_ipv6(text: &str) -> bool {
    text.parse::<Ipv6Addr>().is_ok()
}

fn is_localhost(text: &str) -> bool {
    text.eq_ignore_ascii_case("localhost")
}

/// Nothing, or a colon and digits.
fn is_port_part(text: &str) -> bool {
    text.is_empty()
        || text
            .strip_prefix(':')
            .is_some_and(|port| port.bytes().all(|byte| byte.is_ascii_digit()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn addresses_and_localhost_name_us() {
        for host in [
            "127.0.0.1",
            "127.0.0.1:9091",
            "[::1]:9091",
            "[::1]",
            "localhost",
            "LocalHost:80",
            "10.0.0.5",
        ] {
            assert!(names_us(host.as_bytes()), "{host}");
        }
    }

    #[test]
    fn other_names_and_malformed_ones_do_not() {
        for host in [
            "evil.example",
            "127.0.0.1.evil.example",
            "localhost.evil.example:9091",
            "",
            "[::1",
            "[::1]x",
            "127.0.0.1:9091@evil.example",
            "evil@127.0.0.1",
            "127.0.0.1:80:80",
            "0x7f000001",
            "\u{ff}",
        ] {
            assert!(!names_us(host.as_bytes()), "{host}");
        }
    }

    #[test]
    fn a_second_host_line_is_refused_and_none_is_fine() {
        let mut fields = HeaderMap::new();
        assert!(is_expected(None, &fields));
        fields.append(header::HOST, "127.0.0.1".parse().unwrap());
        assert!(is_expected(None, &fields));
        fields.append(header::HOST, "127.0.0.1".parse().unwrap());
        assert!(!is_expected(None, &fields));
    }

    #[test]
    fn the_authority_of_an_absolute_target_counts_too() {
        let evil = "evil.example".parse().unwrap();
        assert!(!is_expected(Some(&evil), &HeaderMap::new()));
    }
}
