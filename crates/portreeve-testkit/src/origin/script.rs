//! What an origin does with a connection, step by step.

use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use crate::gate::Gate;
use crate::message::Message;

/// Steps in their order. When the last is done the connection is closed. When the peer ends the connection during a
/// step that reads, the rest is left out.
#[derive(Debug, Clone, Default)]
pub struct Script(pub(super) Vec<Step>);

/// Makes an answer of a request.
#[derive(Clone)]
pub(super) struct Maker(pub(super) Arc<Make>);

pub(super) type Make = dyn Fn(&Message) -> Vec<u8> + Send + Sync;

impl fmt::Debug for Maker {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Maker")
    }
}

#[derive(Debug, Clone)]
pub(super) enum Step {
    ReadHead,
    ReadBody,
    Expect(Vec<u8>),
    Send(Vec<u8>),
    SendMade(Maker),
    Flood(u64),
    Pause(Duration),
    Wait(Gate),
    Echo,
    UntilPeerLeaves,
    Sink(u64),
    Stall,
    Shut,
    Reset,
    StopAccepting,
    Forever(Script),
}

impl Script {
    /// Accepts and closes.
    pub fn new() -> Self {
        Self::default()
    }

    fn then(mut self, step: Step) -> Self {
        self.0.push(step);
        self
    }

    /// Reads up to the end of a request head, and no body byte is awaited.
    #[must_use]
    pub fn read_head(self) -> Self {
        self.then(Step::ReadHead)
    }

    /// Reads the body of the head just read.
    #[must_use]
    pub fn read_body(self) -> Self {
        self.then(Step::ReadBody)
    }

    /// Reads a whole request.
    #[must_use]
    pub fn read_request(self) -> Self {
        self.read_head().read_body()
    }

    /// Reads as many bytes as these; if they are others the test fails.
    #[must_use]
    pub fn expect(self, bytes: impl AsRef<[u8]>) -> Self {
        self.then(Step::Expect(bytes.as_ref().to_vec()))
    }

    /// Sends.
    #[must_use]
    pub fn send(self, bytes: impl AsRef<[u8]>) -> Self {
        self.then(Step::Send(bytes.as_ref().to_vec()))
    }

    /// Sends what `make` makes of the request just read.
    #[must_use]
    pub fn send_made(self, make: impl Fn(&Message) -> Vec<u8> + Send + Sync + 'static) -> Self {
        self.then(Step::SendMade(Maker(Arc::new(make))))
    }

    /// Sends in pieces of `size` bytes, each in a segment of its own, with a pause between.
    #[must_use]
    pub fn send_pieces(self, bytes: impl AsRef<[u8]>, size: usize, pause: Duration) -> Self {
        bytes
            .as_ref()
            .chunks(size)
            .fold(self, |script, piece| script.send(piece).pause(pause))
    }

    /// Sends `bytes` times `x`, in constant memory, as fast as they are taken; see [`Origin::sent`](crate::Origin::sent).
    #[must_use]
    pub fn flood(self, bytes: u64) -> Self {
        self.then(Step::Flood(bytes))
    }

    /// Does nothing for a time.
    #[must_use]
    pub fn pause(self, time: Duration) -> Self {
        self.then(Step::Pause(time))
    }

    /// Does nothing until the test opens the gate.
    #[must_use]
    pub fn wait(self, gate: &Gate) -> Self {
        self.then(Step::Wait(gate.clone()))
    }

    /// Sends back whatever comes, until the peer ends.
    #[must_use]
    pub fn echo(self) -> Self {
        self.then(Step::Echo)
    }

    /// Reads, and keeps, whatever comes until the peer ends the connection; see
    /// [`Origin::until_peer_left`](crate::Origin::until_peer_left).
    #[must_use]
    pub fn until_peer_leaves(self) -> Self {
        self.then(Step::UntilPeerLeaves)
    }

    /// Reads and forgets `bytes` bytes, in constant memory; see [`Origin::received`](crate::Origin::received).
    #[must_use]
    pub fn sink(self, bytes: u64) -> Self {
        self.then(Step::Sink(bytes))
    }

    /// Holds the connection, reads nothing and sends nothing, for ever.
    #[must_use]
    pub fn stall(self) -> Self {
        self.then(Step::Stall)
    }

    /// Ends our direction; the peer's goes on.
    #[must_use]
    pub fn shut(self) -> Self {
        self.then(Step::Shut)
    }

    /// Ends the connection with RST.
    #[must_use]
    pub fn reset(self) -> Self {
        self.then(Step::Reset)
    }

    /// Closes the origin's listener: further connections are refused.
    #[must_use]
    pub fn stop_accepting(self) -> Self {
        self.then(Step::StopAccepting)
    }

    /// All of it again and again, until the peer ends the connection.
    #[must_use]
    pub fn forever(self) -> Self {
        Self(vec![Step::Forever(self)])
    }
}
