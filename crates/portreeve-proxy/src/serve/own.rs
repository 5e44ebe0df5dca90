//! What a listener without TLS says itself, before any route: the proof that a name is ours (RFC 8555 section 8.3), and the
//! way to the listener that has TLS.

use std::io::Write as _;
use std::sync::Arc;
use std::time::Instant;

use memchr::memchr;
use portreeve_http1::Framing;
use portreeve_model::{Cause, Listener, Redirect, RequestView};

use super::answer::{connection_option, keeps_alive};
use super::client::Client;
use super::h1::Next;
use crate::forward::Ended;
use crate::patience::Patience;
use crate::record::Record;
use crate::refusal::{Refusal, reason};
use crate::request::{Request, View};
use crate::worker::Worker;

/// An answer that needs no backend.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Own {
    /// To a certificate authority that looks whether a name is ours.
    Proof(Arc<str>),
    /// To this place, with this status.
    Elsewhere(u16, Vec<u8>),
    /// The client does not say which host it wants, so there is no place to send it to.
    Nowhere,
}

impl Own {
    /// What the listener has to say to this request, if anything.
    pub(crate) fn of(view: &View<'_>, listener: &Listener, worker: &Worker) -> Option<Self> {
        if listener.tls.is_some() {
            return None;
        }
        proof(view, worker).or_else(|| elsewhere(view.request, listener.redirect?))
    }
}

/// Sends it.
pub(crate) async fn serve(
    own: Own,
    client: &mut Client,
    listener: &Listener,
    request: &Request,
    record: &mut Record<'_>,
) -> Ended {
    let body_is_read = request.framing == Framing::Empty;
    if own == Own::Nowhere {
        return Ended::Refused {
            refusal: Refusal::new(Cause::Misdirected),
            body_is_read,
        };
    }
    let keeps = body_is_read && keeps_alive(client, request, listener);
    let mut out = client.worker.take_line();
    record.status = write(&own, client, request, keeps, &mut out);
    let mut patience = Patience::new(listener.limits.body_idle_timeout, listener.limits.rate_min, None);
    let written = client.conn.write_all(&out, &mut patience).await;
    record.bytes_out = out.len() as u64;
    client.worker.give_line(out);
    match written {
        Ok(()) => Ended::Done(if keeps { Next::Request } else { Next::Linger }),
        Err(_) => Ended::Aborted(Cause::ClientLeft),
    }
}

/// A token that is not ours is perhaps a backend's.
fn proof(view: &View<'_>, worker: &Worker) -> Option<Own> {
    let token = view.path().strip_prefix(CHALLENGES)?;
    let token = std::str::from_utf8(token).ok()?;
    if !matches!(view.method(), b"GET" | b"HEAD") {
        return None;
    }
    worker.tls.borrow().http_challenge(token).map(Own::Proof)
}

fn elsewhere(request: &Request, redirect: Redirect) -> Option<Own> {
    let host = without_port(request.authority());
    if host.is_empty() {
        return Some(Own::Nowhere);
    }
    let path = request.origin_form();
    Some(Own::Elsewhere(
        redirect.status,
        location(host, redirect.port, path),
    ))
}

/// RFC 9110 section 4.2.2. What is no path (`*`, or the host of CONNECT) is the root.
fn location(host: &[u8], port: u16, path: &[u8]) -> Vec<u8> {
    let mut place = b"https://".to_vec();
    place.extend_from_slice(host);
    if port != HTTPS_PORT {
        // Writing to memory cannot fail.
        let _ = write!(place, ":{port}");
    }
    if !path.starts_with(b"/") {
        place.push(b'/');
    }
    if matches!(path.first(), Some(b'/' | b'?')) {
        place.extend_from_slice(path);
    }
    place
}

/// `[::1]:80` is `[::1]`; elsewhere the first colon begins the port.
fn without_port(host: &[u8]) -> &[u8] {
    let end = match host.starts_with(b"[") {
        true => memchr(b']', host).map(|place| place + 1),
        false => memchr(b':', host),
    };
    end.map_or(host, |end| &host[..end])
}

/// The whole response; its status.
fn write(own: &Own, client: &Client, request: &Request, keeps: bool, out: &mut Vec<u8>) -> u16 {
    let (status, body) = match own {
        Own::Proof(proof) => (200, proof.as_bytes()),
        Own::Elsewhere(status, _) => (*status, &b""[..]),
        Own::Nowhere => (Cause::Misdirected.status(), &b""[..]),
    };
    let date = client.worker.date(Instant::now());
    // Writing to memory cannot fail.
    let _ = write!(
        out,
        "HTTP/1.1 {status} {}\r\nDate: {}\r\nServer: portreeve\r\nContent-Length: {}\r\n",
        reason(status),
        String::from_utf8_lossy(&date),
        body.len()
    );
    match own {
        Own::Proof(_) => {
            out.extend_from_slice(b"Content-Type: application/octet-stream\r\nCache-Control: no-store\r\n");
        }
        Own::Elsewhere(_, place) => {
            out.extend_from_slice(b"Location: ");
            out.extend_from_slice(place);
            out.extend_from_slice(b"\r\n");
        }
        Own::Nowhere => {}
    }
    if let Some(option) = connection_option(keeps, request.is_http10()) {
        let _ = write!(out, "Connection: {option}\r\n");
    }
    out.extend_from_slice(b"\r\n");
    if request.method() != b"HEAD" {
        out.extend_from_slice(body);
    }
    status
}

const CHALLENGES: &[u8] = b"/.well-known/acme-challenge/";
const HTTPS_PORT: u16 = 443;

#[cfg(test)]
mod tests {
    use super::*;

    fn place(host: &str, port: u16, path: &str) -> String {
        let host = without_port(host.as_bytes());
        String::from_utf8(location(host, port, path.as_bytes())).unwrap()
    }

    #[test]
    fn host_path_and_query_stay_and_the_port_changes() {
        assert_eq!(place("shop.test", 443, "/a/b?c=d"), "https://shop.test/a/b?c=d");
        assert_eq!(place("shop.test:8080", 443, "/"), "https://shop.test/");
        assert_eq!(place("shop.test:80", 8443, "/x"), "https://shop.test:8443/x");
        assert_eq!(place("[::1]:80", 8443, "/"), "https://[::1]:8443/");
    }

    #[test]
    fn what_is_no_path_is_the_root() {
        assert_eq!(place("shop.test", 443, "*"), "https://shop.test/");
        assert_eq!(place("shop.test", 443, "shop.test:443"), "https://shop.test/");
        assert_eq!(place("shop.test", 443, "?a=b"), "https://shop.test/?a=b");
    }
}
