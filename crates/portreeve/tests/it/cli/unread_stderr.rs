use std::io::{BufRead, BufReader, Read};
use std::net::SocketAddr;
use std::process::{Child, ChildStderr, Command, Stdio};
use std::thread;
use std::time::{Duration, Instant};

use rustix::process::{Pid, Signal, kill_process};

use crate::cli::fixture::{Connection, PATIENCE, Scratch};

/// A proxy whose stderr is a pipe of which only the first lines are read.
struct Unheard {
    child: Child,
    stderr: BufReader<ChildStderr>,
    admin: SocketAddr,
    folder: Scratch,
}

impl Unheard {
    fn start() -> Self {
        let folder = Scratch::new();
        let file = folder.write("portreeve.toml", &config(&folder));
        let mut child = Command::new(env!("CARGO_BIN_EXE_portreeve"))
            .args(["serve".as_ref(), "--config".as_ref(), file.as_os_str()])
            .env_remove("NOTIFY_SOCKET")
            .env_remove("PORTREEVE_LOG")
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(Stdio::piped())
            .spawn()
            .unwrap();
        let mut stderr = BufReader::new(child.stderr.take().unwrap());
        let admin = admin_in(&mut stderr);
        Self {
            child,
            stderr,
            admin,
            folder,
        }
    }

    /// Asks for a reload that is refused with more lines than a pipe holds.
    fn reload_with_many_faults(&self) {
        let faults: String = (0..FAULTS).map(|n| format!("no-such-key-{n} = 1\n")).collect();
        self.folder
            .write("portreeve.toml", &(faults + &config(&self.folder)));
        self.signal(Signal::HUP);
    }

    fn await_refused_reload(&self) {
        let begin = Instant::now();
        while !self.page("/metrics").contains("_last_reload_successful 0") {
            assert!(begin.elapsed() < PATIENCE, "the reload is not refused");
            thread::sleep(Duration::from_millis(5));
        }
    }

    fn page(&self, target: &str) -> String {
        Connection::to(self.admin).get(target)
    }

    fn signal(&self, signal: Signal) {
        kill_process(Pid::from_child(&self.child), signal).unwrap();
    }

    /// Waits until it has ended; its exit code.
    fn end(&mut self) -> Option<i32> {
        let begin = Instant::now();
        loop {
            if let Some(status) = self.child.try_wait().unwrap() {
                return status.code();
            }
            assert!(begin.elapsed() < PATIENCE, "it does not end");
            thread::sleep(Duration::from_millis(5));
        }
    }
}

impl Drop for Unheard {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

fn config(folder: &Scratch) -> String {
    format!(
        "state = {:?}\n[admin]\nbind = \"127.0.0.1:0\"\n[listener.web]\nbind = \"127.0.0.1:0\"\n[pool.app]\nbackends = [\"127.0.0.1:1\"]\n",
        folder.file("state")
    )
}

fn admin_in(stderr: &mut impl BufRead) -> SocketAddr {
    let mut lines = stderr.lines().map(Result::unwrap);
    let line = lines.find(|line| line.contains("admin listening")).unwrap();
    let address = line.split("address=").nth(1).unwrap();
    address.split_whitespace().next().unwrap().parse().unwrap()
}

#[test]
fn a_stderr_that_nobody_reads_holds_up_neither_the_admin_listener_nor_the_end() {
    let mut unheard = Unheard::start();

    unheard.reload_with_many_faults();
    unheard.await_refused_reload();
    let mut admin = Connection::to(unheard.admin);
    admin.ask("/healthz");
    assert_eq!(admin.response().status, 200);
    unheard.signal(Signal::TERM);

    assert_eq!(unheard.end(), Some(0));
    let mut left = Vec::new();
    unheard.stderr.read_to_end(&mut left).unwrap();
    assert!(left.len() > 60_000, "the pipe was not full: {} bytes", left.len());
    assert!(!String::from_utf8_lossy(&left).contains("draining"));
}

/// Each is told in a line of some hundred bytes.
const FAULTS: usize = 2000;
