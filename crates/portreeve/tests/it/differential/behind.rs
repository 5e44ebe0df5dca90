//! Servers from Debian behind us, each in front of a recorder: what they make of the bytes we send them is what they
//! ask the recorder for.

use std::fs;
use std::os::unix::net::UnixStream;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::thread;
use std::time::{Duration, Instant};

use portreeve_testkit::Scratch;
use rustix::process::Signal;

use crate::shared::{end_child, tool};

/// A server, with its configuration.
pub(crate) struct Kind {
    pub(crate) program: &'static str,
    package: &'static str,
    /// `{socket}`, `{recorder}` and `{folder}` are filled in.
    config: &'static str,
    arguments: &'static [&'static str],
    /// Asks it to finish what runs and end.
    end: Signal,
}

/// nginx with its defaults.
pub(crate) const NGINX: Kind = Kind {
    program: "nginx",
    package: "nginx-light",
    config: include_str!("behind/nginx.conf"),
    arguments: &["-e", "{folder}/error.log", "-c"],
    end: Signal::QUIT,
};

/// HAProxy with its defaults.
pub(crate) const HAPROXY: Kind = Kind {
    program: "haproxy",
    package: "haproxy",
    config: include_str!("behind/haproxy.cfg"),
    arguments: &["-db", "-q", "-f"],
    end: Signal::USR1,
};

/// A running server; ended with the value.
pub(crate) struct Server {
    child: Child,
    socket: PathBuf,
    end: Signal,
}

impl Server {
    /// Starts one with all its files in `folder`, or `None` if it is not installed.
    pub(crate) fn start(kind: &Kind, folder: &Scratch, recorder: &Path) -> Option<Self> {
        let program = tool::find(kind.program, kind.package)?;
        let socket = folder.file("server.sock");
        let fill = |text: &str| {
            text.replace("{folder}", &folder.path().display().to_string())
                .replace("{socket}", &socket.display().to_string())
                .replace("{recorder}", &recorder.display().to_string())
        };
        let file = folder.file("server.conf");
        fs::write(&file, fill(kind.config)).expect("the folder is ours");
        let child = Command::new(program)
            .args(kind.arguments.iter().map(|argument| fill(argument)))
            .arg(&file)
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .spawn()
            .expect("an installed program can be started");
        let mut server = Self {
            child,
            socket,
            end: kind.end,
        };
        server.await_listening();
        Some(server)
    }

    /// Where it listens, as `--to` takes it.
    pub(crate) fn address(&self) -> String {
        format!("unix:{}", self.socket.display())
    }

    /// Lets it finish what it has begun.
    pub(crate) fn end(mut self) {
        end_child(&mut self.child, self.end);
    }

    fn await_listening(&mut self) {
        let begin = Instant::now();
        while UnixStream::connect(&self.socket).is_err() {
            let ended = self.child.try_wait().expect("it is our own child");
            assert!(
                ended.is_none() && begin.elapsed() < PATIENCE,
                "the server does not listen: {ended:?}"
            );
            thread::sleep(Duration::from_millis(5));
        }
    }
}

impl Drop for Server {
    /// Not killed, or nginx would leave its worker behind.
    fn drop(&mut self) {
        if matches!(self.child.try_wait(), Ok(None)) {
            end_child(&mut self.child, Signal::TERM);
        }
    }
}

const PATIENCE: Duration = Duration::from_secs(10);
