//! Connections to backends that were made under another trust are used for nothing new.

use std::sync::Arc;

use portreeve_testkit::{Authority, Gate, Leaf, Origin, Proxy, Scratch, Script, get};

use super::{before_backends, until};
use crate::http2_backends::backend::{Backend, reply};

fn leaf(authority: &Authority) -> Leaf {
    authority.server(&["backend.test"])
}

async fn origin(leaf: &Leaf) -> Origin {
    Origin::replying(200, "within")
        .within_tls(&leaf.server_config(&[]))
        .start()
        .await
}

fn https(origin: &Origin) -> Vec<String> {
    vec![format!("https://{}", origin.address())]
}

#[tokio::test]
async fn a_kept_connection_is_not_used_once_another_authority_has_the_say() {
    let (good, other, files) = (Authority::new("good"), Authority::new("other"), Scratch::new());
    let origin = origin(&leaf(&good)).await;
    let file = files.write("ca.pem", &good.pem());
    let proxy = Proxy::with(&before_backends(&https(&origin), &file)).await;
    for _ in 0..3 {
        assert_eq!(proxy.answer(get("/")).await.text(), "within");
    }
    assert_eq!(origin.connection_count(), 1);
    files.replace("ca.pem", &other.pem());
    // Nobody has asked meanwhile: it is let go of by itself.
    origin.until_peer_left(0).await;
    let refused = proxy.answer(get("/")).await;
    assert_eq!(refused.status(), 502);
    assert!(
        refused.text().contains("backend_certificate"),
        "{}",
        refused.text()
    );
    assert_eq!(origin.requests().await.len(), 3);
    files.replace("ca.pem", &format!("{}{}", other.pem(), good.pem()));
    until("both count", async || {
        proxy.answer(get("/")).await.status() == 200
    })
    .await;
}

#[tokio::test]
async fn a_reload_that_changes_whom_to_believe_is_for_the_very_next_request() {
    let (good, other, files) = (Authority::new("good"), Authority::new("other"), Scratch::new());
    let origin = origin(&leaf(&good)).await;
    let (first, second) = (
        files.write("good.pem", &good.pem()),
        files.write("other.pem", &other.pem()),
    );
    let both = files.write("both.pem", &format!("{}{}", other.pem(), good.pem()));
    let mut proxy = Proxy::with(&before_backends(&https(&origin), &first)).await;
    let mut reload = async |file| {
        let reloaded = proxy.reload(&before_backends(&https(&origin), file)).await;
        reloaded.unwrap();
        proxy.answer(get("/")).await.status()
    };
    assert_eq!(reload(&first).await, 200);
    assert_eq!(reload(&first).await, 200);
    assert_eq!(origin.connection_count(), 1, "nothing has changed");
    assert_eq!(reload(&both).await, 200);
    assert_eq!(origin.connection_count(), 2, "whoever it is now is asked anew");
    assert_eq!(reload(&second).await, 502);
    assert_eq!(origin.requests().await.len(), 3);
}

#[tokio::test]
async fn a_running_request_is_not_harmed_and_its_connection_not_kept() {
    let (good, other, files) = (Authority::new("good"), Authority::new("other"), Scratch::new());
    let gate = Gate::new();
    let script = Script::new()
        .read_request()
        .send("HTTP/1.1 200 OK\r\nContent-Length: 8\r\n\r\none ")
        .wait(&gate)
        .send("more")
        .until_peer_leaves();
    let origin = Origin::scripted(script)
        .within_tls(&leaf(&good).server_config(&[]))
        .start()
        .await;
    let (first, second) = (
        files.write("good.pem", &good.pem()),
        files.write("other.pem", &other.pem()),
    );
    let mut proxy = Proxy::with(&before_backends(&https(&origin), &first)).await;
    let mut client = proxy.connect().await;
    client.send(get("/")).await;
    client.read_through(b"one ").await;
    let reloaded = proxy.reload(&before_backends(&https(&origin), &second)).await;
    reloaded.unwrap();
    let refused = proxy.answer(get("/")).await.text();
    assert!(refused.contains("backend_certificate"), "{refused}");
    gate.open();
    client.read_through(b"more").await;
    origin.until_peer_left(0).await;
}

#[tokio::test]
async fn a_link_of_http2_is_drained() {
    let (first, second, files) = (Authority::new("first"), Authority::new("second"), Scratch::new());
    let gate = Arc::new(Gate::new());
    let acceptor = tokio_rustls::TlsAcceptor::from(leaf(&first).server_config(&["h2"]));
    let ended = Arc::new(Gate::new());
    let (held, over) = (Arc::clone(&gate), Arc::clone(&ended));
    let backend = Backend::accepting(move |wire, number| {
        let (acceptor, held, over) = (acceptor.clone(), Arc::clone(&held), Arc::clone(&over));
        async move {
            let Ok(tls) = acceptor.accept(wire).await else {
                return;
            };
            let mut connection = h2::server::handshake(tls).await.unwrap();
            while let Some(Ok((request, respond))) = connection.accept().await {
                let held = Arc::clone(&held);
                tokio::spawn(async move {
                    if request.uri().path() == "/held" {
                        held.passed().await;
                    }
                    reply(respond, number.to_string());
                });
            }
            if number == 0 {
                over.open();
            }
        }
    })
    .await;
    let file = files.write("ca.pem", &first.pem());
    let at = vec![format!("h2://{}", backend.address())];
    let mut proxy = Proxy::with(&before_backends(&at, &file)).await;
    assert_eq!(proxy.answer(get("/")).await.text(), "0");
    let mut client = proxy.connect().await;
    client.send(get("/held")).await;
    assert_eq!(proxy.answer(get("/")).await.text(), "0");
    let both = files.write("both.pem", &format!("{}{}", second.pem(), first.pem()));
    proxy.reload(&before_backends(&at, &both)).await.unwrap();
    assert_eq!(proxy.answer(get("/")).await.text(), "1", "over a link of its own");
    gate.open();
    assert_eq!(
        client.response().await.text(),
        "0",
        "what was running is answered"
    );
    ended.passed().await;
    files.replace("both.pem", &second.pem());
    until("the second alone counts", async || {
        proxy
            .answer(get("/"))
            .await
            .text()
            .contains("backend_certificate")
    })
    .await;
}

#[tokio::test]
async fn another_way_to_speak_is_another_connection() {
    let (good, files) = (Authority::new("good"), Scratch::new());
    let origin = Origin::replying(200, "plain").start().await;
    let file = files.write("ca.pem", &good.pem());
    let secured =
        before_backends(&https(&origin), &file) + "[pool.app.limits]\nconnect_timeout = \"300ms\"\n";
    let plain = secured.replace("https://", "http://");
    let plain = plain
        .split("[pool.app.tls]")
        .next()
        .expect("there is a first part");
    let mut proxy = Proxy::with(plain).await;
    assert_eq!(proxy.answer(get("/")).await.text(), "plain");
    proxy.reload(&secured).await.unwrap();
    let refused = proxy.answer(get("/")).await;
    assert_eq!(
        refused.status(),
        504,
        "the origin waits for a request, and is shown a handshake"
    );
    assert_eq!(origin.requests().await.len(), 1);
}
