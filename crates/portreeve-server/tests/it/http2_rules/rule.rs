//! One rule: what a client sends, and what it must see then.

use portreeve_testkit::Address;

use super::client::{Came, Client};
use super::fields::{request, status};
use super::frames::{
    ACK, Code, DATA, END_STREAM, ENDS, Frame, GOAWAY, HEADERS, INITIAL_WINDOW_SIZE, NO_ERROR, PING,
    RST_STREAM, SETTINGS, WINDOW, headers, settings,
};
use crate::tls::Edge;

/// A rule of the RFCs as a short play.
pub(super) struct Rule {
    /// Which case of the generic suite this is, by its section there and its place in it; or `own/…`.
    pub(super) id: &'static str,
    says: &'static str,
    steps: Vec<Step>,
    is_greeted: bool,
    leaves: bool,
}

/// On a connection that has begun well.
pub(super) fn rule(id: &'static str, says: &'static str, steps: impl Into<Vec<Step>>) -> Rule {
    Rule {
        id,
        says,
        steps: steps.into(),
        is_greeted: true,
        leaves: false,
    }
}

impl Rule {
    /// Nothing was sent before: no preface, no settings.
    pub(super) fn alone(mut self) -> Self {
        self.is_greeted = false;
        self
    }

    /// The client has said goodbye at the end, so nothing more is asked on this connection.
    pub(super) fn leaving(mut self) -> Self {
        self.leaves = true;
        self
    }

    /// Plays it on a connection of its own. Afterwards a good request is answered: on this connection if that lives on,
    /// else on a new one.
    ///
    /// # Errors
    /// What came instead, beginning with the rule's name.
    pub(super) async fn holds(&self, place: &Place) -> Result<(), String> {
        let played = self.play(place).await;
        played.map_err(|why| format!("{} ({}): {why}", self.id, self.says))
    }

    async fn play(&self, place: &Place) -> Result<(), String> {
        let mut client = place.connect().await;
        if self.is_greeted {
            client.greet().await?;
        }
        for (index, step) in self.steps.iter().enumerate() {
            let done = step.act(&mut client).await;
            done.map_err(|why| format!("step {}: {why}", index + 1))?;
        }
        if client.has_ended || self.leaves {
            client = place.connect().await;
            client.greet().await?;
        }
        let answered = all_is_well(&mut client).await;
        answered.map_err(|why| format!("a good request afterwards: {why}"))
    }
}

async fn all_is_well(client: &mut Client) -> Result<(), String> {
    client.send(&settings(&[(INITIAL_WINDOW_SIZE, WINDOW)])).await;
    client.send(&headers(LATER, ENDS, request("GET", "/later"))).await;
    answered(LATER).act(client).await
}

/// Higher than any stream of the rules.
const LATER: u32 = 9_001;

/// Where the proxy is reached.
pub(super) enum Place {
    Plain(Address),
    WithinTls(Box<Edge>),
}

impl Place {
    async fn connect(&self) -> Client {
        match self {
            Self::Plain(address) => Client::connect(address).await,
            Self::WithinTls(edge) => Client::connect_within_tls(edge).await,
        }
    }
}

/// What happens next.
pub(super) enum Step {
    Send(Vec<u8>),
    Await(Awaited),
    /// The frame that ended the connection named this stream as the last.
    NamedLast(u32),
}

/// What must come, whatever else comes before.
pub(super) enum Awaited {
    Acknowledged,
    Pong([u8; 8]),
    /// A whole answer with this in its content.
    Answer {
        stream: u32,
        status: u16,
        says: &'static str,
    },
    /// The head of an answer.
    Head {
        stream: u32,
    },
    /// A frame with so many bytes of content.
    Data {
        stream: u32,
        length: usize,
    },
    StreamError {
        stream: u32,
        codes: Vec<Code>,
    },
    ConnectionError {
        codes: Vec<Code>,
    },
    /// Where the RFC, or a reader of good will, lets the server choose between the two.
    EitherError {
        stream: u32,
        codes: Vec<Code>,
    },
    /// The end of the connection, with or without a word; or a pong.
    EndOrPong,
}

pub(super) fn send(frames: impl Into<Vec<u8>>) -> Step {
    Step::Send(frames.into())
}

/// Several frames in one write, so that the server cannot have answered between them.
pub(super) fn send_all<const N: usize>(frames: [Vec<u8>; N]) -> Step {
    Step::Send(frames.into_iter().flatten().collect())
}

pub(super) fn acknowledged() -> Step {
    Step::Await(Awaited::Acknowledged)
}

pub(super) fn pong(payload: [u8; 8]) -> Step {
    Step::Await(Awaited::Pong(payload))
}

pub(super) fn answered(stream: u32) -> Step {
    answered_with(stream, 200, "")
}

pub(super) fn answered_with(stream: u32, status: u16, says: &'static str) -> Step {
    Step::Await(Awaited::Answer { stream, status, says })
}

pub(super) fn head(stream: u32) -> Step {
    Step::Await(Awaited::Head { stream })
}

pub(super) fn content(stream: u32, length: usize) -> Step {
    Step::Await(Awaited::Data { stream, length })
}

pub(super) fn stream_error(stream: u32, codes: impl Into<Vec<Code>>) -> Step {
    Step::Await(Awaited::StreamError {
        stream,
        codes: codes.into(),
    })
}

pub(super) fn connection_error(codes: impl Into<Vec<Code>>) -> Step {
    Step::Await(Awaited::ConnectionError { codes: codes.into() })
}

pub(super) fn either_error(stream: u32, codes: impl Into<Vec<Code>>) -> Step {
    Step::Await(Awaited::EitherError {
        stream,
        codes: codes.into(),
    })
}

impl Step {
    async fn act(&self, client: &mut Client) -> Result<(), String> {
        match self {
            Self::Send(bytes) => {
                client.send(bytes).await;
                Ok(())
            }
            Self::Await(awaited) => awaited.comes(client).await,
            Self::NamedLast(stream) => named_last(client, *stream),
        }
    }
}

fn named_last(client: &Client, stream: u32) -> Result<(), String> {
    let named = client.farewell.as_ref().and_then(Frame::last_stream);
    if named == Some(stream) {
        Ok(())
    } else {
        Err(format!("GOAWAY names {named:?} and not {stream} as the last"))
    }
}

impl Awaited {
    async fn comes(&self, client: &mut Client) -> Result<(), String> {
        let mut answer = Answer::default();
        loop {
            let is_done = match client.next().await {
                Came::Frame(frame) => self.is_done_by(&frame, &mut answer)?,
                Came::End => return self.is_done_by_end(client),
                nothing @ Came::Nothing => return Err(format!("{nothing} more came; {answer:?}")),
            };
            if is_done {
                return Ok(());
            }
        }
    }

    fn is_done_by(&self, frame: &Frame, answer: &mut Answer) -> Result<bool, String> {
        match self {
            Self::Acknowledged => Ok(frame.is(SETTINGS, 0) && frame.has(ACK)),
            Self::Pong(payload) => is_pong(frame, payload),
            Self::EndOrPong => Ok(frame.is(PING, 0) && frame.has(ACK)),
            Self::ConnectionError { .. } => Ok(false),
            Self::StreamError { stream, codes } | Self::EitherError { stream, codes } => {
                is_reset(frame, *stream, codes)
            }
            Self::Answer { stream, .. } | Self::Head { stream } | Self::Data { stream, .. } => {
                answer.take(frame, *stream)?;
                self.is_done_with(answer)
            }
        }
    }

    fn is_done_with(&self, answer: &Answer) -> Result<bool, String> {
        match self {
            Self::Head { .. } => Ok(answer.status.is_some()),
            Self::Data { length, .. } => answer.first_frame.map_or(Ok(false), |first| same(*length, first)),
            Self::Answer { status, says, .. } if answer.is_whole => answer.is(*status, says),
            _ => Ok(false),
        }
    }

    fn is_done_by_end(&self, client: &Client) -> Result<(), String> {
        let farewell = client.farewell.as_ref();
        let codes = match self {
            Self::EndOrPong => return Ok(()),
            Self::ConnectionError { codes } | Self::EitherError { codes, .. } => &codes[..],
            _ => &[],
        };
        match farewell {
            Some(farewell) if codes.contains(&farewell.goaway_code()) => Ok(()),
            Some(farewell) => Err(format!("the connection ended: {}", Came::Frame(farewell.clone()))),
            None => Err("the connection ended without GOAWAY".to_owned()),
        }
    }
}

fn is_pong(frame: &Frame, payload: &[u8; 8]) -> Result<bool, String> {
    let is_pong = frame.is(PING, 0) && frame.has(ACK);
    if is_pong && frame.payload != payload {
        return Err(format!("another pong: {frame:?}"));
    }
    Ok(is_pong)
}

fn is_reset(frame: &Frame, stream: u32, codes: &[Code]) -> Result<bool, String> {
    let is_reset = frame.is(RST_STREAM, stream);
    if is_reset && !codes.contains(&frame.reset_code()) {
        return Err(format!(
            "RST_STREAM {:?} instead of {codes:?}",
            frame.reset_code()
        ));
    }
    Ok(is_reset)
}

fn same(awaited: usize, came: usize) -> Result<bool, String> {
    if awaited == came {
        Ok(true)
    } else {
        Err(format!("a DATA frame of {came} bytes instead of {awaited}"))
    }
}

/// What has come of an answer.
#[derive(Debug, Default)]
struct Answer {
    status: Option<u16>,
    content: Vec<u8>,
    /// Length of the first frame with content.
    first_frame: Option<usize>,
    is_whole: bool,
}

impl Answer {
    fn take(&mut self, frame: &Frame, stream: u32) -> Result<(), String> {
        match frame.kind {
            GOAWAY if frame.goaway_code() != NO_ERROR => return Err(Came::Frame(frame.clone()).to_string()),
            RST_STREAM if frame.stream == stream => {
                return Err(format!("RST_STREAM {:?}", frame.reset_code()));
            }
            HEADERS if frame.stream == stream && self.status.is_none() => self.take_head(frame),
            DATA if frame.stream == stream => {
                self.first_frame.get_or_insert(frame.payload.len());
                self.content.extend(&frame.payload);
            }
            _ => {}
        }
        self.is_whole |=
            frame.stream == stream && matches!(frame.kind, HEADERS | DATA) && frame.has(END_STREAM);
        Ok(())
    }

    /// An interim answer is not yet it.
    fn take_head(&mut self, frame: &Frame) {
        self.status = status(&frame.payload).filter(|status| *status >= 200);
    }

    fn is(&self, status: u16, says: &str) -> Result<bool, String> {
        let content = String::from_utf8_lossy(&self.content);
        if self.status == Some(status) && content.contains(says) {
            return Ok(true);
        }
        Err(format!(
            "the answer {:?} {content:?} instead of {status} {says:?}",
            self.status
        ))
    }
}
