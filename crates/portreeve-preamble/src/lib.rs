//! PROXY headers on bytes (<https://www.haproxy.org/download/3.2/doc/proxy-protocol.txt>): what a proxy says ahead of
//! a connection's first byte of whose connection it is.
//!
//! No I/O, no clock, no tasks, no unsafe. [`parse`] reads both versions from however much has arrived, and never asks
//! for a byte beyond the header; [`write()`] and [`write_own`] append one whole header. Nothing is guessed: what is not a
//! header from its first byte on is a [`Fault`], as the specification demands of whoever expects one.

mod binary;
mod checksum;
mod fault;
mod text;
mod write;

use std::net::SocketAddr;

pub use fault::Fault;
pub use write::{write, write_own};

/// A header, as read.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Preamble {
    /// Bytes of it: the connection's own begin right behind.
    pub length: usize,
    /// Whose connection it is; `None`: that of whoever sent the header (`LOCAL`, as health checks say), or of somebody
    /// whose address it cannot tell (`UNKNOWN`, a Unix socket).
    pub ends: Option<Ends>,
}

/// Both ends of a connection, as the proxy that accepted it saw them.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Ends {
    /// Who connected.
    pub client: SocketAddr,
    /// Where to.
    pub server: SocketAddr,
}

/// How a header is written.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Version {
    /// One line of text.
    V1,
    /// Binary.
    V2,
}

/// The header that `bytes` begin with; `None`: all of them belong to one that goes on.
///
/// # Errors
/// They begin with no header, or with one that breaks the rules; then more bytes mend nothing.
pub fn parse(bytes: &[u8]) -> Result<Option<Preamble>, Fault> {
    if agree(bytes, binary::SIGNATURE) {
        binary::parse(bytes)
    } else if agree(bytes, text::SIGNATURE) {
        text::parse(bytes)
    } else {
        Err(Fault::Absent)
    }
}

/// Whether one begins with the other.
fn agree(bytes: &[u8], signature: &[u8]) -> bool {
    bytes.iter().zip(signature).all(|(byte, wanted)| byte == wanted)
}

/// No header is longer: what a version 2 header says beside addresses is bounded so.
pub const LENGTH_MAX: usize = 16 * 1024;
