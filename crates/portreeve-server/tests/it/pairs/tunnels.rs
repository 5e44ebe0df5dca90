//! WebSocket, after `Upgrade` or after extended CONNECT.

use bytes::Bytes;
use h2::ext::Protocol;
use portreeve_testkit::PATIENCE;
use tokio::time::timeout;

use super::act::{Do, whole};
use super::ask::Ask;
use super::front::{Front, Speaks};
use super::front_h2::{head, send};
use super::on_every_pair;

const WORDS: &[&str] = &["one", "two", "three"];

/// Opens a tunnel, and tells the status, what came back of what was sent, and how it ended.
async fn tunnel(front: &Front<'_>) -> String {
    match front.speaks {
        Speaks::H1 => tunnel_h1(front).await,
        Speaks::H2 => tunnel_h2(front).await,
    }
}

async fn tunnel_h1(front: &Front<'_>) -> String {
    let mut client = front.connect_h1().await;
    let request = format!(
        "GET /chat?{} HTTP/1.1\r\nHost: {}\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n\
         Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\nSec-WebSocket-Version: 13\r\n\r\n",
        front.pair(),
        front.host()
    );
    client.send(request).await;
    let answer = client.response().await;
    if answer.status() != 101 {
        return format!("refused: {}", answer.text());
    }
    assert_eq!(
        answer.field("sec-websocket-accept").as_deref(),
        Some("s3pPLMBiTxaQ9kYGzzhZRbK+xOo="),
        "{}",
        front.pair()
    );
    let mut came = "open".to_owned();
    for word in WORDS {
        client.send(word).await;
        let back = client.read_exactly(word.len()).await;
        came += &format!(" {}", String::from_utf8_lossy(&back));
    }
    client.shut().await;
    client.expect_closed().await;
    came + " ended"
}

async fn tunnel_h2(front: &Front<'_>) -> String {
    let connection = front.connect_h2().await;
    connection.until_tunnels().await;
    let request = head(front, &Ask::new("CONNECT", "/chat"))
        .header("sec-websocket-version", "13")
        .extension(Protocol::from_static("websocket"));
    let (response, mut stream) = connection.send_head(request, false).await;
    let response = timeout(PATIENCE, response).await.expect("it hangs").unwrap();
    if response.status() != 200 {
        return format!("refused: {}", response.status());
    }
    let (mut body, mut came) = (response.into_body(), "open".to_owned());
    for word in WORDS {
        send(&mut stream, Bytes::from_static(word.as_bytes()), false).await;
        let mut back = Vec::new();
        while back.len() < word.len() {
            let data = timeout(PATIENCE, body.data()).await.expect("it hangs");
            back.extend_from_slice(&data.expect("more comes").expect("it runs"));
        }
        came += &format!(" {}", String::from_utf8_lossy(&back));
    }
    send(&mut stream, Bytes::new(), true).await;
    while let Some(data) = timeout(PATIENCE, body.data()).await.expect("it hangs") {
        let data = data.unwrap_or_else(|error| panic!("{}: {error}", front.pair()));
        assert!(data.is_empty());
    }
    came + " ended"
}

#[tokio::test]
async fn a_websocket_is_opened_echoes_and_ends() {
    let came = on_every_pair(&[Do::Tunnel], tunnel).await;
    assert_eq!(came, "open one two three ended");
}

#[tokio::test]
async fn a_backend_that_wants_no_websocket_says_so() {
    let acts = &whole(403, "no")[1..];
    let came = on_every_pair(acts, async |front| {
        let told = tunnel(front).await;
        told.split(':').next().unwrap_or_default().to_owned()
    });
    assert_eq!(came.await, "refused");
}

/// Asks for a tunnel to a host, and tells the status and what came back.
async fn connect(front: &Front<'_>) -> String {
    match front.speaks {
        Speaks::H1 => connect_h1(front).await,
        Speaks::H2 => connect_h2(front).await,
    }
}

async fn connect_h1(front: &Front<'_>) -> String {
    let mut client = front.connect_h1().await;
    let host = format!("{}:443", front.host());
    client
        .send(format!("CONNECT {host} HTTP/1.1\r\nHost: {host}\r\n\r\n"))
        .await;
    let answer = String::from_utf8(client.head().await).expect("a head is text");
    let status = answer.split(' ').nth(1).unwrap_or_default().to_owned();
    if status != "200" {
        return status;
    }
    client.send("ping").await;
    let back = client.read_exactly(4).await;
    client.shut().await;
    client.expect_closed().await;
    format!("200 {} ended", String::from_utf8_lossy(&back))
}

async fn connect_h2(front: &Front<'_>) -> String {
    let connection = front.connect_h2().await;
    let request = http::Request::connect(format!("{}:443", front.host()));
    let (response, mut stream) = connection.send_head(request, false).await;
    let response = timeout(PATIENCE, response).await.expect("it hangs").unwrap();
    let status = response.status().as_u16();
    if status != 200 {
        return status.to_string();
    }
    send(&mut stream, Bytes::from_static(b"ping"), true).await;
    let (mut body, mut back) = (response.into_body(), Vec::new());
    while let Some(data) = timeout(PATIENCE, body.data()).await.expect("it hangs") {
        back.extend_from_slice(&data.expect("it ends well"));
    }
    format!("200 {} ended", String::from_utf8_lossy(&back))
}

#[tokio::test]
async fn what_a_backend_says_to_connect_is_what_a_client_hears() {
    for status in [405, 400, 501] {
        let acts = &whole(status, "no")[1..];
        assert_eq!(on_every_pair(acts, connect).await, status.to_string());
    }
    assert_eq!(on_every_pair(&[Do::Host], connect).await, "200 ping ended");
}
