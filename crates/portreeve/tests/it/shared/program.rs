//! The binary under test as a child process: what all tests of it need. Their fixtures add what only they need.

use std::ffi::OsStr;
use std::path::{Path, PathBuf};
use std::process::{self, Child, Command, Stdio};
use std::thread;
use std::time::{Duration, Instant};

use rustix::process::{Pid, Signal, kill_process};

use super::PATIENCE;
use super::lines::Lines;

/// A running child; killed with the value.
pub(crate) struct Program {
    pub(crate) child: Child,
    pub(crate) stdout: Lines,
    pub(crate) stderr: Lines,
}

/// How a child ended and what it wrote.
#[derive(Debug)]
pub(crate) struct Outcome {
    /// `None`: killed by a signal.
    pub(crate) code: Option<i32>,
    pub(crate) stdout: String,
    pub(crate) stderr: String,
}

/// A command that does not inherit what would change how the binary talks, with a state folder that is not the user's.
pub(crate) fn command(program: &str) -> Command {
    let mut command = Command::new(program);
    for strange in STRANGE {
        command.env_remove(strange);
    }
    command.env("STATE_DIRECTORY", state_folder());
    command.stdin(Stdio::null());
    command
}

/// One for each test process: what it keeps is no other's.
fn state_folder() -> PathBuf {
    Path::new(env!("CARGO_TARGET_TMPDIR")).join(format!("state-{}", process::id()))
}

impl Program {
    pub(crate) fn start<A: AsRef<OsStr>>(arguments: impl IntoIterator<Item = A>) -> Self {
        Self::start_with(arguments, |_| {})
    }

    /// Starts it after `prepare` has had its way with the environment.
    pub(crate) fn start_with<A: AsRef<OsStr>>(
        arguments: impl IntoIterator<Item = A>,
        prepare: impl FnOnce(&mut Command),
    ) -> Self {
        let mut command = command(BINARY);
        command.args(arguments);
        prepare(&mut command);
        Self::spawn(&mut command)
    }

    /// Runs it to its end.
    pub(crate) fn run<A: AsRef<OsStr>>(arguments: impl IntoIterator<Item = A>) -> Outcome {
        Self::start(arguments).end()
    }

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

pub(crate) const BINARY: &str = env!("CARGO_BIN_EXE_portreeve");
const STRANGE: [&str; 5] = [
    "NOTIFY_SOCKET",
    "PORTREEVE_LOG",
    "PORTREEVE_TOKEN",
    "PORTREEVE_ADMIN_KEY",
    "PORT",
];
