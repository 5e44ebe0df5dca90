//! Keeps the ledger: a chained and signed record of decisions (`docs/LEDGER.md`), written on a thread of its own.
//!
//! Workers hand over batches of whole lines, the registry hands over events; the writer links them, signs heads, keeps
//! the last head apart in the state folder, rotates the file, and says when the disk takes no more.

pub(crate) mod event;
mod files;
mod found;
mod kept;
mod key;
mod lines;
mod start;
mod writer;

use std::io;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::mpsc::{SyncSender, sync_channel};
use std::sync::{Arc, Weak};
use std::thread;
use std::time::Duration;

use portreeve_config::LedgerConfig;
use portreeve_ledger::{NotAKey, PublicKey};
use portreeve_proxy::{LedgerBatch, LedgerRoom, LedgerSink};
use tokio::sync::oneshot;
use tokio::time::timeout;

use writer::Writer;

/// The running writer. The file and the key are locked: no other process writes them.
#[derive(Debug)]
pub(crate) struct Ledger {
    batches: Arc<SyncSender<LedgerBatch>>,
    room: Arc<LedgerRoom>,
    dropped: Arc<AtomicU64>,
    key: PublicKey,
    /// Fails when the writer is gone.
    done: oneshot::Receiver<()>,
}

impl Ledger {
    /// Opens the ledger's file, checks what is in it, and starts the writer. The key and the last signed head are in
    /// `state`, which is made if it is not there.
    pub(crate) fn open(wanted: &LedgerConfig, state: &Path) -> Result<Self, LedgerError> {
        let started = start::start(&wanted.file, state)?;
        let key = started.key;
        let (batches, received) = sync_channel(BATCHES_MAX);
        let (end, done) = oneshot::channel::<()>();
        let room = Arc::new(LedgerRoom::new(ROOM));
        let dropped = Arc::<AtomicU64>::default();
        let writer = Writer::new(
            started,
            wanted.rotate_bytes,
            Arc::clone(&room),
            Arc::clone(&dropped),
        );
        let thread = thread::Builder::new().name("ledger".to_owned());
        thread
            .spawn(move || {
                writer.run(&received);
                drop(end);
            })
            .map_err(|source| LedgerError::Thread { source })?;
        Ok(Self {
            batches: Arc::new(batches),
            room,
            dropped,
            key,
            done,
        })
    }

    /// Where the data plane puts its records.
    pub(crate) fn sink(&self) -> LedgerSink {
        LedgerSink {
            batches: SyncSender::clone(&self.batches),
            room: Arc::clone(&self.room),
            dropped: Arc::clone(&self.dropped),
        }
    }

    /// Where others put what happened.
    pub(crate) fn events(&self) -> LedgerEvents {
        LedgerEvents {
            batches: Arc::downgrade(&self.batches),
            dropped: Arc::clone(&self.dropped),
        }
    }

    /// The key that proves the heads.
    pub(crate) fn key(&self) -> PublicKey {
        self.key
    }

    /// Waits, for a bounded time, until all is written and signed. Whoever has a sink must have dropped it before;
    /// handles for events may stay.
    pub(crate) async fn close(self) {
        let Self { batches, done, .. } = self;
        drop(batches);
        if timeout(CLOSE_WAIT, done).await.is_err() {
            tracing::error!("the ledger does not take what is left of it; the rest is lost");
        }
    }
}

/// Takes what happened besides requests, such as a registration.
#[derive(Debug, Clone)]
pub(crate) struct LedgerEvents {
    batches: Weak<SyncSender<LedgerBatch>>,
    dropped: Arc<AtomicU64>,
}

impl LedgerEvents {
    /// Hands over one JSON object without a line feed. Never waits: when the writer lags or is gone, the event is
    /// dropped and counted.
    pub(crate) fn note(&self, mut line: Vec<u8>) {
        line.push(b'\n');
        let batch = LedgerBatch {
            lines: line,
            records: 1,
            required: 0,
        };
        let sent = self.batches.upgrade().map(|batches| batches.try_send(batch));
        if !matches!(sent, Some(Ok(()))) {
            self.dropped.fetch_add(1, Ordering::Relaxed);
        }
    }
}

/// Why the ledger cannot be kept. Nothing was changed then, but that the state folder may have been made.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum LedgerError {
    /// The state folder cannot be made or used.
    #[error("cannot use the state folder {} for the ledger's key: {source}; name one that this user may write to, with --state DIR or `state`", path.display())]
    State {
        /// The folder.
        path: PathBuf,
        /// What the system said.
        #[source]
        source: io::Error,
    },
    /// The key's file cannot be read or made.
    #[error("cannot use the ledger's key {}: {source}", path.display())]
    KeyFile {
        /// The file.
        path: PathBuf,
        /// What the system said.
        #[source]
        source: io::Error,
    },
    /// The key's file holds no key.
    #[error("the ledger's key {} is broken: {source}; restore it, or move it away to begin with a new key", path.display())]
    Key {
        /// The file.
        path: PathBuf,
        /// What is wrong with it.
        #[source]
        source: NotAKey,
    },
    /// The ledger's file cannot be opened, read, or begun.
    #[error("cannot write the ledger {}: {source}; name a file that this user may write, in a folder that is there, with `ledger.file`", path.display())]
    File {
        /// The file.
        path: PathBuf,
        /// What the system said.
        #[source]
        source: io::Error,
    },
    /// Another process has the ledger or its key.
    #[error("{} is in use by another process: a ledger is written by one process only", path.display())]
    InUse {
        /// The file.
        path: PathBuf,
    },
    /// The writer's thread cannot be started.
    #[error("cannot start the ledger's thread: {source}")]
    Thread {
        /// What the system said.
        #[source]
        source: io::Error,
    },
}

/// Batches that may wait for the writer.
const BATCHES_MAX: usize = 256;

/// Required records between their admission and the file.
const ROOM: u32 = 65_536;

/// How long the end of the process waits for the last records to be written.
const CLOSE_WAIT: Duration = Duration::from_secs(5);

#[cfg(test)]
mod cost;
#[cfg(test)]
mod tests;
