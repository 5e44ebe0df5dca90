use std::net::Ipv6Addr;

use crate::chars::is_host;

/// A host with an optional port (RFC 9110 section 7.2), checked.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Authority<'a> {
    /// A name, an IPv4 address, or an IPv6 address in brackets; never empty.
    pub(crate) host: &'a [u8],
    /// Digits; empty when there is none.
    pub(crate) port: &'a [u8],
}

impl<'a> Authority<'a> {
    /// Reads all of `bytes`. User information (`user@`) is refused, as RFC 9110 section 4.2.4 advises.
    #[inline]
    pub(crate) fn read(bytes: &'a [u8]) -> Option<Self> {
        let (host, rest) = bytes.split_at(host_len(bytes)?);
        match rest {
            [] => Some(Self { host, port: rest }),
            [b':', port @ ..] if is_port(port) => Some(Self { host, port }),
            _ => None,
        }
    }

    /// Whether both name the same host and port, `default_port` standing for a port left out.
    pub(crate) fn is_same(&self, other: &Self, default_port: &[u8]) -> bool {
        let port = |authority: &Self| {
            if authority.port.is_empty() {
                default_port
            } else {
                authority.port
            }
        };
        self.host.eq_ignore_ascii_case(other.host) && port(self) == port(other)
    }
}

/// Length of the host at the start of `bytes`, if it is one.
#[inline]
fn host_len(bytes: &[u8]) -> Option<usize> {
    if bytes.first() == Some(&b'[') {
        return address_len(bytes);
    }
    let length = bytes.iter().position(|&b| !is_host(b)).unwrap_or(bytes.len());
    (length > 0 && has_whole_escapes(&bytes[..length])).then_some(length)
}

fn address_len(bytes: &[u8]) -> Option<usize> {
    let close = memchr::memchr(b']', bytes)?;
    let text = str::from_utf8(&bytes[1..close]).ok()?;
    text.parse::<Ipv6Addr>().ok()?;
    Some(close + 1)
}

fn has_whole_escapes(host: &[u8]) -> bool {
    if memchr::memchr(b'%', host).is_none() {
        return true;
    }
    let mut parts = host.split(|&b| b == b'%');
    parts.next();
    parts.all(|part| part.len() >= 2 && part[..2].iter().all(u8::is_ascii_hexdigit))
}

fn is_port(bytes: &[u8]) -> bool {
    let number = bytes.iter().try_fold(0_u16, |number, &b| {
        let digit = b.is_ascii_digit().then(|| u16::from(b - b'0'))?;
        number.checked_mul(10)?.checked_add(digit)
    });
    number.is_some()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn is_read(text: &str) -> bool {
        Authority::read(text.as_bytes()).is_some()
    }

    #[test]
    fn names_addresses_and_ports_are_read() {
        for text in [
            "a",
            "a.b-c_d.e",
            "127.0.0.1:80",
            "[::1]",
            "[::ffff:1.2.3.4]:65535",
            "a:",
            "%41b",
            "a;b=c",
        ] {
            assert!(is_read(text), "{text}");
        }
        let authority = Authority::read(b"[::1]:80").unwrap();
        assert_eq!((authority.host, authority.port), (&b"[::1]"[..], &b"80"[..]));
    }

    #[test]
    fn what_is_no_host_is_refused() {
        for text in [
            "",
            ":80",
            "a:b",
            "a:65536",
            "a:99999999999",
            "a:+1",
            "u@a",
            "a b",
            "a,b",
            "a/b",
            "a%4",
            "a%zz",
            "::1",
            "[::1",
            "[::1]a",
            "[fe80::1%25eth0]",
            "[]",
            "a\\b",
            "a?b",
            "a#b",
            "é",
            "a:80:80",
            "[v1.a]",
        ] {
            assert!(!is_read(text), "{text}");
        }
    }

    #[test]
    fn a_port_left_out_is_the_default_one() {
        let read = |text: &'static str| Authority::read(text.as_bytes()).unwrap();
        assert!(read("A.b").is_same(&read("a.B:80"), b"80"));
        assert!(read("a:").is_same(&read("a:80"), b"80"));
        assert!(!read("a").is_same(&read("a:81"), b"80"));
        assert!(!read("a").is_same(&read("b"), b"80"));
    }
}
