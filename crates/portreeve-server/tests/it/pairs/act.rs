//! What a backend does with a request, whatever it speaks.

use bytes::Bytes;

/// A step. Before the first the head of the request has been read.
#[derive(Debug, Clone)]
pub(super) enum Do {
    /// Reads the request to its end.
    ReadBody,
    /// Reads the request to its end, and answers with what it was.
    Tell,
    /// Reads the request to its end, and answers with its body and its trailers.
    Echo,
    /// Sends an interim answer with one field.
    Interim(u16, Option<(&'static str, &'static str)>),
    /// Sends the head of the answer.
    Head(u16, Vec<(&'static str, String)>, Length),
    /// Sends some of the body.
    Data(Bytes),
    /// Ends the body with trailers.
    Trailers(&'static [(&'static str, &'static str)]),
    /// Ends the body.
    End,
    /// Breaks off by a reset.
    Reset,
    /// Closes the connection, whatever it is that runs.
    Close,
    /// Does nothing more, but reads, until the proxy ends it.
    Wait,
    /// Switches to a WebSocket, and sends back what comes.
    Tunnel,
    /// Has reached the host of a CONNECT, and sends back what comes.
    Host,
}

/// What the head of an answer says of its body.
#[derive(Debug, Clone, Copy)]
pub(super) enum Length {
    /// So many bytes.
    Known(usize),
    /// It ends where it ends.
    Unknown,
    /// There is none.
    Without,
}

/// An answer with a body of known length.
pub(super) fn whole(status: u16, body: &'static str) -> Vec<Do> {
    vec![
        Do::ReadBody,
        Do::Head(status, Vec::new(), Length::Known(body.len())),
        Do::Data(Bytes::from_static(body.as_bytes())),
        Do::End,
    ]
}
