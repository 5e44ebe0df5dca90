//! WebSockets within TLS, of both versions of HTTP, that are open while the proxy takes new files over.

use std::io::{BufRead, BufReader, Write};
use std::os::unix::process::CommandExt;
use std::process::{Command, Stdio};

use portreeve_testkit::Scratch;
use rustix::process::Signal;

use super::issued;
use super::python::{EXTENDED_CONNECT, WEBSOCKETS, python_for};
use crate::real_clients::python::websocket_server;
use crate::real_clients::run::Group;
use crate::shared::Program;

/// A client whose sockets are open, and that goes on when it is told to.
struct Paused(Group);

impl Paused {
    fn start(mut python: Command) -> Self {
        python
            .arg("pause")
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .process_group(0);
        let group = Group(python.spawn().expect("an installed program can be started"));
        let mut paused = Self(group);
        assert_eq!(paused.line(), "open");
        paused
    }

    fn go_on(mut self) {
        let pipe = self.0.0.stdin.as_mut().expect("it is piped");
        pipe.write_all(b"\n").expect("it waits for this");
        assert_eq!(self.line(), "all as expected");
    }

    /// The next that it says; nothing if it has failed, which it says on stderr.
    fn line(&mut self) -> String {
        let mut line = String::new();
        let pipe = self.0.0.stdout.as_mut().expect("it is piped");
        let mut byte_by_byte = BufReader::with_capacity(1, pipe);
        byte_by_byte.read_line(&mut line).expect("it speaks ASCII");
        line.trim_end().to_owned()
    }
}

/// A file with this route and this pool.
fn toml(folder: &Scratch, routed: &str) -> String {
    format!(
        "admin = {{ bind = \"off\" }}\naccess_log = {{ to = \"off\" }}\nstate = \"{}\"\n\
         [listener.web]\nbind = \"127.0.0.1:0\"\ntls = {{ certificate = \"app.pem\", key = \"app.key\" }}\n{routed}",
        folder.file("state").display()
    )
}

#[tokio::test]
async fn websockets_outlive_reloads_that_take_their_route_and_their_pool_away() {
    let Some((_server, backend)) = websocket_server() else {
        return;
    };
    let (_authority, folder) = issued();
    let routed = format!("[route.app]\npool = \"app\"\n[pool.app]\nbackends = \"{backend}\"\n");
    let file = folder.write("portreeve.toml", &toml(&folder, &routed));
    let mut portreeve = Program::start(["serve".as_ref(), "--config".as_ref(), file.as_os_str()]);
    let port = portreeve.address().port().to_string();
    let client = |module, script| python_for(module, script, &port, &folder.file("ca.pem"));
    let (Some(one), Some(two)) = (client("websockets", WEBSOCKETS), client("h2", EXTENDED_CONNECT)) else {
        return;
    };
    let (one, two) = (Paused::start(one), Paused::start(two));

    // Once by a signal, and once by a change of the file alone.
    let gone =
        "[route.other]\npath = \"/elsewhere\"\npool = \"other\"\n[pool.other]\nbackends = \"127.0.0.1:9\"\n";
    folder.write("portreeve.toml", &toml(&folder, gone));
    portreeve.signal(Signal::HUP);
    portreeve.told(" reloaded ");
    folder.replace(
        "portreeve.toml",
        &toml(&folder, &gone.replace("other", "another")),
    );
    portreeve.told(" reloaded ");

    one.go_on();
    two.go_on();
    portreeve.signal(Signal::TERM);
    let outcome = portreeve.end();
    assert_eq!(outcome.code, Some(0), "{outcome:?}");
}
