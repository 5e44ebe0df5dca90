//! The real binary, serving.

use std::io::{BufRead, BufReader};
use std::path::Path;
use std::process::{Child, ChildStderr, Command, ExitStatus, Stdio};
use std::sync::mpsc::{Receiver, channel};
use std::thread;
use std::time::{Duration, Instant};

use rustix::process::{Pid, Signal, kill_process};

/// A running `portreeve serve`; killed with the value.
pub(crate) struct Portreeve {
    child: Child,
    address: String,
}

impl Portreeve {
    /// Starts it without an admin listener and waits until it listens.
    ///
    /// # Panics
    /// If it does not, with what it said.
    pub(crate) fn serve(arguments: &[&str]) -> Self {
        Self::start(&[&["--admin", "off"], arguments].concat())
    }

    /// Starts it by this file, which says that there is no admin listener, and waits until it listens.
    ///
    /// # Panics
    /// As [`Portreeve::serve`].
    pub(crate) fn serve_file(file: &Path) -> Self {
        Self::start(&["--config", file.to_str().expect("paths of tests are text")])
    }

    fn start(arguments: &[&str]) -> Self {
        let mut command = Command::new(env!("CARGO_BIN_EXE_portreeve"));
        command
            .env_remove("NOTIFY_SOCKET")
            .env_remove("PORTREEVE_LOG")
            .arg("serve")
            .args(arguments)
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(Stdio::piped());
        let mut child = command.spawn().expect("the binary can be started");
        let said = lines(child.stderr.take().expect("it is piped"));
        let address = await_address(&said);
        Self { child, address }
    }

    /// Where it listens, as it says it itself: `127.0.0.1:8080` or `unix:/path`.
    pub(crate) fn address(&self) -> &str {
        &self.address
    }

    /// Ends it as an operator does.
    ///
    /// # Panics
    /// If it does not end well.
    pub(crate) fn end(mut self) {
        let status = end_child(&mut self.child, Signal::TERM);
        assert!(status.success(), "{status}");
    }
}

impl Drop for Portreeve {
    fn drop(&mut self) {
        let _ = self.child.kill(); // it may have ended already
        let _ = self.child.wait();
    }
}

/// Sends `signal` and waits for the end.
///
/// # Panics
/// If it does not come.
pub(crate) fn end_child(child: &mut Child, signal: Signal) -> ExitStatus {
    kill_process(Pid::from_child(child), signal).expect("it is our own child and not waited for yet");
    let begin = Instant::now();
    loop {
        if let Some(status) = child.try_wait().expect("it is our own child") {
            return status;
        }
        assert!(begin.elapsed() < PATIENCE, "it does not end");
        thread::sleep(Duration::from_millis(5));
    }
}

/// Its lines, read by a thread so that it never waits for us.
fn lines(pipe: ChildStderr) -> Receiver<String> {
    let (send, receive) = channel();
    thread::spawn(move || {
        for line in BufReader::new(pipe).lines().map_while(Result::ok) {
            let _ = send.send(line); // nobody may listen any more
        }
    });
    receive
}

fn await_address(said: &Receiver<String>) -> String {
    let mut seen = Vec::new();
    while let Ok(line) = said.recv_timeout(PATIENCE) {
        if let Some((_, address)) = line
            .split_once(" listening listener=")
            .and(line.split_once("address="))
        {
            return address.split_whitespace().next().unwrap_or_default().to_owned();
        }
        seen.push(line);
    }
    panic!("it does not listen; it said:\n{}", seen.join("\n"));
}

const PATIENCE: Duration = Duration::from_secs(30);
