use crate::chars::{is_token, trim};
use crate::fault::Fault;
use crate::field::Known;
use crate::head::{Head, Version};
use crate::request::RequestLine;
use crate::response::StatusLine;
use crate::target::TargetForm;

/// How the end of a message's body is known (RFC 9112 section 6.3).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Framing {
    /// There is no body.
    Empty,
    /// So many bytes, at least one.
    Exact(u64),
    /// Chunks, then a trailer section.
    Chunked,
    /// All until the connection closes; of responses only.
    UntilClose,
}

/// How the body of a request is delimited; never `UntilClose`.
///
/// # Errors
/// Those of Content-Length and Transfer-Encoding; and [`Fault::ConnectBody`] for a CONNECT that announces one, which
/// some servers read as a body and some as what goes through the tunnel (RFC 9110 section 9.3.6). The connection cannot
/// be used any further.
pub fn request_framing(line: &RequestLine, head: &Head) -> Result<Framing, Fault> {
    match (
        announced(line.version, head)?.unwrap_or(Framing::Empty),
        line.form,
    ) {
        (Framing::Exact(_) | Framing::Chunked, TargetForm::Authority) => Err(Fault::ConnectBody),
        (framing, _) => Ok(framing),
    }
}

/// How the body of the response to a request with `request_method` is delimited. A 101 and a 2xx to CONNECT count as
/// empty: what comes after them is no longer HTTP.
///
/// # Errors
/// Those of Content-Length and Transfer-Encoding, also where the method leaves no body; and
/// [`Fault::BodyForbidden`] for a 1xx or 204 that announces one. The connection cannot be used any further.
pub fn response_framing(request_method: &[u8], line: &StatusLine, head: &Head) -> Result<Framing, Fault> {
    if request_method == b"CONNECT" && (200..300).contains(&line.status) {
        return Ok(Framing::Empty);
    }
    let announced = announced(line.version, head)?;
    match line.status {
        100..200 | 204 if matches!(announced, None | Some(Framing::Empty)) => Ok(Framing::Empty),
        100..200 | 204 => Err(Fault::BodyForbidden),
        304 => Ok(Framing::Empty),
        _ if request_method == b"HEAD" => Ok(Framing::Empty),
        _ => Ok(announced.unwrap_or(Framing::UntilClose)),
    }
}

/// Whether the connection stays open after this message, as far as its sender is concerned (RFC 9112 section 9.3).
pub fn keeps_alive(version: Version, head: &Head) -> bool {
    let mut keeps = version == Version::H11;
    for option in connection_options(head) {
        if option.eq_ignore_ascii_case(b"close") {
            return false;
        }
        keeps |= option.eq_ignore_ascii_case(b"keep-alive");
    }
    keeps
}

/// The field names that Connection lists, as written: fields that are meant for the next hop only (RFC 9110 section
/// 7.6.1). Left out are `close` and `keep-alive`, which are no fields, and the names of fields without which the
/// message would be another one: Host, Content-Length and Transfer-Encoding.
pub fn connection_names(head: &Head) -> impl Iterator<Item = &[u8]> {
    connection_options(head).filter(|option| is_droppable(option))
}

fn is_droppable(option: &[u8]) -> bool {
    let kept = matches!(
        Known::of(option),
        Known::Host | Known::ContentLength | Known::TransferEncoding | Known::KeepAlive
    );
    !kept && !option.eq_ignore_ascii_case(b"close")
}

fn connection_options(head: &Head) -> impl Iterator<Item = &[u8]> {
    head.values(Known::Connection)
        .flat_map(elements)
        .filter(|option| !option.is_empty())
}

/// The elements of a list (RFC 9110 section 5.6.1), empty ones too.
fn elements(value: &[u8]) -> impl Iterator<Item = &[u8]> {
    value.split(|&b| b == b',').map(trim)
}

/// What Content-Length and Transfer-Encoding say, if there is one of them.
#[inline]
fn announced(version: Version, head: &Head) -> Result<Option<Framing>, Fault> {
    if head.has(Known::TransferEncoding) {
        return coded(version, head).map(Some);
    }
    if head.repeats(Known::ContentLength) {
        return Err(Fault::LengthRepeated);
    }
    let Some(value) = head.first(Known::ContentLength) else {
        return Ok(None);
    };
    Ok(Some(match read_length(value)? {
        0 => Framing::Empty,
        length => Framing::Exact(length),
    }))
}

fn read_length(value: &[u8]) -> Result<u64, Fault> {
    if value.is_empty() {
        return Err(Fault::LengthInvalid);
    }
    let length = value.iter().try_fold(0_u64, |length, &b| {
        let digit = b.is_ascii_digit().then(|| u64::from(b - b'0'))?;
        length.checked_mul(10)?.checked_add(digit)
    });
    length.ok_or(Fault::LengthInvalid)
}

fn coded(version: Version, head: &Head) -> Result<Framing, Fault> {
    if head.has(Known::ContentLength) {
        return Err(Fault::LengthWithCoding);
    }
    if version == Version::H10 {
        return Err(Fault::CodingInHttp10);
    }
    let mut is_chunked = false;
    let mut others = 0;
    for coding in head.values(Known::TransferEncoding).flat_map(elements) {
        if is_chunked || !is_coding(coding) {
            return Err(Fault::CodingNotChunked);
        }
        is_chunked = coding.eq_ignore_ascii_case(b"chunked");
        others += usize::from(!is_chunked);
    }
    match (is_chunked, others) {
        (true, 0) => Ok(Framing::Chunked),
        (true, _) => Err(Fault::CodingUnknown),
        (false, _) => Err(Fault::CodingNotChunked),
    }
}

/// Whether `coding` is a name with plain parameters (RFC 9110 section 10.1.4).
fn is_coding(coding: &[u8]) -> bool {
    let mut parts = coding.split(|&b| b == b';').map(trim);
    parts.next().is_some_and(is_token)
        && parts.all(|part| part.splitn(2, |&b| b == b'=').map(trim).all(is_token))
}
