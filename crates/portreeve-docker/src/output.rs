//! What containers write: passed on to the log while they live, the last of it kept for their end.

use std::pin::pin;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use bollard::container::LogOutput;
use bollard::errors::Error;
use bollard::query_parameters::LogsOptionsBuilder;
use portreeve_driver::{Found, readable};
use tokio::time::Instant;

use crate::driver::DockerDriver;
use crate::engine::{ANSWER, next};

/// Passes on the lines of one container.
pub(crate) struct Follower<'a> {
    driver: &'a DockerDriver,
    instance: &'a Found,
    /// In seconds since 1970: what was written before is known, or was written for another proxy.
    since: i32,
    is_refused: bool,
    lines: Lines,
}

impl<'a> Follower<'a> {
    /// From the beginning if we started it, else from now on.
    pub(crate) fn of(driver: &'a DockerDriver, instance: &'a Found) -> Self {
        let is_fresh = driver.notes.take_fresh(&instance.handle);
        Self {
            driver,
            instance,
            since: if is_fresh { 0 } else { now() },
            is_refused: false,
            lines: Lines::default(),
        }
    }

    /// Until the engine has no more: the container is over, or the engine is.
    pub(crate) async fn follow(&mut self) {
        let Ok(client) = self.driver.engine.client().await else {
            return;
        };
        let options = wanted().follow(true).since(self.since).build();
        let mut output = pin!(client.logs(&self.instance.handle, Some(options)));
        self.is_refused = false;
        while let Some(piece) = next(output.as_mut()).await {
            match piece {
                Ok(piece) => self.take(&piece),
                Err(fault) => self.is_refused = matches!(fault, Error::DockerResponseServerError { .. }),
            }
        }
        self.since = now();
    }

    /// Until the next try. Some engines keep no logs that can be read, and will not begin to.
    pub(crate) fn pause(&self) -> Duration {
        match self.is_refused {
            true => Duration::from_secs(60),
            false => Duration::from_secs(1),
        }
    }

    fn take(&mut self, piece: &LogOutput) {
        let stream = match piece {
            LogOutput::StdErr { .. } => Stream::Err,
            _ => Stream::Out,
        };
        let (driver, instance) = (self.driver, self.instance);
        self.lines
            .take(stream, piece.as_ref(), Instant::now(), &mut |line| {
                tracing::info!(
                    target: "portreeve::instance",
                    pool = &*driver.pool,
                    instance = &*instance.id,
                    stream = stream.code(),
                    line,
                );
            });
    }
}

impl DockerDriver {
    /// The last that it wrote, at most 2 KiB; empty if that cannot be read.
    pub(crate) async fn last_words(&self, handle: &str) -> String {
        let Ok(client) = self.engine.client().await else {
            return String::new();
        };
        let options = wanted().tail("40").build();
        let reading = async {
            let mut words = Vec::new();
            let mut output = pin!(client.logs(handle, Some(options)));
            while let Some(Ok(piece)) = next(output.as_mut()).await {
                words.extend_from_slice(piece.as_ref());
                keep_last(&mut words);
            }
            Ok::<_, Error>(words)
        };
        let words = self.engine.ask("reading its last words", ANSWER, reading).await;
        text(&words.unwrap_or_default())
    }
}

fn wanted() -> LogsOptionsBuilder {
    LogsOptionsBuilder::new().stdout(true).stderr(true)
}

fn keep_last(words: &mut Vec<u8>) {
    words.drain(..words.len().saturating_sub(WORDS_MAX));
}

/// Cut bytes of a letter are replaced by more than they were, so they are cut again.
fn text(words: &[u8]) -> String {
    let lines: Vec<String> = words.split(|byte| *byte == b'\n').map(readable).collect();
    let text = lines.join("\n");
    let text = text.trim();
    text[text.ceil_char_boundary(text.len().saturating_sub(WORDS_MAX))..].to_owned()
}

/// Which of the two.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Stream {
    Out,
    Err,
}

impl Stream {
    fn code(self) -> &'static str {
        match self {
            Self::Out => "stdout",
            Self::Err => "stderr",
        }
    }
}

/// Pieces become lines: none longer than 2 KiB, at most 1,000 in a second.
#[derive(Default)]
struct Lines {
    begun: [Vec<u8>; 2],
    second: Option<Instant>,
    passed: u32,
    left_out: u64,
}

impl Lines {
    fn take(&mut self, stream: Stream, piece: &[u8], now: Instant, pass: &mut dyn FnMut(&str)) {
        for part in piece.split_inclusive(|byte| *byte == b'\n') {
            let begun = &mut self.begun[stream as usize];
            let room = LINE_MAX - begun.len();
            begun.extend_from_slice(&part[..part.len().min(room)]);
            if part.ends_with(b"\n") {
                let line = std::mem::take(begun);
                self.pass(&line, now, pass);
            }
        }
    }

    fn pass(&mut self, line: &[u8], now: Instant, pass: &mut dyn FnMut(&str)) {
        if self
            .second
            .is_none_or(|second| now.duration_since(second) >= Duration::from_secs(1))
        {
            self.second = Some(now);
            self.passed = 0;
            self.tell_left_out(pass);
        }
        if self.passed == LINES_MAX {
            self.left_out += 1;
            return;
        }
        self.passed += 1;
        pass(&readable(line.strip_suffix(b"\n").unwrap_or(line)));
    }

    fn tell_left_out(&mut self, pass: &mut dyn FnMut(&str)) {
        let left_out = std::mem::take(&mut self.left_out);
        if left_out > 0 {
            pass(&format!(
                "({left_out} lines left out: more than {LINES_MAX} in a second)"
            ));
        }
    }
}

fn now() -> i32 {
    let since = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
    i32::try_from(since.as_secs()).unwrap_or(i32::MAX)
}

/// Bytes of a line; what is more is cut.
const LINE_MAX: usize = 2048;

/// Lines that are passed on in a second.
const LINES_MAX: u32 = 1000;

/// Bytes of last words.
const WORDS_MAX: usize = 2048;

#[cfg(test)]
mod tests {
    use super::*;

    fn passed(pieces: &[(Stream, &[u8])]) -> Vec<String> {
        let mut lines = Lines::default();
        let mut passed = Vec::new();
        for (stream, piece) in pieces {
            lines.take(*stream, piece, Instant::now(), &mut |line| {
                passed.push(line.to_owned());
            });
        }
        passed
    }

    #[test]
    fn pieces_become_lines_of_their_own_stream() {
        let pieces: &[(Stream, &[u8])] = &[
            (Stream::Out, b"one\r\ntw"),
            (Stream::Err, b"oh\n"),
            (Stream::Out, b"o\n\nthree"),
        ];
        assert_eq!(passed(pieces), ["one", "oh", "two", ""]);
    }

    #[test]
    fn what_a_terminal_obeys_is_spelt_out() {
        assert_eq!(passed(&[(Stream::Out, b"a\x1b[2Jb\n")]), ["a\\u{1b}[2Jb"]);
        assert_eq!(text(b"one\r\n\x07two\n"), "one\n\\u{7}two");
    }

    #[test]
    fn a_line_without_end_is_cut() {
        let long = vec![b'x'; 10 * LINE_MAX];
        let lines = passed(&[
            (Stream::Out, &long),
            (Stream::Out, &long),
            (Stream::Out, b"\nnext\n"),
        ]);
        assert_eq!(lines, [&"x".repeat(LINE_MAX), "next"]);
    }

    #[test]
    fn a_flood_is_counted() {
        let mut lines = Lines::default();
        let mut passed = Vec::new();
        let start = Instant::now();
        let flood = b"x\n".repeat(LINES_MAX as usize + 7);
        lines.take(Stream::Out, &flood, start, &mut |line| {
            passed.push(line.to_owned());
        });
        assert_eq!(passed.len(), LINES_MAX as usize);
        let later = start + Duration::from_secs(1);
        lines.take(Stream::Out, b"y\n", later, &mut |line| {
            passed.push(line.to_owned());
        });
        assert!(
            passed[LINES_MAX as usize].starts_with("(7 lines left out"),
            "{passed:?}"
        );
        assert_eq!(passed.last().map(String::as_str), Some("y"));
    }

    #[test]
    fn last_words_are_the_last() {
        let mut words = "ä".repeat(WORDS_MAX).into_bytes();
        words.extend_from_slice(b"end\n");
        keep_last(&mut words);
        let text = text(&words);
        assert!(
            text.ends_with("äend") && text.len() <= WORDS_MAX,
            "{}",
            text.len()
        );
    }
}
