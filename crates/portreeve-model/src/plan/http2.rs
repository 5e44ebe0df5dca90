//! What a client may use up over HTTP/2.

use std::time::Duration;

/// How a listener speaks HTTP/2 (RFC 9113). What is beyond a bound ends the stream or the connection, and is counted.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Http2Plan {
    /// Whether it is spoken at all: by ALPN where there is TLS, by prior knowledge where there is none; default yes.
    pub is_on: bool,
    /// Requests at once on one connection; 1 to 1,000, default 128.
    pub streams_max: u32,
    /// Bytes of a request body that a client may send before we take them, on one stream; 16 KiB to 16 MiB, default 64 KiB.
    pub stream_window: u32,
    /// The same of all streams of a connection together; default 1 MiB.
    pub connection_window: u32,
    /// Streams that the client may reset before we have answered, within a second, before the connection ends
    /// (CVE-2023-44487); default 100.
    pub resets_max: u32,
    /// Frames that carry nothing (PING, SETTINGS, PRIORITY, empty DATA, WINDOW_UPDATE), within a second, before the
    /// connection ends; default 1,000.
    pub idle_frames_max: u32,
    /// How long a connection without a stream is kept; `None`: `keep_alive_timeout` of the listener.
    pub idle_timeout: Option<Duration>,
}

impl Default for Http2Plan {
    fn default() -> Self {
        Self {
            is_on: true,
            streams_max: 128,
            stream_window: 64 * 1024,
            connection_window: 1024 * 1024,
            resets_max: 100,
            idle_frames_max: 1_000,
            idle_timeout: None,
        }
    }
}
