//! A request head of HTTP/1.1, read once more and said in HTTP/2 (RFC 9113 section 8.3.1).

use std::cell::RefCell;

use bytes::Bytes;
use h2::ext::Protocol;
use http::header::{HeaderName, HeaderValue};
use http::uri::{Authority, Parts, PathAndQuery, Scheme};
use http::{HeaderMap, Method, Request, Uri, Version};
use portreeve_http1::{Framing, Head, Known, RequestLine, TargetForm, parse_request, request_framing};

use super::UNBOUNDED;
use super::accept::accept;
use super::upload::Upload;

/// A head, and what is to come behind it.
pub(super) struct Translated {
    pub(super) request: Request<()>,
    pub(super) upload: Upload,
    pub(super) spoken: Spoken,
}

/// What of a request its response depends on.
#[derive(Debug, Default)]
pub(super) struct Spoken {
    pub(super) is_head: bool,
    /// Whether a 2xx makes it a tunnel to a host.
    pub(super) is_connect: bool,
    /// What the stream shall become (RFC 8441).
    pub(super) upgrade: Option<Upgrade>,
    /// Whether trailers come whatever the head says.
    pub(super) is_grpc: bool,
}

#[derive(Debug)]
pub(super) struct Upgrade {
    pub(super) protocol: String,
    /// What its client waits for.
    pub(super) accept: Option<String>,
}

/// Why it cannot be said.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Refused {
    /// It has bytes that have no place in HTTP/2.
    Unsayable,
    /// The other side knows no extended CONNECT.
    NotExtended,
}

impl Spoken {
    pub(super) fn tunnels(&self) -> bool {
        self.is_connect || self.upgrade.is_some()
    }
}

/// Says a head in HTTP/2. `may_extend`: the other side takes extended CONNECT.
pub(super) fn translate(bytes: &[u8], is_secured: bool, may_extend: bool) -> Result<Translated, Refused> {
    HEAD.with_borrow_mut(|head| translate_in(head, bytes, is_secured, may_extend))
}

thread_local! {
    /// Read into by all, one after the other: what it held is forgotten at the next.
    static HEAD: RefCell<Head> = RefCell::default();
}

fn translate_in(
    head: &mut Head,
    bytes: &[u8],
    is_secured: bool,
    may_extend: bool,
) -> Result<Translated, Refused> {
    let line = parse_request(bytes, &UNBOUNDED, head).map_err(|_| Refused::Unsayable)?;
    let framing = request_framing(&line, head).map_err(|_| Refused::Unsayable)?;
    let upgrade = upgrade(head);
    if upgrade.is_some() && !may_extend {
        return Err(Refused::NotExtended);
    }
    let spoken = Spoken {
        is_head: line.method.of(head.bytes()) == b"HEAD",
        is_connect: line.form == TargetForm::Authority,
        is_grpc: head.values(Known::ContentType).any(is_grpc),
        upgrade,
    };
    let request = request(head, &line, &spoken, is_secured)?;
    let framing = if spoken.tunnels() {
        Framing::UntilClose
    } else {
        framing
    };
    Ok(Translated {
        request,
        upload: Upload::new(framing),
        spoken,
    })
}

/// Copies the fields that `keeps` wants. All share one copy of the head.
pub(super) fn fields(
    head: &Head,
    into: &mut HeaderMap,
    keeps: impl Fn(Known) -> bool,
) -> Result<(), Refused> {
    let bytes = Bytes::copy_from_slice(head.bytes());
    for field in head.fields().iter().filter(|field| keeps(field.known)) {
        let name = HeaderName::from_bytes(head.name(field)).map_err(|_| Refused::Unsayable)?;
        let (start, end) = (field.value.start as usize, field.value.end as usize);
        let value = HeaderValue::from_maybe_shared(bytes.slice(start..end));
        into.append(name, value.map_err(|_| Refused::Unsayable)?);
    }
    Ok(())
}

fn request(
    head: &Head,
    line: &RequestLine,
    spoken: &Spoken,
    is_secured: bool,
) -> Result<Request<()>, Refused> {
    let mut request = Request::new(());
    *request.method_mut() = if spoken.upgrade.is_some() {
        Method::CONNECT
    } else {
        Method::from_bytes(line.method.of(head.bytes())).map_err(|_| Refused::Unsayable)?
    };
    *request.uri_mut() = uri(head, line, is_secured)?;
    // Without an authority there is none to name, which only a request that began as HTTP/1.1 may have.
    *request.version_mut() = Version::HTTP_11;
    let is_upgrade = spoken.upgrade.is_some();
    let headers = request.headers_mut();
    headers.reserve(head.fields().len());
    fields(head, headers, is_said)?;
    if is_upgrade {
        headers.remove(http::header::SEC_WEBSOCKET_KEY);
    }
    if let Some(upgrade) = &spoken.upgrade {
        let protocol = Protocol::from(upgrade.protocol.as_str());
        request.extensions_mut().insert(protocol);
    }
    Ok(request)
}

fn uri(head: &Head, line: &RequestLine, is_secured: bool) -> Result<Uri, Refused> {
    let target = line.target.of(head.bytes());
    if line.form == TargetForm::Authority {
        let mut parts = Parts::default();
        parts.authority = Some(Authority::try_from(target).map_err(|_| Refused::Unsayable)?);
        return Uri::from_parts(parts).map_err(|_| Refused::Unsayable);
    }
    let host = head.first(Known::Host).unwrap_or_default();
    let mut parts = Parts::default();
    parts.path_and_query = Some(PathAndQuery::try_from(target).map_err(|_| Refused::Unsayable)?);
    if !host.is_empty() {
        parts.authority = Some(Authority::try_from(host).map_err(|_| Refused::Unsayable)?);
        parts.scheme = Some(if is_secured { Scheme::HTTPS } else { Scheme::HTTP });
    }
    Uri::from_parts(parts).map_err(|_| Refused::Unsayable)
}

/// What HTTP/2 says in other ways is not said in fields (RFC 9113 section 8.2.2).
fn is_said(known: Known) -> bool {
    !matches!(
        known,
        Known::Host
            | Known::Connection
            | Known::KeepAlive
            | Known::ProxyConnection
            | Known::TransferEncoding
            | Known::Upgrade
            | Known::Http2Settings
    )
}

/// Only WebSocket: any other protocol may be left unasked (RFC 9110 section 7.8).
fn upgrade(head: &Head) -> Option<Upgrade> {
    let protocol = head.first(Known::Upgrade)?;
    if !protocol.eq_ignore_ascii_case(b"websocket") || head.repeats(Known::Upgrade) {
        return None;
    }
    Some(Upgrade {
        protocol: "websocket".to_owned(),
        accept: head.named("sec-websocket-key").next().map(accept),
    })
}

fn is_grpc(kind: &[u8]) -> bool {
    kind.get(..GRPC.len())
        .is_some_and(|start| start.eq_ignore_ascii_case(GRPC))
}

const GRPC: &[u8] = b"application/grpc";

#[cfg(test)]
mod tests {
    use super::*;

    fn said(head: &str) -> Translated {
        translate(head.as_bytes(), false, true).unwrap_or_else(|refused| panic!("{refused:?}"))
    }

    #[test]
    fn host_becomes_the_authority_and_hop_by_hop_fields_go() {
        let said = said(
            "GET /a?b=c HTTP/1.1\r\nHost: app.test:81\r\nConnection: close\r\nTE: trailers\r\nX-Name: v\r\n\r\n",
        );
        let request = said.request;
        assert_eq!(request.uri().to_string(), "http://app.test:81/a?b=c");
        let names: Vec<&str> = request.headers().keys().map(HeaderName::as_str).collect();
        assert_eq!(names, ["te", "x-name"]);
        assert!(said.upload.is_over());
    }

    #[test]
    fn a_websocket_is_asked_for_by_extended_connect() {
        let head = "GET /chat HTTP/1.1\r\nHost: a\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n\
                    Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\nSec-WebSocket-Version: 13\r\n\r\n";
        let said = said(head);
        assert_eq!(said.request.method(), Method::CONNECT);
        let names: Vec<&str> = said.request.headers().keys().map(HeaderName::as_str).collect();
        assert_eq!(names, ["sec-websocket-version"]);
        let upgrade = said.spoken.upgrade.unwrap();
        assert_eq!(upgrade.accept.as_deref(), Some("s3pPLMBiTxaQ9kYGzzhZRbK+xOo="));
        let refused = translate(head.as_bytes(), false, false).err();
        assert_eq!(refused, Some(Refused::NotExtended));
    }

    #[test]
    fn connect_names_nothing_but_the_authority() {
        let said = said("CONNECT db.test:5432 HTTP/1.1\r\nHost: db.test:5432\r\n\r\n");
        assert_eq!(said.request.method(), Method::CONNECT);
        assert_eq!(said.request.uri().to_string(), "db.test:5432");
        assert!(said.spoken.tunnels());
    }

    #[test]
    fn what_has_no_place_in_a_path_is_refused() {
        let refused = translate(b"GET /a<b HTTP/1.1\r\nHost: a\r\n\r\n", false, true).err();
        assert_eq!(refused, Some(Refused::Unsayable));
    }
}
