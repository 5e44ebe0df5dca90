//! How a server speaks.

use std::fmt;

use crate::packet::{Packet, acknowledgement, word};

/// What a server does with a request.
#[derive(Debug, Clone)]
pub enum Reply {
    /// Sends this in one write.
    Packet(String),
    /// Sends this in pieces of so many bytes, each in a segment of its own.
    Pieces(String, usize),
    /// Says nothing and reads on.
    Nothing,
    /// Closes the connection.
    Close,
    /// Resets the connection.
    Reset,
}

/// One server's ways.
pub(super) struct Dialect {
    pub(super) id: String,
    pub(super) policy: String,
    pub(super) writes_text: bool,
    pub(super) policy_key: &'static str,
    pub(super) is_serial: bool,
    pub(super) is_fragile: bool,
    pub(super) closes: bool,
    pub(super) reads_on: bool,
    pub(super) setup_end: SetupEnd,
    pub(super) answer: Option<Box<Answer>>,
}

type Answer = dyn Fn(&Packet) -> Reply + Send + Sync;

/// What becomes of the connection that brought a setup.
#[derive(Debug, Clone, Copy)]
pub(super) enum SetupEnd {
    /// It is closed at once.
    Closes,
    /// It is closed when the answer is there.
    Awaits,
    /// It is never closed, nor read.
    Holds,
}

impl Dialect {
    pub(super) fn new(id: &str, policy: &str) -> Self {
        Self {
            id: id.to_owned(),
            policy: policy.to_owned(),
            writes_text: false,
            policy_key: "privPolyId",
            is_serial: false,
            is_fragile: false,
            closes: false,
            reads_on: false,
            setup_end: SetupEnd::Closes,
            answer: None,
        }
    }

    pub(super) fn setup(&self, port: u16) -> String {
        let word = |text: &str| word(text, self.writes_text);
        format!(
            r#"{{"type": {}, "id": {}, "{}": {}, "listenport": {}}}"#,
            word("1"),
            word(&self.id),
            self.policy_key,
            word(&self.policy),
            word(&port.to_string())
        )
    }

    pub(super) fn reply(&self, request: &Packet) -> Reply {
        match &self.answer {
            Some(answer) => answer(request),
            None => Reply::Packet(acknowledgement(&self.id, request, self.writes_text)),
        }
    }
}

impl fmt::Debug for Dialect {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Dialect")
            .field("id", &self.id)
            .field("policy", &self.policy)
            .finish_non_exhaustive()
    }
}
