use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use h2::server::Builder;
use portreeve_testkit::{PATIENCE, Proxy, get, post};
use tokio::sync::{Notify, Semaphore};
use tokio::task::JoinSet;

use super::backend::{Backend, reply};
use super::{before, proxy};

#[tokio::test]
async fn a_burst_makes_as_few_connections_as_there_must_be() {
    let gate = Arc::new(Semaphore::new(0));
    let (waiting, held) = (Arc::new(AtomicUsize::new(0)), gate.clone());
    let counted = waiting.clone();
    let mut builder = Builder::new();
    builder.max_concurrent_streams(10);
    let backend = Backend::built(builder, move |(_, respond)| {
        let (gate, waiting) = (held.clone(), counted.clone());
        async move {
            waiting.fetch_add(1, Ordering::SeqCst);
            gate.acquire().await.unwrap().forget();
            reply(respond, "held");
        }
    })
    .await;
    let proxy = Arc::new(proxy(&[&backend]).await);
    let mut tasks = JoinSet::new();
    for _ in 0..40 {
        let proxy = proxy.clone();
        tasks.spawn(async move { proxy.answer(get("/")).await.text() });
    }
    let all = async {
        while waiting.load(Ordering::SeqCst) < 40 {
            tokio::time::sleep(Duration::from_millis(2)).await;
        }
    };
    tokio::time::timeout(PATIENCE, all)
        .await
        .expect("all are served at once");
    assert_eq!(backend.connections(), 4);
    gate.add_permits(40);
    while let Some(answer) = tasks.join_next().await {
        assert_eq!(answer.unwrap(), "held");
    }
    // The first connection is filled first.
    gate.add_permits(100);
    for _ in 0..20 {
        assert_eq!(proxy.answer(get("/")).await.status(), 200);
    }
    assert_eq!(backend.connections(), 4);
}

#[tokio::test]
async fn a_connection_without_requests_ends() {
    let ended = Arc::new(Notify::new());
    let noted = ended.clone();
    let backend = Backend::accepting(move |wire, _| {
        let ended = noted.clone();
        async move {
            let mut connection = h2::server::handshake(wire).await.unwrap();
            while let Some(Ok((_, respond))) = connection.accept().await {
                reply(respond, "served");
            }
            ended.notify_one();
        }
    })
    .await;
    let setup = before(&[&backend]).backend_limits("keep_alive_timeout = \"200ms\"");
    let proxy = setup.start().await;
    assert_eq!(proxy.answer(get("/")).await.text(), "served");
    tokio::time::timeout(PATIENCE, ended.notified())
        .await
        .expect("the proxy closes it");
    assert_eq!(proxy.answer(get("/")).await.text(), "served");
    assert_eq!(backend.connections(), 2);
}

#[tokio::test]
async fn a_backend_that_says_goodbye_gets_its_next_request_on_a_new_connection() {
    let backend = Backend::accepting(|wire, _| async {
        let mut connection = h2::server::handshake(wire).await.unwrap();
        while let Some(Ok((_, respond))) = connection.accept().await {
            reply(respond, "served");
            connection.graceful_shutdown();
        }
    })
    .await;
    let proxy = proxy(&[&backend]).await;
    for _ in 0..10 {
        assert_eq!(proxy.answer(post("body")).await.text(), "served");
    }
    assert!(backend.connections() > 1);
}

#[tokio::test]
async fn a_backend_that_just_closes_costs_nobody_anything() {
    let backend = Backend::accepting(|wire, _| async {
        let mut connection = h2::server::handshake(wire).await.unwrap();
        if let Some(Ok((_, respond))) = connection.accept().await {
            reply(respond, "served");
        }
        let flushed = tokio::time::timeout(Duration::from_millis(50), connection.accept());
        let _ = flushed.await;
    })
    .await;
    let proxy = proxy(&[&backend]).await;
    for _ in 0..5 {
        assert_eq!(proxy.answer(get("/")).await.text(), "served");
        tokio::time::sleep(Duration::from_millis(80)).await;
    }
    assert_eq!(backend.connections(), 5);
}

#[tokio::test]
async fn a_client_that_leaves_ends_its_stream_alone() {
    let (came, left) = (Arc::new(Notify::new()), Arc::new(Notify::new()));
    let (noted, reset) = (came.clone(), left.clone());
    let backend = Backend::serving(move |(request, mut respond)| {
        let (came, left) = (noted.clone(), reset.clone());
        async move {
            if request.uri().path() != "/stuck" {
                return reply(respond, "served");
            }
            came.notify_one();
            let reason = std::future::poll_fn(|context| respond.poll_reset(context)).await;
            assert_eq!(reason.unwrap(), h2::Reason::CANCEL);
            left.notify_one();
        }
    })
    .await;
    let proxy = proxy(&[&backend]).await;
    let mut client = proxy.connect().await;
    client.send(get("/stuck")).await;
    came.notified().await;
    drop(client);
    tokio::time::timeout(PATIENCE, left.notified())
        .await
        .expect("the backend is told");
    assert_eq!(proxy.answer(get("/")).await.text(), "served");
    assert_eq!(backend.connections(), 1);
}

#[tokio::test]
async fn a_mirror_and_a_hedge_go_over_http2_too() {
    let copies = Arc::new(Notify::new());
    let noted = copies.clone();
    let mirror = Backend::serving(move |(_, respond)| {
        noted.notify_one();
        async move { reply(respond, "dropped") }
    })
    .await;
    let slow = Backend::serving(|(_, respond)| async move {
        tokio::time::sleep(PATIENCE).await;
        reply(respond, "slow");
    })
    .await;
    let fast = Backend::serving(|(_, respond)| async move { reply(respond, "fast") }).await;
    let setup = before(&[&slow, &fast])
        .pool("hedge = { after = \"50ms\" }")
        .route("mirror = { pool = \"copies\" }")
        .tables(&format!(
            "[pool.copies]\nbackends = [\"h2c://{}\"]",
            mirror.address()
        ));
    let proxy = setup.start().await;
    for _ in 0..2 {
        assert_eq!(proxy.answer(get("/")).await.text(), "fast");
    }
    tokio::time::timeout(PATIENCE, copies.notified())
        .await
        .expect("a copy is sent");
}

#[tokio::test]
async fn a_unix_socket_carries_http2_as_well() {
    let scratch = portreeve_testkit::Scratch::new();
    let path = scratch.file("h2.sock");
    let listener = tokio::net::UnixListener::bind(&path).unwrap();
    let task = tokio::spawn(async move {
        let (wire, _) = listener.accept().await.unwrap();
        let mut connection = h2::server::handshake(wire).await.unwrap();
        while let Some(Ok((_, respond))) = connection.accept().await {
            reply(respond, "by path");
        }
    });
    let setup = Proxy::before("app.test", &[]).backends([format!("\"h2c://unix:{}\"", path.display())]);
    let proxy = setup.start().await;
    assert_eq!(proxy.answer(get("/")).await.text(), "by path");
    task.abort();
}
