//! A proxy whose pool anybody may join, and how they do.

use std::fmt::Display;
use std::net::SocketAddr;
use std::time::Duration;

use portreeve_testkit::{Address, Client, Message, PATIENCE, Proxy};

/// One listener that takes registrations; a route to a pool `api`, whose requests name their policies in a header.
pub(crate) const JOINABLE: &str = "[listener.web]\nbind = \"127.0.0.1:0\"\nregistration = true\n\
    [route.api]\npool = \"api\"\npolicy = { header = \"Privacy-Policy\" }\n\
    [pool.api]\nregister = { ttl = \"60s\" }\n";

/// A request that demands these policies.
pub(crate) fn demanding(policies: &str) -> String {
    format!("GET / HTTP/1.1\r\nHost: app.test\r\nPrivacy-Policy: {policies}\r\n\r\n")
}

/// The registration of a backend, with these policies, separated by commas.
pub(crate) fn registration(id: &str, address: impl Display, policies: &str) -> String {
    let policies: Vec<String> = policies
        .split(',')
        .filter(|name| !name.is_empty())
        .map(|name| format!("\"{name}\""))
        .collect();
    let body = format!(
        "{{\"address\":\"{address}\",\"policies\":[{}],\"ttl\":\"60s\"}}",
        policies.join(",")
    );
    called("PUT", id, "", &body)
}

/// The same, and what has to be true of the answer.
pub(crate) async fn register(proxy: &Proxy, id: &str, address: impl Display, policies: &str) {
    let answer = proxy.answer(registration(id, address, policies)).await;
    assert!(matches!(answer.status(), 200 | 201), "{}", answer.text());
}

/// Registers and waits until a probe has passed.
pub(crate) async fn join(proxy: &Proxy, id: &str, address: impl Display, policies: &str) {
    register(proxy, id, address, policies).await;
    until_serving(proxy, id).await;
}

pub(crate) async fn until_serving(proxy: &Proxy, id: &str) {
    let asked = called("GET", id, "", "");
    let serving = async {
        while !proxy.answer(&asked).await.text().contains("\"serving\"") {
            tokio::time::sleep(POLL).await;
        }
    };
    tokio::time::timeout(PATIENCE, serving)
        .await
        .unwrap_or_else(|_| panic!("{id} never serves"));
}

pub(crate) async fn drain(proxy: &Proxy, id: &str) {
    let answer = proxy.answer(heartbeat(id, true)).await;
    assert_eq!(answer.status(), 200, "{}", answer.text());
}

pub(crate) fn heartbeat(id: &str, is_draining: bool) -> String {
    called(
        "POST",
        id,
        "/heartbeat",
        &format!("{{\"draining\":{is_draining}}}"),
    )
}

pub(crate) fn deregistration(id: &str) -> String {
    called("DELETE", id, "", "")
}

fn called(method: &str, id: &str, act: &str, body: &str) -> String {
    format!(
        "{method} /v1/pools/api/backends/{id}{act} HTTP/1.1\r\nHost: app.test\r\n\
         Content-Length: {}\r\n\r\n{body}",
        body.len()
    )
}

/// Asks on this connection.
pub(crate) async fn asked(client: &mut Client, request: impl AsRef<[u8]>) -> Message {
    client.send(request).await;
    client.response().await
}

/// The cause that a refusal names, and its status.
pub(crate) fn refusal(answer: &Message) -> (u16, String) {
    let text = answer.text();
    let cause = text
        .split_once("\"cause\":\"")
        .and_then(|(_, rest)| rest.split_once('"'))
        .unwrap_or_else(|| panic!("no cause in {text}"));
    (answer.status(), cause.0.to_owned())
}

pub(crate) fn socket(address: &Address) -> SocketAddr {
    match address {
        Address::Tcp(address) => *address,
        Address::Unix(path) => panic!("{} has no socket address", path.display()),
    }
}

/// Chance that is the same in every run of the same seed: SplitMix64 (Steele and others, 2014).
pub(crate) struct Dice(u64);

impl Dice {
    pub(crate) fn new(seed: u64) -> Self {
        Self(seed.wrapping_mul(0xd134_2543_de82_ef95))
    }

    /// From 0 up to, not including, `end`.
    pub(crate) fn below(&mut self, end: usize) -> usize {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let number = (self.0 ^ (self.0 >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        let number = (number ^ (number >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        let number = number ^ (number >> 31);
        usize::try_from(number % end as u64).expect("the remainder is below a usize")
    }

    pub(crate) fn one_of<'a, T>(&mut self, things: &'a [T]) -> &'a T {
        &things[self.below(things.len())]
    }
}

const POLL: Duration = Duration::from_millis(2);
