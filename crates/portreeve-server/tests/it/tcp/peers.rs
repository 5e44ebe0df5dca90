//! Servers and clients from Debian.

use std::io::{Read as _, Write as _};
use std::net::TcpListener;
use std::os::fd::OwnedFd;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::Duration;

use portreeve_testkit::{Address, PATIENCE, Scratch};

/// A program, and how it is told its configuration.
pub(crate) struct Kind {
    program: &'static str,
    arguments: &'static [&'static str],
}

/// HAProxy serves a socket that it was given only once it runs, and forgets who came before: where it can be asked.
const HAPROXY_ASKED: &str = "asked.sock";

pub(crate) const HAPROXY: Kind = Kind {
    program: "haproxy",
    // Not quiet: then it would close what it is given as its file 0.
    arguments: &["-db", "-f"],
};
pub(crate) const NGINX: Kind = Kind {
    program: "nginx",
    arguments: &["-e", "/dev/null", "-c"],
};

/// A running program; ended with the value.
pub(crate) struct Running {
    child: Child,
    _folder: Scratch,
}

impl Kind {
    /// Starts HAProxy with `socket` as its file 0, and returns once it serves; `None` if it is not installed.
    pub(crate) async fn on(&self, socket: OwnedFd, config: &str) -> Option<Running> {
        let folder = Scratch::new();
        let asked = folder.file(HAPROXY_ASKED);
        let config = format!("global\n stats socket {}\n{config}", asked.display());
        let running = self.start(folder, &config, Some(socket))?;
        self.until_there(&asked).await;
        let mut told = std::os::unix::net::UnixStream::connect(&asked).expect("it is there");
        told.write_all(b"show info\n").expect("it reads");
        let answered = tokio::task::spawn_blocking(move || told.read(&mut [0]));
        assert_eq!(answered.await.expect("no panic").expect("it answers"), 1);
        Some(running)
    }

    /// Starts it, with `socket` as its file 0; `None` if it is not installed.
    pub(crate) fn start(&self, folder: Scratch, config: &str, socket: Option<OwnedFd>) -> Option<Running> {
        let program = find(self.program)?;
        let file = folder.file("config");
        std::fs::write(&file, config).expect("the folder is ours");
        let child = Command::new(program)
            .args(self.arguments)
            .arg(&file)
            .stdin(socket.map_or_else(Stdio::null, Stdio::from))
            .stderr(Stdio::null())
            .spawn()
            .expect("an installed program can be started");
        Some(Running {
            child,
            _folder: folder,
        })
    }

    /// Returns once it listens on this Unix socket.
    pub(crate) async fn until_there(&self, socket: &Path) {
        let there = async {
            while std::os::unix::net::UnixStream::connect(socket).is_err() {
                tokio::time::sleep(Duration::from_millis(5)).await;
            }
        };
        let there = tokio::time::timeout(PATIENCE, there).await;
        there.unwrap_or_else(|_| panic!("{} does not listen", self.program));
    }
}

impl Drop for Running {
    /// Not killed, or nginx would leave its worker behind.
    fn drop(&mut self) {
        let _ = Command::new("kill").arg(self.child.id().to_string()).status();
        let _ = self.child.wait();
    }
}

/// A socket that listens already, so that nobody else can have its port, and where.
pub(crate) fn listening_socket() -> (OwnedFd, Address) {
    let listener = TcpListener::bind("127.0.0.1:0").expect("the kernel has a free port");
    let address = listener.local_addr().expect("it is bound");
    (listener.into(), Address::Tcp(address))
}

/// `None`, and said so, if it is not installed; but where `CI` is set it must be.
pub(crate) fn find(program: &str) -> Option<PathBuf> {
    let path = std::env::var_os("PATH").unwrap_or_default();
    let folders = std::env::split_paths(&path).chain([PathBuf::from("/usr/sbin")]);
    let mut files = folders.map(|folder| folder.join(program));
    let found = files.find(|file| file.is_file());
    assert!(
        found.is_some() || std::env::var_os("CI").is_none(),
        "{program} is not installed"
    );
    found
}
