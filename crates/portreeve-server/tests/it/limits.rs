//! Duty: limits with defaults, all settable; slowloris in both directions is shed.

mod of_backends;
mod of_clients;

use std::time::{Duration, Instant};

use portreeve_testkit::{Client, Ended, Gate, Message, Origin, Proxy, Script, Setup, answer, get, post};

const SWITCHED: &str = "HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: x\r\n\r\n";
const UPGRADE: &str = "GET / HTTP/1.1\r\nHost: app.test\r\nConnection: Upgrade\r\nUpgrade: x\r\n\r\n";
/// What a limit of some 200 ms may take on a busy machine.
const SOON: Duration = Duration::from_secs(2);

async fn good() -> Origin {
    Origin::replying(200, "hi").start().await
}

#[track_caller]
fn assert_cause(response: &Message, status: u16, cause: &str) {
    assert_eq!(response.status(), status, "{}", response.text());
    assert!(
        response.text().contains(&format!("\"{cause}\"")),
        "not {cause}: {}",
        response.text()
    );
}

async fn refused(setup: impl FnOnce(Setup) -> Setup, request: &str, status: u16, cause: &str) {
    let origin = good().await;
    let proxy = setup(Proxy::before("app.test", &[&origin])).start().await;
    let mut client = proxy.connect().await;
    client.send(request).await;
    assert_cause(&client.response().await, status, cause);
    client.expect_closed().await;
    assert_eq!(origin.requests().await.len(), 0);
    assert_eq!(
        proxy.answer(get("/")).await.status(),
        200,
        "the limit itself is no hindrance"
    );
}
