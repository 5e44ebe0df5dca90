//! Bodies on their way, and tunnels.

use std::net::Shutdown;
use std::path::PathBuf;
use std::time::Duration;

use portreeve_testkit::{Gate, Origin, Proxy, Scratch, Script, answer};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{UnixListener, UnixStream};

const EXPECTING: &str =
    "POST / HTTP/1.1\r\nHost: app.test\r\nContent-Length: 10\r\nExpect: 100-continue\r\n\r\n";
const UPGRADE: &str = "GET / HTTP/1.1\r\nHost: app.test\r\nConnection: Upgrade\r\nUpgrade: x\r\n\r\n";
const SWITCHED: &str = "HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: x\r\n\r\n";
const OWED: usize = 4 << 20;

#[tokio::test]
async fn an_upload_that_did_not_wait_for_a_100_leaves_the_backend_its_first_byte_time() {
    let script = Script::new()
        .read_request()
        .pause(Duration::from_millis(200))
        .send(answer("200 OK", "done"));
    let origin = Origin::scripted(script).start().await;
    let proxy = Proxy::before("app.test", &[&origin])
        .backend_limits("first_byte_timeout = \"500ms\"")
        .start()
        .await;
    let mut client = proxy.connect().await;
    client.send(EXPECTING).await;
    tokio::time::sleep(Duration::from_millis(200)).await;
    client
        .send_pieces("0123456789", 1, Duration::from_millis(80))
        .await;
    let response = client.response().await;
    assert_eq!(
        (response.status(), response.text().as_str()),
        (200, "done"),
        "{}",
        response.text()
    );
    assert_eq!(origin.request().await.text(), "0123456789");
}

#[tokio::test]
async fn early_hints_before_the_100_do_not_start_the_clients_body_clock() {
    let script = Script::new()
        .read_head()
        .send("HTTP/1.1 103 Early Hints\r\nLink: </a>\r\n\r\n")
        .pause(Duration::from_millis(700))
        .send("HTTP/1.1 100 Continue\r\n\r\n")
        .read_body()
        .send(answer("200 OK", "done"));
    let origin = Origin::scripted(script).start().await;
    let proxy = Proxy::before("app.test", &[&origin])
        .client_limits("body_idle_timeout = \"200ms\"")
        .start()
        .await;
    let mut client = proxy.connect().await;
    client.send(EXPECTING).await;
    assert_eq!(client.response().await.status(), 103);
    assert_eq!(client.response().await.status(), 100);
    client.send("0123456789").await;
    assert_eq!(client.response().await.status(), 200);
}

/// Ten bytes over a second, of a backend that reads no more of the request than its head.
fn early_answer() -> Script {
    Script::new()
        .read_head()
        .send("HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\n")
        .send_pieces("0123456789", 1, Duration::from_millis(100))
}

#[tokio::test]
async fn an_early_answer_outlives_a_client_that_stopped_sending() {
    let origin = Origin::scripted(early_answer().until_peer_leaves()).start().await;
    let proxy = Proxy::before("app.test", &[&origin])
        .client_limits("body_idle_timeout = \"200ms\"")
        .start()
        .await;
    let mut client = proxy.connect().await;
    client
        .send("POST / HTTP/1.1\r\nHost: app.test\r\nContent-Length: 100\r\n\r\nhalf")
        .await;
    assert_eq!(client.response().await.text(), "0123456789");
    origin.until_peer_left(0).await;
}

#[tokio::test]
async fn an_early_answer_outlives_a_backend_that_stopped_reading() {
    let origin = Origin::scripted(early_answer().stall()).start().await;
    let proxy = Proxy::before("app.test", &[&origin])
        .backend_limits("idle_timeout = \"300ms\"")
        .start()
        .await;
    let mut client = proxy.connect().await;
    let head = format!(
        "POST / HTTP/1.1\r\nHost: app.test\r\nContent-Length: {}\r\n\r\n",
        1 << 30
    );
    client.send(head).await;
    let sent = client.flood(1 << 30, Duration::from_millis(50)).await;
    assert!(sent < 1 << 30, "somebody took all of it");
    assert_eq!(client.response().await.text(), "0123456789");
}

/// Switches protocols, reads no more, and sends what it owes when the gate opens.
async fn switch_and_owe(listener: UnixListener, gate: Gate) {
    let (mut stream, _) = listener.accept().await.unwrap();
    let mut head = Vec::new();
    while !head.ends_with(b"\r\n\r\n") {
        stream.read_buf(&mut head).await.unwrap();
    }
    stream.write_all(SWITCHED.as_bytes()).await.unwrap();
    let stream = stream.into_std().unwrap();
    stream.shutdown(Shutdown::Read).unwrap();
    let mut stream = UnixStream::from_std(stream).unwrap();
    gate.passed().await;
    stream.write_all(&vec![b'x'; OWED]).await.unwrap();
}

fn unix_backend(scratch: &Scratch) -> (UnixListener, String) {
    let path: PathBuf = scratch.file("b.sock");
    let listener = UnixListener::bind(&path).unwrap();
    (listener, format!("\"unix:{}\"", path.display()))
}

#[tokio::test]
async fn a_tunnel_delivers_what_a_backend_owes_that_takes_no_more() {
    let (scratch, gate) = (Scratch::new(), Gate::new());
    let (listener, backend) = unix_backend(&scratch);
    let proxy = Proxy::before("app.test", &[]).backends([backend]).start().await;
    let mut client = proxy.connect().await;
    let told = async {
        client.send(UPGRADE).await;
        client.head().await;
        client.send("one byte that nobody takes").await;
        tokio::time::sleep(Duration::from_millis(100)).await;
        gate.open();
        client.discard(OWED as u64).await;
        client.shut().await;
        client.expect_closed().await;
    };
    tokio::join!(switch_and_owe(listener, gate.clone()), told);
}

#[tokio::test]
async fn a_tunnel_whose_backend_has_sent_all_still_delivers_it_after_a_clients_byte() {
    let script = Script::new()
        .read_head()
        .send(SWITCHED)
        .flood(OWED as u64)
        .shut()
        .until_peer_leaves();
    let origin = Origin::scripted(script).start().await;
    let proxy = Proxy::routing("app.test", &[&origin]).await;
    let mut client = proxy.connect().await;
    client.send(UPGRADE).await;
    client.head().await;
    client.send("x").await;
    tokio::time::sleep(Duration::from_millis(50)).await;
    client.discard(OWED as u64).await;
    client.shut().await;
    client.expect_closed().await;
}
