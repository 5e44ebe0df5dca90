//! A client that writes frames by hand, right or wrong.

use portreeve_testkit::{Client, Ended, Proxy};

pub(crate) const DATA: u8 = 0x0;
pub(crate) const HEADERS: u8 = 0x1;
pub(crate) const RST_STREAM: u8 = 0x3;
pub(crate) const SETTINGS: u8 = 0x4;
pub(crate) const PING: u8 = 0x6;
pub(crate) const GOAWAY: u8 = 0x7;
pub(crate) const WINDOW_UPDATE: u8 = 0x8;
pub(crate) const CONTINUATION: u8 = 0x9;
pub(crate) const END_STREAM: u8 = 0x1;
pub(crate) const END_HEADERS: u8 = 0x4;

pub(crate) const PROTOCOL_ERROR: u32 = 0x1;
pub(crate) const INTERNAL_ERROR: u32 = 0x2;
pub(crate) const FRAME_SIZE_ERROR: u32 = 0x6;
pub(crate) const ENHANCE_YOUR_CALM: u32 = 0xb;

pub(crate) const PREFACE: &[u8] = b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n";

/// A connection whose preface was sent.
pub(crate) struct Raw(pub(crate) Client);

/// A frame that came.
#[derive(Debug)]
pub(crate) struct Frame {
    pub(crate) kind: u8,
    pub(crate) stream: u32,
    pub(crate) payload: Vec<u8>,
}

impl Raw {
    pub(crate) async fn connect(proxy: &Proxy) -> Self {
        let mut client = proxy.connect().await;
        client.send([PREFACE, &frame(SETTINGS, 0, 0, b"")].concat()).await;
        Self(client)
    }

    pub(crate) async fn send(&mut self, bytes: impl AsRef<[u8]>) {
        self.0.send(bytes).await;
    }

    /// The next frame.
    pub(crate) async fn frame(&mut self) -> Frame {
        let header = self.0.read_exactly(9).await;
        let length = u32::from_be_bytes([0, header[0], header[1], header[2]]);
        let stream = u32::from_be_bytes([header[5], header[6], header[7], header[8]]);
        Frame {
            kind: header[3],
            stream,
            payload: self.0.read_exactly(length as usize).await,
        }
    }

    /// The next frame of this kind; those between are dropped.
    pub(crate) async fn next(&mut self, kind: u8) -> Frame {
        loop {
            let frame = self.frame().await;
            if frame.kind == kind {
                return frame;
            }
        }
    }

    /// The code with which this stream is reset.
    pub(crate) async fn reset(&mut self, stream: u32) -> u32 {
        let frame = self.next(RST_STREAM).await;
        assert_eq!(frame.stream, stream);
        code(&frame.payload)
    }

    /// The code with which the connection ends.
    pub(crate) async fn goaway(&mut self) -> u32 {
        let frame = self.next(GOAWAY).await;
        code(&frame.payload[4..])
    }

    /// The same, and that the connection is closed behind it.
    pub(crate) async fn goaway_and_close(mut self) -> u32 {
        let code = self.goaway().await;
        assert_eq!(self.0.expect_closed().await, Ended::Closed);
        code
    }

    /// Sees that the connection still serves: a `GET` on this stream is answered.
    pub(crate) async fn still_serves(&mut self, stream: u32) {
        self.send(headers(stream, END_STREAM | END_HEADERS, GET)).await;
        loop {
            let frame = self.frame().await;
            assert_ne!(frame.kind, GOAWAY, "{frame:?}");
            if (frame.kind, frame.stream) == (HEADERS, stream) {
                assert_eq!(frame.payload[0], 0x88, ":status 200 comes first");
                return;
            }
        }
    }
}

/// The fields of a right request.
pub(crate) const GET: &[(&str, &str)] = &[
    (":method", "GET"),
    (":scheme", "http"),
    (":authority", "app.test"),
    (":path", "/"),
];

pub(crate) fn frame(kind: u8, flags: u8, stream: u32, payload: &[u8]) -> Vec<u8> {
    let length = u32::try_from(payload.len()).unwrap().to_be_bytes();
    let mut bytes = length[1..].to_vec();
    bytes.extend([kind, flags]);
    bytes.extend(stream.to_be_bytes());
    bytes.extend(payload);
    bytes
}

/// A HEADERS frame with these fields.
pub(crate) fn headers(stream: u32, flags: u8, fields: &[(&str, &str)]) -> Vec<u8> {
    frame(HEADERS, flags, stream, &block(fields))
}

/// Fields as HPACK writes them without table and Huffman (RFC 7541 section 6.2.2).
pub(crate) fn block(fields: &[(&str, &str)]) -> Vec<u8> {
    let mut block = Vec::new();
    for (name, value) in fields {
        block.push(0);
        for text in [name, value] {
            block.push(u8::try_from(text.len()).unwrap());
            assert!(text.len() < 127, "a longer length takes more bytes");
            block.extend(text.as_bytes());
        }
    }
    block
}

pub(crate) fn code(payload: &[u8]) -> u32 {
    u32::from_be_bytes(payload[..4].try_into().unwrap())
}
