//! A backend of either version, that does what it is told with each request.

use std::sync::Arc;

use bytes::Bytes;
use portreeve_testkit::{Address, Message, Origin, Script};
use rustls::ServerConfig;

use super::accept;
use super::act::{Do, Length};
use super::backend_h2::Server;
use super::told::told;

/// A running backend; dropping it ends it.
pub(super) struct Backend {
    pub(super) name: &'static str,
    pub(super) is_secured: bool,
    peer: Peer,
}

enum Peer {
    H1(Origin),
    H2(Server),
}

impl Backend {
    pub(super) async fn h1(name: &'static str, tls: Option<Arc<ServerConfig>>, acts: &[Do]) -> Self {
        let mut origin = Origin::scripted(script(acts));
        if let Some(tls) = &tls {
            origin = origin.within_tls(tls);
        }
        Self {
            name,
            is_secured: tls.is_some(),
            peer: Peer::H1(origin.start().await),
        }
    }

    pub(super) async fn h2(name: &'static str, tls: Option<Arc<ServerConfig>>, acts: &[Do]) -> Self {
        Self {
            name,
            is_secured: tls.is_some(),
            peer: Peer::H2(Server::start(tls, acts).await),
        }
    }

    pub(super) fn scheme(&self) -> &'static str {
        match (&self.peer, self.is_secured) {
            (Peer::H1(_), false) => "http",
            (Peer::H1(_), true) => "https",
            (Peer::H2(_), false) => "h2c",
            (Peer::H2(_), true) => "h2",
        }
    }

    pub(super) fn address(&self) -> Address {
        match &self.peer {
            Peer::H1(origin) => origin.address().clone(),
            Peer::H2(server) => server.address().into(),
        }
    }

    /// Returns once this many requests have begun.
    pub(super) async fn until_begun(&self, count: usize) {
        match &self.peer {
            Peer::H1(origin) => origin.until_requests(count).await,
            Peer::H2(server) => server.until_begun(count).await,
        }
    }

    /// How many requests have begun.
    pub(super) async fn begun(&self) -> usize {
        match &self.peer {
            Peer::H1(origin) => origin.requests().await.len(),
            Peer::H2(server) => server.begun(),
        }
    }

    /// Returns once no request that has begun is still at work.
    pub(super) async fn until_left(&self) {
        match &self.peer {
            Peer::H1(origin) => origin.until(|all| all.iter().all(|one| one.is_over)).await,
            Peer::H2(server) => server.until_left().await,
        }
    }
}

/// The same steps for a connection of HTTP/1.1.
fn script(acts: &[Do]) -> Script {
    let mut is_chunked = false;
    let mut script = Script::new().read_head();
    for act in acts {
        script = match act {
            Do::ReadBody => script.read_body(),
            Do::Tell => script.read_body().send_made(tell),
            Do::Echo => script.read_body().send_made(echo),
            Do::Interim(status, field) => script.send(interim(*status, *field)),
            Do::Head(status, fields, length) => {
                is_chunked = matches!(length, Length::Unknown);
                script.send(head(*status, fields, *length))
            }
            Do::Data(bytes) => script.send(data(bytes, is_chunked)),
            Do::Trailers(trailers) => script.send(last(trailers)),
            Do::End if is_chunked => script.send(last(&[])),
            Do::End => script,
            Do::Reset => script.reset(),
            Do::Close => return script,
            Do::Wait => script.until_peer_leaves(),
            Do::Tunnel => script.send_made(switched).echo(),
            Do::Host => script.send("HTTP/1.1 200 OK\r\n\r\n").echo(),
        };
    }
    script.forever()
}

fn interim(status: u16, field: Option<(&str, &str)>) -> String {
    let field = field.map(|(name, value)| format!("{name}: {value}\r\n"));
    format!("HTTP/1.1 {status} Interim\r\n{}\r\n", field.unwrap_or_default())
}

fn head(status: u16, fields: &[(&str, String)], length: Length) -> String {
    let mut head = format!("HTTP/1.1 {status} Whatever\r\n");
    match length {
        Length::Known(bytes) => head += &format!("content-length: {bytes}\r\n"),
        Length::Unknown => head += "transfer-encoding: chunked\r\n",
        Length::Without => {}
    }
    for (name, value) in fields {
        head += &format!("{name}: {value}\r\n");
    }
    head + "\r\n"
}

fn data(bytes: &Bytes, is_chunked: bool) -> Vec<u8> {
    if !is_chunked {
        return bytes.to_vec();
    }
    [format!("{:x}\r\n", bytes.len()).as_bytes(), bytes, b"\r\n"].concat()
}

fn last(trailers: &[(&str, &str)]) -> String {
    let lines: String = trailers
        .iter()
        .map(|(name, value)| format!("{name}: {value}\r\n"))
        .collect();
    format!("0\r\n{lines}\r\n")
}

fn tell(request: &Message) -> Vec<u8> {
    let line = request.line().replace(" HTTP/1.1", "");
    let text = told(&line, request.fields(), &request.body, &request.trailers);
    let length = Length::Known(text.len());
    let body = if line.starts_with("HEAD ") { "" } else { &text };
    format!("{}{body}", head(200, &[], length)).into_bytes()
}

fn echo(request: &Message) -> Vec<u8> {
    let trailers: Vec<(&str, &str)> = request
        .trailers
        .iter()
        .map(|(name, value)| (name.as_str(), value.as_str()))
        .collect();
    let mut answer = head(200, &[], Length::Unknown).into_bytes();
    if !request.body.is_empty() {
        answer.extend(data(&Bytes::copy_from_slice(&request.body), true));
    }
    answer.extend(last(&trailers).into_bytes());
    answer
}

/// RFC 6455 section 4.2.2.
fn switched(request: &Message) -> Vec<u8> {
    let key = request.field("sec-websocket-key").unwrap_or_default();
    format!(
        "HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n\
         Sec-WebSocket-Accept: {}\r\n\r\n",
        accept::of(&key)
    )
    .into_bytes()
}
