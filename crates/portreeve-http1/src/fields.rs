//! The field lines of a section (RFC 9112 section 5), the same for requests, responses and trailers.

use crate::chars::{blank_len, is_blank, token_len, trim_end, value_len};
use crate::fault::Fault;
use crate::field::{Field, Known};
use crate::head::{Head, HeadLimits};
use crate::span::Span;

/// Reads the field lines of `bytes`, the same as the head's own, from offset `at` to the empty line, which must be
/// the end.
pub(crate) fn read_fields(
    bytes: &[u8],
    mut at: usize,
    limits: &HeadLimits,
    head: &mut Head,
) -> Result<(), Fault> {
    let mut room = limits.fields_max;
    loop {
        match &bytes[at..] {
            b"\r\n" => return Ok(()),
            [b'\r', b'\n', ..] => return Err(Fault::NotOneHead),
            _ if room == 0 => return Err(Fault::TooManyFields),
            line => at += read_field(line, at, head)?,
        }
        room -= 1;
    }
}

/// Reads the field line at the start of `line`, which is at offset `at`; returns its length with CRLF.
#[inline]
fn read_field(line: &[u8], at: usize, head: &mut Head) -> Result<usize, Fault> {
    let name_end = token_len(line);
    if name_end == 0 || line.get(name_end) != Some(&b':') {
        return Err(name_fault(line, name_end));
    }
    let start = name_end + 1 + blank_len(&line[name_end + 1..]);
    let text = &line[start..];
    let length = value_len(text);
    let [b'\r', b'\n', ..] = &text[length..] else {
        return Err(byte_fault(&text[length..], Fault::FieldValue));
    };
    let end = start + trim_end(&text[..length]).len();
    head.push(Field {
        name: Span::new(at, at + name_end),
        value: Span::new(at + start, at + end),
        known: Known::of(&line[..name_end]),
    });
    Ok(start + length + 2)
}

/// What is wrong with a line that has no colon behind the `name_end` bytes of its name.
#[cold]
fn name_fault(line: &[u8], name_end: usize) -> Fault {
    match &line[name_end..] {
        [byte, ..] if is_blank(*byte) && name_end == 0 => Fault::ObsFold,
        [byte, ..] if is_blank(*byte) => Fault::SpaceBeforeColon,
        [b'\r', b'\n', ..] => Fault::NoColon,
        rest => byte_fault(rest, Fault::FieldName),
    }
}

/// What is wrong with the first byte of `rest`, which may not stand where it stands.
#[cold]
pub(crate) fn byte_fault(rest: &[u8], otherwise: Fault) -> Fault {
    match rest {
        [] | [b'\r'] => Fault::NotOneHead,
        [0, ..] => Fault::Nul,
        [b'\n', ..] => Fault::BareLf,
        [b'\r', b'\n', ..] => otherwise,
        [b'\r', ..] => Fault::BareCr,
        _ => otherwise,
    }
}
