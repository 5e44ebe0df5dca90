//! Duty: gRPC passes in all its kinds, and what the proxy refuses is told in its words. The peers are grpcio's.

mod python;

use std::time::Duration;

use portreeve_testkit::{Address, Origin, Proxy, Setup};

use self::python::{Peer, Python};
use crate::tls::{Authority, Edge};

fn before(backend: &str) -> Setup {
    Proxy::before("app.test", &[]).backends([format!("\"h2c://{backend}\"")])
}

fn target(proxy: &Proxy) -> String {
    match proxy.address() {
        Address::Tcp(address) => address.to_string(),
        Address::Unix(path) => panic!("{}", path.display()),
    }
}

/// The word after the name of a call.
fn said<'a>(lines: &'a [String], call: &str) -> &'a str {
    let start = format!("[\"{call}\", ");
    lines
        .iter()
        .find_map(|line| line.strip_prefix(&start))
        .unwrap_or_else(|| panic!("nothing of {call} in {lines:?}"))
}

#[tokio::test]
async fn a_client_cannot_tell_the_proxy_from_its_server() {
    let Some(python) = Python::find() else { return };
    let server = Peer::serving(&python).await;
    let proxy = before(&server.address()).start().await;
    let directly = python.call(&server.address()).await;
    assert_eq!(directly.len(), 10, "{directly:?}");
    assert_eq!(python.call(&target(&proxy)).await, directly);
}

#[tokio::test]
async fn within_tls_on_both_sides_it_cannot_either() {
    let Some(python) = Python::find() else { return };
    let authority = Authority::new();
    let shown = authority.issue_files("backend", &["DNS:app.test"]);
    let server = Peer::secured(&python, &shown).await;
    let edge = Edge::to_http2(&server.address(), &authority);
    let directly = python.call_secured(&server.address(), &authority.file()).await;
    assert_eq!(directly.len(), 10, "{directly:?}");
    let Address::Tcp(address) = &edge.address else {
        panic!("the listener is on TCP");
    };
    let through = python
        .call_secured(&address.to_string(), &edge.authority.file())
        .await;
    assert_eq!(through, directly);
}

#[tokio::test]
async fn who_cannot_be_reached_is_unavailable() {
    let Some(python) = Python::find() else { return };
    let gone = Origin::refusing();
    let proxy = before(&gone.address().to_string()).start().await;
    let lines = python.failures(&target(&proxy)).await;
    assert!(
        said(&lines, "fail").starts_with("[\"UNAVAILABLE\", \"The backend refused the connection"),
        "{lines:?}"
    );
}

#[tokio::test]
async fn a_deadline_of_the_operator_is_told_as_one() {
    let Some(python) = Python::find() else { return };
    let server = Peer::serving(&python).await;
    let proxy = before(&server.address())
        .route("timeout = \"200ms\"")
        .start()
        .await;
    let begun = std::time::Instant::now();
    let lines = python.slow(&target(&proxy)).await;
    assert!(
        said(&lines, "slow").starts_with("[\"DEADLINE_EXCEEDED\""),
        "{lines:?}"
    );
    assert!(begun.elapsed() < Duration::from_secs(10));
}

#[tokio::test]
async fn too_many_requests_exhaust_what_there_is() {
    let Some(python) = Python::find() else { return };
    let server = Peer::serving(&python).await;
    let proxy = before(&server.address())
        .route("rate = { per = \"route\", requests = 1, every = \"1h\" }")
        .start()
        .await;
    python.failures(&target(&proxy)).await;
    let lines = python.failures(&target(&proxy)).await;
    assert!(
        said(&lines, "fail").starts_with("[\"RESOURCE_EXHAUSTED\""),
        "{lines:?}"
    );
}
