use crate::authority::Authority;
use crate::fault::Fault;
use crate::span::Span;

/// The form of a request target (RFC 9112 section 3.2).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum TargetForm {
    /// `/path?query`.
    Origin,
    /// `http://host:port/path?query`.
    Absolute {
        /// Before `://`, as written.
        scheme: Span,
        /// Host and optional port, checked.
        authority: Span,
        /// Path and query; empty means `/`, and it may begin with `?`.
        path: Span,
    },
    /// `host:port`, of CONNECT only.
    Authority,
    /// `*`, of OPTIONS only.
    Asterisk,
}

impl TargetForm {
    /// Which form `target` has, which begins at offset `at` of the head and is not empty.
    #[inline]
    pub(crate) fn read(method: &[u8], target: &[u8], at: usize) -> Result<Self, Fault> {
        match target {
            _ if method == b"CONNECT" => read_authority(target),
            [b'/', ..] => Ok(Self::Origin),
            b"*" if method == b"OPTIONS" => Ok(Self::Asterisk),
            _ => read_absolute(target, at).ok_or(Fault::TargetForm),
        }
    }
}

fn read_authority(target: &[u8]) -> Result<TargetForm, Fault> {
    let authority = Authority::read(target).ok_or(Fault::TargetForm)?;
    if authority.port.is_empty() {
        return Err(Fault::TargetForm);
    }
    Ok(TargetForm::Authority)
}

fn read_absolute(target: &[u8], at: usize) -> Option<TargetForm> {
    let colon = memchr::memchr(b':', target)?;
    let rest = target[colon..].strip_prefix(b"://")?;
    let length = memchr::memchr2(b'/', b'?', rest).unwrap_or(rest.len());
    if !is_scheme(&target[..colon]) || Authority::read(&rest[..length]).is_none() {
        return None;
    }
    let host = at + colon + 3;
    Some(TargetForm::Absolute {
        scheme: Span::new(at, at + colon),
        authority: Span::new(host, host + length),
        path: Span::new(host + length, at + target.len()),
    })
}

fn is_scheme(bytes: &[u8]) -> bool {
    let is_part = |b: &u8| b.is_ascii_alphanumeric() || b"+-.".contains(b);
    bytes.first().is_some_and(u8::is_ascii_alphabetic) && bytes.iter().all(is_part)
}
