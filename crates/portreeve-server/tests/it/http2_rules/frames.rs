//! HTTP/2 frames as bytes (RFC 9113, 4 and 6), right and wrong ones alike: nothing here is checked.

/// The bytes before the first frame of a client.
pub(super) const PREFACE: &[u8] = b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n";

pub(super) const DATA: u8 = 0;
pub(super) const HEADERS: u8 = 1;
pub(super) const PRIORITY: u8 = 2;
pub(super) const RST_STREAM: u8 = 3;
pub(super) const SETTINGS: u8 = 4;
pub(super) const PUSH_PROMISE: u8 = 5;
pub(super) const PING: u8 = 6;
pub(super) const GOAWAY: u8 = 7;
pub(super) const WINDOW_UPDATE: u8 = 8;
pub(super) const CONTINUATION: u8 = 9;
/// A type that nobody has defined.
pub(super) const UNKNOWN: u8 = 0x16;

pub(super) const NONE: u8 = 0;
pub(super) const ACK: u8 = 1;
pub(super) const END_STREAM: u8 = 1;
pub(super) const END_HEADERS: u8 = 4;
/// A header section in one frame, and no content after it.
pub(super) const ENDS: u8 = END_STREAM | END_HEADERS;
pub(super) const PADDED: u8 = 8;
pub(super) const WITH_PRIORITY: u8 = 0x20;

pub(super) const HEADER_TABLE_SIZE: u16 = 1;
pub(super) const ENABLE_PUSH: u16 = 2;
pub(super) const INITIAL_WINDOW_SIZE: u16 = 4;
pub(super) const MAX_FRAME_SIZE: u16 = 5;
pub(super) const UNKNOWN_SETTING: u16 = 0xff;

/// The window that each side has before anybody says otherwise.
pub(super) const WINDOW: u32 = 65_535;
/// The largest window that there may be.
pub(super) const WINDOW_MAX: u32 = 0x7fff_ffff;
/// The largest payload before the other side allows more.
pub(super) const PAYLOAD_MAX: usize = 16_384;
const STREAM_BITS: u32 = 0x7fff_ffff;

/// An error code (RFC 9113, 7).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Code(pub(super) u32);

impl From<Code> for Vec<Code> {
    fn from(code: Code) -> Self {
        vec![code]
    }
}

pub(super) const NO_ERROR: Code = Code(0);
pub(super) const PROTOCOL_ERROR: Code = Code(1);
pub(super) const FLOW_CONTROL_ERROR: Code = Code(3);
pub(super) const STREAM_CLOSED: Code = Code(5);
pub(super) const FRAME_SIZE_ERROR: Code = Code(6);
pub(super) const REFUSED_STREAM: Code = Code(7);
pub(super) const CANCEL: Code = Code(8);
pub(super) const COMPRESSION_ERROR: Code = Code(9);

// Which end is right for a fault is written in the RFCs. The `h2` crate ends the connection with PROTOCOL_ERROR for some of
// them, where another code or the end of one stream would do. An endpoint may end a connection for the fault of one stream
// (RFC 9113, 5.4.1), and the generic suite takes any end for a connection error; so these rules take that code as well.

/// For a frame on a stream that the client has ended.
pub(super) const CLOSED: [Code; 2] = [STREAM_CLOSED, PROTOCOL_ERROR];
/// For a header section whose compression is broken.
pub(super) const UNREADABLE: [Code; 2] = [COMPRESSION_ERROR, PROTOCOL_ERROR];
/// For a setting of a window that there cannot be.
pub(super) const TOO_WIDE: [Code; 2] = [FLOW_CONTROL_ERROR, PROTOCOL_ERROR];

/// A frame that the other side has sent.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Frame {
    pub(super) kind: u8,
    pub(super) flags: u8,
    pub(super) stream: u32,
    pub(super) payload: Vec<u8>,
}

impl Frame {
    /// Takes the first frame off these bytes, once it is whole.
    pub(super) fn take(bytes: &mut Vec<u8>) -> Option<Self> {
        let (head, rest) = bytes.split_first_chunk::<9>()?;
        let length = usize::from(head[0]) << 16 | usize::from(head[1]) << 8 | usize::from(head[2]);
        let frame = Self {
            kind: head[3],
            flags: head[4],
            stream: number(&head[5..]) & STREAM_BITS,
            payload: rest.get(..length)?.to_vec(),
        };
        bytes.drain(..9 + length);
        Some(frame)
    }

    pub(super) fn is(&self, kind: u8, stream: u32) -> bool {
        self.kind == kind && self.stream == stream
    }

    pub(super) fn has(&self, flag: u8) -> bool {
        self.flags & flag != 0
    }

    /// The error code of an `RST_STREAM`.
    pub(super) fn reset_code(&self) -> Code {
        Code(number(&self.payload))
    }

    /// The error code of a `GOAWAY`.
    pub(super) fn goaway_code(&self) -> Code {
        Code(number(self.payload.get(4..).unwrap_or_default()))
    }

    /// The last stream that the sender of a `GOAWAY` has taken up.
    pub(super) fn last_stream(&self) -> Option<u32> {
        (self.kind == GOAWAY).then(|| number(&self.payload) & STREAM_BITS)
    }

    /// What a `GOAWAY` says in words.
    pub(super) fn goaway_text(&self) -> String {
        String::from_utf8_lossy(self.payload.get(8..).unwrap_or_default()).into_owned()
    }
}

/// A frame whose length is that of the payload.
pub(super) fn frame(kind: u8, flags: u8, stream: u32, payload: impl AsRef<[u8]>) -> Vec<u8> {
    let payload = payload.as_ref();
    let length = u32::try_from(payload.len()).expect("a test's payload is short");
    let mut bytes = length.to_be_bytes()[1..].to_vec();
    bytes.extend([kind, flags]);
    bytes.extend(stream.to_be_bytes());
    bytes.extend(payload);
    bytes
}

pub(super) fn data(stream: u32, flags: u8, content: impl AsRef<[u8]>) -> Vec<u8> {
    frame(DATA, flags, stream, content)
}

pub(super) fn headers(stream: u32, flags: u8, block: impl AsRef<[u8]>) -> Vec<u8> {
    frame(HEADERS, flags, stream, block)
}

pub(super) fn continuation(stream: u32, flags: u8, block: impl AsRef<[u8]>) -> Vec<u8> {
    frame(CONTINUATION, flags, stream, block)
}

/// A stream's place in the tree of RFC 7540, which RFC 9113 has left behind: below `parent`, with this weight less one.
pub(super) fn priority(stream: u32, parent: u32, weight: u8) -> Vec<u8> {
    frame(PRIORITY, NONE, stream, placed(parent, weight))
}

/// The five bytes of a place in that tree.
pub(super) fn placed(parent: u32, weight: u8) -> Vec<u8> {
    [&parent.to_be_bytes()[..], &[weight]].concat()
}

/// With this bit in the parent's number, a stream shall be its only child.
pub(super) const EXCLUSIVE: u32 = 0x8000_0000;

pub(super) fn reset(stream: u32, code: Code) -> Vec<u8> {
    frame(RST_STREAM, NONE, stream, code.0.to_be_bytes())
}

pub(super) fn settings(values: &[(u16, u32)]) -> Vec<u8> {
    let mut payload = Vec::new();
    for (name, value) in values {
        payload.extend(name.to_be_bytes());
        payload.extend(value.to_be_bytes());
    }
    frame(SETTINGS, NONE, 0, payload)
}

pub(super) fn ping(payload: [u8; 8]) -> Vec<u8> {
    frame(PING, NONE, 0, payload)
}

pub(super) fn goaway(last_stream: u32, code: Code) -> Vec<u8> {
    let payload = [last_stream.to_be_bytes(), code.0.to_be_bytes()].concat();
    frame(GOAWAY, NONE, 0, payload)
}

pub(super) fn window_update(stream: u32, more: u32) -> Vec<u8> {
    frame(WINDOW_UPDATE, NONE, stream, more.to_be_bytes())
}

/// `content` with this many bytes of padding, as the flag `PADDED` announces it.
pub(super) fn padded(padding: u8, content: impl AsRef<[u8]>) -> Vec<u8> {
    [&[padding][..], content.as_ref(), &vec![0; usize::from(padding)]].concat()
}

fn number(bytes: &[u8]) -> u32 {
    bytes
        .first_chunk::<4>()
        .map_or(u32::MAX, |bytes| u32::from_be_bytes(*bytes))
}
