//! The form of a host that routes are compared with.

/// Room for a host in lower case: a DNS name has at most 253 bytes (RFC 1035 section 3.1).
pub(crate) struct HostBuffer([u8; HOST_MAX]);

impl HostBuffer {
    /// Without port and final dot, in lower case. A host that is too long for a name is none.
    pub(crate) fn fold(&mut self, host: &[u8]) -> &[u8] {
        let name = without_port(host);
        let name = name.strip_suffix(b".").unwrap_or(name);
        let Some(folded) = self.0.get_mut(..name.len()) else {
            return b"";
        };
        folded.copy_from_slice(name);
        folded.make_ascii_lowercase();
        folded
    }
}

impl Default for HostBuffer {
    fn default() -> Self {
        Self([0; HOST_MAX])
    }
}

/// The ends of a host that begin with a dot and have a label before them, the longest first.
pub(super) fn suffixes(host: &[u8]) -> impl Iterator<Item = &[u8]> {
    let dots = host.iter().enumerate().skip(1).filter(|(_, byte)| **byte == b'.');
    dots.map(|(dot, _)| &host[dot..])
}

/// `[::1]:80` is `[::1]`; elsewhere the first colon begins the port.
fn without_port(host: &[u8]) -> &[u8] {
    let (end, after) = if host.starts_with(b"[") {
        (b']', 1)
    } else {
        (b':', 0)
    };
    let place = host.iter().position(|byte| *byte == end);
    place.map_or(host, |place| &host[..place + after])
}

const HOST_MAX: usize = 256;

#[cfg(test)]
mod tests {
    use super::*;

    fn folded(host: &str) -> String {
        String::from_utf8(HostBuffer::default().fold(host.as_bytes()).to_vec()).unwrap()
    }

    #[test]
    fn case_port_and_final_dot_do_not_count() {
        assert_eq!(folded("Shop.Example.COM:8080"), "shop.example.com");
        assert_eq!(folded("shop.example.com."), "shop.example.com");
        assert_eq!(folded("shop.example.com.:80"), "shop.example.com");
        assert_eq!(folded("localhost:"), "localhost");
        assert_eq!(folded(""), "");
    }

    #[test]
    fn an_ipv6_address_keeps_its_colons() {
        assert_eq!(folded("[::1]:80"), "[::1]");
        assert_eq!(folded("[2001:DB8::1]"), "[2001:db8::1]");
        assert_eq!(folded("[::1"), "[::1");
    }

    #[test]
    fn a_host_that_is_too_long_for_a_name_is_none() {
        assert_eq!(folded(&"a".repeat(HOST_MAX)).len(), HOST_MAX);
        assert_eq!(folded(&"a".repeat(HOST_MAX + 1)), "");
    }

    #[test]
    fn suffixes_begin_at_each_dot_but_a_leading_one() {
        let of = |host: &'static str| suffixes(host.as_bytes()).collect::<Vec<_>>();
        assert_eq!(of("a.b.c"), [&b".b.c"[..], b".c"]);
        assert!(of(".c").is_empty());
        assert!(of("localhost").is_empty());
        assert!(of("").is_empty());
    }
}
