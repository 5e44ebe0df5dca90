//! Where a packet ends.

mod grammar;
mod nesting;

use std::ops::Range;

use crate::fault::Fault;
use crate::limits::Limits;
use grammar::{Grammar, Step};

/// Looks for the end of a packet while its bytes arrive; each byte is looked at once, however they are split.
///
/// Whatever breaks the grammar of JSON (RFC 8259) is refused at its first byte, so that a peer who speaks something else is
/// answered at once. A fault ends the connection: where the next packet would begin cannot be known. What needs more
/// than the grammar (that it is an object, its fields, its UTF-8) is left to [`parse`](crate::parse).
///
/// A number, alone among values, ends only when something else comes; no packet is one, and [`finish`](Self::finish)
/// ends it at the end of the input.
#[derive(Debug, Clone, Default)]
pub struct Scan {
    /// Bytes looked at.
    at: usize,
    /// Where the value begins, once it has begun.
    start: Option<usize>,
    grammar: Grammar,
}

impl Scan {
    /// Goes on with `input`, all bytes that are not consumed yet; returns where in it the packet lies, without the white
    /// space around it. Consume it to the range's end, then start over with a new scan.
    ///
    /// # Errors
    /// [`Code::NotJson`](crate::Code::NotJson) at the first byte that JSON does not allow;
    /// [`Code::PayloadTooLarge`](crate::Code::PayloadTooLarge) as soon as the packet cannot end within
    /// `limits.packet_bytes_max`, or [`Code::BadPacket`](crate::Code::BadPacket) if that many bytes are white space. The
    /// other limits are not looked at.
    pub fn advance(&mut self, input: &[u8], limits: &Limits) -> Result<Option<Range<usize>>, Fault> {
        let window = &input[..input.len().min(limits.packet_bytes_max)];
        match self.walk(window)? {
            None if input.len() >= limits.packet_bytes_max => Err(self.overflow(limits)),
            found => Ok(found),
        }
    }

    /// The same when no more bytes will come. `None`: nothing but white space is left.
    ///
    /// # Errors
    /// Those of [`advance`](Self::advance), and [`Code::NotJson`](crate::Code::NotJson) for a packet without its end.
    pub fn finish(&mut self, input: &[u8], limits: &Limits) -> Result<Option<Range<usize>>, Fault> {
        if let Some(found) = self.advance(input, limits)? {
            return Ok(Some(found));
        }
        match self.start {
            None => Ok(None),
            Some(start) if self.grammar.may_end() => Ok(Some(start..self.at)),
            Some(start) => Err(Fault::not_json(format!(
                "the packet ends after {} bytes, before its JSON value does",
                self.at - start
            ))),
        }
    }

    /// Goes on to the value's end, a fault, or the window's end.
    fn walk(&mut self, window: &[u8]) -> Result<Option<Range<usize>>, Fault> {
        if self.start.is_none() {
            self.at += skippable(&window[self.at.min(window.len())..]);
            self.start = (self.at < window.len()).then_some(self.at);
        }
        let Some(start) = self.start else { return Ok(None) };
        while let Some(&byte) = window.get(self.at) {
            match self.grammar.step(byte) {
                Ok(Step::On) => self.at += 1,
                Ok(Step::InText) => self.at += 1 + plain_text(&window[self.at + 1..]),
                Ok(Step::EndsWith) => return Ok(Some(start..self.at + 1)),
                Ok(Step::EndsBefore) => return Ok(Some(start..self.at)),
                Err(wanted) => return Err(not_json(self.at - start, byte, wanted)),
            }
        }
        Ok(None)
    }

    fn overflow(&self, limits: &Limits) -> Fault {
        let max = limits.packet_bytes_max;
        match self.start {
            None => Fault::bad(format!(
                "found {max} bytes of white space where a packet should be"
            )),
            Some(_) => Fault::too_large(format!(
                "the packet does not end within {max} bytes, the most that is allowed"
            )),
        }
    }
}

/// How many bytes of white space `input` begins with. They may be dropped, and a new scan begun, as often as one likes
/// while a packet is awaited.
pub fn skippable(input: &[u8]) -> usize {
    input.iter().take_while(|&&byte| is_space(byte)).count()
}

/// The JSON object in `bytes`, without the white space around it; `None` if they are anything else.
pub(crate) fn object_in(bytes: &[u8]) -> Option<&str> {
    let value = value_in(bytes).ok()?;
    value.text.starts_with('{').then_some(value.text)
}

/// One JSON value.
pub(crate) struct Value<'a> {
    /// Without white space around it.
    pub(crate) text: &'a str,
    /// Objects and arrays within each other.
    pub(crate) depth: usize,
}

/// The one JSON value that `bytes` are, of any length.
pub(crate) fn value_in(bytes: &[u8]) -> Result<Value<'_>, Fault> {
    let mut scan = Scan::default();
    let limits = Limits {
        packet_bytes_max: usize::MAX,
        ..Limits::default()
    };
    let Some(range) = scan.finish(bytes, &limits)? else {
        return Err(Fault::not_json("found nothing; a packet is a JSON object"));
    };
    let rest = &bytes[range.end..];
    if skippable(rest) < rest.len() {
        return Err(Fault::not_json(format!(
            "something follows the packet's JSON value, which ends after {} bytes",
            range.len()
        )));
    }
    let text = str::from_utf8(&bytes[range]).map_err(|fault| {
        Fault::not_json(format!(
            "byte {} is not UTF-8; a packet is JSON in UTF-8",
            fault.valid_up_to()
        ))
    })?;
    Ok(Value {
        text,
        depth: scan.grammar.deepest(),
    })
}

/// White space of RFC 8259 section 2.
pub(crate) fn is_space(byte: u8) -> bool {
    matches!(byte, b' ' | b'\t' | b'\n' | b'\r')
}

/// How many bytes `input` begins with that mean nothing within a string.
fn plain_text(input: &[u8]) -> usize {
    let special = |&byte: &u8| byte == b'"' || byte == b'\\' || byte < b' ';
    input.iter().position(special).unwrap_or(input.len())
}

fn not_json(place: usize, byte: u8, wanted: &str) -> Fault {
    let found = match byte {
        b' '..=b'~' => format!("'{}'", char::from(byte)),
        _ => format!("0x{byte:02x}"),
    };
    let hint = match (place, byte) {
        (0, 0x80) => " (a Python pickle?)",
        (0, 0xef) => " (a byte order mark?)",
        _ => "",
    };
    Fault::not_json(format!("byte {place} is {found}{hint}; allowed there: {wanted}"))
}
