//! Ledger records on their way to the one writer: whole lines in batches, never waiting for it.
//!
//! A *required* record must not be lost: its request reserves room before it is admitted, and when the writer lags the
//! batch waits here, bounded by that room. Any other record is *plain*: when the writer lags, it is dropped and counted.

use std::cell::RefCell;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU32, AtomicU64, Ordering};
use std::sync::mpsc::{SyncSender, TrySendError};

/// Where ledger records go: a bounded queue of batches that one writer empties.
#[derive(Debug, Clone)]
pub struct LedgerSink {
    /// The queue.
    pub batches: SyncSender<LedgerBatch>,
    /// What is still allowed of required records.
    pub room: Arc<LedgerRoom>,
    /// Plain records that were dropped, because the writer lagged or the disk took them not.
    pub dropped: Arc<AtomicU64>,
}

/// Records of one worker: either all of them are required or none is, so that a writer in need can tell them apart.
#[derive(Debug, Default, Clone, PartialEq, Eq)]
pub struct LedgerBatch {
    /// Whole JSON objects, each with its line feed; without `n` and `chain`, which the writer adds.
    pub lines: Vec<u8>,
    /// How many objects.
    pub records: u32,
    /// How many of them are required: `records` or 0.
    pub required: u32,
}

/// How many required records may be on their way, and whether the disk takes them: shared by all workers and the writer.
#[derive(Debug)]
pub struct LedgerRoom {
    max: u32,
    outstanding: AtomicU32,
    failing: AtomicBool,
}

impl LedgerRoom {
    /// Room for `max` required records between their admission and the disk.
    #[must_use]
    pub fn new(max: u32) -> Self {
        Self {
            max,
            outstanding: AtomicU32::new(0),
            failing: AtomicBool::new(false),
        }
    }

    /// Takes room for one record; false if there is none, or the disk takes no records now.
    pub(crate) fn reserve(&self) -> bool {
        let one_more = |count: u32| (count < self.max).then_some(count + 1);
        !self.is_failing()
            && self
                .outstanding
                .fetch_update(Ordering::Relaxed, Ordering::Relaxed, one_more)
                .is_ok()
    }

    /// So many required records are in the file, or their requests ended without one: their room is free again.
    pub fn written(&self, required: u32) {
        let fewer = |count: u32| Some(count.saturating_sub(required));
        let _ = self
            .outstanding
            .fetch_update(Ordering::Relaxed, Ordering::Relaxed, fewer); // never refused
    }

    /// Says whether the disk takes records; while it does not, nothing is reserved.
    pub fn set_failing(&self, is_failing: bool) {
        self.failing.store(is_failing, Ordering::Relaxed);
    }

    /// Whether the disk takes no records.
    #[must_use]
    pub fn is_failing(&self) -> bool {
        self.failing.load(Ordering::Relaxed)
    }

    /// Required records whose request was admitted and that are not in the file yet.
    #[must_use]
    pub fn outstanding(&self) -> u32 {
        self.outstanding.load(Ordering::Relaxed)
    }
}

/// One worker's batches in the making.
pub(crate) struct LedgerJournal {
    sink: LedgerSink,
    required: RefCell<Batch>,
    plain: RefCell<Batch>,
}

impl LedgerJournal {
    pub(crate) fn new(sink: LedgerSink) -> Self {
        Self {
            sink,
            required: RefCell::default(),
            plain: RefCell::default(),
        }
    }

    /// Takes room for one required record; whoever gets it must [`write`](Self::write) that record in the end.
    pub(crate) fn reserve(&self) -> bool {
        self.sink.room.reserve()
    }

    /// Adds one record: `add` writes one JSON object, without a line feed. A required one was reserved before.
    pub(crate) fn write(&self, required: bool, add: impl FnOnce(&mut Vec<u8>)) {
        let batch = if required { &self.required } else { &self.plain };
        batch.borrow_mut().add(add);
        if batch.borrow().is_full() {
            self.send(required);
        }
    }

    /// Sends what there is; called on a beat. Required records that find the queue full stay here.
    pub(crate) fn flush(&self) {
        self.send(true);
        self.send(false);
    }

    fn send(&self, required: bool) {
        let batch = if required { &self.required } else { &self.plain };
        let mut batch = batch.borrow_mut();
        if batch.records == 0 {
            return;
        }
        match self.sink.batches.try_send(batch.take(required)) {
            Ok(()) => {}
            Err(TrySendError::Full(back)) if required => batch.put_back(back),
            Err(TrySendError::Full(lost)) => self.drop_counted(&lost),
            Err(TrySendError::Disconnected(lost)) => self.writer_is_gone(&lost),
        }
    }

    fn drop_counted(&self, lost: &LedgerBatch) {
        self.sink
            .dropped
            .fetch_add(lost.records.into(), Ordering::Relaxed);
    }

    /// Nothing is written any more, so nothing required is admitted any more.
    fn writer_is_gone(&self, lost: &LedgerBatch) {
        self.sink.room.set_failing(true);
        self.drop_counted(lost);
    }
}

impl Drop for LedgerJournal {
    /// The worker ends. The writer empties the queue even while the disk is full, so this wait is short.
    fn drop(&mut self) {
        let batch = self.required.get_mut();
        if batch.records > 0 {
            let outcome = self.sink.batches.send(batch.take(true));
            if let Err(lost) = outcome {
                self.writer_is_gone(&lost.0);
            }
        }
        self.flush();
    }
}

#[derive(Default)]
struct Batch {
    lines: Vec<u8>,
    records: u32,
}

impl Batch {
    fn add(&mut self, add: impl FnOnce(&mut Vec<u8>)) {
        if self.lines.capacity() == 0 {
            self.lines.reserve(BATCH);
        }
        add(&mut self.lines);
        self.lines.push(b'\n');
        self.records += 1;
    }

    fn is_full(&self) -> bool {
        self.lines.len() >= BATCH - LINE
    }

    fn take(&mut self, required: bool) -> LedgerBatch {
        let records = std::mem::take(&mut self.records);
        LedgerBatch {
            lines: std::mem::take(&mut self.lines),
            records,
            required: if required { records } else { 0 },
        }
    }

    fn put_back(&mut self, batch: LedgerBatch) {
        (self.lines, self.records) = (batch.lines, batch.records);
    }
}

/// Bytes of a batch.
const BATCH: usize = 32 * 1024;
/// Room that is left for a last record.
const LINE: usize = 2 * 1024;

#[cfg(test)]
mod tests {
    use super::*;
    use std::sync::mpsc::{Receiver, sync_channel};

    fn journal(queue: usize, room: u32) -> (LedgerJournal, Receiver<LedgerBatch>) {
        let (batches, received) = sync_channel(queue);
        let sink = LedgerSink {
            batches,
            room: Arc::new(LedgerRoom::new(room)),
            dropped: Arc::default(),
        };
        (LedgerJournal::new(sink), received)
    }

    fn write(journal: &LedgerJournal, required: bool, text: &str) {
        journal.write(required, |out| out.extend_from_slice(text.as_bytes()));
    }

    fn dropped(journal: &LedgerJournal) -> u64 {
        journal.sink.dropped.load(Ordering::Relaxed)
    }

    fn batch(lines: &str, records: u32, required: u32) -> LedgerBatch {
        LedgerBatch {
            lines: lines.as_bytes().to_vec(),
            records,
            required,
        }
    }

    #[test]
    fn required_and_plain_records_go_in_batches_of_their_own() {
        let (journal, received) = journal(4, 4);
        write(&journal, true, "{\"a\":1}");
        write(&journal, false, "{\"a\":2}");
        write(&journal, true, "{\"a\":3}");

        journal.flush();

        assert_eq!(
            received.try_iter().collect::<Vec<_>>(),
            [batch("{\"a\":1}\n{\"a\":3}\n", 2, 2), batch("{\"a\":2}\n", 1, 0)]
        );
    }

    #[test]
    fn nothing_is_sent_when_there_is_nothing() {
        let (journal, received) = journal(1, 1);
        journal.flush();
        assert!(received.try_recv().is_err());
    }

    #[test]
    fn a_full_batch_goes_without_a_flush() {
        let (journal, received) = journal(1, 1);
        write(&journal, false, &"x".repeat(BATCH - LINE));
        assert_eq!(received.try_recv().unwrap().records, 1);
    }

    #[test]
    fn plain_records_that_find_the_queue_full_are_counted() {
        let (journal, received) = journal(1, 1);
        write(&journal, false, "{\"a\":1}");
        journal.flush();
        write(&journal, false, "{\"a\":2}");
        write(&journal, false, "{\"a\":3}");
        journal.flush();

        assert_eq!(dropped(&journal), 2);
        assert_eq!(received.try_iter().count(), 1);
    }

    #[test]
    fn required_records_that_find_the_queue_full_wait() {
        let (journal, received) = journal(1, 4);
        write(&journal, true, "{\"a\":1}");
        journal.flush();
        write(&journal, true, "{\"a\":2}");
        journal.flush();
        write(&journal, true, "{\"a\":3}");
        journal.flush();

        assert_eq!(received.try_recv().unwrap(), batch("{\"a\":1}\n", 1, 1));
        journal.flush();
        assert_eq!(
            received.try_recv().unwrap(),
            batch("{\"a\":2}\n{\"a\":3}\n", 2, 2)
        );
        assert_eq!(dropped(&journal), 0);
    }

    #[test]
    fn a_worker_that_ends_waits_until_its_required_records_are_taken() {
        let (journal, received) = journal(1, 4);
        write(&journal, true, "{\"a\":1}");
        journal.flush();
        write(&journal, true, "{\"a\":2}");

        let taken = std::thread::spawn(move || received.iter().map(|batch| batch.required).sum::<u32>());
        drop(journal);

        assert_eq!(taken.join().unwrap(), 2);
    }

    #[test]
    fn room_is_given_once_and_free_again_when_written() {
        let room = LedgerRoom::new(2);
        assert!(room.reserve() && room.reserve());
        assert!(!room.reserve());

        room.written(1);

        assert!(room.reserve());
        assert!(!room.reserve());
        assert_eq!(room.outstanding(), 2);
    }

    #[test]
    fn a_failing_disk_has_no_room() {
        let room = LedgerRoom::new(2);
        room.set_failing(true);
        assert!(!room.reserve());

        room.set_failing(false);

        assert!(room.reserve());
    }

    #[test]
    fn without_a_writer_nothing_required_is_admitted() {
        let (journal, received) = journal(1, 4);
        drop(received);
        assert!(journal.reserve());
        write(&journal, true, "{\"a\":1}");

        journal.flush();

        assert!(!journal.reserve());
        assert_eq!(dropped(&journal), 1);
    }
}
