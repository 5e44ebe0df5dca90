//! One Docker Engine, started by hand.

use std::fs::OpenOptions;
use std::os::unix::fs::FileTypeExt;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use crate::housing;

/// Runs as long as it lives; with root, sockets and pid files of its own.
pub(crate) struct Dockerd {
    folder: PathBuf,
    process: Child,
}

impl Dockerd {
    /// Ready when it listens. Ends the test's process if it cannot.
    pub(crate) fn started(folder: &Path) -> Self {
        let up = Command::new("ip").args(["link", "set", "lo", "up"]).status();
        assert!(up.is_ok_and(|status| status.success()), "no loopback");
        let mut dockerd = Self {
            process: spawn(folder),
            folder: folder.to_owned(),
        };
        if !dockerd.listens() {
            dockerd.end();
            housing::end_without_engine();
        }
        dockerd
    }

    pub(crate) fn endpoint(&self) -> String {
        format!("unix://{}", self.socket().display())
    }

    /// As `kill -9` does; its containers live on.
    pub(crate) fn kill(&mut self) {
        self.process.kill().expect("it is ours");
        self.process.wait().expect("it was killed");
        let _ = std::fs::remove_file(self.socket());
    }

    pub(crate) fn start_again(&mut self) {
        self.process = spawn(&self.folder);
        assert!(self.listens(), "it did before");
    }

    fn socket(&self) -> PathBuf {
        self.folder.join("docker.sock")
    }

    fn listens(&mut self) -> bool {
        let deadline = Instant::now() + Duration::from_secs(20);
        while Instant::now() < deadline {
            if self.process.try_wait().is_ok_and(|ended| ended.is_some()) {
                return false;
            }
            let socket = std::fs::metadata(self.socket());
            if socket.is_ok_and(|socket| socket.file_type().is_socket()) {
                return true;
            }
            std::thread::sleep(Duration::from_millis(20));
        }
        false
    }

    /// In peace, so that it unmounts and removes what it can.
    fn end(&mut self) {
        if !matches!(self.process.try_wait(), Ok(None)) {
            return;
        }
        let pid = self.process.id().to_string();
        let _ = Command::new("kill").args(["-TERM", &pid]).status();
        let deadline = Instant::now() + Duration::from_secs(10);
        while Instant::now() < deadline {
            if !matches!(self.process.try_wait(), Ok(None)) {
                return;
            }
            std::thread::sleep(Duration::from_millis(20));
        }
        let _ = self.process.kill();
        let _ = self.process.wait();
    }
}

impl Drop for Dockerd {
    fn drop(&mut self) {
        self.end();
    }
}

fn spawn(folder: &Path) -> Child {
    let log = OpenOptions::new()
        .create(true)
        .append(true)
        .open(folder.join("dockerd.log"))
        .expect("the folder can be written");
    // Its own, so that the machine's /etc/docker/daemon.json is none of its business.
    std::fs::write(folder.join("daemon.json"), "{}").expect("the folder can be written");
    let at = |name: &str| folder.join(name).display().to_string();
    Command::new("dockerd")
        .args([
            "--data-root",
            &at("data"),
            "--exec-root",
            &at("exec"),
            "--pidfile",
            &at("pid"),
        ])
        .args(["--host", &format!("unix://{}", at("docker.sock"))])
        .args(["--config-file", &at("daemon.json")])
        .args([
            "--exec-opt",
            "native.cgroupdriver=cgroupfs",
            "--cgroup-parent",
            &housing::cgroup(folder),
        ])
        .args(["--live-restore", "--shutdown-timeout", "1"])
        .stdin(Stdio::null())
        .stdout(log.try_clone().expect("a second handle"))
        .stderr(log)
        .spawn()
        .expect("it was found a moment ago")
}
