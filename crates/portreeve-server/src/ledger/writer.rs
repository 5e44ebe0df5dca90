//! The writer's thread.

use std::collections::VecDeque;
use std::fs::File;
use std::io::{self, ErrorKind};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::mpsc::{Receiver, RecvTimeoutError};
use std::thread;
use std::time::{Duration, Instant};

use portreeve_proxy::{LedgerBatch, LedgerRoom};

use super::files::{Disk, Files};
use super::lines::Lines;
use super::start::Started;

/// Owner of the open ledger. What it was handed is in one of three places: `waiting`, then linked in `lines`, then on
/// the disk. Once linked a record cannot be dropped, as its number is given.
///
/// ```text
///              disk fails: plain ones are dropped, required ones stay
///                        ▼
/// queue ──take──► waiting ──link──► lines ──write──► file ──sync──► safe, head kept
/// ```
pub(super) struct Writer<D = Files> {
    disk: D,
    lines: Lines,
    room: Arc<LedgerRoom>,
    dropped: Arc<AtomicU64>,
    waiting: VecDeque<LedgerBatch>,
    /// Required records that are linked but not written.
    linked: u32,
    /// Records written since the last sync.
    unsynced: u64,
    /// Records in the present file since we began or opened it.
    in_file: u64,
    /// When the next head and sync are due; `None` if nothing is new.
    beat_at: Option<Instant>,
    trouble: Option<Trouble>,
    /// Of those that were dropped, so many are told of in the ledger.
    dropped_told: u64,
    rotate_bytes: u64,
    /// After a rotation failed: when to try again.
    rotate_at: Option<Instant>,
    /// The log says once that there are records that are none.
    told_of_no_record: bool,
    /// Why heads cannot be kept apart, if they cannot.
    keep_trouble: Option<String>,
    /// The key's file, locked.
    _lock: Option<File>,
}

/// The disk does not take what we have.
struct Trouble {
    reason: String,
    retry_at: Instant,
}

impl Writer {
    pub(super) fn new(
        started: Started,
        rotate_bytes: u64,
        room: Arc<LedgerRoom>,
        dropped: Arc<AtomicU64>,
    ) -> Self {
        let lock = Some(started.lock);
        Self::on(started.files, started.lines, rotate_bytes, room, dropped, lock)
    }
}

impl<D: Disk> Writer<D> {
    fn on(
        disk: D,
        lines: Lines,
        rotate_bytes: u64,
        room: Arc<LedgerRoom>,
        dropped: Arc<AtomicU64>,
        lock: Option<File>,
    ) -> Self {
        Self {
            disk,
            lines,
            room,
            dropped,
            waiting: VecDeque::new(),
            linked: 0,
            unsynced: 0,
            in_file: 0,
            beat_at: Some(Instant::now()), // what an earlier process left unsigned is signed now
            trouble: None,
            dropped_told: 0,
            rotate_bytes,
            rotate_at: None,
            told_of_no_record: false,
            keep_trouble: None,
            _lock: lock,
        }
    }

    /// Until the last sender is gone and everything is written, or cannot be for too long.
    pub(super) fn run(mut self, batches: &Receiver<LedgerBatch>) {
        self.work(Instant::now());
        loop {
            match batches.recv_timeout(self.patience(Instant::now())) {
                Ok(batch) => self.take_all(batch, batches),
                Err(RecvTimeoutError::Timeout) => {}
                Err(RecvTimeoutError::Disconnected) => break,
            }
            self.work(Instant::now());
        }
        self.end();
    }

    /// How long there is nothing to do unless a batch comes.
    fn patience(&self, now: Instant) -> Duration {
        let next = match &self.trouble {
            Some(trouble) => Some(trouble.retry_at),
            None => self.beat_at,
        };
        next.map_or(IDLE, |next| next.saturating_duration_since(now))
    }

    /// Takes what is in the queue at once, within bounds: one sync then serves them all.
    fn take_all(&mut self, first: LedgerBatch, batches: &Receiver<LedgerBatch>) {
        self.take(first);
        for batch in batches.try_iter().take(AT_ONCE) {
            self.take(batch);
        }
    }

    fn take(&mut self, batch: LedgerBatch) {
        if self.trouble.is_some() && batch.required == 0 {
            self.drop_counted(batch.records.into());
        } else {
            self.waiting.push_back(batch);
        }
    }

    /// Does what is due, unless the disk failed a moment ago.
    fn work(&mut self, now: Instant) {
        if self
            .trouble
            .as_ref()
            .is_some_and(|trouble| now < trouble.retry_at)
        {
            return;
        }
        match self.write_all(now) {
            Ok(()) => self.note_success(),
            Err(error) => self.note_failure(&error, now),
        }
    }

    fn write_all(&mut self, now: Instant) -> io::Result<()> {
        self.write()?;
        while let Some(batch) = self.waiting.pop_front() {
            self.link(&batch, now);
            self.write()?;
        }
        if self.beat_at.is_some_and(|at| at <= now) {
            self.beat()?;
        } else if self.unsynced >= SYNC_RECORDS {
            self.sync()?;
        }
        self.rotate_if_due(now)
    }

    fn link(&mut self, batch: &LedgerBatch, now: Instant) {
        let mut none = 0;
        for line in lines_of(&batch.lines) {
            match self.lines.add(line) {
                Ok(()) => self.unsynced += 1,
                Err(error) => {
                    none += 1;
                    self.tell_of_no_record(&error);
                }
            }
        }
        self.drop_counted(none);
        self.in_file += u64::from(batch.records);
        self.linked += batch.required;
        self.beat_at.get_or_insert(now + BEAT);
    }

    /// Writes until nothing is left or the disk takes no more.
    fn write(&mut self) -> io::Result<()> {
        while !self.lines.rest().is_empty() {
            match self.disk.write(self.lines.rest()) {
                Ok(0) => return Err(ErrorKind::WriteZero.into()),
                Ok(count) => self.lines.wrote(count),
                Err(error) if error.kind() == ErrorKind::Interrupted => {}
                Err(error) => return Err(error),
            }
        }
        self.room.written(std::mem::take(&mut self.linked));
        Ok(())
    }

    /// Once a second while there is something new: signs it, makes it safe, keeps the head apart.
    fn beat(&mut self) -> io::Result<()> {
        self.replace_if_lost()?;
        self.tell_of_dropped();
        self.lines.sign_if_new();
        self.write()?;
        self.sync()?;
        self.beat_at = None;
        self.keep();
        Ok(())
    }

    /// Records in a file that has lost its name would be lost with it.
    fn replace_if_lost(&mut self) -> io::Result<()> {
        if !self.disk.is_lost() {
            return Ok(());
        }
        self.lines.sign_if_new();
        self.write()?; // whoever moved the file has it whole
        let beginning = self.lines.beginning();
        let foreign = self.disk.replace(&beginning.lines, beginning.first)?;
        self.lines.began(&beginning);
        (self.in_file, self.rotate_at) = (0, None);
        let foreign = foreign.map(|path| path.display().to_string());
        tracing::error!(
            first = beginning.first,
            foreign,
            "the ledger's file was removed, moved or replaced while in use; it goes on in a new one. If it was moved, keep it: \
             otherwise the records before `first` are lost"
        );
        self.lines.add_event("ledger_file_lost", "");
        Ok(())
    }

    fn sync(&mut self) -> io::Result<()> {
        self.disk.sync()?;
        self.unsynced = 0;
        Ok(())
    }

    fn keep(&mut self) {
        let Some(head) = self.lines.last_head() else {
            return;
        };
        let trouble = self.disk.keep(head).err().map(|error| error.to_string());
        if trouble.is_some() && trouble != self.keep_trouble {
            let reason = trouble.as_deref().unwrap_or_default();
            tracing::error!(
                reason,
                "the ledger's last head cannot be kept in the state folder; a cut end would not be noticed"
            );
        }
        self.keep_trouble = trouble;
    }

    fn rotate_if_due(&mut self, now: Instant) -> io::Result<()> {
        let is_due = self.disk.size() >= self.rotate_bytes && self.in_file > 0;
        if !is_due || self.rotate_at.is_some_and(|at| now < at) {
            return Ok(());
        }
        self.beat()?;
        let beginning = self.lines.beginning();
        match self.disk.rotate(&beginning.lines, beginning.first) {
            Ok(aside) => {
                self.lines.began(&beginning);
                (self.in_file, self.rotate_at) = (0, None);
                tracing::info!(aside = %aside.display(), first = beginning.first, "rotated the ledger");
                self.keep();
            }
            Err(error) => {
                self.rotate_at = Some(now + ROTATE_AGAIN);
                tracing::error!(%error, "cannot rotate the ledger; it goes on in the same file");
            }
        }
        Ok(())
    }

    fn note_success(&mut self) {
        if self.trouble.take().is_some() {
            self.room.set_failing(false);
            self.beat_at.get_or_insert_with(Instant::now); // what was dropped is told of
            tracing::info!("the ledger is written again");
        }
    }

    /// Logs each cause once, however long it lasts.
    fn note_failure(&mut self, error: &io::Error, now: Instant) {
        self.room.set_failing(true);
        self.drop_plain();
        let reason = error.to_string();
        if self.trouble.as_ref().is_none_or(|before| before.reason != reason) {
            tracing::error!(
                reason,
                "the ledger cannot be written: requests that require it are refused, other records are dropped and counted"
            );
        }
        self.trouble = Some(Trouble {
            reason,
            retry_at: now + RETRY,
        });
    }

    fn drop_plain(&mut self) {
        let is_plain = |batch: &&LedgerBatch| batch.required == 0;
        let plain = self.waiting.iter().filter(is_plain);
        let count = plain.map(|batch| u64::from(batch.records)).sum();
        self.waiting.retain(|batch| batch.required > 0);
        self.drop_counted(count);
    }

    fn drop_counted(&self, count: u64) {
        self.dropped.fetch_add(count, Ordering::Relaxed);
    }

    /// The ledger itself says how many records it lacks.
    fn tell_of_dropped(&mut self) {
        let dropped = self.dropped.load(Ordering::Relaxed);
        let count = dropped - self.dropped_told;
        if count > 0 {
            self.lines
                .add_event("records_dropped", &format!(",\"count\":{count}"));
            self.dropped_told = dropped;
        }
    }

    fn tell_of_no_record(&mut self, error: &dyn std::error::Error) {
        if !self.told_of_no_record {
            tracing::error!(%error, "the ledger was handed something that it cannot take; it counts as dropped");
        }
        self.told_of_no_record = true;
    }

    /// No more comes: all is written and signed, or the disk has not taken it for a while.
    fn end(&mut self) {
        let last_try = Instant::now() + END_WAIT;
        self.beat_at = Some(Instant::now());
        loop {
            let now = Instant::now();
            self.work(now);
            match &self.trouble {
                Some(_) if now >= last_try => break self.tell_of_lost(),
                Some(trouble) => thread::sleep(trouble.retry_at.saturating_duration_since(now)),
                None if self.beat_at.is_some_and(|at| at <= now) => {}
                None => break,
            }
        }
    }

    fn tell_of_lost(&self) {
        let waiting: u32 = self.waiting.iter().map(|batch| batch.records).sum();
        tracing::error!(
            records = waiting,
            bytes = self.lines.rest().len(),
            "the process ends while the ledger cannot be written: these records and bytes of records are lost"
        );
    }
}

/// Each line without its line feed; empty ones are none.
fn lines_of(lines: &[u8]) -> impl Iterator<Item = &[u8]> {
    let ends = memchr::memchr_iter(b'\n', lines).chain([lines.len()]);
    let mut start = 0;
    ends.map(move |end| {
        let line = &lines[start.min(end)..end];
        start = end + 1;
        line
    })
    .filter(|line| !line.is_empty())
}

impl<D> Drop for Writer<D> {
    /// Whoever requires a record finds no room any more.
    fn drop(&mut self) {
        self.room.set_failing(true);
    }
}

/// How long a record waits for its signature and for being safe.
const BEAT: Duration = Duration::from_secs(1);
/// A loss of power costs at most so many records, and no more than come in a beat.
const SYNC_RECORDS: u64 = 10_000;
/// How soon a disk that failed is tried again.
const RETRY: Duration = Duration::from_millis(100);
/// How soon a rotation that failed is tried again.
const ROTATE_AGAIN: Duration = Duration::from_secs(60);
/// How long the end waits for a disk that fails.
const END_WAIT: Duration = Duration::from_secs(4);
/// Longer than anybody waits.
const IDLE: Duration = Duration::from_secs(3600);
/// Batches taken from the queue at once.
const AT_ONCE: usize = 64;

#[cfg(test)]
mod tests;
