//! What of a request is hashed.

use std::net::IpAddr;

use crate::digest::digest;
use crate::pairs::cookies;
use crate::plan::HashKey;
use crate::route::RequestView;

/// Never 0 where the request has the key, 0 where it has not.
pub(crate) fn key(key: &HashKey, request: &dyn RequestView) -> u64 {
    match key {
        HashKey::Header(name) => of_field(request, name, |line| Some(present(line))),
        HashKey::Cookie(name) => of_field(request, "cookie", |line| cookies(line, name).next().map(present)),
        HashKey::ClientAddress => request.client().map_or(0, of_address),
        HashKey::Path => present(request.path()),
    }
}

/// Of the first line in which `find` finds something.
fn of_field(request: &dyn RequestView, name: &str, find: impl Fn(&[u8]) -> Option<u64>) -> u64 {
    let mut found = 0;
    request.any_field(name, &mut |line| {
        found = find(line).unwrap_or(0);
        found != 0
    });
    found
}

/// IPv4 within IPv6 counts as IPv4, so that the way in makes no difference.
fn of_address(address: IpAddr) -> u64 {
    match address.to_canonical() {
        IpAddr::V4(address) => present(&address.octets()),
        IpAddr::V6(address) => present(&address.octets()),
    }
}

fn present(bytes: &[u8]) -> u64 {
    digest(bytes).max(1)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::samples::Request;

    fn by_client(address: &str) -> u64 {
        let request = Request {
            client: Some(address.parse().unwrap()),
            ..Request::default()
        };
        key(&HashKey::ClientAddress, &request)
    }

    #[test]
    fn the_path_counts_as_written() {
        let path = |path| key(&HashKey::Path, &Request::get("", path));
        assert_eq!(path("/a"), path("/a"));
        assert_ne!(path("/a"), path("/%61"));
    }

    #[test]
    fn the_first_line_of_a_header_counts() {
        let by_user = |request: &Request| key(&HashKey::Header("x-user".into()), request);
        let one = Request::get("", "/").with("x-user", "ann").with("x-user", "bob");
        assert_eq!(
            by_user(&one),
            by_user(&Request::get("", "/other").with("x-user", "ann"))
        );
        assert_ne!(
            by_user(&one),
            by_user(&Request::get("", "/").with("x-user", "bob"))
        );
        assert_eq!(by_user(&Request::get("", "/")), 0);
    }

    #[test]
    fn a_cookie_is_found_among_others_and_on_any_line() {
        let by_session = |request: &Request| key(&HashKey::Cookie("sid".into()), request);
        let alone = by_session(&Request::get("", "/").with("cookie", "sid=42"));
        let among = Request::get("", "/")
            .with("cookie", "xsid=1")
            .with("cookie", "a=b;  sid=42 ; sid=7");
        assert_eq!(by_session(&among), alone);
        assert_ne!(alone, 0);
        assert_eq!(
            by_session(&Request::get("", "/").with("cookie", "sidx=42; sid")),
            0
        );
    }

    #[test]
    fn an_address_is_the_same_over_ipv4_and_mapped() {
        assert_eq!(by_client("10.0.0.1"), by_client("::ffff:10.0.0.1"));
        assert_ne!(by_client("10.0.0.1"), by_client("10.0.0.2"));
        assert_eq!(key(&HashKey::ClientAddress, &Request::default()), 0);
    }
}
