//! Running a client to its end.

use std::fmt;
use std::io::Read;
use std::os::unix::process::CommandExt;
use std::process::{Child, Command, Stdio};
use std::time::Duration;

use rustix::process::{Pid, Signal, kill_process_group};
use tokio::task::{JoinHandle, spawn_blocking};
use tokio::time::timeout;

/// How a client ended and what it wrote.
#[derive(Debug)]
pub(crate) struct Outcome {
    pub(crate) is_success: bool,
    pub(crate) stdout: Vec<u8>,
    pub(crate) stderr: Vec<u8>,
}

impl Outcome {
    /// What it wrote as data.
    ///
    /// # Panics
    /// If it failed.
    #[track_caller]
    pub(crate) fn text(&self) -> String {
        assert!(self.is_success, "{self}");
        String::from_utf8_lossy(&self.stdout).into_owned()
    }

    /// What it wrote about itself.
    pub(crate) fn talk(&self) -> String {
        String::from_utf8_lossy(&self.stderr).into_owned()
    }
}

impl fmt::Display for Outcome {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self {
            is_success, stdout, ..
        } = self;
        let stdout = String::from_utf8_lossy(stdout);
        write!(f, "success: {is_success}\n{stdout}\n--- stderr\n{}", self.talk())
    }
}

/// Runs `command` to its end, with all that it starts.
///
/// # Panics
/// If it takes too long.
pub(crate) async fn run(mut command: Command) -> Outcome {
    for name in [
        "http_proxy",
        "https_proxy",
        "all_proxy",
        "HTTP_PROXY",
        "HTTPS_PROXY",
        "ALL_PROXY",
    ] {
        command.env_remove(name);
    }
    command
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .process_group(0);
    let mut group = Group(command.spawn().expect("an installed program can be started"));
    let stdout = read_all(group.0.stdout.take().expect("it is piped"));
    let stderr = read_all(group.0.stderr.take().expect("it is piped"));
    let both = async { (stdout.await.expect("reading"), stderr.await.expect("reading")) };
    let (stdout, stderr) = timeout(PATIENCE, both)
        .await
        .unwrap_or_else(|_| panic!("{command:?} does not end"));
    let status = group.0.wait().expect("it is our own child");
    Outcome {
        is_success: status.success(),
        stdout,
        stderr,
    }
}

fn read_all(mut pipe: impl Read + Send + 'static) -> JoinHandle<Vec<u8>> {
    spawn_blocking(move || {
        let mut bytes = Vec::new();
        pipe.read_to_end(&mut bytes).expect("a pipe can be read");
        bytes
    })
}

/// A child that leads a process group; what is left of the group ends with the value.
pub(crate) struct Group(pub(crate) Child);

impl Drop for Group {
    fn drop(&mut self) {
        let _ = kill_process_group(Pid::from_child(&self.0), Signal::KILL); // mostly all have ended
        let _ = self.0.wait();
    }
}

/// Far more than any client needs, a browser's first start on a busy machine included.
const PATIENCE: Duration = Duration::from_secs(90);
