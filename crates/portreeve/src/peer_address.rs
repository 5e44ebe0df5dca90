//! Addresses as they are typed.

use std::fmt;
use std::str::FromStr;

/// A host and a port, as they are typed for `--proxy`: `10.0.0.7:2100`, `[::1]:2100`, `proxy.example:2100`, or `:2100`
/// for this machine.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct PeerAddress {
    /// As it can be looked up.
    text: String,
}

impl PeerAddress {
    /// As tokio and std look it up.
    pub(crate) fn as_str(&self) -> &str {
        &self.text
    }

    /// Whether it is this very machine by its address or by the name that always means it.
    pub(crate) fn is_loopback(&self) -> bool {
        let host = self.text.rsplit_once(':').map_or("", |(host, _)| host);
        let host = host.trim_matches(['[', ']']);
        let is_loopback = |address: std::net::IpAddr| address.is_loopback();
        host == "localhost" || host.parse().is_ok_and(is_loopback)
    }
}

impl FromStr for PeerAddress {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let split = text.rsplit_once(':').and_then(|(host, port)| {
            let port: u16 = port.parse().ok().filter(|&port| port > 0)?;
            let is_host = !host.contains(|letter: char| letter.is_whitespace() || letter == '/');
            let is_whole = host.starts_with('[') == host.ends_with(']')
                && (host.starts_with('[') || !host.contains(':'));
            (is_host && is_whole).then_some((host, port))
        });
        match split {
            Some(("", port)) => Ok(Self {
                text: format!("127.0.0.1:{port}"),
            }),
            Some((host, port)) => Ok(Self {
                text: format!("{host}:{port}"),
            }),
            None => Err("allowed is HOST:PORT, such as 127.0.0.1:2100 or proxy.example:2100".to_owned()),
        }
    }
}

impl fmt::Display for PeerAddress {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.write_str(&self.text)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_peer_has_a_host_and_a_port() {
        for (typed, meant) in [
            ("10.0.0.7:2100", "10.0.0.7:2100"),
            ("[::1]:1", "[::1]:1"),
            ("proxy.example:65535", "proxy.example:65535"),
            (":2100", "127.0.0.1:2100"),
        ] {
            assert_eq!(typed.parse::<PeerAddress>().unwrap().as_str(), meant);
        }
    }

    #[test]
    fn anything_else_is_refused() {
        for wrong in [
            "",
            "2100",
            "host",
            "host:",
            "host:0",
            "host:65536",
            "::1:5",
            "[::1:5",
            "http://a:1",
            "a b:1",
        ] {
            assert!(wrong.parse::<PeerAddress>().is_err(), "{wrong}");
        }
    }

    #[test]
    fn loopback_is_known_by_its_addresses() {
        let is_loopback = |text: &str| text.parse::<PeerAddress>().unwrap().is_loopback();
        assert!(is_loopback("127.9.0.1:1") && is_loopback("[::1]:1") && is_loopback("localhost:1"));
        assert!(!is_loopback("10.0.0.1:1") && !is_loopback("[fe80::1]:1") && !is_loopback("example:1"));
    }
}
