//! Access records as text: a JSON object or the combined format, one a line.

use std::fmt::{self, Display, Formatter};
use std::io::Write as _;
use std::time::{Duration, SystemTime};

use portreeve_http1::Known;
use portreeve_model::Cause;
use portreeve_model::plan::RecordFormat;

use super::{EndedBy, Hedge, Record};
use crate::date::{self, Rfc3339};

/// Writes one record, its line feed included. Writing to memory cannot fail.
pub(super) fn write(
    record: &Record<'_>,
    total: Duration,
    at: SystemTime,
    format: RecordFormat,
    out: &mut Vec<u8>,
) {
    match format {
        RecordFormat::Json => json(record, total, at, out),
        RecordFormat::Combined => combined(record, at, out),
    }
    out.push(b'\n');
}

fn json(record: &Record<'_>, total: Duration, at: SystemTime, out: &mut Vec<u8>) {
    let _ = write!(
        out,
        "{{\"time\":\"{}\",\"listener\":\"{}\"",
        Rfc3339(at),
        record.listener.name
    );
    let _ = write!(out, ",\"client\":\"{}\"", Client(record));
    if let Some(request) = record.request {
        text(out, "method", request.method());
        text(out, "host", request.authority());
        text(out, "target", request.target());
        text(out, "version", request.version().as_bytes());
    }
    if let Some(host) = record.connection {
        text(out, "method", TCP);
        text(out, "host", host.as_bytes());
    }
    let _ = write!(
        out,
        ",\"status\":{},\"ended_by\":\"{}\"",
        status(record),
        ended_by(record.ended_by())
    );
    if let Some(cause) = record.cause {
        text(out, "cause", cause.code().as_bytes());
    }
    if let (Some(route), Some(pool)) = (record.route, record.pool()) {
        let _ = write!(out, ",\"route\":\"{}\",\"pool\":\"{}\"", route.name, pool.name);
    }
    if let Some(backend) = &record.backend {
        text(out, "backend", backend.label.as_bytes());
        choice(record, out);
    }
    phases(record, total, out);
    let _ = write!(
        out,
        ",\"bytes_in\":{},\"bytes_out\":{}",
        record.bytes_in, record.bytes_out
    );
    if let Some(request) = record.request {
        for (name, known) in [("user_agent", Known::UserAgent), ("referer", Known::Referer)] {
            if let Some(value) = request.head.values(known).next() {
                text(out, name, value);
            }
        }
    }
    out.push(b'}');
}

/// How the backend was found.
fn choice(record: &Record<'_>, out: &mut Vec<u8>) {
    if let Some(why) = record.why {
        let _ = write!(out, ",\"why\":\"{}\"", why.code());
    }
    let _ = write!(
        out,
        ",\"attempts\":{},\"reused\":{}",
        record.attempts, record.reused
    );
    if let Some(hedge) = record.hedge {
        let _ = write!(out, ",\"hedge\":\"{}\"", hedge_code(hedge));
    }
    if record.ejections > 0 {
        let _ = write!(out, ",\"ejections\":{}", record.ejections);
    }
}

/// Each phase by itself, in milliseconds: what they do not cover is the response's body.
fn phases(record: &Record<'_>, total: Duration, out: &mut Vec<u8>) {
    let phases = record.phases;
    if let Some(held) = phases.held {
        millis(out, "held_ms", held);
    }
    let mut last = phases.held.unwrap_or_default();
    for (name, at) in [
        ("wait_ms", phases.chosen),
        ("connect_ms", phases.connected),
        ("first_byte_ms", phases.first_byte),
    ] {
        if let Some(at) = at {
            millis(out, name, at.saturating_sub(last));
            last = at;
        }
    }
    millis(out, "total_ms", total);
}

/// `client - - [time] "request line" status bytes "referer" "user agent"`
fn combined(record: &Record<'_>, at: SystemTime, out: &mut Vec<u8>) {
    let _ = write!(out, "{} - - [{}] \"", Client(record), date::combined(at));
    if let Some(request) = record.request {
        escape(out, request.method());
        out.push(b' ');
        escape(out, request.target());
        let _ = write!(out, " {}", request.version());
    }
    if let Some(host) = record.connection {
        escape(out, TCP);
        out.push(b' ');
        escape(out, if host.is_empty() { b"-" } else { host.as_bytes() });
    }
    let _ = write!(out, "\" {} {}", status(record), record.bytes_out);
    for known in [Known::Referer, Known::UserAgent] {
        out.extend_from_slice(b" \"");
        let value = record
            .request
            .and_then(|request| request.head.values(known).next());
        escape(out, value.unwrap_or(b"-"));
        out.push(b'"');
    }
}

/// The client's address, or `unknown` behind a Unix socket.
struct Client<'a>(&'a Record<'a>);

impl Display for Client<'_> {
    fn fmt(&self, to: &mut Formatter<'_>) -> fmt::Result {
        match self.0.client {
            Some(ip) => ip.fmt(to),
            None => to.write_str("unknown"),
        }
    }
}

/// What was sent; 499 says, as in nginx's records, that the client left before anything was.
fn status(record: &Record<'_>) -> u16 {
    if record.status == 0 && record.cause == Some(Cause::ClientLeft) {
        Cause::ClientLeft.status()
    } else {
        record.status
    }
}

pub(super) fn text(out: &mut Vec<u8>, name: &str, value: &[u8]) {
    let _ = write!(out, ",\"{name}\":\"");
    escape(out, value);
    out.push(b'"');
}

/// The same of what has no bytes of its own yet.
pub(super) fn shown(out: &mut Vec<u8>, name: &str, value: impl Display) {
    let _ = write!(out, ",\"{name}\":\"");
    let _ = fmt::Write::write_fmt(&mut Escaped(out), format_args!("{value}"));
    out.push(b'"');
}

/// Escapes what is written to it.
struct Escaped<'a>(&'a mut Vec<u8>);

impl fmt::Write for Escaped<'_> {
    fn write_str(&mut self, text: &str) -> fmt::Result {
        escape(self.0, text.as_bytes());
        Ok(())
    }
}

/// Quotes, backslashes and everything beyond printable ASCII are escaped, so that no client can forge a line or break a
/// parser. A byte above 0x7f stands as the code point of its value.
fn escape(out: &mut Vec<u8>, value: &[u8]) {
    for byte in value {
        match byte {
            b'"' | b'\\' => out.extend_from_slice(&[b'\\', *byte]),
            b' '..=b'~' => out.push(*byte),
            _ => {
                let _ = write!(out, "\\u{byte:04x}");
            }
        }
    }
}

/// The same for a text that is known to be UTF-8: its letters stay.
pub(super) fn escape_text(out: &mut Vec<u8>, value: &str) {
    for letter in value.chars() {
        match letter {
            '"' | '\\' => out.extend_from_slice(&[b'\\', letter as u8]),
            _ if letter.is_control() => {
                let _ = write!(out, "\\u{:04x}", u32::from(letter));
            }
            _ => out.extend_from_slice(letter.encode_utf8(&mut [0; 4]).as_bytes()),
        }
    }
}

fn millis(out: &mut Vec<u8>, name: &str, time: Duration) {
    let micros = time.as_micros();
    let _ = write!(out, ",\"{name}\":{}.{:03}", micros / 1_000, micros % 1_000);
}

fn hedge_code(hedge: Hedge) -> &'static str {
    match hedge {
        Hedge::Lost => "lost",
        Hedge::Won => "won",
    }
}

pub(super) fn ended_by(who: EndedBy) -> &'static str {
    match who {
        EndedBy::Completion => "completion",
        EndedBy::Client => "client",
        EndedBy::Backend => "backend",
        EndedBy::Proxy => "proxy",
    }
}

/// What stands in the place of a method where a connection is carried as it is.
const TCP: &[u8] = b"TCP";

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_shown_is_escaped_like_a_text() {
        let (mut shown_so, mut written) = (Vec::new(), Vec::new());
        let address = "unix:/tmp/\"é\"\n";
        shown(&mut shown_so, "at", format_args!("unix:{}", "/tmp/\"é\"\n"));
        text(&mut written, "at", address.as_bytes());
        assert_eq!(shown_so, written);
        assert_eq!(written, br#","at":"unix:/tmp/\"\u00c3\u00a9\"\u000a""#);
    }
}
