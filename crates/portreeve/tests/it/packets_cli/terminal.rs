//! `send` at a terminal: it asks before it tries again.

use std::fs::File;
use std::io::{Read, Write};
use std::os::fd::OwnedFd;
use std::os::unix::ffi::OsStrExt;
use std::path::Path;
use std::process::{Child, Stdio};

use rustix::pty::{OpenptFlags, grantpt, openpt, ptsname, unlockpt};

use crate::packets_cli::fixture::{Proxy, command, folder};

const REQUEST: &str = r#"{"type":0,"privPoliId":1,"payload":"abc"}"#;
const RIGHT: &str = r#"{"type":2,"payload":"a9993e364706816aba3e25717850c26c9cd0d89d"}"#;
const WRONG: &str = r#"{"type":2,"payload":"abc"}"#;

/// A child whose stdin, stdout and stderr are one terminal.
struct AtTerminal {
    child: Child,
    screen: File,
}

impl AtTerminal {
    fn send(name: &str, proxy: &Proxy) -> Self {
        let (ours, theirs) = terminal();
        let file = folder(name).join("packet.json");
        std::fs::write(&file, REQUEST).unwrap();
        let side = || Stdio::from(theirs.try_clone().unwrap());
        let child = command(["send", file.to_str().unwrap(), "--proxy", &proxy.address()])
            .stdin(side())
            .stdout(side())
            .stderr(side())
            .spawn()
            .unwrap();
        Self { child, screen: ours }
    }

    /// Reads the screen until it shows `text`.
    fn await_text(&mut self, text: &str) {
        let mut seen = String::new();
        while !seen.contains(text) {
            let mut piece = [0; 256];
            let length = self.screen.read(&mut piece).unwrap_or_default();
            assert!(length > 0, "{text:?} never came, only {seen:?}");
            seen.push_str(&String::from_utf8_lossy(&piece[..length]));
        }
    }

    fn types(&mut self, line: &str) {
        self.screen.write_all(line.as_bytes()).unwrap();
    }

    fn code(mut self) -> Option<i32> {
        self.child.wait().unwrap().code()
    }
}

impl Drop for AtTerminal {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// Our side of a new terminal, and the child's.
fn terminal() -> (File, File) {
    let ours: OwnedFd = openpt(OpenptFlags::RDWR | OpenptFlags::NOCTTY).unwrap();
    grantpt(&ours).unwrap();
    unlockpt(&ours).unwrap();
    let name = ptsname(&ours, Vec::new()).unwrap();
    let path = Path::new(std::ffi::OsStr::from_bytes(name.as_bytes()));
    let theirs = File::options().read(true).write(true).open(path).unwrap();
    (File::from(ours), theirs)
}

#[test]
fn a_yes_tries_again() {
    let proxy = Proxy::listening();
    let mut program = AtTerminal::send("terminal_yes", &proxy);
    proxy.answer(WRONG);
    program.await_text("try again? [y/N] ");
    program.types("y\n");
    proxy.answer(RIGHT);
    program.await_text("Transmission successfully received by server");
    assert_eq!(program.code(), Some(0));
}

#[test]
fn anything_else_gives_up() {
    let proxy = Proxy::listening();
    let mut program = AtTerminal::send("terminal_no", &proxy);
    proxy.answer(WRONG);
    program.await_text("try again? [y/N] ");
    program.types("\n");
    program.await_text("transmission failed");
    assert_eq!(program.code(), Some(1));
    assert!(proxy.is_untouched());
}
