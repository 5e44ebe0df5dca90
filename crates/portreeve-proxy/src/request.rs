//! A request whose head has been read: what every later step works on, whichever version it came in.

use std::net::IpAddr;

use memchr::memchr;
use portreeve_http1::{Framing, Head, Known, RequestLine, TargetForm, Version};
use portreeve_model::{RequestView, SpokenVersion};

/// One request, its body still to be read.
pub(crate) struct Request {
    pub(crate) head: Head,
    pub(crate) line: RequestLine,
    pub(crate) framing: Framing,
    /// The version of HTTP in which it came, whatever it is told in here.
    pub(crate) spoken: Spoken,
    /// Whether the client would send another request on this connection.
    pub(crate) keeps_alive: bool,
    /// What the client asks to turn the connection into.
    pub(crate) tunnel: Tunnel,
}

/// What the client speaks. HTTP/2 reaches us as HTTP/1.1 (ADR 0020), but is not called that.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Spoken {
    Http1,
    Http2,
}

/// Whether the connection may become a tunnel.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Tunnel {
    None,
    /// `Upgrade` (RFC 9110 section 7.8): on 101.
    Upgrade,
    /// `CONNECT` (RFC 9110 section 9.3.6): on 2xx.
    Connect,
}

impl Spoken {
    /// The version of what could not be read.
    pub(crate) fn version(self) -> SpokenVersion {
        match self {
            Self::Http1 => SpokenVersion::Http11,
            Self::Http2 => SpokenVersion::Http2,
        }
    }
}

impl Request {
    pub(crate) fn method(&self) -> &[u8] {
        self.line.method.of(self.head.bytes())
    }

    /// As the client wrote it.
    pub(crate) fn target(&self) -> &[u8] {
        self.line.target.of(self.head.bytes())
    }

    /// Path and query: the target as a backend gets it. An absolute form loses its authority (RFC 9112 section 3.2.2).
    pub(crate) fn origin_form(&self) -> &[u8] {
        match self.line.form {
            TargetForm::Absolute { path, .. } if !path.is_empty() => path.of(self.head.bytes()),
            TargetForm::Absolute { .. } if self.method() == b"OPTIONS" => b"*",
            TargetForm::Absolute { .. } => b"/",
            _ => self.target(),
        }
    }

    /// The authority asked for: of an absolute or authority form, else `Host`; empty if the client named none.
    pub(crate) fn authority(&self) -> &[u8] {
        match self.line.form {
            TargetForm::Absolute { authority, .. } => authority.of(self.head.bytes()),
            TargetForm::Authority => self.target(),
            _ => self.head.values(Known::Host).next().unwrap_or_default(),
        }
    }

    /// RFC 9110 section 9.2.2.
    pub(crate) fn is_idempotent(&self) -> bool {
        matches!(
            self.method(),
            b"GET" | b"HEAD" | b"OPTIONS" | b"TRACE" | b"PUT" | b"DELETE"
        )
    }

    /// What the client spoke, as its records and `Via` name it.
    pub(crate) fn version(&self) -> &'static str {
        match (self.spoken, self.line.version) {
            (Spoken::Http2, _) => "HTTP/2",
            (Spoken::Http1, Version::H10) => "HTTP/1.0",
            (Spoken::Http1, Version::H11) => "HTTP/1.1",
        }
    }

    /// The same, as it is counted.
    pub(crate) fn spoken_version(&self) -> SpokenVersion {
        match (self.spoken, self.line.version) {
            (Spoken::Http1, Version::H10) => SpokenVersion::Http10,
            (spoken, _) => spoken.version(),
        }
    }

    pub(crate) fn is_http10(&self) -> bool {
        self.line.version == Version::H10
    }

    /// Whether the client waits for 100 (Continue) before it sends the body.
    pub(crate) fn expects_continue(&self) -> bool {
        self.framing != Framing::Empty
            && !self.is_http10()
            && self.head.values(Known::Expect).next().is_some()
    }
}

/// A request beside its client, as routing and hashing look at it.
pub(crate) struct View<'a> {
    pub(crate) request: &'a Request,
    pub(crate) client: Option<IpAddr>,
    /// The names of the certificate that the client has shown.
    pub(crate) certificate_names: &'a [Box<str>],
}

impl RequestView for View<'_> {
    fn method(&self) -> &[u8] {
        self.request.method()
    }

    fn host(&self) -> &[u8] {
        self.request.authority()
    }

    fn path(&self) -> &[u8] {
        let target = self.request.origin_form();
        &target[..memchr(b'?', target).unwrap_or(target.len())]
    }

    fn query(&self) -> &[u8] {
        let target = self.request.origin_form();
        memchr(b'?', target).map_or(b"", |mark| &target[mark + 1..])
    }

    fn any_field(&self, lower_name: &str, test: &mut dyn FnMut(&[u8]) -> bool) -> bool {
        self.request.head.named(lower_name).any(test)
    }

    fn any_certificate_name(&self, test: &mut dyn FnMut(&str) -> bool) -> bool {
        self.certificate_names.iter().any(|name| test(name))
    }

    fn client(&self) -> Option<IpAddr> {
        self.client
    }
}
