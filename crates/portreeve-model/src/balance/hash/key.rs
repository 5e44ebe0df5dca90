//! What of a request is hashed.

use std::net::IpAddr;

use crate::digest::digest;
use crate::plan::HashKey;
use crate::route::RequestView;

/// Never 0 where the request has the key, 0 where it has not.
pub(super) fn key(key: &HashKey, request: &dyn RequestView) -> u64 {
    match key {
        HashKey::Header(name) => of_field(request, name, |line| Some(present(line))),
        HashKey::Cookie(name) => of_field(request, "cookie", |line| cookie(line, name).map(present)),
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

/// The value of the first cookie of that name in one line (RFC 6265 section 4.2.1: `name=value; name=value`).
fn cookie<'a>(line: &'a [u8], name: &str) -> Option<&'a [u8]> {
    let pairs = line.split(|byte| *byte == b';').map(<[u8]>::trim_ascii);
    let values = pairs.filter_map(|pair| pair.strip_prefix(name.as_bytes())?.strip_prefix(b"="));
    values.into_iter().next()
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
