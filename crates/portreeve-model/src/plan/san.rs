//! The names that certificates carry (SAN, RFC 5280 section 4.2.1.6), as they are meant.

use std::cmp::Reverse;
use std::fmt;
use std::net::IpAddr;
use std::str::FromStr;

/// Which names of a certificate are meant; compared without case where the name is of a host.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub enum SanPattern {
    /// `DNS:api.example.com`, `URI:spiffe://example.com/api`, `email:ops@example.com`, `IP:10.0.0.7`: this very name,
    /// with its kind.
    Exact(String),
    /// `DNS:*.example.com` or `URI:spiffe://example.com/*`, kept without the `*`: for `DNS:`, one or more labels before
    /// `.example.com`; for `URI:`, whatever follows, but for segments `.` and `..`, by which it would lead elsewhere.
    Open(String),
}

impl SanPattern {
    /// Whether the name, written with its kind, is meant.
    #[must_use]
    pub fn matches(&self, name: &str) -> bool {
        match self {
            Self::Exact(exact) if exact.starts_with(HOST) => exact.eq_ignore_ascii_case(name),
            Self::Exact(exact) => exact == name,
            Self::Open(open) => match (open.strip_prefix(HOST), name.strip_prefix(HOST)) {
                (Some(suffix), Some(host)) => is_below(host, suffix),
                (None, None) => is_behind(name, open),
                _ => false,
            },
        }
    }

    /// Sorts what says more first: a name before all open ones, and of these the longer before the shorter.
    #[must_use]
    pub fn precedence(&self) -> impl Ord + use<> {
        match self {
            Self::Exact(name) => (0, Reverse(name.len())),
            Self::Open(open) => (1, Reverse(open.len())),
        }
    }
}

/// Reads what a name is written as.
impl FromStr for SanPattern {
    type Err = NotASan;

    fn from_str(text: &str) -> Result<Self, NotASan> {
        let (kind, name) = text.split_once(':').ok_or(NotASan)?;
        match kind {
            "DNS" => dns(name),
            "URI" => uri(name),
            "email" if name.contains('@') && is_plain(name) => Some(Self::Exact(text.to_owned())),
            "IP" => name
                .parse()
                .ok()
                .map(|ip: IpAddr| Self::Exact(format!("IP:{ip}"))),
            _ => None,
        }
        .ok_or(NotASan)
    }
}

/// As it is read.
impl fmt::Display for SanPattern {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Exact(name) => out.write_str(name),
            Self::Open(open) => match open.strip_prefix(HOST) {
                Some(suffix) => write!(out, "{HOST}*{suffix}"),
                None => write!(out, "{open}*"),
            },
        }
    }
}

/// A text that means no names of certificates.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct NotASan;

impl fmt::Display for NotASan {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.write_str(
            "a certificate's name such as \"DNS:api.example.com\", \"DNS:*.example.com\", \
             \"URI:spiffe://example.com/*\", \"email:ops@example.com\" or \"IP:10.0.0.7\"",
        )
    }
}

impl std::error::Error for NotASan {}

/// Whether `host` has one or more labels before `suffix`, which begins with a dot.
fn is_below(host: &str, suffix: &str) -> bool {
    let Some(cut) = host.len().checked_sub(suffix.len()).filter(|cut| *cut > 0) else {
        return false;
    };
    let tail = host.get(cut..);
    tail.is_some_and(|tail| tail.eq_ignore_ascii_case(suffix))
}

/// Whether something follows `open`, and does not lead out of it.
fn is_behind(name: &str, open: &str) -> bool {
    let rest = name.strip_prefix(open).filter(|rest| !rest.is_empty());
    rest.is_some_and(|rest| !rest.split('/').any(|segment| matches!(segment, "." | "..")))
}

fn dns(name: &str) -> Option<SanPattern> {
    match name.strip_prefix("*.") {
        Some(rest) => is_host(rest).then(|| SanPattern::Open(format!("{HOST}.{rest}"))),
        None => is_host(name).then(|| SanPattern::Exact(format!("{HOST}{name}"))),
    }
}

fn uri(name: &str) -> Option<SanPattern> {
    let open = name.strip_suffix('*');
    let bare = open.unwrap_or(name);
    let is_good = bare.contains(':') && is_plain(bare) && !bare.contains('*');
    match open {
        Some(open) => (is_good && has_whole_authority(open)).then(|| SanPattern::Open(format!("URI:{open}"))),
        None => is_good.then(|| SanPattern::Exact(format!("URI:{name}"))),
    }
}

/// What is left open must not be whose name it is: `spiffe://example.com*` would mean `spiffe://example.com.evil.test/`
/// too.
fn has_whole_authority(open: &str) -> bool {
    open.split_once("://")
        .is_none_or(|(_, rest)| rest.find('/').is_some_and(|end| end > 0))
}

fn is_host(name: &str) -> bool {
    (1..=HOST_BYTES_MAX).contains(&name.len()) && name.split('.').all(is_label)
}

fn is_label(label: &str) -> bool {
    let is_letter = |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'_');
    (1..=LABEL_BYTES_MAX).contains(&label.len())
        && label.bytes().all(is_letter)
        && !label.starts_with('-')
        && !label.ends_with('-')
}

fn is_plain(text: &str) -> bool {
    text.bytes().all(|byte| byte.is_ascii_graphic())
}

const HOST: &str = "DNS:";
/// RFC 1035 section 2.3.4.
const HOST_BYTES_MAX: usize = 253;
const LABEL_BYTES_MAX: usize = 63;

#[cfg(test)]
mod tests {
    use super::*;

    fn read(text: &str) -> SanPattern {
        text.parse().unwrap()
    }

    #[test]
    fn a_name_is_meant_with_its_kind() {
        let exact = read("DNS:api.example.com");
        assert!(exact.matches("DNS:API.example.com"));
        assert!(!exact.matches("URI:api.example.com"));
        let uri = read("URI:spiffe://a/B");
        assert!(uri.matches("URI:spiffe://a/B"));
        assert!(!uri.matches("URI:spiffe://a/b"));
    }

    #[test]
    fn an_open_host_needs_a_label_before_it() {
        let open = read("DNS:*.example.com");
        assert!(open.matches("DNS:a.b.EXAMPLE.com"));
        assert!(!open.matches("DNS:.example.com"));
        assert!(!open.matches("DNS:evilexample.com"));
        assert!(!open.matches("URI:a.example.com"));
    }

    #[test]
    fn an_open_uri_needs_something_after_it() {
        let open = read("URI:spiffe://example.com/*");
        assert!(open.matches("URI:spiffe://example.com/api"));
        assert!(!open.matches("URI:spiffe://example.com/"));
        assert!(!open.matches("DNS:spiffe://example.com/api"));
    }

    #[test]
    fn an_open_uri_is_not_left_by_dots() {
        let open = read("URI:spiffe://example.com/eu/*");
        for outside in ["../us/a", "a/../../us", "./a", "a/..", ".."] {
            let name = format!("URI:spiffe://example.com/eu/{outside}");
            assert!(!open.matches(&name), "{name}");
        }
        assert!(open.matches("URI:spiffe://example.com/eu/a..b/.c"));
    }

    #[test]
    fn an_authority_is_not_left_open() {
        for open in ["URI:spiffe://*", "URI:spiffe://example.com*", "URI:spiffe:///*"] {
            assert_eq!(open.parse::<SanPattern>(), Err(NotASan), "{open}");
        }
        for open in ["URI:spiffe://example.com/a-*", "URI:urn:example:*"] {
            assert!(open.parse::<SanPattern>().is_ok(), "{open}");
        }
    }

    #[test]
    fn a_name_is_shown_as_it_is_read() {
        for text in [
            "DNS:api.example.com",
            "DNS:*.example.com",
            "URI:spiffe://example.com/api",
            "URI:spiffe://example.com/*",
            "email:ops@example.com",
            "IP:10.0.0.7",
            "IP:2001:db8::7",
        ] {
            assert_eq!(read(text).to_string(), text);
        }
    }

    #[test]
    fn what_says_more_comes_first() {
        let mut patterns = [
            "URI:spiffe://a/*",
            "URI:spiffe://a/b/*",
            "DNS:a.b",
            "URI:spiffe://a/b/c",
        ]
        .map(read);
        patterns.sort_by_key(SanPattern::precedence);
        let shown = patterns.map(|pattern| pattern.to_string());
        assert_eq!(
            shown,
            [
                "URI:spiffe://a/b/c",
                "DNS:a.b",
                "URI:spiffe://a/b/*",
                "URI:spiffe://a/*"
            ]
        );
    }
}
