//! Any bytes as a request line: accepted if, and only if, a slow reading of the grammar accepts them, with the same
//! parts.
#![no_main]

use libfuzzer_sys::fuzz_target;
use portreeve_http1::{Head, HeadLimits, TargetForm, Version, parse_request};

fuzz_target!(|line: &[u8]| {
    if line.windows(2).any(|pair| pair == b"\r\n") || line.len() > 1000 {
        return; // That is more than one line.
    }
    let expected = Reference::read(line);
    let host = expected.as_ref().map_or("a", |reference| reference.host.as_str());
    let bytes = [line, b"\r\nHost: ", host.as_bytes(), b"\r\n\r\n"].concat();
    let mut head = Head::new();
    let found = parse_request(&bytes, &HeadLimits::default(), &mut head);
    let Ok(found) = found else {
        assert!(expected.is_none(), "{found:?} refuses what the grammar allows");
        return;
    };
    let expected = expected.expect("the grammar refuses what was accepted");
    assert_eq!(found.method.of(head.bytes()), expected.method.as_bytes());
    assert_eq!(found.target.of(head.bytes()), expected.target.as_bytes());
    assert_eq!(found.version, expected.version);
    assert_eq!(parts(&found.form, head.bytes()), expected.parts);
});

fn parts(form: &TargetForm, bytes: &[u8]) -> Vec<String> {
    let text =
        |span: portreeve_http1::Span| String::from_utf8(span.of(bytes).to_vec()).expect("targets are ASCII");
    match form {
        TargetForm::Origin => vec!["origin".into()],
        TargetForm::Authority => vec!["authority".into()],
        TargetForm::Asterisk => vec!["asterisk".into()],
        TargetForm::Absolute {
            scheme,
            authority,
            path,
        } => vec![text(*scheme), text(*authority), text(*path)],
    }
}

/// A request line read slowly and by the letter of RFC 9112 section 3 and RFC 3986.
struct Reference {
    method: String,
    target: String,
    version: Version,
    parts: Vec<String>,
    /// A Host that goes with the target.
    host: String,
}

impl Reference {
    fn read(line: &[u8]) -> Option<Self> {
        let line = str::from_utf8(line).ok()?;
        let [method, target, version] = line.split(' ').collect::<Vec<_>>().try_into().ok()?;
        let is_tchar = |c: char| c.is_ascii_alphanumeric() || "!#$%&'*+-.^_`|~".contains(c);
        if method.is_empty() || !method.chars().all(is_tchar) {
            return None;
        }
        if target.is_empty() || !target.chars().all(|c| c.is_ascii_graphic() && c != '#') {
            return None;
        }
        let minor = version
            .strip_prefix("HTTP/1.")?
            .parse::<char>()
            .ok()?
            .to_digit(10)?;
        let (parts, host) = target_parts(method, target)?;
        let version = if minor == 0 { Version::H10 } else { Version::H11 };
        Some(Self {
            method: method.into(),
            target: target.into(),
            version,
            parts,
            host,
        })
    }
}

fn target_parts(method: &str, target: &str) -> Option<(Vec<String>, String)> {
    if method == "CONNECT" {
        let port = target.rsplit_once(':')?.1;
        let is_whole = !port.is_empty() && is_port(port) && is_authority(target);
        return is_whole.then(|| (vec!["authority".into()], target.into()));
    }
    if target.starts_with('/') {
        return Some((vec!["origin".into()], "a".into()));
    }
    if target == "*" {
        return (method == "OPTIONS").then(|| (vec!["asterisk".into()], "a".into()));
    }
    let (scheme, rest) = target.split_once("://")?;
    let length = rest.find(['/', '?']).unwrap_or(rest.len());
    let (authority, path) = rest.split_at(length);
    let is_scheme = scheme.starts_with(|c: char| c.is_ascii_alphabetic())
        && scheme
            .chars()
            .all(|c| c.is_ascii_alphanumeric() || "+-.".contains(c));
    (is_scheme && is_authority(authority)).then(|| {
        (
            vec![scheme.into(), authority.into(), path.into()],
            authority.into(),
        )
    })
}

fn is_authority(text: &str) -> bool {
    if let Some(rest) = text.strip_prefix('[') {
        let Some((address, rest)) = rest.split_once(']') else {
            return false;
        };
        return address.parse::<std::net::Ipv6Addr>().is_ok()
            && (rest.is_empty() || rest.strip_prefix(':').is_some_and(is_port));
    }
    let (host, port) = text.split_once(':').unwrap_or((text, ""));
    !host.is_empty() && is_name(host) && is_port(port)
}

fn is_port(text: &str) -> bool {
    text.is_empty() || (text.chars().all(|c| c.is_ascii_digit()) && text.parse::<u16>().is_ok())
}

fn is_name(host: &str) -> bool {
    let mut rest = host;
    while let Some(c) = rest.chars().next() {
        let length = if c == '%' { 3 } else { 1 };
        let is_escape =
            c == '%' && rest.len() >= 3 && rest.as_bytes()[1..3].iter().all(u8::is_ascii_hexdigit);
        let is_plain = c.is_ascii_alphanumeric() || "-._~!$&'()*+;=".contains(c);
        if !is_escape && !is_plain {
            return false;
        }
        rest = &rest[length..];
    }
    true
}
