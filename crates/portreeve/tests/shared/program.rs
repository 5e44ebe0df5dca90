//! The binary under test as a child process: what all tests of it need. Each of them is a crate of its own, takes this
//! file in by its path, and adds what only it needs.

mod lines;

use std::process::{Child, Command, Stdio};
use std::thread;
use std::time::{Duration, Instant};

use rustix::process::{Pid, Signal, kill_process};

use super::PATIENCE;
use lines::Lines;

/// A running child; killed with the value.
pub(crate) struct Program {
    pub(super) child: Child,
    pub(super) stdout: Lines,
    pub(super) stderr: Lines,
}

/// How a child ended and what it wrote.
#[derive(Debug)]
pub(crate) struct Outcome {
    /// `None`: killed by a signal.
    pub(crate) code: Option<i32>,
    pub(crate) stdout: String,
    pub(crate) stderr: String,
}

/// A command that does not inherit what would change how the binary talks.
pub(super) fn command(program: &str) -> Command {
    let mut command = Command::new(program);
    for strange in STRANGE {
        command.env_remove(strange);
    }
    command.stdin(Stdio::null());
    command
}

impl Program {
    pub(crate) fn spawn(command: &mut Command) -> Self {
        let mut child = command
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .unwrap();
        let stdout = Lines::of(child.stdout.take().unwrap());
        let stderr = Lines::of(child.stderr.take().unwrap());
        Self {
            child,
            stdout,
            stderr,
        }
    }

    /// The next line on stderr that holds `text`; lines before it are skipped.
    pub(crate) fn told(&mut self, text: &str) -> String {
        self.stderr.find(text)
    }

    pub(crate) fn signal(&self, signal: Signal) {
        kill_process(Pid::from_child(&self.child), signal).unwrap();
    }

    /// Waits until it has ended.
    pub(crate) fn end(mut self) -> Outcome {
        let begin = Instant::now();
        let status = loop {
            match self.child.try_wait().unwrap() {
                Some(status) => break status,
                None if begin.elapsed() > PATIENCE => {
                    panic!("it does not end; it said:\n{}", self.stderr.so_far())
                }
                None => thread::sleep(Duration::from_millis(5)),
            }
        };
        Outcome {
            code: status.code(),
            stdout: self.stdout.all(),
            stderr: self.stderr.all(),
        }
    }
}

impl Drop for Program {
    fn drop(&mut self) {
        let _ = self.child.kill(); // it may have ended
        let _ = self.child.wait();
    }
}

pub(super) const BINARY: &str = env!("CARGO_BIN_EXE_portreeve");
const STRANGE: [&str; 5] = [
    "NOTIFY_SOCKET",
    "PORTREEVE_LOG",
    "PORTREEVE_TOKEN",
    "PORTREEVE_ADMIN_KEY",
    "PORT",
];
