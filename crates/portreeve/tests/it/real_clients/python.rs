use std::io::{BufRead, BufReader};
use std::os::unix::process::CommandExt;
use std::process::{Command, Stdio};

use portreeve_testkit::{Message, Origin, Scratch, answer};

use crate::real_clients::run::{Group, run};
use crate::real_clients::{before, before_origin};
use crate::shared::tool;

/// A script of ours under Python 3, by nothing but its standard library.
fn python(script: &str) -> Option<Command> {
    let mut command = Command::new(tool::find("python3", "python3")?);
    command.args(["-I", "-c", script]);
    Some(command)
}

/// Answers with what the request says; answers to HEAD have no body.
fn telling(request: &Message) -> Vec<u8> {
    let line = request.line();
    if line.starts_with("HEAD ") {
        return b"HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\n".to_vec();
    }
    answer("200 OK", &format!("{line} {}", request.text())).into_bytes()
}

#[tokio::test]
async fn http_client_sends_many_requests_over_one_connection() {
    let Some(mut python) = python(include_str!("python/http_client.py")) else {
        return;
    };
    let origin = Origin::answering(telling).start().await;
    let folder = Scratch::new();
    let portreeve = before_origin(&origin, &folder);
    python.arg(portreeve.address());

    assert_eq!(run(python).await.text(), "all as expected\n");
    assert_eq!(origin.requests().await.len(), 7);
    portreeve.end();
}

#[tokio::test]
async fn a_websocket_carries_frames_both_ways() {
    let Some((_server, backend)) = websocket_server() else {
        return;
    };
    let folder = Scratch::new();
    let portreeve = before(&backend, &folder);
    let mut python = python(include_str!("python/websocket_client.py")).expect("it was there just now");
    python.arg(portreeve.address());

    assert_eq!(run(python).await.text(), "all as expected\n");
    portreeve.end();
}

/// A WebSocket server that sends every message back, and a page that uses it; and where it listens.
pub(crate) fn websocket_server() -> Option<(Group, String)> {
    let mut python = python(include_str!("python/websocket_server.py"))?;
    python
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        .process_group(0);
    let mut server = Group(python.spawn().expect("an installed program can be started"));
    let mut address = String::new();
    BufReader::new(server.0.stdout.take().expect("it is piped"))
        .read_line(&mut address)
        .expect("it says where it listens");
    Some((server, address.trim_end().to_owned()))
}
