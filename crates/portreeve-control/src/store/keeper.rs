//! The thread that writes to the store, so that nobody else waits for a disk.

use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::thread;
use std::time::Duration;

use tokio::sync::{oneshot, watch};
use tokio::time::timeout;

use super::outbox::Outbox;
use super::{Entry, Store, StoreError, Write};

/// Has a store keep what it is given, many writes in one commit. Dropping it has the rest written behind one's back.
pub(crate) struct Keeper {
    /// `None`: nothing is kept.
    shared: Option<Arc<Shared>>,
    /// Closed when the thread is gone.
    ended: oneshot::Receiver<()>,
}

#[derive(Default)]
struct Shared {
    outbox: Mutex<Outbox>,
    news: Condvar,
}

/// Whether what was asked for is stored, once that is known.
#[derive(Debug, Clone)]
pub(crate) struct Saved(Option<watch::Receiver<Option<bool>>>);

impl Keeper {
    /// Starts the thread of a store that has just these.
    pub(crate) fn start(store: Box<dyn Store>, stored: Vec<Entry>) -> std::io::Result<Self> {
        let shared = Arc::new(Shared {
            outbox: Mutex::new(Outbox::new(stored)),
            news: Condvar::new(),
        });
        let (alive, ended) = oneshot::channel();
        let theirs = Arc::clone(&shared);
        thread::Builder::new()
            .name("portreeve-store".to_owned())
            .spawn(move || {
                Scribe::new(store, theirs).work();
                drop(alive);
            })?;
        let shared = Some(shared);
        Ok(Self { shared, ended })
    }

    /// One that keeps nothing.
    pub(crate) fn nowhere() -> Self {
        let (_, ended) = oneshot::channel();
        Self { shared: None, ended }
    }

    /// Has these written, and says by its answer when they are, and all that came before them.
    pub(crate) fn keep(&self, writes: impl IntoIterator<Item = Write>) -> Saved {
        let Some(shared) = &self.shared else {
            return Saved(None);
        };
        let (waiter, told) = watch::channel(None);
        let mut outbox = shared.lock();
        writes.into_iter().for_each(|write| outbox.add(write));
        outbox.wait(waiter);
        drop(outbox);
        shared.news.notify_one();
        Saved(Some(told))
    }

    /// Writes what is left and ends; waits for a bounded time.
    pub(crate) async fn close(mut self) {
        self.say_goodbye();
        if timeout(CLOSE_WAIT, &mut self.ended).await.is_err() {
            tracing::error!("the store has not taken the last changes in time; they may be lost");
        }
    }

    fn say_goodbye(&self) {
        if let Some(shared) = &self.shared {
            shared.lock().is_closing = true;
            shared.news.notify_one();
        }
    }
}

impl Drop for Keeper {
    fn drop(&mut self) {
        self.say_goodbye();
    }
}

impl Saved {
    /// Whether it is stored; false if the store failed, there is none, or it takes too long.
    pub(crate) async fn wait(self) -> bool {
        let Some(mut told) = self.0 else { return false };
        let known = timeout(SAVED_WAIT, told.wait_for(Option::is_some)).await;
        matches!(known, Ok(Ok(is_stored)) if *is_stored == Some(true))
    }
}

impl Shared {
    fn lock(&self) -> MutexGuard<'_, Outbox> {
        self.outbox.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Waits until something is to be written; false if nothing is and nothing will be.
    fn wait(&self) -> bool {
        let outbox = self.lock();
        let is_idle = |outbox: &mut Outbox| !outbox.is_due() && !outbox.is_closing;
        let outbox = self.news.wait_while(outbox, is_idle);
        outbox.unwrap_or_else(PoisonError::into_inner).is_due()
    }

    /// Waits before a store that failed is tried again; false if this was the last time.
    fn wait_to_retry(&self) -> bool {
        let outbox = self.lock();
        let waited = self
            .news
            .wait_timeout_while(outbox, RETRY_AFTER, |outbox| !outbox.is_closing);
        let (outbox, _) = waited.unwrap_or_else(PoisonError::into_inner);
        !outbox.is_closing
    }
}

/// The work of the thread.
struct Scribe {
    store: Box<dyn Store>,
    shared: Arc<Shared>,
    is_failing: bool,
}

impl Scribe {
    fn new(store: Box<dyn Store>, shared: Arc<Shared>) -> Self {
        Self {
            store,
            shared,
            is_failing: false,
        }
    }

    fn work(&mut self) {
        while self.shared.wait() {
            let outcome = self.write();
            self.report(&outcome);
            if outcome.is_err() && !self.shared.wait_to_retry() {
                return;
            }
        }
    }

    /// Writes all that waits in one commit.
    fn write(&mut self) -> Result<(), StoreError> {
        let is_adrift = self.shared.lock().is_adrift();
        let stored = is_adrift.then(|| self.store.load()).transpose()?;
        let (writes, waiters) = {
            let mut outbox = self.shared.lock();
            match stored {
                Some(stored) => outbox.take_difference(stored),
                None => outbox.take(),
            }
        };
        let outcome = self.store.commit(&writes);
        self.shared.lock().done(outcome.is_ok());
        for waiter in waiters {
            waiter.send_replace(Some(outcome.is_ok()));
        }
        outcome
    }

    /// Says once that the store fails, and once that it does no more.
    fn report(&mut self, outcome: &Result<(), StoreError>) {
        match outcome {
            Err(error) if !self.is_failing => tracing::error!(
                %error,
                "the store fails: registrations go on, but would not survive a restart; tried again each second"
            ),
            Ok(()) if self.is_failing => tracing::info!("the store has all again"),
            _ => {}
        }
        self.is_failing = outcome.is_err();
    }
}

/// Between two attempts at a store that fails.
const RETRY_AFTER: Duration = Duration::from_secs(1);
/// How long an answer waits for the store.
const SAVED_WAIT: Duration = Duration::from_secs(2);
/// How long an end waits for the store.
const CLOSE_WAIT: Duration = Duration::from_secs(5);

#[cfg(test)]
mod tests;
