//! The head of a request of HTTP/2 as HTTP/1.1 writes it (RFC 9113 section 8.3, RFC 9112 section 3).

use h2::ext::Protocol;
use http::header::{self, HeaderMap, HeaderName, HeaderValue};
use http::request::Parts;
use http::{Method, Uri};

/// What of a request matters once its head is told.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Telling {
    pub(super) body: BodyTelling,
    pub(super) kind: Kind,
}

/// How what follows the head is told.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum BodyTelling {
    /// Nothing follows.
    None,
    /// As many bytes as `Content-Length` says; the connection sees to that (RFC 9113 section 8.1.1).
    Exact,
    Chunked,
    /// Bytes as they come.
    Tunnel,
}

/// What the answer to a request may be.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Kind {
    Plain,
    /// The answer has no body.
    Head,
    /// `CONNECT` (RFC 9110 section 9.3.6).
    Connect,
    /// `CONNECT` with `:protocol` (RFC 8441), told as `Upgrade`.
    Extended,
}

/// The request breaks RFC 9113 section 8: its stream is to be reset.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Malformed;

/// Writes the head behind what is in `out`. `is_whole`: no body and no trailers follow. What HTTP/1.1 forbids as well is
/// left to its parser.
pub(crate) fn tell(parts: &Parts, is_whole: bool, out: &mut Vec<u8>) -> Result<Telling, Malformed> {
    let kind = kind(parts)?;
    write_line(parts, kind, out)?;
    write_host(parts, out)?;
    write_fields(&parts.headers, out)?;
    let body = body(parts, kind, is_whole);
    match body {
        BodyTelling::Chunked => out.extend_from_slice(b"Transfer-Encoding: chunked\r\n"),
        BodyTelling::None if is_missing_its_length(parts) => out.extend_from_slice(b"Content-Length: 0\r\n"),
        _ => {}
    }
    if kind == Kind::Extended {
        write_upgrade(parts, out);
    }
    out.extend_from_slice(b"\r\n");
    Ok(Telling { body, kind })
}

fn kind(parts: &Parts) -> Result<Kind, Malformed> {
    match (&parts.method, parts.extensions.get::<Protocol>()) {
        (&Method::CONNECT, Some(protocol)) if is_token(protocol.as_str()) => Ok(Kind::Extended),
        (_, Some(_)) => Err(Malformed),
        (&Method::CONNECT, None) => Ok(Kind::Connect),
        (&Method::HEAD, None) => Ok(Kind::Head),
        _ => Ok(Kind::Plain),
    }
}

fn body(parts: &Parts, kind: Kind, is_whole: bool) -> BodyTelling {
    match kind {
        Kind::Connect | Kind::Extended => BodyTelling::Tunnel,
        _ if is_whole => BodyTelling::None,
        _ if parts.headers.contains_key(header::CONTENT_LENGTH) => BodyTelling::Exact,
        _ => BodyTelling::Chunked,
    }
}

/// Many a server refuses a request of such a method that does not say that it has no body (RFC 9110 section 8.6).
fn is_missing_its_length(parts: &Parts) -> bool {
    matches!(parts.method, Method::POST | Method::PUT | Method::PATCH)
        && !parts.headers.contains_key(header::CONTENT_LENGTH)
}

fn write_line(parts: &Parts, kind: Kind, out: &mut Vec<u8>) -> Result<(), Malformed> {
    let (method, target) = match kind {
        Kind::Extended => ("GET", target(parts)?),
        Kind::Connect => ("CONNECT", parts.uri.authority().ok_or(Malformed)?.as_str()),
        Kind::Plain | Kind::Head => (parts.method.as_str(), target(parts)?),
    };
    out.extend_from_slice(method.as_bytes());
    out.push(b' ');
    out.extend_from_slice(target.as_bytes());
    out.extend_from_slice(b" HTTP/1.1\r\n");
    Ok(())
}

/// A path, or `*` of `OPTIONS`: an absolute form would be another way to name a host.
fn target(parts: &Parts) -> Result<&str, Malformed> {
    if !is_ours(&parts.uri) {
        return Err(Malformed);
    }
    let target = parts.uri.path_and_query().ok_or(Malformed)?.as_str();
    let is_asterisk = target == "*" && parts.method == Method::OPTIONS;
    if target.starts_with('/') || is_asterisk {
        Ok(target)
    } else {
        Err(Malformed)
    }
}

fn is_ours(uri: &Uri) -> bool {
    uri.scheme_str()
        .is_none_or(|scheme| scheme.eq_ignore_ascii_case("http") || scheme.eq_ignore_ascii_case("https"))
}

/// `:authority` if there is one, which a `Host` beside it must not contradict (RFC 9113 section 8.3.1).
fn write_host(parts: &Parts, out: &mut Vec<u8>) -> Result<(), Malformed> {
    let mut hosts = parts.headers.get_all(header::HOST).iter();
    let Some(authority) = parts.uri.authority() else {
        hosts.for_each(|host| write_field(&header::HOST, host, out));
        return Ok(());
    };
    let authority = authority.as_str().as_bytes();
    let agrees = |host: &HeaderValue| host.as_bytes().eq_ignore_ascii_case(authority);
    if !hosts.next().is_none_or(agrees) || hosts.next().is_some() {
        return Err(Malformed);
    }
    out.extend_from_slice(b"Host: ");
    out.extend_from_slice(authority);
    out.extend_from_slice(b"\r\n");
    Ok(())
}

/// All but `Host`. What speaks of a connection of HTTP/1.1 was refused with its stream (RFC 9113 section 8.2.2).
fn write_fields(fields: &HeaderMap, out: &mut Vec<u8>) -> Result<(), Malformed> {
    for (name, value) in fields {
        if !is_plain(value) {
            return Err(Malformed);
        }
        if name != header::HOST && name != header::COOKIE {
            write_field(name, value, out);
        }
    }
    write_cookies(fields, out);
    Ok(())
}

/// One field, as HTTP/1.1 wants it (RFC 9113 section 8.2.3).
fn write_cookies(fields: &HeaderMap, out: &mut Vec<u8>) {
    let mut lead: &[u8] = b"cookie: ";
    for crumb in fields.get_all(header::COOKIE) {
        out.extend_from_slice(lead);
        out.extend_from_slice(crumb.as_bytes());
        lead = b"; ";
    }
    if lead == b"; " {
        out.extend_from_slice(b"\r\n");
    }
}

/// A value neither begins nor ends with white space (RFC 9113 section 8.2.1).
fn is_plain(value: &HeaderValue) -> bool {
    let is_blank = |byte: Option<&u8>| matches!(byte, Some(b' ' | b'\t'));
    let bytes = value.as_bytes();
    !is_blank(bytes.first()) && !is_blank(bytes.last())
}

/// Adds a trailer section, its empty line included.
pub(super) fn write_trailers(fields: &HeaderMap, out: &mut Vec<u8>) {
    for (name, value) in fields {
        write_field(name, value, out);
    }
    out.extend_from_slice(b"\r\n");
}

fn write_field(name: &HeaderName, value: &HeaderValue, out: &mut Vec<u8>) {
    out.extend_from_slice(name.as_str().as_bytes());
    out.extend_from_slice(b": ");
    out.extend_from_slice(value.as_bytes());
    out.extend_from_slice(b"\r\n");
}

/// RFC 8441 section 5: HTTP/2 needs no key, HTTP/1.1 does, and nobody looks at the answer to it.
fn write_upgrade(parts: &Parts, out: &mut Vec<u8>) {
    let protocol = parts.extensions.get::<Protocol>().map_or("", Protocol::as_str);
    out.extend_from_slice(b"Connection: Upgrade\r\nUpgrade: ");
    out.extend_from_slice(protocol.as_bytes());
    out.extend_from_slice(b"\r\n");
    if protocol.eq_ignore_ascii_case("websocket") && !parts.headers.contains_key(header::SEC_WEBSOCKET_KEY) {
        out.extend_from_slice(b"Sec-WebSocket-Key: cG9ydHJlZXZlLWtleS1oMg==\r\n");
    }
}

fn is_token(text: &str) -> bool {
    let is_tchar = |byte: u8| byte.is_ascii_alphanumeric() || b"!#$%&'*+-.^_`|~".contains(&byte);
    !text.is_empty() && text.bytes().all(is_tchar)
}

#[cfg(test)]
mod tests {
    use http::Request;

    use super::*;

    fn told(request: http::request::Builder, is_whole: bool) -> Result<(String, Telling), Malformed> {
        let (parts, ()) = request.body(()).unwrap().into_parts();
        let mut out = Vec::new();
        let telling = tell(&parts, is_whole, &mut out)?;
        Ok((String::from_utf8(out).unwrap(), telling))
    }

    fn get(uri: &str) -> http::request::Builder {
        Request::get(uri)
    }

    #[test]
    fn a_get_is_told_with_its_authority_as_host() {
        let (text, telling) = told(get("http://app.test/a?b=c").header("accept", "x"), true).unwrap();
        assert_eq!(text, "GET /a?b=c HTTP/1.1\r\nHost: app.test\r\naccept: x\r\n\r\n");
        assert_eq!((telling.body, telling.kind), (BodyTelling::None, Kind::Plain));
    }

    #[test]
    fn a_body_of_unknown_length_is_told_in_chunks() {
        let (text, telling) = told(Request::post("http://app.test/"), false).unwrap();
        let head = "POST / HTTP/1.1\r\nHost: app.test\r\nTransfer-Encoding: chunked\r\n\r\n";
        assert_eq!(text, head);
        assert_eq!(telling.body, BodyTelling::Chunked);
    }

    #[test]
    fn a_body_of_known_length_is_told_as_it_comes() {
        let request = Request::post("http://app.test/").header("content-length", "3");
        let (text, telling) = told(request, false).unwrap();
        assert!(text.ends_with("content-length: 3\r\n\r\n"));
        assert_eq!(telling.body, BodyTelling::Exact);
    }

    #[test]
    fn a_post_without_a_body_says_so() {
        let (text, _) = told(Request::post("http://app.test/"), true).unwrap();
        assert_eq!(
            text,
            "POST / HTTP/1.1\r\nHost: app.test\r\nContent-Length: 0\r\n\r\n"
        );
    }

    #[test]
    fn cookie_crumbs_become_one_field() {
        let request = get("http://app.test/")
            .header("cookie", "a=b")
            .header("x", "y")
            .header("cookie", "c=d");
        let (text, _) = told(request, true).unwrap();
        assert!(text.ends_with("x: y\r\ncookie: a=b; c=d\r\n\r\n"), "{text}");
    }

    #[test]
    fn a_host_that_agrees_is_written_once_and_another_is_malformed() {
        let (text, _) = told(get("http://app.test/").header("host", "APP.test"), true).unwrap();
        assert_eq!(text, "GET / HTTP/1.1\r\nHost: app.test\r\n\r\n");
        let other = get("http://app.test/").header("host", "evil.test");
        assert_eq!(told(other, true), Err(Malformed));
    }

    #[test]
    fn a_host_alone_is_as_good_as_an_authority() {
        let (text, _) = told(get("/").header("host", "app.test"), true).unwrap();
        assert_eq!(text, "GET / HTTP/1.1\r\nhost: app.test\r\n\r\n");
    }

    #[test]
    fn a_target_that_is_no_path_is_malformed() {
        assert_eq!(told(get("ftp://app.test/"), true), Err(Malformed));
        assert_eq!(told(get("*"), true), Err(Malformed));
        assert!(told(Request::options("*").header("host", "app.test"), true).is_ok());
    }

    #[test]
    fn white_space_around_a_value_is_malformed() {
        assert_eq!(
            told(get("http://app.test/").header("x", " y"), true),
            Err(Malformed)
        );
        assert_eq!(
            told(get("http://app.test/").header("x", "y\t"), true),
            Err(Malformed)
        );
    }

    #[test]
    fn an_extended_connect_is_told_as_an_upgrade_with_a_key() {
        let request = Request::connect("http://app.test/chat").extension(Protocol::from("websocket"));
        let (text, telling) = told(request, false).unwrap();
        assert!(text.starts_with("GET /chat HTTP/1.1\r\nHost: app.test\r\n"));
        assert!(text.contains("Connection: Upgrade\r\nUpgrade: websocket\r\nSec-WebSocket-Key: "));
        assert_eq!(
            (telling.body, telling.kind),
            (BodyTelling::Tunnel, Kind::Extended)
        );
        let two = Request::connect("http://app.test/").extension(Protocol::from("a, h2c"));
        assert_eq!(told(two, false), Err(Malformed));
    }

    #[test]
    fn connect_is_told_with_its_authority_as_target() {
        let (text, telling) = told(Request::connect("app.test:443"), false).unwrap();
        assert_eq!(
            text,
            "CONNECT app.test:443 HTTP/1.1\r\nHost: app.test:443\r\n\r\n"
        );
        assert_eq!(telling.kind, Kind::Connect);
    }
}
