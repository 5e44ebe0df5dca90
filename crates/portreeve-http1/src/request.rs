use crate::authority::Authority;
use crate::chars::{target_len, token_len};
use crate::fault::Fault;
use crate::field::Known;
use crate::fields::{byte_fault, read_fields};
use crate::head::{Head, HeadLimits, Version};
use crate::scan::earliest_fault;
use crate::span::Span;
use crate::target::TargetForm;

/// The first line of a request; the spans are offsets into [`Head::bytes`].
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct RequestLine {
    /// As written; methods differ by case.
    pub method: Span,
    /// As written.
    pub target: Span,
    /// As understood; see [`Version`].
    pub version: Version,
    /// What kind of target it is.
    pub form: TargetForm,
}

/// Reads `bytes`, exactly one request's head as [`HeadScan`](crate::HeadScan) found it, into `head`. The request
/// line begins at `head.bytes()[0]`: an empty line before it is left out.
///
/// # Errors
/// Any but those of framing and chunks. `head` then holds what was read until there.
pub fn parse_request(bytes: &[u8], limits: &HeadLimits, head: &mut Head) -> Result<RequestLine, Fault> {
    let bytes = bytes.strip_prefix(b"\r\n").unwrap_or(bytes);
    head.refill(bytes, limits)?;
    read(bytes, limits, head).map_err(|fault| earliest_fault(bytes, fault))
}

#[inline]
fn read(bytes: &[u8], limits: &HeadLimits, head: &mut Head) -> Result<RequestLine, Fault> {
    let (line, length) = read_line(bytes, limits)?;
    read_fields(bytes, length, limits, head)?;
    check_host(&line, head)?;
    Ok(line)
}

/// Reads the request line (RFC 9112 section 3); returns also its length with CRLF.
fn read_line(bytes: &[u8], limits: &HeadLimits) -> Result<(RequestLine, usize), Fault> {
    let method_end = token_len(bytes);
    let Some((b' ', after)) = bytes[method_end..].split_first() else {
        return Err(method_fault(&bytes[method_end..]));
    };
    let target = &after[..target_len(after)];
    if target.len() > limits.target_max {
        return Err(Fault::TargetTooLong);
    }
    let version = read_version(&after[target.len()..])?;
    if method_end == 0 || target.is_empty() {
        return Err(Fault::RequestLine);
    }
    let start = method_end + 1;
    let line = RequestLine {
        method: Span::new(0, method_end),
        target: Span::new(start, start + target.len()),
        version,
        form: TargetForm::read(&bytes[..method_end], target, start)?,
    };
    Ok((line, start + target.len() + VERSION_LENGTH))
}

/// Reads the space, the version and the CRLF behind a target.
#[inline]
fn read_version(rest: &[u8]) -> Result<Version, Fault> {
    match rest.first_chunk::<VERSION_LENGTH>() {
        Some([b' ', version @ .., b'\r', b'\n']) => Version::read(version),
        _ => Err(end_fault(rest)),
    }
}

/// What is wrong with `rest`, the bytes from the end of a method, if they do not begin with a space.
#[cold]
fn method_fault(rest: &[u8]) -> Fault {
    match rest {
        [b'\r', b'\n', ..] => Fault::RequestLine,
        _ => byte_fault(rest, Fault::Method),
    }
}

/// What is wrong with `rest`, the bytes from the end of a target, if they do not begin as they should.
#[cold]
fn end_fault(rest: &[u8]) -> Fault {
    let Some((b' ', rest)) = rest.split_first() else {
        return match rest {
            [b'\r', b'\n', ..] => Fault::RequestLine,
            _ => byte_fault(rest, Fault::TargetByte),
        };
    };
    let end = rest
        .iter()
        .position(|b| b.is_ascii_control())
        .unwrap_or(rest.len());
    match &rest[end..] {
        [b'\r', b'\n', ..] if rest[..end].contains(&b' ') => Fault::RequestLine,
        other => byte_fault(other, Fault::Version),
    }
}

/// Exactly one Host for HTTP/1.1, at most one for HTTP/1.0, and the same host as in the target (RFC 9112 section 3.2).
fn check_host(line: &RequestLine, head: &Head) -> Result<(), Fault> {
    if head.repeats(Known::Host) {
        return Err(Fault::HostRepeated);
    }
    let Some(value) = head.first(Known::Host) else {
        return if line.version == Version::H10 {
            Ok(())
        } else {
            Err(Fault::HostMissing)
        };
    };
    let host = Authority::read(value).ok_or(Fault::HostInvalid)?;
    let bytes = head.bytes();
    match line.form {
        TargetForm::Origin | TargetForm::Asterisk => Ok(()),
        TargetForm::Absolute {
            scheme, authority, ..
        } => check_same(&host, authority.of(bytes), default_port(scheme.of(bytes))),
        TargetForm::Authority => {
            let port = Authority::read(line.target.of(bytes)).map_or(&b""[..], |target| target.port);
            check_same(&host, line.target.of(bytes), port)
        }
    }
}

fn check_same(host: &Authority<'_>, target: &[u8], default_port: &[u8]) -> Result<(), Fault> {
    match Authority::read(target) {
        Some(target) if target.is_same(host, default_port) => Ok(()),
        _ => Err(Fault::HostMismatch),
    }
}

fn default_port(scheme: &[u8]) -> &'static [u8] {
    match scheme.to_ascii_lowercase().as_slice() {
        b"http" | b"ws" => b"80",
        b"https" | b"wss" => b"443",
        _ => b"",
    }
}

/// Length of ` HTTP/1.1` with CRLF.
const VERSION_LENGTH: usize = 11;
