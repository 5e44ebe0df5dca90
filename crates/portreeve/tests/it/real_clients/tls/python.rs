use std::process::Command;

use super::Site;
use crate::real_clients::python::websocket_server;
use crate::real_clients::run::run;
use crate::shared::tool;

/// A script of ours under a Python that has this module: it is told our port and the file of our authority.
fn python(module: &str, script: &str, site: &Site) -> Option<Command> {
    let mut command = Command::new(tool::python_with(module)?);
    command
        .args(["-I", "-B", "-c", script, site.port()])
        .arg(site.authority_file());
    Some(command)
}

#[tokio::test]
async fn websockets_talks_within_tls() {
    let Some((_server, backend)) = websocket_server() else {
        return;
    };
    let site = Site::before(&backend);
    let Some(python) = python("websockets", include_str!("python/websockets_client.py"), &site) else {
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
    let Some(python) = python("h2", include_str!("python/extended_connect.py"), &site) else {
        return;
    };
    assert_eq!(run(python).await.text(), "all as expected\n");
    site.end();
}
