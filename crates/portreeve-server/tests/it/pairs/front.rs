//! A client of either version, before one kind of backend.

use bytes::Bytes;
use portreeve_testkit::{Broken, Client, Kind, Message, decoded};

use super::ask::{Ask, Body};
use super::backend::Backend;
use super::front_h2::Connection;
use super::got::Got;
use super::world::World;

/// One of the sixteen pairs.
pub(super) struct Front<'a> {
    pub(super) world: &'a World,
    pub(super) backend: &'a Backend,
    pub(super) speaks: Speaks,
    pub(super) is_secured: bool,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Speaks {
    H1,
    H2,
}

impl Front<'_> {
    /// Its name, which marks its requests.
    pub(super) fn pair(&self) -> String {
        let client = match (self.speaks, self.is_secured) {
            (Speaks::H1, false) => "h1",
            (Speaks::H1, true) => "https",
            (Speaks::H2, false) => "h2c",
            (Speaks::H2, true) => "h2",
        };
        format!("{client}-to-{}.", self.backend.name)
    }

    pub(super) fn host(&self) -> String {
        format!("{}.pairs.test", self.backend.name)
    }

    pub(super) fn target(&self, ask: &Ask) -> String {
        format!("{}?{}", ask.path, self.pair())
    }

    /// The answer to it, on a connection of its own.
    pub(super) async fn ask(&self, ask: Ask) -> Got {
        match self.speaks {
            Speaks::H1 => asked_h1(self, &mut self.connect_h1().await, &ask).await,
            Speaks::H2 => self.connect_h2().await.ask(self, &ask).await,
        }
    }

    /// Many at once: each on a connection of its own where one carries one at a time, else all on one.
    pub(super) async fn ask_together(&self, asks: &[Ask]) -> Vec<Got> {
        match self.speaks {
            Speaks::H1 => {
                let mut clients = Vec::new();
                for ask in asks {
                    let mut client = self.connect_h1().await;
                    client.send(head_h1(self, ask)).await;
                    clients.push(client);
                }
                let mut got = Vec::new();
                for client in &mut clients {
                    got.push(answer_h1(client, Got::default(), false).await);
                }
                got
            }
            Speaks::H2 => self.connect_h2().await.ask_together(self, asks).await,
        }
    }

    /// Begins a request, and leaves by a reset once the backend has its beginning.
    pub(super) async fn leave(&self, ask: Ask) {
        let begun = self.backend.begun().await;
        match self.speaks {
            Speaks::H1 => {
                let mut client = self.connect_h1().await;
                client.send(begin_h1(self, &ask)).await;
                self.backend.until_begun(begun + 1).await;
                client.reset();
            }
            Speaks::H2 => {
                let connection = self.connect_h2().await;
                let (_, mut stream) = connection.begin(self, &ask).await;
                self.backend.until_begun(begun + 1).await;
                stream.send_reset(h2::Reason::CANCEL);
                self.backend.until_left().await;
            }
        }
        self.backend.until_left().await;
    }

    /// How the record of the last request says that it ended.
    pub(super) async fn ended(&self) -> String {
        let record = self.world.record(&self.pair()).await;
        format!(
            "recorded: {} {} {}",
            record["status"], record["ended_by"], record["cause"]
        )
    }

    pub(super) async fn connect_h1(&self) -> Client {
        let proxy = &self.world.proxy;
        if !self.is_secured {
            return Client::connect(&proxy.address_of("plain")).await;
        }
        let config = self.world.client(b"http/1.1");
        let connected = Client::connect_tls(&proxy.address_of("secure"), &config, &self.host()).await;
        connected.unwrap_or_else(|error| panic!("no handshake: {error}"))
    }

    pub(super) async fn connect_h2(&self) -> Connection {
        let proxy = &self.world.proxy;
        if self.is_secured {
            let config = self.world.client(b"h2");
            Connection::within_tls(&proxy.address_of("secure"), config, &self.host()).await
        } else {
            Connection::plain(&proxy.address_of("plain")).await
        }
    }
}

async fn asked_h1(front: &Front<'_>, client: &mut Client, ask: &Ask) -> Got {
    client.send(begin_h1(front, ask)).await;
    let mut got = Got::default();
    if let Body::Asked(bytes) = &ask.body {
        let interim = client.response().await;
        got.interim.push((interim.status(), None));
        client.send(bytes).await;
    }
    answer_h1(client, got, ask.method == "HEAD").await
}

/// The head, and what of the body comes unasked.
pub(super) fn begin_h1(front: &Front<'_>, ask: &Ask) -> Vec<u8> {
    let mut bytes = head_h1(front, ask).into_bytes();
    match &ask.body {
        Body::Without | Body::Asked(_) => {}
        Body::Known(body) | Body::Part(_, body) => bytes.extend_from_slice(body),
        Body::Pieces(pieces, trailers) => {
            pieces.iter().for_each(|piece| bytes.extend(chunk(piece)));
            bytes.extend_from_slice(b"0\r\n");
            for (name, value) in *trailers {
                bytes.extend(format!("{name}: {value}\r\n").into_bytes());
            }
            bytes.extend_from_slice(b"\r\n");
        }
    }
    bytes
}

pub(super) fn chunk(bytes: &Bytes) -> Vec<u8> {
    [format!("{:x}\r\n", bytes.len()).as_bytes(), bytes, b"\r\n"].concat()
}

pub(super) fn head_h1(front: &Front<'_>, ask: &Ask) -> String {
    let mut head = format!(
        "{} {} HTTP/1.1\r\nHost: {}\r\nTE: trailers\r\nConnection: TE\r\n",
        ask.method,
        front.target(ask),
        front.host()
    );
    for (name, value) in &ask.fields {
        head += &format!("{name}: {value}\r\n");
    }
    match (&ask.body, ask.length()) {
        (Body::Pieces(..), _) => head += "Transfer-Encoding: chunked\r\n",
        (_, Some(length)) => head += &format!("Content-Length: {length}\r\n"),
        (_, None) => {}
    }
    if matches!(ask.body, Body::Asked(_)) {
        head += "Expect: 100-continue\r\n";
    }
    head + "\r\n"
}

/// Interim answers, and the final one.
async fn answer_h1(client: &mut Client, mut got: Got, is_head: bool) -> Got {
    loop {
        let came = if is_head {
            Ok(client.response_to_head().await)
        } else {
            client.try_response().await
        };
        match came {
            Ok(message) if message.status() < 200 => {
                got.interim.push((message.status(), message.field("link")));
            }
            came => return came_h1(got, came),
        }
    }
}

/// The final answer, or what can be known of it.
pub(super) fn came_h1(got: Got, came: Result<Message, Broken>) -> Got {
    match came {
        Ok(message) => whole_h1(got, &message),
        Err(broken) => {
            assert!(broken.ended.is_some(), "it hangs: {broken}");
            broken_h1(got, &broken.got)
        }
    }
}

fn whole_h1(got: Got, message: &Message) -> Got {
    Got {
        status: message.status(),
        fields: message.fields(),
        body: message.body.clone(),
        trailers: message.trailers.clone(),
        is_whole: true,
        ..got
    }
}

/// What can be known of an answer that is not whole.
fn broken_h1(got: Got, bytes: &[u8]) -> Got {
    let head = decoded(bytes, Kind::ResponseToHead);
    Got {
        status: head.map_or(0, |head| head.status()),
        ..got
    }
}
