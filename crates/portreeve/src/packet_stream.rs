//! Packets one by one off a connection.

use std::fmt;
use std::io;

use portreeve_packet::{Fault, Limits, Scan, skippable};
use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt};

/// A connection that carries packets; holds no more than one packet of the limit's size, and what came behind it.
#[derive(Debug)]
pub(crate) struct PacketStream<S> {
    stream: S,
    limits: Limits,
    /// What came and is not consumed.
    buffer: Vec<u8>,
}

/// Why there is no next packet.
#[derive(Debug)]
pub(crate) enum Broken {
    Io(io::Error),
    /// Where the packet ends cannot be known, so nothing more can be read.
    Fault(Fault),
}

impl<S: AsyncRead + AsyncWrite + Unpin> PacketStream<S> {
    pub(crate) fn new(stream: S, limits: Limits) -> Self {
        Self {
            stream,
            limits,
            buffer: Vec::new(),
        }
    }

    /// The next packet's bytes; `None` once the peer has closed. May be cancelled: nothing is lost.
    pub(crate) async fn next(&mut self) -> Result<Option<Vec<u8>>, Broken> {
        let mut scan = Scan::default();
        loop {
            if skippable(&self.buffer) == self.buffer.len() {
                self.buffer.clear();
                scan = Scan::default();
            }
            if let Some(packet) = scan.advance(&self.buffer, &self.limits)? {
                return Ok(Some(self.take(packet)));
            }
            if self.stream.read_buf(&mut self.buffer).await? == 0 {
                let last = scan.finish(&self.buffer, &self.limits)?;
                return Ok(last.map(|packet| self.take(packet)));
            }
        }
    }

    /// Sends one packet in one write.
    pub(crate) async fn send(&mut self, packet: &[u8]) -> io::Result<()> {
        self.stream.write_all(packet).await
    }

    /// Sends our end of the stream.
    pub(crate) async fn close(&mut self) -> io::Result<()> {
        self.stream.shutdown().await
    }

    fn take(&mut self, packet: std::ops::Range<usize>) -> Vec<u8> {
        let bytes = self.buffer[packet.clone()].to_vec();
        self.buffer.drain(..packet.end);
        bytes
    }
}

impl From<io::Error> for Broken {
    fn from(error: io::Error) -> Self {
        Self::Io(error)
    }
}

impl From<Fault> for Broken {
    fn from(fault: Fault) -> Self {
        Self::Fault(fault)
    }
}

impl fmt::Display for Broken {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Io(error) => error.fmt(out),
            Self::Fault(fault) => fault.fmt(out),
        }
    }
}

/// Limits with payloads of up to `payload_bytes_max`, and room for them however they are escaped.
pub(crate) fn limits(payload_bytes_max: usize) -> Limits {
    let limits = Limits::default();
    Limits {
        payload_bytes_max,
        packet_bytes_max: limits
            .packet_bytes_max
            .max(payload_bytes_max.saturating_mul(ESCAPED) + ROOM),
        ..limits
    }
}

/// Bytes of a letter as `\u0041`.
const ESCAPED: usize = 6;
/// For the fields beside the payload.
const ROOM: usize = 16 * 1024;
