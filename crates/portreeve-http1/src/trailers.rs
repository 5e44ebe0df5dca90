use crate::fault::Fault;
use crate::field::Known;
use crate::fields::read_fields;
use crate::head::{Head, HeadLimits};
use crate::scan::{HeadScan, earliest_fault};

/// Reads the trailer section behind a last chunk into `head`, once it is whole: `input` is all bytes so far behind
/// the last-chunk line, `scan` is a new one at the first call. Returns the length of the section, the final empty
/// line included; `head` is empty if there are no fields.
///
/// # Errors
/// Those of field lines and limits, and [`Fault::TrailerForbidden`] for a field that would change the meaning of the
/// message if its reader merged it into the head (RFC 9110 section 6.5.1).
pub fn parse_trailers(
    input: &[u8],
    scan: &mut HeadScan,
    limits: &HeadLimits,
    head: &mut Head,
) -> Result<Option<usize>, Fault> {
    match input {
        [] | b"\r" => return Ok(None),
        [b'\r', b'\n', ..] => {
            head.clear();
            return Ok(Some(2));
        }
        _ => {}
    }
    let Some(length) = scan.advance(input, limits)? else {
        return Ok(None);
    };
    let section = &input[..length];
    head.refill(section, limits)?;
    read_fields(section, 0, limits, head).map_err(|fault| earliest_fault(section, fault))?;
    if FORBIDDEN.iter().any(|&known| head.has(known)) {
        return Err(Fault::TrailerForbidden);
    }
    Ok(Some(length))
}

/// Framing, routing, who the client is, credentials, and how content is to be read.
const FORBIDDEN: &[Known] = &[
    Known::Authorization,
    Known::Connection,
    Known::ContentEncoding,
    Known::ContentLength,
    Known::ContentRange,
    Known::ContentType,
    Known::Cookie,
    Known::Expect,
    Known::Forwarded,
    Known::Host,
    Known::Http2Settings,
    Known::KeepAlive,
    Known::ProxyAuthenticate,
    Known::ProxyAuthorization,
    Known::ProxyConnection,
    Known::Range,
    Known::SetCookie,
    Known::Te,
    Known::Trailer,
    Known::TransferEncoding,
    Known::Upgrade,
    Known::XForwardedFor,
    Known::XForwardedHost,
    Known::XForwardedProto,
    Known::XRealIp,
];
