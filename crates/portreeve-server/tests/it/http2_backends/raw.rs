//! One side of a connection of HTTP/2, frame by frame.

use portreeve_testkit::PATIENCE;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio::time::timeout;

pub(super) const DATA: u8 = 0;
pub(super) const HEADERS: u8 = 1;
pub(super) const RST_STREAM: u8 = 3;
pub(super) const SETTINGS: u8 = 4;
pub(super) const PING: u8 = 6;
pub(super) const GOAWAY: u8 = 7;
pub(super) const PUSH_PROMISE: u8 = 5;
pub(super) const WINDOW_UPDATE: u8 = 8;
pub(super) const CONTINUATION: u8 = 9;
pub(super) const END_STREAM: u8 = 1;
pub(super) const ACK: u8 = 1;
pub(super) const END_HEADERS: u8 = 4;
/// `:status: 200`, of HPACK's static table.
pub(super) const STATUS_200: &[u8] = &[0x88];

/// One side of a connection, in frames.
pub(super) struct Frames(TcpStream);

#[derive(Debug)]
pub(super) struct Frame {
    pub(super) kind: u8,
    pub(super) flags: u8,
    pub(super) stream: u32,
    pub(super) payload: Vec<u8>,
}

impl Frames {
    /// Reads the preface and tells our settings, which are all by default.
    pub(super) async fn begin(wire: TcpStream) -> Self {
        Self::begin_with(wire, &[]).await
    }

    /// The same, with these settings.
    pub(super) async fn begin_with(wire: TcpStream, told: &[(u16, u32)]) -> Self {
        Self::try_begin(wire, told).await.expect("a preface")
    }

    /// The same, unless who connects has nothing to say, as a probe.
    pub(super) async fn try_begin(mut wire: TcpStream, told: &[(u16, u32)]) -> Option<Self> {
        let mut preface = [0; 24];
        wire.read_exact(&mut preface).await.ok()?;
        assert_eq!(&preface, b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n");
        let mut frames = Self(wire);
        frames.send(SETTINGS, 0, 0, &settings(told)).await;
        Some(frames)
    }

    /// Returns once the other side has taken our settings.
    pub(super) async fn until_settled(&mut self) -> Option<()> {
        loop {
            let frame = self.next(false).await?;
            if frame.kind == SETTINGS && frame.flags & ACK > 0 {
                return Some(());
            }
            if frame.kind == SETTINGS {
                self.send(SETTINGS, ACK, 0, &[]).await;
            }
        }
    }

    pub(super) async fn send(&mut self, kind: u8, flags: u8, stream: u32, payload: &[u8]) {
        let length = u32::try_from(payload.len()).unwrap().to_be_bytes();
        let mut frame = vec![length[1], length[2], length[3], kind, flags];
        frame.extend_from_slice(&stream.to_be_bytes());
        frame.extend_from_slice(payload);
        // The proxy may have left, which the test says.
        let _ = self.0.write_all(&frame).await;
    }

    /// The next frame; `None` at the end. Settings and pings are answered if `answers`.
    pub(super) async fn next(&mut self, answers: bool) -> Option<Frame> {
        loop {
            let mut head = [0; 9];
            self.0.read_exact(&mut head).await.ok()?;
            let length = usize::from(head[0]) << 16 | usize::from(head[1]) << 8 | usize::from(head[2]);
            let mut payload = vec![0; length];
            self.0.read_exact(&mut payload).await.ok()?;
            let stream = u32::from_be_bytes([head[5], head[6], head[7], head[8]]);
            let frame = Frame {
                kind: head[3],
                flags: head[4],
                stream,
                payload,
            };
            match frame.kind {
                SETTINGS | PING if frame.flags & ACK == 0 && answers => {
                    let echo = if frame.kind == PING {
                        &frame.payload[..]
                    } else {
                        &[]
                    };
                    self.send(frame.kind, ACK, 0, echo).await;
                }
                _ => return Some(frame),
            }
        }
    }

    /// The stream of the next request, which has come whole.
    pub(super) async fn request(&mut self) -> Option<u32> {
        loop {
            let frame = self.next(true).await?;
            if matches!(frame.kind, HEADERS | DATA) && frame.flags & END_STREAM > 0 {
                return Some(frame.stream);
            }
        }
    }

    pub(super) async fn reply(&mut self, stream: u32, body: &[u8]) {
        self.send(HEADERS, END_HEADERS, stream, STATUS_200).await;
        self.send(DATA, END_STREAM, stream, body).await;
    }

    /// The head of the next request, and whether that is all of it.
    pub(super) async fn head(&mut self) -> Option<(u32, bool)> {
        loop {
            let frame = self.next(true).await?;
            if frame.kind == HEADERS {
                return Some((frame.stream, frame.flags & END_STREAM > 0));
            }
        }
    }

    /// The next data: how much, and whether it is the last.
    pub(super) async fn data(&mut self) -> Option<(usize, bool)> {
        loop {
            let frame = timeout(PATIENCE, self.next(true))
                .await
                .expect("data comes in time")?;
            if frame.kind == DATA {
                return Some((frame.payload.len(), frame.flags & END_STREAM > 0));
            }
        }
    }

    /// Reads on, so that nothing is lost by a close, until the other side closes.
    pub(super) async fn linger(mut self) {
        while self.next(true).await.is_some() {}
    }
}

/// The payload of a SETTINGS frame.
pub(super) fn settings(told: &[(u16, u32)]) -> Vec<u8> {
    let each = told.iter().flat_map(|(id, value)| {
        let (id, value) = (id.to_be_bytes(), value.to_be_bytes());
        [id[0], id[1], value[0], value[1], value[2], value[3]]
    });
    each.collect()
}

/// A field that no table knows (RFC 7541 section 6.2.2); name and value have fewer than 127 bytes.
pub(super) fn field(name: &str, value: &str) -> Vec<u8> {
    let mut block = vec![0, u8::try_from(name.len()).unwrap()];
    block.extend_from_slice(name.as_bytes());
    block.push(u8::try_from(value.len()).unwrap());
    block.extend_from_slice(value.as_bytes());
    block
}
