//! A PROXY header ahead of a connection: read from those who have to send one, to the byte, since what follows may be
//! anybody's.

use std::fmt;
use std::task::{Context, Poll, ready};
use std::time::Instant;

use portreeve_model::{EdgeEvent, Listener};
use portreeve_preamble::{Ends, Fault, parse};

use crate::said::Subject;
use crate::serve::client::{Peer, Place};
use crate::stream::wire::Wire;
use crate::timer::Timer;
use crate::worker::Worker;

/// Whether this peer has to say whose connection it is.
pub(super) fn is_due(peer: &Peer, listener: &Listener) -> bool {
    !listener.proxy_protocol.is_empty() && peer.ip.is_some_and(|ip| listener.proxy_protocol.contains(ip))
}

/// Whose connection it is, all within the head timeout; `None`: nobody's, and it is counted why.
pub(super) async fn read(
    stream: &mut Wire,
    peer: Peer,
    listener: &Listener,
    place: &mut Place,
) -> Option<Peer> {
    let shard = place.worker.shard;
    let ends = match read_by(Instant::now() + listener.limits.head_timeout, stream, place).await {
        Ok(ends) => ends,
        Err(why) => {
            if let Some(event) = why.event() {
                listener.stats.note(shard, event);
                why.tell(event, listener, &peer, &place.worker);
            }
            return None;
        }
    };
    let peer = match ends {
        Some(ends) => peer.telling(ends),
        None => peer,
    };
    match place.count_for(&peer, listener) {
        Ok(()) => Some(peer),
        Err(cause) => {
            listener.stats.refused(shard, cause);
            stream.reset_on_close();
            None
        }
    }
}

/// Why there is no header.
enum Missing {
    Fault(Fault),
    Late,
    /// The peer left before it was complete, or before it had said anything, as health checks by connecting do.
    Gone {
        is_begun: bool,
    },
}

impl Missing {
    fn event(&self) -> Option<EdgeEvent> {
        match self {
            Self::Fault(_) | Self::Gone { is_begun: true } => Some(EdgeEvent::ProxyHeaderMalformed),
            Self::Late => Some(EdgeEvent::ProxyHeaderTimeout),
            Self::Gone { is_begun: false } => None,
        }
    }

    /// Once per cause and interval, as somebody should act: either the load balancer does not send what it should, or the
    /// peer is none.
    fn tell(&self, event: EdgeEvent, listener: &Listener, peer: &Peer, worker: &Worker) {
        let subject = Subject::Listener(listener.name.clone(), event);
        if let Some(unsaid) = worker.said.may_say(subject, Instant::now()) {
            tracing::warn!(
                listener = &*listener.name, event = event.code(), peer = &*peer.text, reason = %self, unsaid,
                "a connection without a PROXY header was closed: proxy_protocol says that this peer sends one"
            );
        }
    }
}

impl fmt::Display for Missing {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Fault(fault) => write!(out, "{fault}"),
            Self::Late => out.write_str("a PROXY header did not come within head_timeout"),
            Self::Gone { .. } => out.write_str("the peer left before its PROXY header was whole"),
        }
    }
}

async fn read_by(deadline: Instant, stream: &mut Wire, place: &Place) -> Result<Option<Ends>, Missing> {
    let mut timer = Timer::new(&place.worker.wheel);
    let mut header = Vec::new();
    std::future::poll_fn(|context| match poll(context, stream, &mut header) {
        Poll::Pending if timer.poll_expired(context, deadline) => Poll::Ready(Err(Missing::Late)),
        polled => polled,
    })
    .await
}

/// Looks before it takes, and takes what surely belongs to the header alone.
fn poll(
    context: &mut Context<'_>,
    stream: &mut Wire,
    header: &mut Vec<u8>,
) -> Poll<Result<Option<Ends>, Missing>> {
    let mut room = [0; PEEK];
    loop {
        let before = header.len();
        let gone = |_| Missing::Gone { is_begun: before > 0 };
        let seen = ready!(stream.poll_peek(context, &mut room)).map_err(gone)?;
        if seen == 0 {
            return Poll::Ready(Err(gone(std::io::ErrorKind::UnexpectedEof.into())));
        }
        header.extend_from_slice(&room[..seen]);
        let parsed = parse(header).map_err(Missing::Fault)?;
        header.truncate(parsed.map_or(header.len(), |parsed| parsed.length));
        let mut left = header.len() - before;
        while left > 0 {
            // It is there: it has just been seen.
            let taken = ready!(stream.poll_read_some(context, &mut room[..left])).map_err(gone)?;
            left -= taken.clamp(1, left);
        }
        if let Some(parsed) = parsed {
            return Poll::Ready(Ok(parsed.ends));
        }
    }
}

/// Bytes that are looked at in one go: more than any header has that carries no extensions.
const PEEK: usize = 512;
