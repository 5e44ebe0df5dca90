//! Events on their way to one reader.

use std::convert::Infallible;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};
use std::time::Duration;

use axum::body::Bytes;
use futures_core::Stream;
use portreeve_model::Event;
use tokio::sync::broadcast::error::RecvError;
use tokio::sync::{OwnedSemaphorePermit, Semaphore, broadcast, mpsc};
use tokio::time::timeout;

use crate::wire;

/// How many may follow at once: fewer than the admin connections, so that metrics can always be read.
#[derive(Debug, Clone)]
pub(super) struct Feeds(Arc<Semaphore>);

impl Default for Feeds {
    fn default() -> Self {
        Self(Arc::new(Semaphore::new(FEEDS_MAX)))
    }
}

impl Feeds {
    /// `None`: there are as many as may be.
    pub(super) fn open(&self, events: broadcast::Receiver<Arc<Event>>) -> Option<Feed> {
        let place = Arc::clone(&self.0).try_acquire_owned().ok()?;
        let (sender, lines) = mpsc::channel(LINES_MAX);
        tokio::spawn(pass(events, sender));
        Some(Feed { lines, _place: place })
    }
}

/// Lines, one at a time, for as long as the registry lives.
pub(super) struct Feed {
    lines: mpsc::Receiver<Bytes>,
    _place: OwnedSemaphorePermit,
}

impl Stream for Feed {
    type Item = Result<Bytes, Infallible>;

    fn poll_next(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Self::Item>> {
        self.lines.poll_recv(cx).map(|line| line.map(Ok))
    }
}

/// Ends with the registry, or when the reader is gone. A slow reader makes this wait, and nobody else.
async fn pass(mut events: broadcast::Receiver<Arc<Event>>, lines: mpsc::Sender<Bytes>) {
    loop {
        let line = match timeout(SILENCE_MAX, events.recv()).await {
            Ok(Ok(event)) => line(&event),
            Ok(Err(RecvError::Lagged(count))) => Bytes::from(format!("{{\"missed\":{count}}}\n")),
            Ok(Err(RecvError::Closed)) => return,
            Err(_) => Bytes::from_static(b"\n"),
        };
        let sent = tokio::select! {
            sent = lines.send(line) => sent.is_ok(),
            () = lines.closed() => false,
        };
        if !sent {
            return;
        }
    }
}

fn line(event: &Event) -> Bytes {
    let mut line = serde_json::to_vec(&wire::event(event)).expect("texts and numbers are JSON");
    line.push(b'\n');
    line.into()
}

const FEEDS_MAX: usize = 32;
const LINES_MAX: usize = 64;

/// Half of what an admin connection may be silent, and less than that of most proxies.
const SILENCE_MAX: Duration = Duration::from_secs(20);
