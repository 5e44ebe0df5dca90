//! What is spoken with a backend.

/// What is spoken with a backend, as its address in the file begins.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Default)]
pub enum Scheme {
    /// HTTP/1.1. `http://`, and where nothing is said
    #[default]
    Http,
    /// HTTP/1.1 within TLS. `https://`
    Https,
    /// HTTP/2 by prior knowledge. `h2c://`
    H2c,
    /// HTTP/2 within TLS, agreed on by ALPN. `h2://`
    H2,
    /// Bytes, whatever they mean. `tcp://`
    Tcp,
    /// The same within TLS. `tls://`
    Tls,
}

impl Scheme {
    /// All of them.
    pub const ALL: [Self; 6] = [Self::Http, Self::Https, Self::H2c, Self::H2, Self::Tcp, Self::Tls];

    /// As an address begins with it, without `://`.
    #[must_use]
    pub fn code(self) -> &'static str {
        match self {
            Self::Http => "http",
            Self::Https => "https",
            Self::H2c => "h2c",
            Self::H2 => "h2",
            Self::Tcp => "tcp",
            Self::Tls => "tls",
        }
    }

    /// Whether the connection is secured.
    #[must_use]
    pub fn is_tls(self) -> bool {
        matches!(self, Self::Https | Self::H2 | Self::Tls)
    }

    /// Whether many requests share one connection.
    #[must_use]
    pub fn is_http2(self) -> bool {
        matches!(self, Self::H2c | Self::H2)
    }

    /// Whether it carries bytes, not requests.
    #[must_use]
    pub fn is_raw(self) -> bool {
        matches!(self, Self::Tcp | Self::Tls)
    }

    /// The port where none is named.
    #[must_use]
    pub fn default_port(self) -> Option<u16> {
        match self {
            Self::Http | Self::H2c => Some(80),
            Self::Https | Self::H2 => Some(443),
            Self::Tcp | Self::Tls => None,
        }
    }
}
