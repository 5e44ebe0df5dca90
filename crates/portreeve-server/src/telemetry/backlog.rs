//! Lines on their way to stderr, which may be a pipe that nobody reads or a terminal that is held.

use std::io::{self, ErrorKind, Write};
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::thread;
use std::time::Duration;

/// Where lines wait for the one thread that writes them. Nobody else ever waits for stderr: beyond [`BYTES_MAX`] lines
/// are dropped and counted.
#[derive(Debug, Clone, Default)]
pub(super) struct Backlog(Arc<Shared>);

#[derive(Debug, Default)]
struct Shared {
    state: Mutex<State>,
    changed: Condvar,
}

#[derive(Debug, Default)]
struct State {
    /// Whole lines.
    waiting: Vec<u8>,
    is_writing: bool,
    /// Lines that found no room since this was last told.
    dropped: u64,
}

/// What the thread does next.
enum Next {
    Write(Vec<u8>),
    /// All is written, and so many lines were dropped meanwhile.
    TellOfDropped(u64),
}

impl Backlog {
    /// Starts the thread. `tell_of_dropped` is called once all that waits is written, if lines were dropped.
    pub(super) fn write_to(
        &self,
        to: impl Write + Send + 'static,
        tell_of_dropped: impl Fn(u64) + Send + 'static,
    ) -> io::Result<()> {
        let backlog = self.clone();
        let thread = thread::Builder::new().name("log".to_owned());
        thread.spawn(move || backlog.work(to, tell_of_dropped))?;
        Ok(())
    }

    /// Waits until all is written, or no longer than [`FLUSH_WAIT`].
    pub(super) fn flush(&self) {
        let is_behind = |state: &mut State| state.is_writing || !state.waiting.is_empty();
        let _ = self
            .0
            .changed
            .wait_timeout_while(self.lock(), FLUSH_WAIT, is_behind);
    }

    fn work(&self, mut to: impl Write, tell_of_dropped: impl Fn(u64)) {
        loop {
            match self.next() {
                Next::Write(lines) => lines
                    .split_inclusive(|byte| *byte == b'\n')
                    .for_each(|line| write(&mut to, line)),
                Next::TellOfDropped(count) => tell_of_dropped(count),
            }
        }
    }

    fn next(&self) -> Next {
        let mut state = self.lock();
        state.is_writing = false;
        self.0.changed.notify_all();
        let is_idle = |state: &mut State| state.waiting.is_empty() && state.dropped == 0;
        let waited = self.0.changed.wait_while(state, is_idle);
        let mut state = waited.unwrap_or_else(PoisonError::into_inner);
        if state.waiting.is_empty() {
            return Next::TellOfDropped(std::mem::take(&mut state.dropped));
        }
        state.is_writing = true;
        Next::Write(std::mem::take(&mut state.waiting))
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        self.0.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Write for Backlog {
    /// Takes a whole line or drops it; never fails.
    fn write(&mut self, line: &[u8]) -> io::Result<usize> {
        let mut state = self.lock();
        if state.waiting.len() + line.len() > BYTES_MAX {
            state.dropped += 1;
        } else {
            state.waiting.extend_from_slice(line);
        }
        self.0.changed.notify_all();
        Ok(line.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

/// A line at a time, so that lines of several processes on one pipe do not mix. What stderr refuses is lost: there is
/// no other place to tell it.
fn write(to: &mut impl Write, mut line: &[u8]) {
    while !line.is_empty() {
        match to.write(line) {
            Ok(0) => return,
            Ok(count) => line = &line[count..],
            Err(error) if error.kind() == ErrorKind::Interrupted => {}
            Err(error) if error.kind() == ErrorKind::WouldBlock => thread::sleep(AGAIN), // somebody made it so
            Err(_) => return,
        }
    }
}

/// Some ten thousand lines; as much again may be under way to stderr.
const BYTES_MAX: usize = 2 << 20;
/// How long the end of the process waits for its last lines to be read.
const FLUSH_WAIT: Duration = Duration::from_secs(1);
/// How soon a stderr that does not block and is full is tried again.
const AGAIN: Duration = Duration::from_millis(10);

#[cfg(test)]
mod tests {
    use super::*;
    use std::sync::mpsc::{Receiver, Sender, SyncSender, channel, sync_channel};
    use std::time::Instant;

    /// Hands each line to a reader, and waits until it is taken.
    struct Pipe(SyncSender<Vec<u8>>);

    impl Write for Pipe {
        fn write(&mut self, line: &[u8]) -> io::Result<usize> {
            self.0.send(line.to_vec()).map_err(|_| ErrorKind::BrokenPipe)?;
            Ok(line.len())
        }

        fn flush(&mut self) -> io::Result<()> {
            Ok(())
        }
    }

    fn piped() -> (Backlog, Receiver<Vec<u8>>, Receiver<u64>) {
        let backlog = Backlog::default();
        let (write, read) = sync_channel(0);
        let (tell, told): (Sender<u64>, _) = channel();
        let tell_of_dropped = move |count| tell.send(count).unwrap_or_default(); // the test may have ended
        backlog.write_to(Pipe(write), tell_of_dropped).unwrap();
        (backlog, read, told)
    }

    #[test]
    fn lines_come_out_whole_and_in_order() {
        let (mut backlog, read, _told) = piped();
        for line in ["one\n", "two\n", "three\n"] {
            backlog.write_all(line.as_bytes()).unwrap();
        }
        let lines: Vec<_> = read.iter().take(3).collect();
        assert_eq!(lines, [b"one\n".to_vec(), b"two\n".to_vec(), b"three\n".to_vec()]);
    }

    #[test]
    fn a_pipe_that_nobody_reads_costs_lines_which_are_counted_and_told() {
        let (mut backlog, read, told) = piped();
        let line = [&[b'x'; 1023][..], b"\n"].concat();
        for _ in 0..3 * BYTES_MAX / line.len() {
            backlog.write_all(&line).unwrap();
        }

        let mut taken = 0;
        let dropped = loop {
            match told.try_recv() {
                Ok(dropped) => break dropped,
                Err(_) => taken += u64::from(read.recv_timeout(AGAIN).is_ok()),
            }
        };

        assert!(dropped > 0);
        assert_eq!(taken + dropped, 3 * (BYTES_MAX / line.len()) as u64);
    }

    #[test]
    fn the_end_waits_for_a_reader_but_not_for_ever() {
        let (mut backlog, read, _told) = piped();
        backlog.write_all(b"last words\n").unwrap();
        let begin = Instant::now();
        backlog.flush();
        assert!(begin.elapsed() >= FLUSH_WAIT);

        let reader = thread::spawn(move || read.recv());
        backlog.flush();

        assert_eq!(reader.join().unwrap().unwrap(), b"last words\n");
        assert!(backlog.lock().waiting.is_empty());
    }

    #[test]
    fn a_closed_stderr_holds_up_nothing() {
        let (mut backlog, read, _told) = piped();
        drop(read);
        backlog.write_all(b"to nobody\n").unwrap();
        let begin = Instant::now();
        backlog.flush();
        assert!(begin.elapsed() < FLUSH_WAIT);
    }
}
