//! Heads on their way out: the fields as they came, in runs copied whole, but for those that end here (RFC 9110 section 7.6.1)
//! and those that say who passed them on.

use std::borrow::Cow;
use std::net::SocketAddr;
use std::time::Duration;

use portreeve_http1::{Field, Framing, Head, Known, StatusLine, connection_names};

use portreeve_model::{Backend, BackendAddress};

use crate::pipe::Coding;
use crate::request::{Request, Spoken, Tunnel};

/// Who asked, and what is told about it.
pub(crate) struct Via<'a> {
    /// The client's address as text, or `unknown` behind a Unix socket.
    pub(crate) client: &'a str,
    /// Whether the client's own word about clients before it counts.
    pub(crate) trusted: bool,
    /// Whether `Forwarded` (RFC 7239) is written too.
    pub(crate) forwarded: bool,
    /// Whether the client's connection is within TLS.
    pub(crate) is_secured: bool,
    /// The field that says whose certificate the client has shown, and what it says; only we may write it.
    pub(crate) certificate: Option<(&'a str, &'a [Box<str>])>,
    /// The fields that say so for clients of any listener.
    pub(crate) certificate_fields: &'a [Box<str>],
    /// The field that says how long we wait, and what it says.
    pub(crate) deadline: Option<(&'a str, String)>,
}

impl Via<'_> {
    fn says_itself(&self, head: &Head, field: &Field) -> bool {
        let is_deadline = |(name, _): &(&str, String)| head.name(field).eq_ignore_ascii_case(name.as_bytes());
        self.deadline.as_ref().is_some_and(is_deadline) || self.is_of_certificates(head.name(field))
    }

    /// A route that serves several listeners cannot tell of which one a field speaks, so it is dropped at all of them;
    /// only a trusted proxy may have verified a certificate itself, where we have not.
    fn is_of_certificates(&self, name: &[u8]) -> bool {
        let is_own = |(own, _): (&str, _)| is_read_as(name, own.as_bytes());
        let mut known = self.certificate_fields.iter();
        self.certificate.is_some_and(is_own)
            || (!self.trusted && known.any(|known| is_read_as(name, known.as_bytes())))
    }

    fn proto(&self) -> &'static [u8] {
        if self.is_secured { b"https" } else { b"http" }
    }
}

/// How a response is delivered.
pub(crate) struct Delivery<'a> {
    pub(crate) framing: Framing,
    pub(crate) coding: Coding,
    /// What stands in `Connection`, if anything.
    pub(crate) connection: Option<&'static str>,
    /// Whether the client speaks HTTP/1.0, which knows no transfer codings.
    pub(crate) http10: bool,
    /// The present `Date` value, for a response that has none (RFC 9110 section 6.6.1).
    pub(crate) date: &'a [u8],
    /// What the client is to come back with, if anything.
    pub(crate) cookie: Option<String>,
    /// How long the request was held, if it was.
    pub(crate) held: Option<Duration>,
}

/// Writes the request head for the backend.
pub(crate) fn write_request(
    request: &Request,
    via: &Via<'_>,
    backend: &Backend,
    keep_alive: bool,
    out: &mut Vec<u8>,
) {
    out.extend_from_slice(request.method());
    out.push(b' ');
    if request.origin_form().starts_with(b"?") {
        out.push(b'/');
    }
    out.extend_from_slice(request.origin_form());
    out.extend_from_slice(b" HTTP/1.1\r\n");
    let head = &request.head;
    if head.values(Known::Host).next().is_none() {
        match request.authority() {
            b"" => line(out, b"Host", host_of(backend).as_bytes()),
            authority => line(out, b"Host", authority),
        }
    }
    let mut is_plain = true;
    copy_fields(head, out, |field| {
        let kept = !is_framing(field.known) || is_plainly_written(head, field);
        is_plain &= kept;
        kept && is_for_backend(field.known, via) && !via.says_itself(head, field)
    });
    if !is_plain {
        write_framing(request.framing, out);
    }
    write_forwarding(request, via, out);
    line(out, b"Via", via_of(request));
    write_certificate(via, out);
    if let Some((name, left)) = &via.deadline {
        line(out, name.as_bytes(), left.as_bytes());
    }
    write_request_connection(request, keep_alive, out);
    out.extend_from_slice(b"\r\n");
}

/// What stands in for the host of a request that came without one, as in HTTP/1.0: the backend's name, as far as it
/// has one that is a host.
fn host_of(backend: &Backend) -> Cow<'_, str> {
    match &backend.address {
        BackendAddress::Unix(_) => Cow::Borrowed("localhost"),
        BackendAddress::Tcp(addresses) if backend.is_registered => {
            Cow::Owned(addresses.first().map(SocketAddr::to_string).unwrap_or_default())
        }
        BackendAddress::Tcp(_) => Cow::Borrowed(&backend.label),
    }
}

/// Writes the response head for the client.
pub(crate) fn write_response(status: &StatusLine, head: &Head, delivery: &Delivery<'_>, out: &mut Vec<u8>) {
    write_status(status, head, out);
    let keeps_coding =
        delivery.coding == Coding::Verbatim && !delivery.http10 && !has_no_framing(status.status);
    let mut dated = false;
    copy_fields(head, out, |field| {
        dated |= field.known == Known::Date;
        match field.known {
            Known::TransferEncoding => keeps_coding,
            Known::ContentLength => !has_no_framing(status.status),
            known => !is_hop_by_hop(known),
        }
    });
    if delivery.coding == Coding::Chunk && delivery.framing == Framing::UntilClose {
        line(out, b"Transfer-Encoding", b"chunked");
    }
    if !dated {
        line(out, b"Date", delivery.date);
    }
    write_response_via(status, out);
    if let Some(cookie) = &delivery.cookie {
        line(out, b"Set-Cookie", cookie.as_bytes());
    }
    if let Some(held) = delivery.held {
        line(out, b"Server-Timing", server_timing(held).as_bytes());
    }
    if let Some(connection) = delivery.connection {
        line(out, b"Connection", connection.as_bytes());
    }
    out.extend_from_slice(b"\r\n");
}

/// In milliseconds (W3C Server Timing, section 2).
fn server_timing(held: Duration) -> String {
    format!("hold;dur={:.1}", held.as_secs_f64() * 1_000.0)
}

/// Writes an interim response (1xx but for 101) for the client.
pub(crate) fn write_interim(status: &StatusLine, head: &Head, out: &mut Vec<u8>) {
    write_status(status, head, out);
    copy_fields(head, out, |field| {
        !is_hop_by_hop(field.known) && !is_framing(field.known)
    });
    write_response_via(status, out);
    out.extend_from_slice(b"\r\n");
}

/// Writes the head that turns the connection into a tunnel: 101, or a 2xx to `CONNECT`.
pub(crate) fn write_tunnel(status: &StatusLine, head: &Head, out: &mut Vec<u8>) {
    write_status(status, head, out);
    copy_fields(head, out, |field| {
        field.known == Known::Upgrade || !(is_hop_by_hop(field.known) || is_framing(field.known))
    });
    write_response_via(status, out);
    if status.status == 101 {
        line(out, b"Connection", b"Upgrade");
    }
    out.extend_from_slice(b"\r\n");
}

/// Writes a trailer section as it came, the empty line included: what may not stand in one was refused.
pub(crate) fn write_trailers(head: &Head, out: &mut Vec<u8>) {
    out.extend_from_slice(if head.bytes().is_empty() {
        END
    } else {
        head.bytes()
    });
}

fn write_status(status: &StatusLine, head: &Head, out: &mut Vec<u8>) {
    let digits = [status.status / 100, status.status / 10 % 10, status.status % 10];
    out.extend_from_slice(b"HTTP/1.1 ");
    out.extend(digits.map(|digit| b'0' + u8::try_from(digit).unwrap_or(9)));
    out.push(b' ');
    out.extend_from_slice(status.reason.of(head.bytes()));
    out.extend_from_slice(b"\r\n");
}

/// Copies the fields that `keeps` wants, each as it was written; neighbours in one go.
fn copy_fields(head: &Head, out: &mut Vec<u8>, mut keeps: impl FnMut(&Field) -> bool) {
    let (bytes, fields) = (head.bytes(), head.fields());
    let Some(first) = fields.first() else { return };
    let named = NamedByConnection::of(head);
    let mut run = first.name.start as usize;
    for (index, field) in fields.iter().enumerate() {
        let kept = keeps(field) && !named.drops(head, field);
        if !kept {
            out.extend_from_slice(&bytes[run..field.name.start as usize]);
            run = fields
                .get(index + 1)
                .map_or(bytes.len() - END.len(), |next| next.name.start as usize);
        }
    }
    out.extend_from_slice(&bytes[run..bytes.len() - END.len()]);
}

/// Whether, and which, fields `Connection` names beside the usual ones.
struct NamedByConnection(bool);

impl NamedByConnection {
    fn of(head: &Head) -> Self {
        Self(connection_names(head).next().is_some())
    }

    /// Some are judged by themselves: `Upgrade`, which every request names that asks for one, and what is ours to say.
    fn drops(&self, head: &Head, field: &Field) -> bool {
        self.0
            && !matches!(
                field.known,
                Known::Upgrade | Known::XForwardedProto | Known::XForwardedHost
            )
            && connection_names(head).any(|name| name.eq_ignore_ascii_case(head.name(field)))
    }
}

/// Whether even a careless reader sees what this framing field says: one space before the value, no leading zero.
fn is_plainly_written(head: &Head, field: &Field) -> bool {
    let between = &head.bytes()[field.name.end as usize..field.value.start as usize];
    let value = head.value(field);
    between == b": " && (value.len() == 1 || !value.starts_with(b"0"))
}

fn write_framing(framing: Framing, out: &mut Vec<u8>) {
    match framing {
        Framing::Chunked => line(out, b"Transfer-Encoding", b"chunked"),
        Framing::Exact(length) => line(out, b"Content-Length", length.to_string().as_bytes()),
        Framing::Empty | Framing::UntilClose => line(out, b"Content-Length", b"0"),
    }
}

fn is_for_backend(known: Known, via: &Via<'_>) -> bool {
    match known {
        Known::XForwardedFor => false,
        Known::XForwardedProto | Known::XForwardedHost => via.trusted,
        Known::Forwarded => via.trusted && !via.forwarded,
        known => !is_hop_by_hop(known),
    }
}

fn is_hop_by_hop(known: Known) -> bool {
    matches!(
        known,
        Known::Connection | Known::KeepAlive | Known::ProxyConnection | Known::Te | Known::Upgrade
    )
}

fn is_framing(known: Known) -> bool {
    matches!(known, Known::ContentLength | Known::TransferEncoding)
}

/// RFC 9110 section 8.6 and RFC 9112 section 6.1: neither field may stand in these.
fn has_no_framing(status: u16) -> bool {
    status == 204 || status < 200
}

fn write_forwarding(request: &Request, via: &Via<'_>, out: &mut Vec<u8>) {
    let head = &request.head;
    out.extend_from_slice(b"X-Forwarded-For: ");
    if via.trusted {
        for earlier in head
            .values(Known::XForwardedFor)
            .filter(|value| !value.is_empty())
        {
            out.extend_from_slice(earlier);
            out.extend_from_slice(b", ");
        }
    }
    out.extend_from_slice(via.client.as_bytes());
    out.extend_from_slice(b"\r\n");
    let has = |known| via.trusted && head.values(known).next().is_some();
    if !has(Known::XForwardedProto) {
        line(out, b"X-Forwarded-Proto", via.proto());
    }
    let authority = request.authority();
    if !authority.is_empty() && !has(Known::XForwardedHost) {
        line(out, b"X-Forwarded-Host", authority);
    }
    if via.forwarded {
        write_forwarded(request, via, out);
    }
}

/// RFC 7239 section 4.
fn write_forwarded(request: &Request, via: &Via<'_>, out: &mut Vec<u8>) {
    out.extend_from_slice(b"Forwarded: ");
    if via.trusted {
        for earlier in request
            .head
            .values(Known::Forwarded)
            .filter(|value| !value.is_empty())
        {
            out.extend_from_slice(earlier);
            out.extend_from_slice(b", ");
        }
    }
    let is_v6 = via.client.contains(':');
    let (open, close): (&[u8], &[u8]) = if is_v6 {
        (b"for=\"[", b"]\"")
    } else {
        (b"for=", b"")
    };
    for part in [
        open,
        via.client.as_bytes(),
        close,
        b";host=\"",
        request.authority(),
        b"\";proto=",
        via.proto(),
        b"\r\n",
    ] {
        out.extend_from_slice(part);
    }
}

/// The names of the client's certificate, separated by commas, which none of them has in it.
fn write_certificate(via: &Via<'_>, out: &mut Vec<u8>) {
    if let Some((field, names)) = via.certificate.filter(|(_, names)| !names.is_empty()) {
        line(out, field.as_bytes(), names.join(", ").as_bytes());
    }
}

/// Whether some backend may take one name for the other: many tell `-` from `_` no more than upper from lower case.
pub(crate) fn is_read_as(name: &[u8], other: &[u8]) -> bool {
    let plain = |byte: &u8| {
        if *byte == b'_' {
            b'-'
        } else {
            byte.to_ascii_lowercase()
        }
    };
    name.len() == other.len() && name.iter().map(plain).eq(other.iter().map(plain))
}

fn write_request_connection(request: &Request, keep_alive: bool, out: &mut Vec<u8>) {
    if request.tunnel == Tunnel::Upgrade {
        for protocol in request.head.values(Known::Upgrade) {
            line(out, b"Upgrade", protocol);
        }
        line(out, b"Connection", b"Upgrade");
        return;
    }
    // Whoever takes trailers says so to the next, for whom the field is (RFC 9110 section 10.1.4).
    let takes_trailers = accepts_trailers(&request.head);
    if takes_trailers {
        line(out, b"TE", b"trailers");
    }
    match (takes_trailers, keep_alive) {
        (true, true) => line(out, b"Connection", b"TE"),
        (true, false) => line(out, b"Connection", b"TE, close"),
        (false, false) => line(out, b"Connection", b"close"),
        (false, true) => {}
    }
}

/// Whether the client says that it takes trailers.
fn accepts_trailers(head: &Head) -> bool {
    head.values(Known::Te)
        .flat_map(|value| value.split(|byte| *byte == b','))
        .any(|coding| coding.trim_ascii().eq_ignore_ascii_case(b"trailers"))
}

fn via_of(request: &Request) -> &'static [u8] {
    match request.spoken {
        Spoken::Http2 => b"2.0 portreeve",
        Spoken::Http1 if request.is_http10() => b"1.0 portreeve",
        Spoken::Http1 => b"1.1 portreeve",
    }
}

fn write_response_via(status: &StatusLine, out: &mut Vec<u8>) {
    let http10 = status.version == portreeve_http1::Version::H10;
    line(
        out,
        b"Via",
        if http10 {
            b"1.0 portreeve"
        } else {
            b"1.1 portreeve"
        },
    );
}

fn line(out: &mut Vec<u8>, name: &[u8], value: &[u8]) {
    out.extend_from_slice(name);
    out.extend_from_slice(b": ");
    out.extend_from_slice(value);
    out.extend_from_slice(b"\r\n");
}

/// What stands behind the last field.
const END: &[u8] = b"\r\n";
