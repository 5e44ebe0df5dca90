//! Duty: the packet protocol, row by row of what existing peers send, against the real proxy over real sockets.

mod bounds;
mod dialects;
mod errors;
mod framing;
mod kept;
mod rotation;
mod servers;
mod setup;
mod together;

use std::time::{Duration, Instant};

use portreeve_testkit::{Client, Ended, Packet, PacketServer, Proxy, Reply, acknowledgement, sha1};

/// A proxy with a listener `web` that takes packets, registrations and HTTP, and one pool `servers`.
async fn proxy() -> Proxy {
    Proxy::with(&config("")).await
}

/// The same, with more settings of the packets.
async fn proxy_with(packets: &str) -> Proxy {
    Proxy::with(&config_with(packets, "")).await
}

fn config(pool: &str) -> String {
    config_with("", pool)
}

/// `packets`: settings, each with a comma before it; `pool`: lines of the pool, and whatever tables may follow.
fn config_with(packets: &str, pool: &str) -> String {
    format!(
        "admin = {{ bind = \"127.0.0.1:0\" }}\n\
         [listener.web]\nbind = \"127.0.0.1:0\"\nregistration = true\n\
         packets = {{ pool = \"servers\"{packets} }}\n\
         [pool.servers]\n{pool}\n"
    )
}

/// A request of client 7.
fn request(policy: &str, payload: &str) -> String {
    let length = payload.len();
    format!(
        r#"{{"type": 0, "srcid": 7, "privPoliId": {policy}, "payloadsize": {length}, "payload": "{payload}"}}"#
    )
}

fn setup(id: u32, policy: u32, port: u16) -> String {
    format!(r#"{{"type": 1, "id": {id}, "privPolyId": {policy}, "listenport": {port}}}"#)
}

/// A server that answers its setup's answer, and serves.
async fn server(proxy: &Proxy, id: &str, policy: &str) -> PacketServer {
    let server = PacketServer::of(id, policy)
        .awaiting_setup_answer()
        .start(&proxy.address())
        .await;
    until_serving(proxy, &[&server]).await;
    server
}

async fn until_serving(proxy: &Proxy, servers: &[&PacketServer]) {
    let keys: Vec<String> = servers.iter().map(|server| server.key()).collect();
    let keys: Vec<&str> = keys.iter().map(String::as_str).collect();
    proxy.until_standing("servers", &keys, "serving").await;
}

/// Who answered each of `count` requests.
async fn turns(proxy: &Proxy, policy: &str, count: usize) -> Vec<i64> {
    let mut client = proxy.connect().await;
    let mut turns = Vec::new();
    for n in 0..count {
        let payload = format!("turn {n}");
        let answer = client.ask(request(policy, &payload)).await;
        assert!(answer.acknowledges(&payload), "{answer}");
        turns.push(
            answer
                .field("srcid")
                .as_i64()
                .expect("these servers write numbers"),
        );
    }
    turns
}
