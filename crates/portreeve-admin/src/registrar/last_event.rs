//! Which event of the registry was the last.

use std::sync::{Arc, Mutex, PoisonError};

use portreeve_model::Event;
use tokio::sync::broadcast::Receiver;
use tokio::sync::broadcast::error::TryRecvError;

/// Takes in what happened when it is asked, and not before: nothing runs for it.
#[derive(Debug)]
pub(super) struct LastEvent(Mutex<Seen>);

#[derive(Debug)]
struct Seen {
    events: Receiver<Arc<Event>>,
    sequence: u64,
}

impl LastEvent {
    pub(super) fn of(events: Receiver<Arc<Event>>) -> Self {
        Self(Mutex::new(Seen { events, sequence: 0 }))
    }

    /// Its number; 0 before the first.
    pub(super) fn sequence(&self) -> u64 {
        let mut seen = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        loop {
            match seen.events.try_recv() {
                Ok(event) => seen.sequence = event.sequence,
                Err(TryRecvError::Lagged(_)) => {} // the oldest are lost, the last is not
                Err(TryRecvError::Empty | TryRecvError::Closed) => return seen.sequence,
            }
        }
    }
}
