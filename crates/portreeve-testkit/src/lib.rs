//! Scripted raw-byte peers for tests: an [`Origin`] that does exactly what its [`Script`] says and keeps exactly what
//! it was sent, a [`PacketServer`] that speaks a dialect of the packet protocol, and a [`Client`] that sends any bytes
//! in any pieces and reads answers with a reader of its own. Between them stands the real [`Proxy`], started in the
//! test's process.
//!
//! It shares no line with the product's codec, so that the two can disagree. Every port is chosen by the kernel, every
//! wait is bounded by [`PATIENCE`], and nothing runs on after the value that started it is dropped. What a test has
//! got wrong, or a peer has, is a panic that shows the bytes: this crate is for tests only.

mod certs;
mod client;
mod gate;
mod load;
mod message;
mod origin;
mod packet;
mod packet_server;
mod part;
mod process;
mod proxy;
mod scratch;
mod wire;

pub use certs::{Authority, Leaf, LeafKey, Order};
pub use client::{Broken, Client, Ended};
pub use gate::Gate;
pub use load::{Told, load, volley};
pub use message::{Kind, Message, MessageFault, decoded, extent, text};
pub use origin::{Connection, Origin, OriginBuilder, Script};
pub use packet::{Packet, acknowledgement, sha1};
pub use packet_server::{PacketServer, PacketServerBuilder, Reply};
pub use part::Part;
pub use process::resident_bytes;
pub use proxy::{Proxy, Setup};
pub use scratch::Scratch;
pub use wire::Address;

use std::time::Duration;

/// A `GET` request for this target with `Host: app.test` and no other field.
pub fn get(target: &str) -> String {
    format!("GET {target} HTTP/1.1\r\nHost: app.test\r\n\r\n")
}

/// A `POST` request for `/` with `Host: app.test` and a body of known length.
pub fn post(body: &str) -> String {
    format!(
        "POST / HTTP/1.1\r\nHost: app.test\r\nContent-Length: {}\r\n\r\n{body}",
        body.len()
    )
}

/// A response with `Content-Length` and this status line's end, as in `200 OK`.
pub fn answer(status: &str, body: &str) -> String {
    format!(
        "HTTP/1.1 {status}\r\nContent-Length: {}\r\n\r\n{body}",
        body.len()
    )
}

/// How long anything may take before a test gives it up: far more than a right answer ever needs.
pub const PATIENCE: Duration = Duration::from_secs(10);
