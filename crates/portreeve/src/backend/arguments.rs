use std::fmt;
use std::ops::RangeInclusive;
use std::str::FromStr;
use std::time::Duration;

use clap::Args;

use crate::peer_address::PeerAddress;
use crate::time::time;

/// A server of packets: listens, registers with a proxy, and answers each request with the SHA-1 of its payload.
#[derive(Debug, Args)]
#[command(after_help = NOTES)]
pub(crate) struct BackendArguments {
    /// What this server calls itself.
    #[arg(long, value_name = "ID")]
    pub(crate) id: String,
    /// The policies that it upholds.
    #[arg(long, value_name = "P,P", required = true, value_delimiter = ',')]
    pub(crate) policy: Vec<String>,
    /// Listen here, 0 is any free port; with a port alone: on loopback if the proxy is there, else on every address.
    #[arg(long, value_name = "PORT|ADDR:PORT")]
    pub(crate) listen: ListenAddress,
    /// The proxy to register with.
    #[arg(long, value_name = "ADDR:PORT")]
    pub(crate) proxy: PeerAddress,
    /// Where the proxy reaches this server, if not where its registration comes from; needs a token that allows it.
    #[arg(long, value_name = "HOST")]
    pub(crate) host: Option<String>,
    /// What allows it to register; the environment variable PORTREEVE_TOKEN says the same, and is not shown by ps.
    #[arg(long, value_name = "TOKEN")]
    pub(crate) token: Option<Token>,
    /// How long a registration lasts; it is renewed three times as often. off: sent once and never renewed, for proxies other than portreeve.
    #[arg(long, value_name = "TIME|off", default_value = "10s")]
    pub(crate) ttl: Ttl,
    /// The longest payload that it takes, in bytes.
    #[arg(long, value_name = "N", default_value_t = 1024, value_parser = payload_bytes)]
    pub(crate) payload_bytes: usize,
}

impl BackendArguments {
    /// A server on a free port of this machine, for a proxy that is there too.
    pub(crate) fn local(id: &str, policy: &str, proxy: PeerAddress) -> Self {
        Self {
            id: id.to_owned(),
            policy: vec![policy.to_owned()],
            listen: ListenAddress::Port(0),
            proxy,
            host: None,
            token: None,
            ttl: Ttl(Some(Duration::from_secs(10))),
            payload_bytes: 1024,
        }
    }

    /// With what the environment says where nothing was typed.
    pub(super) fn or_by_environment(self) -> Self {
        let from_environment = || std::env::var(TOKEN_VARIABLE).ok().map(Token);
        Self {
            token: self.token.or_else(from_environment),
            ..self
        }
    }
}

/// A token; never shown.
#[derive(Clone)]
pub(crate) struct Token(pub(super) String);

impl fmt::Debug for Token {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.write_str("[redacted]")
    }
}

impl From<String> for Token {
    fn from(text: String) -> Self {
        Self(text)
    }
}

/// Where to listen.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum ListenAddress {
    Port(u16),
    /// Host and port.
    At(String),
}

impl ListenAddress {
    /// What to bind.
    pub(super) fn bind(&self, proxy: &PeerAddress) -> String {
        match self {
            Self::Port(port) if proxy.is_loopback() => format!("127.0.0.1:{port}"),
            Self::Port(port) => format!("0.0.0.0:{port}"),
            Self::At(address) => address.clone(),
        }
    }
}

impl FromStr for ListenAddress {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let (host, port) = text.rsplit_once(':').unwrap_or(("", text));
        match port.parse::<u16>() {
            Ok(port) if host.is_empty() => Ok(Self::Port(port)),
            Ok(_) => Ok(Self::At(text.to_owned())),
            Err(_) => Err("allowed is a port or ADDR:PORT, such as 2105 or 10.0.0.7:2105".to_owned()),
        }
    }
}

/// How long a registration lasts; `None`: until the proxy finds that nobody answers its probes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Ttl(pub(super) Option<Duration>);

impl Ttl {
    /// In milliseconds.
    pub(super) fn ms(self) -> Option<u64> {
        let ms = self.0?.as_millis();
        Some(u64::try_from(ms).expect("an hour has few milliseconds"))
    }
}

impl FromStr for Ttl {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        if text == "off" {
            return Ok(Self(None));
        }
        let ttl = time(text).ok().filter(|ttl| TTL.contains(ttl));
        ttl.map(|ttl| Self(Some(ttl)))
            .ok_or_else(|| "allowed are times from 1s to 1h, and off".to_owned())
    }
}

fn payload_bytes(text: &str) -> Result<usize, String> {
    let bytes = text
        .parse()
        .ok()
        .filter(|bytes| (1..=PAYLOAD_BYTES_MAX).contains(bytes));
    bytes.ok_or_else(|| format!("allowed is a whole number from 1 to {PAYLOAD_BYTES_MAX}"))
}

const TOKEN_VARIABLE: &str = "PORTREEVE_TOKEN";
const TTL: RangeInclusive<Duration> = Duration::from_secs(1)..=Duration::from_hours(1);
const PAYLOAD_BYTES_MAX: usize = 16 << 20;

const NOTES: &str = "\
Example:
  portreeve backend --id 100 --policy 111 --listen 2105 --proxy 127.0.0.1:2100

While the proxy is not there, or refuses, it tries again. Ctrl-C or SIGTERM ends it.";

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_port_alone_is_on_loopback_only_if_the_proxy_is() {
        let port: ListenAddress = ":2105".parse().unwrap();
        assert_eq!(port, "2105".parse().unwrap());
        let bind = |proxy: &str| port.bind(&proxy.parse().unwrap());
        assert_eq!(bind("127.0.0.1:1"), "127.0.0.1:2105");
        assert_eq!(bind("10.0.0.1:1"), "0.0.0.0:2105");
        let whole: ListenAddress = "[::1]:0".parse().unwrap();
        assert_eq!(whole.bind(&"10.0.0.1:1".parse().unwrap()), "[::1]:0");
    }

    #[test]
    fn a_listen_address_without_a_port_is_refused() {
        for wrong in ["", "host", "1.2.3.4", "a:65536", "-1"] {
            assert!(wrong.parse::<ListenAddress>().is_err(), "{wrong}");
        }
    }

    #[test]
    fn ttl_is_a_time_or_off() {
        assert_eq!("off".parse(), Ok(Ttl(None)));
        assert_eq!("3s".parse(), Ok(Ttl(Some(Duration::from_secs(3)))));
        for wrong in ["", "0s", "999ms", "2h", "10"] {
            assert!(wrong.parse::<Ttl>().is_err(), "{wrong}");
        }
    }
}
