//! What an origin has seen.

use std::sync::{Mutex, MutexGuard, PoisonError};

use tokio::sync::Notify;
use tokio::time::timeout;

use crate::PATIENCE;
use crate::message::{Message, text};

/// One accepted connection.
#[derive(Debug, Clone, Default)]
pub struct Connection {
    /// Every byte that it brought so far, but for what a script sank.
    pub received: Vec<u8>,
    /// Whether the peer has ended it and the script, reading, has noticed.
    pub peer_left: bool,
    /// Whether its script is over, and with it the connection, whoever ended it.
    pub is_over: bool,
}

/// Shared by an origin and its scripts.
#[derive(Debug, Default)]
pub(super) struct Log {
    state: Mutex<State>,
    changed: Notify,
}

#[derive(Debug, Default)]
pub(super) struct State {
    pub(super) connections: Vec<Connection>,
    pub(super) requests: Vec<Message>,
    pub(super) sent: u64,
    pub(super) received: u64,
    pub(super) door_closed: bool,
    /// The first thing that a script awaited and did not get.
    pub(super) violation: Option<String>,
}

impl State {
    #[track_caller]
    pub(super) fn checked(&self) -> &Self {
        if let Some(violation) = &self.violation {
            panic!("the origin {violation}");
        }
        self
    }
}

impl Log {
    pub(super) fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub(super) fn change<T>(&self, change: impl FnOnce(&mut State) -> T) -> T {
        let result = change(&mut self.state());
        self.changed.notify_waiters();
        result
    }

    /// The new connection's index.
    pub(super) fn connection_opened(&self) -> usize {
        self.change(|state| {
            state.connections.push(Connection::default());
            state.connections.len() - 1
        })
    }

    /// Returns when `holds`.
    pub(super) async fn until(&self, awaited: &str, holds: impl Fn(&State) -> bool) {
        if timeout(PATIENCE, self.wait(&holds)).await.is_err() {
            let state = self.state();
            let seen: Vec<String> = state
                .connections
                .iter()
                .map(|connection| text(&connection.received))
                .collect();
            panic!("the origin waited in vain for {awaited}; connections: {seen:?}");
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
