//! What a child writes, line by line.

use std::io::{BufRead, BufReader, Read};
use std::sync::mpsc::{Receiver, channel};
use std::thread::{self, JoinHandle};

use super::PATIENCE;

/// Lines of a pipe, read by a thread so that the child never waits for us.
pub(crate) struct Lines {
    source: Receiver<String>,
    seen: Vec<String>,
    reader: Option<JoinHandle<()>>,
}

impl Lines {
    pub(crate) fn of(pipe: impl Read + Send + 'static) -> Self {
        let (send, source) = channel();
        let reader = thread::spawn(move || {
            for line in BufReader::new(pipe).lines() {
                let _ = send.send(line.unwrap_or_default()); // the test may have lost interest
            }
        });
        Self {
            source,
            seen: Vec::new(),
            reader: Some(reader),
        }
    }

    pub(crate) fn find(&mut self, text: &str) -> String {
        loop {
            let Ok(line) = self.source.recv_timeout(PATIENCE) else {
                panic!("no line with {text:?} came; what came:\n{}", self.seen.join("\n"));
            };
            self.seen.push(line.clone());
            if line.contains(text) {
                return line;
            }
        }
    }

    pub(crate) fn so_far(&mut self) -> String {
        self.seen.extend(self.source.try_iter());
        self.seen.join("\n")
    }

    /// Everything, once the child has ended.
    pub(crate) fn all(&mut self) -> String {
        if let Some(reader) = self.reader.take() {
            reader.join().unwrap();
        }
        self.so_far()
    }
}
