//! A part of a test that must be a process of its own, to be stopped, killed, or kept short of files.

use std::io::{BufRead, BufReader, Write};
use std::process::{Child, Command, Stdio};

use rustix::process::{Pid, Signal, kill_process};

use crate::wire::Address;

/// A running part. It is the test binary itself, started to run one test, which calls [`Part::play`]. Killed on drop.
#[derive(Debug)]
pub struct Part {
    process: Child,
    address: Address,
}

impl Part {
    /// Starts this test as a process of its own and waits until it says where it listens.
    ///
    /// # Panics
    /// If it does not start or ends before it says so.
    pub fn start(test: &str) -> Self {
        Self::start_with(test, "")
    }

    /// The same, and hands it an [`argument`](Part::argument).
    ///
    /// # Panics
    /// As [`Part::start`].
    pub fn start_with(test: &str, argument: &str) -> Self {
        let binary = std::env::current_exe().expect("a running test has a binary");
        let mut process = Command::new(binary)
            .args([test, "--exact", "--nocapture", "--test-threads=1"])
            .env(MARK, test)
            .env(ARGUMENT, argument)
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()
            .expect("the test binary can be started once more");
        let lines = BufReader::new(process.stdout.take().expect("it is piped")).lines();
        let address = lines
            .map_while(Result::ok)
            .find_map(|line| line.split_once(ANNOUNCED)?.1.parse().ok());
        let address = address.unwrap_or_else(|| panic!("{test} said nowhere that it listens"));
        Self {
            process,
            address: Address::Tcp(address),
        }
    }

    /// Whether this process is the part that is this test: otherwise the test has nothing to do.
    pub fn is_this(test: &str) -> bool {
        std::env::var(MARK).as_deref() == Ok(test)
    }

    /// In the part: what [`Part::start_with`] handed over.
    pub fn argument() -> String {
        std::env::var(ARGUMENT).unwrap_or_default()
    }

    /// In the part: says where it listens and then serves until the test that started it ends.
    ///
    /// # Panics
    /// If nobody listens to what it says.
    pub async fn play(address: &Address) {
        writeln!(std::io::stdout(), "\n{ANNOUNCED}{address}").expect("the test reads it");
        let ended = || std::io::copy(&mut std::io::stdin(), &mut std::io::sink());
        tokio::task::spawn_blocking(ended)
            .await
            .expect("reading does not panic")
            .expect("stdin can be read");
    }

    /// Where it listens.
    pub fn address(&self) -> &Address {
        &self.address
    }

    /// Stops it in its tracks (`SIGSTOP`): its sockets stay open and silent.
    pub fn stop(&self) {
        self.signal(Signal::STOP);
    }

    /// Lets it go on (`SIGCONT`).
    pub fn resume(&self) {
        self.signal(Signal::CONT);
    }

    /// Kills it (`SIGKILL`); returns when it is gone.
    ///
    /// # Panics
    /// If it cannot be killed.
    pub fn kill(&mut self) {
        self.process.kill().expect("it is our child");
        self.process.wait().expect("it is our child");
    }

    fn signal(&self, signal: Signal) {
        kill_process(Pid::from_child(&self.process), signal).expect("it is our child and not yet waited for");
    }
}

impl Drop for Part {
    fn drop(&mut self) {
        // It may have ended already.
        let _ = self.process.kill();
        let _ = self.process.wait();
    }
}

const MARK: &str = "PORTREEVE_TEST_PART";
const ARGUMENT: &str = "PORTREEVE_TEST_ARGUMENT";
const ANNOUNCED: &str = "part listens on ";
