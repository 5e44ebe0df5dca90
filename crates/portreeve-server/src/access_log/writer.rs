//! The writer's thread.

use std::io::{self, ErrorKind, Write};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::mpsc::Receiver;

use portreeve_admin::Events;

use super::place::Place;

/// Owner of the open log.
pub(super) struct Writer<W = std::fs::File> {
    output: W,
    place: Place,
    reopen: Arc<AtomicBool>,
    events: Arc<Events>,
    /// Why the last write failed, if it did.
    trouble: Option<String>,
    /// Whether the log ends in the midst of a line.
    torn: bool,
}

impl Writer {
    /// Until the last sender is gone and everything is written.
    pub(super) fn run(mut self, batches: &Receiver<Vec<u8>>) {
        while let Ok(batch) = batches.recv() {
            if self.reopen.swap(false, Ordering::Acquire) {
                self.reopen();
            }
            self.write(&batch);
        }
    }

    fn reopen(&mut self) {
        let file = self.place.to_string();
        match self.place.open() {
            Ok(output) => {
                (self.output, self.torn) = (output, false);
                tracing::info!(file, "opened the access log anew");
            }
            Err(error) => {
                tracing::error!(file, %error, "cannot open the access log anew; the old file stays in use");
            }
        }
    }
}

impl<W: Write> Writer<W> {
    pub(super) fn new(output: W, place: Place, reopen: Arc<AtomicBool>, events: Arc<Events>) -> Self {
        Self {
            output,
            place,
            reopen,
            events,
            trouble: None,
            torn: false,
        }
    }

    fn write(&mut self, batch: &[u8]) {
        let mut rest = batch;
        let outcome = self.mend().and_then(|()| self.write_on(&mut rest));
        match outcome {
            Ok(()) if batch.is_empty() => {}
            Ok(()) => self.note_success(),
            Err(error) => self.note_failure(rest, &error),
        }
    }

    /// Ends the line that an earlier failure left unfinished, so that it spoils no other.
    fn mend(&mut self) -> io::Result<()> {
        match self.torn {
            true => self.write_on(&mut &b"\n"[..]),
            false => Ok(()),
        }
    }

    /// Writes until `rest` is empty or the log takes no more.
    fn write_on(&mut self, rest: &mut &[u8]) -> io::Result<()> {
        while !rest.is_empty() {
            match self.output.write(rest) {
                Ok(0) => return Err(ErrorKind::WriteZero.into()),
                Ok(count) => {
                    self.torn = rest[count - 1] != b'\n';
                    *rest = &rest[count..];
                }
                Err(error) if error.kind() == ErrorKind::Interrupted => {}
                Err(error) => return Err(error),
            }
        }
        Ok(())
    }

    fn note_success(&mut self) {
        if self.trouble.take().is_some() {
            tracing::info!(file = %self.place, "the access log is written again");
        }
    }

    /// Logs each cause once, however many records it costs.
    fn note_failure(&mut self, rest: &[u8], error: &io::Error) {
        let records = rest.iter().filter(|byte| **byte == b'\n').count();
        self.events
            .records_unwritten(u64::try_from(records).unwrap_or(u64::MAX));
        let reason = error.to_string();
        if self.trouble.as_ref() != Some(&reason) {
            tracing::error!(file = %self.place, reason, "access records are lost; /metrics counts them");
        }
        self.trouble = Some(reason);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::time::SystemTime;

    /// Takes `room` bytes, then fails until it is given more.
    #[derive(Default)]
    struct Disk {
        held: Vec<u8>,
        room: usize,
    }

    impl Write for Disk {
        fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
            let count = bytes.len().min(self.room);
            if count == 0 {
                return Err(ErrorKind::StorageFull.into());
            }
            self.held.extend(&bytes[..count]);
            self.room -= count;
            Ok(count)
        }

        fn flush(&mut self) -> io::Result<()> {
            Ok(())
        }
    }

    fn writer(room: usize) -> Writer<Disk> {
        let events = Arc::new(Events::new(SystemTime::now()));
        Writer::new(
            Disk {
                room,
                ..Disk::default()
            },
            Place::Stdout,
            Arc::default(),
            events,
        )
    }

    #[test]
    fn a_torn_line_is_ended_before_the_next_record() {
        let mut writer = writer(6);
        writer.write(b"one\ntwo\nthree\n");
        writer.output.room = 100;

        writer.write(b"four\n");

        assert_eq!(String::from_utf8_lossy(&writer.output.held), "one\ntw\nfour\n");
    }

    #[test]
    fn records_that_are_not_written_whole_are_counted() {
        let mut writer = writer(6);

        writer.write(b"one\ntwo\nthree\n");
        writer.write(b"four\n");

        assert_eq!(writer.events.records_unwritten_so_far(), 3);
    }

    #[test]
    fn a_cause_is_kept_until_a_write_succeeds() {
        let mut writer = writer(0);
        writer.write(b"one\n");
        assert!(writer.trouble.is_some());

        writer.write(b"");
        assert!(writer.trouble.is_some());

        writer.output.room = 100;
        writer.write(b"two\n");
        assert!(writer.trouble.is_none());
    }
}
