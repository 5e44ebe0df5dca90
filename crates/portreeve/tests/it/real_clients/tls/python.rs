use std::path::Path;
use std::process::Command;

use super::Site;
use crate::real_clients::python::websocket_server;
use crate::real_clients::run::run;
use crate::shared::tool;

/// A script of ours under a Python that has this module: it is told our port and the file of our authority.
fn python(module: &str, script: &str, site: &Site) -> Option<Command> {
    python_for(module, script, site.port(), &site.authority_file())
}

pub(super) fn python_for(module: &str, script: &str, port: &str, authority: &Path) -> Option<Command> {
    let mut command = Command::new(tool::python_with(module)?);
    command.args(["-I", "-B", "-c", script, port]).arg(authority);
    Some(command)
}

/// The client of the package websockets.
pub(super) const WEBSOCKETS: &str = include_str!("python/websockets_client.py");
/// WebSockets over HTTP/2, by the package h2.
pub(super) const EXTENDED_CONNECT: &str = include_str!("python/extended_connect.py");

#[tokio::test]
async fn websockets_talks_within_tls() {
    let Some((_server, backend)) = websocket_server() else {
        return;
    };
    let site = Site::before(&backend);
    let Some(python) = python("websockets", WEBSOCKETS, &site) else {
        return;
    };
    assert_eq!(run(python).await.text(), "all as expected\n");
    site.end();
}

#[tokio::test]
async fn h2_opens_websockets_by_extended_connect() {
    let Some((_server, backend)) = websocket_server() else {
        return;
    };
    let site = Site::before(&backend);
    let Some(python) = python("h2", EXTENDED_CONNECT, &site) else {
        return;
    };
    assert_eq!(run(python).await.text(), "all as expected\n");
    site.end();
}
