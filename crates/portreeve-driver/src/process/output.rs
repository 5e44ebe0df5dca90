//! What an instance writes. It goes into a file, so that the instance lives on when the proxy dies; from there each line
//! goes into the log, and what was read is given back to the disk.

use std::fs::File;
use std::io;
use std::os::unix::fs::{FileExt, OpenOptionsExt};
use std::path::Path;
use std::sync::Arc;
use std::time::{Duration, Instant};

use portreeve_model::plan::Name;
use rustix::fs::{FallocateFlags, FlockOperation, SeekFrom, fallocate, flock, seek};
use rustix::io::Errno;

use crate::Secret;
use crate::last_words::LastWords;
use crate::readable::readable;

/// Who writes.
#[derive(Debug, Clone)]
pub(super) struct Writer {
    pub(super) pool: Name,
    pub(super) fleet: Name,
    pub(super) id: Arc<str>,
    /// What must not be seen in the log though it should write it.
    pub(super) token: Secret,
}

/// The reading end of an instance's output.
#[derive(Debug)]
pub(super) struct Output {
    writer: Writer,
    /// `None`: it has none, or it cannot be read.
    file: Option<File>,
    /// Whether it is ours to read: two drivers may know of one instance, as while one make follows another.
    is_ours: bool,
    /// Up to where it was read.
    at: u64,
    /// Up to where it was given back.
    freed: u64,
    /// Whether nothing but zeros was read: a block of which a part was given back begins with them.
    is_blank: bool,
    /// The line that has not ended yet.
    begun: Vec<u8>,
    budget: Budget,
    last: LastWords,
}

/// The writing end; made if it is not there.
pub(super) fn create(path: &Path) -> io::Result<File> {
    File::options().append(true).create(true).mode(0o600).open(path)
}

impl Output {
    /// From the first byte that was not given back: what another proxy has read is not read again.
    pub(super) fn open(path: &Path, writer: Writer) -> Self {
        let file = File::options().read(true).write(true).open(path).ok();
        Self {
            writer,
            file,
            is_ours: false,
            at: 0,
            freed: 0,
            is_blank: true,
            begun: Vec::new(),
            budget: Budget::new(),
            last: LastWords::default(),
        }
    }

    pub(super) fn has_more(&self) -> bool {
        self.size().is_some_and(|size| size != self.at)
    }

    /// Reads what is new, a bounded amount; whether there was any. Nothing, as long as another reads it.
    pub(super) fn pass_on(&mut self) -> bool {
        self.claim();
        let Some(size) = self.size().filter(|_| self.is_ours) else {
            return false;
        };
        if size < self.at {
            // Somebody cut it off.
            (self.at, self.freed) = (0, 0);
        }
        self.leap(size);
        let end = size.min(self.at + PASS_BYTES_MAX);
        let is_new = end > self.at;
        while self.at < end && self.read(end) {}
        self.tell_what_was_left_out();
        self.give_back();
        is_new
    }

    /// Reads all that is left, after which nobody writes any more.
    pub(super) fn finish(&mut self) -> String {
        while self.pass_on() {}
        let rest = std::mem::take(&mut self.begun);
        if !rest.is_empty() {
            self.line(&rest);
        }
        self.last.take()
    }

    /// The kernel frees it with the file, also when we are killed. Where it knows no locks, we read.
    fn claim(&mut self) {
        let Some(file) = self.file.as_ref().filter(|_| !self.is_ours) else {
            return;
        };
        if flock(file, FlockOperation::NonBlockingLockExclusive) != Err(Errno::WOULDBLOCK) {
            self.is_ours = true;
            self.at = first_byte(file);
            self.freed = self.at;
        }
    }

    fn size(&self) -> Option<u64> {
        Some(self.file.as_ref()?.metadata().ok()?.len())
    }

    /// Whoever writes faster than we read loses what is in between: neither the disk nor the log is there for that.
    fn leap(&mut self, size: u64) {
        let left = size.saturating_sub(self.at);
        if left <= BEHIND_BYTES_MAX {
            return;
        }
        self.budget.bytes_left_out += left - LEAP_BYTES;
        self.at = size - LEAP_BYTES;
        self.begun.clear();
    }

    /// Whether it goes on.
    fn read(&mut self, end: u64) -> bool {
        let Some(file) = &self.file else { return false };
        let mut bytes =
            vec![0; usize::try_from(end - self.at).map_or(READ_BYTES, |left| left.min(READ_BYTES))];
        let Ok(read @ 1..) = file.read_at(&mut bytes, self.at) else {
            return false;
        };
        self.at += read as u64;
        let read = &bytes[..read];
        let is_blank = self.is_blank;
        let gone = read.iter().take_while(|byte| is_blank && **byte == 0).count();
        self.is_blank &= gone == read.len();
        self.take(&read[gone..]);
        true
    }

    fn take(&mut self, mut bytes: &[u8]) {
        while let Some(end) = memchr(bytes) {
            self.begun.extend_from_slice(&bytes[..end]);
            let line = std::mem::take(&mut self.begun);
            self.line(&line);
            bytes = &bytes[end + 1..];
        }
        self.begun.extend_from_slice(bytes);
        while self.begun.len() > LINE_BYTES_MAX {
            let rest = self.begun.split_off(LINE_BYTES_MAX);
            let line = std::mem::replace(&mut self.begun, rest);
            self.line(&line);
        }
    }

    fn line(&mut self, bytes: &[u8]) {
        for part in bytes.chunks(LINE_BYTES_MAX) {
            let line = self.writer.token.hidden_in(readable(part));
            if self.budget.allows_line() {
                let Writer { pool, fleet, id, .. } = &self.writer;
                tracing::info!(target: TARGET, %pool, %fleet, instance = %id, line, "wrote");
            }
            self.last.add(line);
        }
    }

    fn tell_what_was_left_out(&mut self) {
        let (lines, bytes) = self.budget.left_out();
        if (lines, bytes) != (0, 0) {
            let Writer { pool, fleet, id, .. } = &self.writer;
            tracing::warn!(target: TARGET, %pool, %fleet, instance = %id, lines, bytes, "writes too much: left out");
        }
    }

    /// All but the line that has not ended: the next proxy would miss its beginning.
    fn give_back(&mut self) {
        let upto = self.at - (self.begun.len() as u64).min(self.at);
        let Some(file) = self.file.as_ref().filter(|_| upto > self.freed) else {
            return;
        };
        match free(file, self.freed, upto) {
            Ok(()) => self.freed = upto,
            Err(_) if self.at > CUT_BYTES_MIN && self.size() == Some(self.at) => {
                // The disk cannot give back a part. A line that comes just now is lost.
                if file.set_len(0).is_ok() {
                    (self.at, self.freed) = (0, 0);
                }
            }
            Err(_) => {}
        }
    }
}

/// Where the output of instances is found in the log.
const TARGET: &str = "portreeve::instance";

fn free(file: &File, from: u64, upto: u64) -> Result<(), Errno> {
    let hole = FallocateFlags::PUNCH_HOLE | FallocateFlags::KEEP_SIZE;
    fallocate(file, hole, from, upto - from)
}

fn first_byte(file: &File) -> u64 {
    match seek(file, SeekFrom::Data(0)) {
        Ok(at) => at,
        // All of it was given back.
        Err(Errno::NXIO) => file.metadata().map_or(0, |found| found.len()),
        Err(_) => 0,
    }
}

fn memchr(bytes: &[u8]) -> Option<usize> {
    bytes.iter().position(|byte| *byte == b'\n')
}

const READ_BYTES: usize = 64 << 10;
const PASS_BYTES_MAX: u64 = 1 << 20;
const BEHIND_BYTES_MAX: u64 = 4 << 20;
const LEAP_BYTES: u64 = 64 << 10;
const CUT_BYTES_MIN: u64 = 1 << 20;
/// A longer line becomes several.
const LINE_BYTES_MAX: usize = 4 << 10;
const LINES_PER_SECOND_MAX: u32 = 1_000;

/// How much of an instance's output the log takes.
#[derive(Debug)]
struct Budget {
    second: Instant,
    lines: u32,
    lines_left_out: u64,
    bytes_left_out: u64,
}

impl Budget {
    fn new() -> Self {
        Self {
            second: Instant::now(),
            lines: 0,
            lines_left_out: 0,
            bytes_left_out: 0,
        }
    }

    fn allows_line(&mut self) -> bool {
        if self.second.elapsed() >= Duration::from_secs(1) {
            (self.second, self.lines) = (Instant::now(), 0);
        }
        self.lines = self.lines.saturating_add(1);
        let is_allowed = self.lines <= LINES_PER_SECOND_MAX;
        self.lines_left_out += u64::from(!is_allowed);
        is_allowed
    }

    fn left_out(&mut self) -> (u64, u64) {
        (
            std::mem::take(&mut self.lines_left_out),
            std::mem::take(&mut self.bytes_left_out),
        )
    }
}

#[cfg(test)]
mod tests;
