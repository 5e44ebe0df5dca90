//! Access records on their way to the writer: whole lines in batches, never waiting for it.

use std::cell::RefCell;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::mpsc::SyncSender;

use portreeve_model::plan::RecordFormat;

/// Where records go: a bounded queue of batches that one writer empties.
#[derive(Debug, Clone)]
pub struct RecordSink {
    /// How a record is written.
    pub format: RecordFormat,
    /// A batch is any number of whole lines. When the queue is full, the batch is dropped and counted.
    pub batches: SyncSender<Vec<u8>>,
    /// Records that were dropped because the writer lagged.
    pub dropped: Arc<AtomicU64>,
}

/// One worker's batch in the making.
pub(crate) struct Journal {
    sink: RecordSink,
    batch: RefCell<Vec<u8>>,
}

impl Journal {
    pub(crate) fn new(sink: RecordSink) -> Self {
        Self {
            sink,
            batch: RefCell::new(Vec::with_capacity(BATCH)),
        }
    }

    /// Adds one record.
    pub(crate) fn write(&self, add: impl FnOnce(RecordFormat, &mut Vec<u8>)) {
        let mut batch = self.batch.borrow_mut();
        add(self.sink.format, &mut batch);
        if batch.len() >= BATCH - LINE {
            self.send(std::mem::replace(&mut *batch, Vec::with_capacity(BATCH)));
        }
    }

    /// Sends what there is; called on a beat and at the end.
    pub(crate) fn flush(&self) {
        let mut batch = self.batch.borrow_mut();
        if !batch.is_empty() {
            self.send(std::mem::replace(&mut *batch, Vec::with_capacity(BATCH)));
        }
    }

    fn send(&self, batch: Vec<u8>) {
        if let Err(error) = self.sink.batches.try_send(batch) {
            let (std::sync::mpsc::TrySendError::Full(batch)
            | std::sync::mpsc::TrySendError::Disconnected(batch)) = error;
            let lines = memchr::memchr_iter(b'\n', &batch).count() as u64;
            self.sink.dropped.fetch_add(lines, Ordering::Relaxed);
        }
    }
}

impl Drop for Journal {
    fn drop(&mut self) {
        self.flush();
    }
}

/// Bytes of a batch.
const BATCH: usize = 32 * 1024;
/// Room that is left for a last record.
const LINE: usize = 2 * 1024;
