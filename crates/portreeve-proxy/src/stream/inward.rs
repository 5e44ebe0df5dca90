//! A client's stream of an HTTP/2 connection, told as a connection of HTTP/1.1.

use std::convert::Infallible;
use std::io;
use std::task::{Context, Poll};

/// A client's stream of an HTTP/2 connection, told as a connection of HTTP/1.1.
pub(crate) struct Inward(Infallible);

impl Inward {
    /// Reads some bytes; 0 is the end of the stream.
    pub(crate) fn poll_read(&mut self, _: &mut Context<'_>, _: &mut [u8]) -> Poll<io::Result<usize>> {
        match self.0 {}
    }

    /// Whether there may be something to read.
    pub(crate) fn poll_readable(&self, _: &mut Context<'_>) -> Poll<()> {
        match self.0 {}
    }

    /// Takes some bytes; they may still be on their way here until `poll_flush` is ready.
    pub(crate) fn poll_write(&mut self, _: &mut Context<'_>, _: &[u8]) -> Poll<io::Result<usize>> {
        match self.0 {}
    }

    /// Ready once the kernel has all that was taken.
    pub(crate) fn poll_flush(&mut self, _: &mut Context<'_>) -> Poll<io::Result<()>> {
        match self.0 {}
    }

    /// Writes what fits at once.
    pub(crate) fn send_now(&mut self, _: &[u8]) {
        match self.0 {}
    }

    /// Says that nothing more will be written.
    pub(crate) fn shut_write(&mut self) {
        match self.0 {}
    }

    /// Has the coming end show that something is missing.
    pub(crate) fn reset_on_close(&mut self) {
        match self.0 {}
    }

    /// Whether the peer has closed or broken it, even if bytes of it are unread.
    pub(crate) fn is_hung_up(&self) -> bool {
        match self.0 {}
    }

    /// Whether the peer is still there and silent.
    pub(crate) fn is_silent(&self) -> bool {
        match self.0 {}
    }
}
