//! Duty: a drain accepts no new connections, lets running requests finish within a time, and cuts what is left.

use std::time::{Duration, Instant};

use portreeve_testkit::{Address, Client, Ended, Gate, Origin, Proxy, Script, answer, get};

async fn slow(gate: &Gate) -> Origin {
    Origin::scripted(
        Script::new()
            .read_request()
            .wait(gate)
            .send(answer("200 OK", "late"))
            .forever(),
    )
    .start()
    .await
}

async fn until_refused(address: &Address) {
    let Address::Tcp(address) = address else {
        panic!("a TCP listener")
    };
    for _ in 0..500 {
        if tokio::net::TcpStream::connect(address).await.is_err() {
            return;
        }
        tokio::time::sleep(Duration::from_millis(5)).await;
    }
    panic!("{address} still accepts");
}

#[tokio::test]
async fn a_running_request_finishes_and_its_connection_is_closed() {
    let gate = Gate::new();
    let origin = slow(&gate).await;
    let proxy = Proxy::routing("app.test", &[&origin]).await;
    let (address, mut client) = (proxy.address(), proxy.connect().await);
    client.send(get("/")).await;
    origin.until_requests(1).await;
    let finish = async move {
        until_refused(&address).await;
        gate.open();
        let response = client.response().await;
        assert_eq!(
            (response.text().as_str(), response.field("connection").as_deref()),
            ("late", Some("close"))
        );
        assert_eq!(client.expect_closed().await, Ended::Closed);
    };
    let (cut, ()) = tokio::join!(proxy.drain(), finish);
    assert_eq!(cut, 0);
}

#[tokio::test]
async fn idle_connections_are_closed_at_once() {
    let origin = Origin::replying(200, "hi").start().await;
    let proxy = Proxy::before("app.test", &[&origin])
        .top("drain_timeout = \"20s\"")
        .start()
        .await;
    let (mut fresh, mut used) = (proxy.connect().await, proxy.connect().await);
    used.send(get("/")).await;
    used.response().await;
    let began = Instant::now();
    assert_eq!(proxy.drain().await, 0);
    assert!(began.elapsed() < Duration::from_secs(3), "{:?}", began.elapsed());
    assert_eq!(fresh.expect_closed().await, Ended::Closed);
    assert_eq!(used.expect_closed().await, Ended::Closed);
}

#[tokio::test]
async fn what_does_not_finish_in_time_is_cut() {
    let gate = Gate::new();
    let origin = slow(&gate).await;
    let proxy = Proxy::before("app.test", &[&origin])
        .top("drain_timeout = \"200ms\"")
        .start()
        .await;
    let mut client = proxy.connect().await;
    client.send(get("/")).await;
    origin.until_requests(1).await;
    let began = Instant::now();
    assert_eq!(proxy.drain().await, 1);
    assert!(
        began.elapsed() >= Duration::from_millis(200) && began.elapsed() < Duration::from_secs(3),
        "{:?}",
        began.elapsed()
    );
    client.read_to_end().await;
}

#[tokio::test]
async fn an_answer_that_streams_finishes() {
    let gate = Gate::new();
    let head = "HTTP/1.1 200 OK\r\nContent-Length: 6\r\n\r\none";
    let origin = Origin::scripted(Script::new().read_request().send(head).wait(&gate).send("two"))
        .start()
        .await;
    let proxy = Proxy::routing("app.test", &[&origin]).await;
    let (address, mut client) = (proxy.address(), proxy.connect().await);
    client.send(get("/")).await;
    client.read_through(b"one").await;
    let finish = async move {
        until_refused(&address).await;
        gate.open();
        client.read_through(b"two").await;
        client.expect_closed().await;
    };
    let (cut, ()) = tokio::join!(proxy.drain(), finish);
    assert_eq!(cut, 0);
}

#[tokio::test]
async fn an_aborted_answer_is_not_completed_by_the_cut() {
    let head = "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n3\r\none\r\n";
    let origin = Origin::scripted(Script::new().read_request().send(head).until_peer_leaves())
        .start()
        .await;
    let proxy = Proxy::before("app.test", &[&origin])
        .top("drain_timeout = \"100ms\"")
        .start()
        .await;
    let mut client = proxy.connect().await;
    client.send(get("/")).await;
    client.read_through(b"one\r\n").await;
    assert_eq!(proxy.drain().await, 1);
    assert_eq!(client.read_to_end().await.0, b"");
    origin.until_peer_left(0).await;
}

#[tokio::test]
async fn a_request_that_is_just_coming_in_is_served() {
    let origin = Origin::replying(200, "hi").start().await;
    let proxy = Proxy::routing("app.test", &[&origin]).await;
    let (address, mut client) = (proxy.address(), proxy.connect().await);
    client.send("GET / HTTP/1.1\r\nHo").await;
    // The first bytes must have been read: a connection that looks idle may be closed.
    tokio::time::sleep(Duration::from_millis(50)).await;
    let finish = async move {
        until_refused(&address).await;
        client.send("st: app.test\r\n\r\n").await;
        assert_eq!(client.response().await.status(), 200);
    };
    let (cut, ()) = tokio::join!(proxy.drain(), finish);
    assert_eq!(cut, 0);
}

#[tokio::test]
async fn a_kill_cuts_at_once() {
    let gate = Gate::new();
    let origin = slow(&gate).await;
    let proxy = Proxy::before("app.test", &[&origin])
        .top("drain_timeout = \"20s\"")
        .start()
        .await;
    let mut client = proxy.connect().await;
    client.send(get("/")).await;
    origin.until_requests(1).await;
    proxy.kill();
    client.read_to_end().await;
}

#[tokio::test]
async fn the_address_is_free_after_the_end() {
    let origin = Origin::replying(200, "hi").start().await;
    let first = Proxy::routing("app.test", &[&origin]).await;
    let Address::Tcp(address) = first.address() else {
        panic!("a TCP listener")
    };
    first.answer(get("/")).await;
    first.drain().await;
    let second = Proxy::before("app.test", &[&origin])
        .on(&address.to_string())
        .start()
        .await;
    let mut client = Client::connect(&second.address()).await;
    client.send(get("/")).await;
    assert_eq!(client.response().await.status(), 200);
}
