use crate::chars::value_len;
use crate::fault::Fault;
use crate::fields::{byte_fault, read_fields};
use crate::head::{Head, HeadLimits, Version};
use crate::scan::earliest_fault;
use crate::span::Span;

/// The first line of a response; the span is an offset into [`Head::bytes`].
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct StatusLine {
    /// From 100 to 999; those from 600 mean nothing in HTTP but are passed on (RFC 9110 section 15).
    pub status: u16,
    /// The reason phrase as written; may be empty.
    pub reason: Span,
    /// As understood; see [`Version`].
    pub version: Version,
}

/// Reads `bytes`, exactly one response's head as [`HeadScan`](crate::HeadScan) found it, into `head`.
///
/// # Errors
/// Any but those of requests, framing and chunks. `head` then holds what was read until there.
pub fn parse_response(bytes: &[u8], limits: &HeadLimits, head: &mut Head) -> Result<StatusLine, Fault> {
    head.refill(bytes, limits)?;
    read(bytes, limits, head).map_err(|fault| earliest_fault(bytes, fault))
}

#[inline]
fn read(bytes: &[u8], limits: &HeadLimits, head: &mut Head) -> Result<StatusLine, Fault> {
    let (line, length) = read_line(bytes)?;
    read_fields(bytes, length, limits, head)?;
    Ok(line)
}

/// Reads the status line (RFC 9112 section 4); returns also its length with CRLF. The space before an empty reason
/// may be missing: many servers leave it out, and nothing else can be meant.
fn read_line(bytes: &[u8]) -> Result<(StatusLine, usize), Fault> {
    let Some((version, rest)) = bytes.split_first_chunk::<8>() else {
        return Err(byte_fault(&bytes[value_len(bytes)..], Fault::StatusLine));
    };
    let version = Version::read(version)?;
    let [b' ', a, b, c, rest @ ..] = rest else {
        return Err(Fault::StatusLine);
    };
    let status = read_status([*a, *b, *c])?;
    let (start, text) = match rest {
        [b' ', text @ ..] => (REASON, text),
        [b'\r', ..] => (REASON - 1, rest),
        _ => return Err(byte_fault(rest, Fault::StatusLine)),
    };
    let end = start + value_len(text);
    let [b'\r', b'\n', ..] = &bytes[end..] else {
        return Err(byte_fault(&bytes[end..], Fault::Reason));
    };
    Ok((
        StatusLine {
            status,
            reason: Span::new(start, end),
            version,
        },
        end + 2,
    ))
}

fn read_status(digits: [u8; 3]) -> Result<u16, Fault> {
    if digits[0] == b'0' || !digits.iter().all(u8::is_ascii_digit) {
        return Err(Fault::Status);
    }
    Ok(digits
        .iter()
        .fold(0, |status, digit| status * 10 + u16::from(digit - b'0')))
}

/// Where a reason phrase begins.
const REASON: usize = "HTTP/1.1 200 ".len();
