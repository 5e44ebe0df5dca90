//! A client of the packet protocol that keeps its connection.

use std::fmt::Display;
use std::net::SocketAddr;
use std::time::{Duration, Instant};

use portreeve_packet::{Packet, parse, payload_sha1, write_request};
use tokio::net::TcpStream;
use tokio::time::timeout;

use crate::failure::Failure;
use crate::packet_stream::{self, PacketStream};
use crate::talk;

/// A client with a connection to the proxy.
#[derive(Debug)]
pub(super) struct PacketClient {
    pub(super) id: u32,
    packets: PacketStream<TcpStream>,
}

/// What came back, and how long that took.
#[derive(Debug)]
pub(super) struct Reply {
    pub(super) outcome: Outcome,
    pub(super) took: Duration,
}

#[derive(Debug)]
pub(super) enum Outcome {
    /// An acknowledgement.
    Served {
        /// The server, as it names itself.
        by: String,
        /// Whether its SHA-1 is that of what was sent.
        is_right: bool,
    },
    /// An error packet: code and detail.
    Refused(String),
}

impl PacketClient {
    pub(super) async fn connect(id: u32, proxy: SocketAddr) -> Result<Self, Failure> {
        let stream = TcpStream::connect(proxy).await;
        let stream = stream.map_err(|error| failed(id, "cannot connect", &error))?;
        Ok(Self {
            id,
            packets: PacketStream::new(stream, packet_stream::limits(PAYLOAD_BYTES)),
        })
    }

    /// Sends `payload` to a server of `policy`.
    pub(super) async fn send(&mut self, policy: &str, payload: &str) -> Result<Reply, Failure> {
        let begin = Instant::now();
        let outcome = timeout(PATIENCE, self.exchange(policy, payload)).await;
        Ok(Reply {
            outcome: outcome.map_err(|late| failed(self.id, "no answer", &late))??,
            took: begin.elapsed(),
        })
    }

    async fn exchange(&mut self, policy: &str, payload: &str) -> Result<Outcome, Failure> {
        let id = self.id;
        let mut request = Vec::new();
        write_request(&id.to_string(), policy, payload, &mut request);
        let sent = self.packets.send(&request).await;
        sent.map_err(|error| failed(id, "cannot send", &error))?;
        let answer = self.packets.next().await;
        let answer = answer.map_err(|broken| failed(id, "cannot read the answer", &broken))?;
        let answer = answer.ok_or_else(|| failed(id, "no answer", &"the proxy closed"))?;
        match parse(&answer, &packet_stream::limits(PAYLOAD_BYTES)) {
            Ok(Packet::Ack(ack)) => Ok(Outcome::Served {
                by: talk::harmless(ack.srcid().unwrap_or("?")),
                is_right: ack.payload() == payload_sha1(payload),
            }),
            Ok(Packet::Error(error)) => Ok(Outcome::Refused(talk::harmless(&format!(
                "{}: {}",
                error.code(),
                error.detail()
            )))),
            Ok(_) => Err(failed(id, "no answer", &"another kind of packet came")),
            Err(fault) => Err(failed(id, "no answer", &fault)),
        }
    }
}

fn failed(id: u32, what: &str, why: &dyn Display) -> Failure {
    Failure::failed(format_args!("client {id}: {what}: {why}"))
}

const PAYLOAD_BYTES: usize = 1024;
const PATIENCE: Duration = Duration::from_secs(10);
