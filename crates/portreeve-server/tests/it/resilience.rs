//! Duty: no request goes to a sick backend, and one sick backend hurts nobody. Real sockets, scripted backends.

mod budgets;
mod deadlines;
mod ejection;
mod fail_modes;
mod hedging;
mod holds;
mod mirrors;
mod probes;
mod rates;
mod retries;
mod retry_after;
mod rolling;
mod splits;
mod sticky;

use portreeve_testkit::{Message, Origin, Proxy, Script, Setup, Told};

/// An origin that answers with its name.
async fn named(name: &str) -> Origin {
    Origin::replying(200, name).start().await
}

async fn playing(script: Script) -> Origin {
    Origin::scripted(script).start().await
}

/// A proxy that asks these in their order, as long as they may be asked, and never takes offence at how they serve.
fn in_order(origins: &[&Origin]) -> Setup {
    Proxy::before("app.test", origins).pool("balance = \"first\"\nejection = false")
}

/// A request whose method and further field lines are these, with a body of known length.
fn with_body(method: &str, fields: &str, body: &str) -> String {
    format!(
        "{method} / HTTP/1.1\r\nHost: app.test\r\n{fields}Content-Length: {}\r\n\r\n{body}",
        body.len()
    )
}

/// A `GET` with one more field line.
fn with_field(name: &str, value: &str) -> String {
    format!("GET / HTTP/1.1\r\nHost: app.test\r\n{name}: {value}\r\n\r\n")
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

/// Every request was answered with this status.
#[track_caller]
fn assert_all(told: &[Told], status: u16) {
    assert!(!told.is_empty());
    for one in told {
        match one {
            Ok(answer) => assert_eq!(answer.status(), status, "{}", answer.text()),
            Err(broken) => panic!("{broken}"),
        }
    }
}

/// How many requests it got.
async fn count(origin: &Origin) -> usize {
    origin.requests().await.len()
}

/// The targets of the requests it got, in their order.
async fn targets(origin: &Origin) -> Vec<String> {
    let target = |request: Message| request.line().split(' ').nth(1).unwrap_or_default().to_owned();
    origin.requests().await.into_iter().map(target).collect()
}
