//! What a server has seen.

use std::sync::{Mutex, MutexGuard, PoisonError};

use tokio::sync::Notify;
use tokio::time::timeout;

use crate::PATIENCE;
use crate::packet::Packet;

/// Shared by a server and its connections.
#[derive(Debug, Default)]
pub(super) struct Log {
    state: Mutex<State>,
    changed: Notify,
}

#[derive(Debug, Default)]
pub(super) struct State {
    pub(super) requests: Vec<Packet>,
    pub(super) probes: usize,
    /// How many requests each connection brought that has ended.
    pub(super) ended: Vec<usize>,
    pub(super) death: Option<String>,
}

impl Log {
    pub(super) fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub(super) fn change(&self, change: impl FnOnce(&mut State)) {
        change(&mut self.state());
        self.changed.notify_waiters();
    }

    /// Returns when `holds`.
    pub(super) async fn until(&self, awaited: &str, holds: impl Fn(&State) -> bool) {
        if timeout(PATIENCE, self.wait(&holds)).await.is_err() {
            panic!(
                "the server waited in vain for {awaited}; it has seen {:?}",
                self.state()
            );
        }
    }

    async fn wait(&self, holds: &impl Fn(&State) -> bool) {
        loop {
            let mut changed = std::pin::pin!(self.changed.notified());
            changed.as_mut().enable();
            if holds(&self.state()) {
                return;
            }
            changed.await;
        }
    }
}
