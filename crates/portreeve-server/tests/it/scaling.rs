//! Duty: a request that finds nobody wakes its pool and waits for whom that brings, within bounds. Real sockets; nothing
//! starts a backend but the test.

mod bodies;
mod bounds;
mod crowds;
mod pages;
mod plane;
mod registered;
mod timing;
mod wakes;

use portreeve_testkit::{Address, Client, Message, Origin, Script, answer};

/// A pool that scales, by nobody: what would be done is only looked at.
const SCALED: &str = "[pool.app]\nregister = { ttl = \"60s\" }\nfail_mode = \"hold\"\n\
    [pool.app.scale]\nmode = \"observe\"\nmin = 0\ndriver = { process = [\"true\", \"{port}\"] }\n";

/// Answers each request with its target.
async fn echoing() -> Origin {
    let target = |request: &Message| request.line().split(' ').nth(1).map(str::to_owned);
    let script = Script::new()
        .read_request()
        .send_made(move |request| answer("200 OK", &target(request).unwrap_or_default()).into_bytes())
        .forever();
    Origin::scripted(script).start().await
}

/// A client whose request is on its way.
async fn asking(proxy: &Address, request: impl AsRef<[u8]>) -> Client {
    let mut client = Client::connect(proxy).await;
    client.send(request).await;
    client
}

/// A `GET` with these field lines, each with its end.
fn with_fields(target: &str, fields: &str) -> String {
    format!("GET {target} HTTP/1.1\r\nHost: app.test\r\n{fields}\r\n")
}

#[track_caller]
fn assert_told(answer: &Message, status: u16, cause: &str) {
    assert_eq!(answer.status(), status, "{}", answer.text());
    let said = format!("\"cause\":\"{cause}\"");
    assert!(answer.text().contains(&said), "not {cause}: {}", answer.text());
}

/// How long the answer asks to wait, in seconds.
#[track_caller]
fn retry_after(answer: &Message) -> u64 {
    let said = answer.field("retry-after");
    let said = said.unwrap_or_else(|| panic!("no Retry-After: {answer:?}"));
    said.parse().unwrap_or_else(|_| panic!("no seconds: {said}"))
}
