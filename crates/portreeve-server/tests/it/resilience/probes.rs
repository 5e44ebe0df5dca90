//! Backends that are looked at without a request of anybody.

use std::sync::Arc;
use std::sync::atomic::{AtomicU16, Ordering::SeqCst};
use std::time::{Duration, Instant};

use portreeve_testkit::{Message, Origin, OriginBuilder, Proxy, Script, answer, get};

use crate::resilience::{assert_told, named, playing, targets};

/// Answers requests with its name, and probes of `/healthz` with the status that it is told.
struct Probed(Arc<AtomicU16>);

impl Probed {
    fn saying(status: u16, name: &'static str) -> (Self, OriginBuilder) {
        let says = Arc::new(AtomicU16::new(status));
        let said = Arc::clone(&says);
        let origin = Origin::answering(move |request: &Message| {
            if is_probe(request) {
                let status = said.load(SeqCst);
                format!("HTTP/1.1 {status} Whatever\r\nContent-Length: 0\r\n\r\n").into_bytes()
            } else {
                answer("200 OK", name).into_bytes()
            }
        });
        (Self(says), origin)
    }

    fn says(&self, status: u16) {
        self.0.store(status, SeqCst);
    }
}

fn is_probe(request: &Message) -> bool {
    request.line().starts_with("GET /healthz ")
}

async fn before(origins: &[&Origin], probe: &str) -> Proxy {
    Proxy::before("app.test", origins)
        .counting()
        .pool(&format!("probe = {{ {probe} }}"))
        .start()
        .await
}

const OFTEN: &str = "path = \"/healthz\", every = \"100ms\"";

fn id(origin: &Origin) -> String {
    origin.address().to_string()
}

/// How many requests it got that were no probes.
async fn served(origin: &Origin) -> usize {
    let targets = targets(origin).await;
    targets.iter().filter(|target| *target != "/healthz").count()
}

#[tokio::test]
async fn a_backend_gets_its_first_request_after_its_first_pass() {
    let (probed, origin) = Probed::saying(503, "served");
    let origin = origin.start().await;
    let proxy = before(&[&origin], OFTEN).await;
    origin.until_requests(3).await;
    assert_told(&proxy.answer(get("/")).await, 503, "no_backend");
    assert_eq!(served(&origin).await, 0);
    probed.says(200);
    proxy.until_standing("app", &[&id(&origin)], "serving").await;
    assert_eq!(proxy.answer(get("/")).await.text(), "served");
}

#[tokio::test]
async fn so_many_fails_in_a_row_take_it_down_and_so_many_passes_bring_it_back() {
    let (probed, origin) = Probed::saying(200, "first");
    let origin = origin.start().await;
    let other = Probed::saying(200, "other").1.start().await;
    let proxy = Proxy::before("app.test", &[&origin, &other])
        .counting()
        .pool(&format!(
            "balance = \"first\"\nprobe = {{ {OFTEN}, fall = 2, rise = 2 }}"
        ))
        .start()
        .await;
    let ids = [id(&origin), id(&other)];
    proxy.until_standing("app", &[&ids[0], &ids[1]], "serving").await;
    assert_eq!(proxy.answer(get("/")).await.text(), "first");
    probed.says(500);
    proxy.until_standing("app", &[&ids[0]], "down").await;
    for _ in 0..5 {
        assert_eq!(proxy.answer(get("/")).await.text(), "other");
    }
    let said = proxy.backends("app").await;
    let reason = said.iter().find(|backend| backend["id"] == *ids[0]).unwrap()["reason"].to_string();
    assert!(reason.contains("500"), "{reason}");
    probed.says(204);
    proxy.until_standing("app", &[&ids[0]], "serving").await;
    assert_eq!(proxy.answer(get("/")).await.text(), "first");
    assert_eq!(served(&origin).await, 2);
}

#[tokio::test]
async fn it_is_probed_once_for_the_whole_process() {
    let (_probed, origin) = Probed::saying(200, "served");
    let origin = origin.start().await;
    let _proxy = Proxy::before("app.test", &[&origin])
        .top("threads = 2")
        .pool(&format!("probe = {{ {OFTEN} }}"))
        .start()
        .await;
    origin.until_requests(1).await;
    let began = Instant::now();
    origin.until_requests(9).await;
    let took = began.elapsed();
    // Give or take a tenth, and what the first was late.
    assert!(took >= Duration::from_millis(8 * 90 - 100), "{took:?}");
}

#[tokio::test]
async fn backends_that_hang_delay_nobody() {
    let mut origins = Vec::new();
    for _ in 0..20 {
        origins.push(playing(Script::new().read_request().stall()).await);
        origins.push(named("served").await);
    }
    let all: Vec<&Origin> = origins.iter().collect();
    let proxy = before(&all, "path = \"/\", every = \"1m\", timeout = \"30s\"").await;
    let ids: Vec<String> = origins.iter().skip(1).step_by(2).map(id).collect();
    let ids: Vec<&str> = ids.iter().map(String::as_str).collect();
    proxy.until_standing("app", &ids, "serving").await;
    for _ in 0..30 {
        assert_eq!(proxy.answer(get("/")).await.text(), "served");
    }
}

#[tokio::test]
async fn a_probe_asks_what_it_was_told_to() {
    let (_probed, origin) = Probed::saying(200, "served");
    let origin = origin.start().await;
    let probe = "path = \"/healthz\", host = \"shop.test\", header = { X-Probe = \"7\" }, every = \"1m\"";
    let _proxy = before(&[&origin], probe).await;
    origin.until_requests(1).await;
    let request = origin.request().await;
    assert_eq!(request.line(), "GET /healthz HTTP/1.1");
    assert_eq!(request.field("host").as_deref(), Some("shop.test"));
    assert_eq!(request.field("x-probe").as_deref(), Some("7"));
}

#[tokio::test]
async fn only_the_chosen_statuses_and_bodies_pass() {
    let wanted = "path = \"/\", status = [401], body_contains = \"all is well\", every = \"100ms\"";
    let cases = [
        (401, "today all is well", "serving"),
        (401, "today all is bad", "unproved"),
        (200, "today all is well", "unproved"),
    ];
    for (status, body, standing) in cases {
        let origin = Origin::replying(status, body).start().await;
        let proxy = before(&[&origin], wanted).await;
        origin.until_requests(3).await;
        proxy.until_standing("app", &[&id(&origin)], standing).await;
    }
}

#[tokio::test]
async fn an_endless_answer_is_read_only_so_far() {
    let endless = "HTTP/1.1 200 OK\r\nContent-Length: 100000000000\r\n\r\n";
    let script = Script::new().read_request().send(endless).flood(100_000_000_000);
    let origin = playing(script).await;
    let probe = "path = \"/\", body_contains = \"well\", every = \"100ms\"";
    let proxy = before(&[&origin], probe).await;
    origin.until_connections(4).await;
    let what_sockets_hold = 4 * 16 * 1024 * 1024;
    assert!(origin.sent() < what_sockets_hold, "{} bytes", origin.sent());
    assert_told(&proxy.answer(get("/")).await, 503, "no_backend");
}

#[tokio::test]
async fn a_pass_brings_back_who_was_ejected_but_not_at_once() {
    let sick = Origin::answering(|request| {
        let status = if is_probe(request) {
            "200 OK"
        } else {
            "503 Service Unavailable"
        };
        answer(status, "sick").into_bytes()
    });
    let (sick, good) = (sick.start().await, named("good").await);
    let proxy = Proxy::before("app.test", &[&sick, &good])
        .counting()
        .pool("balance = \"first\"\nejection = { time = \"4s\", failures_in_a_row = 1 }")
        .pool(&format!("probe = {{ {OFTEN} }}"))
        .start()
        .await;
    proxy
        .until_standing("app", &[&id(&sick), &id(&good)], "serving")
        .await;
    assert_eq!(proxy.answer(get("/")).await.text(), "sick");
    let ejected = Instant::now();
    while proxy.answer(get("/")).await.text() == "good" {
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
    let back = ejected.elapsed();
    assert!((1_900..3_800).contains(&back.as_millis()), "{back:?}");
}

#[tokio::test]
async fn without_a_probe_backends_of_the_file_are_left_in_peace() {
    let origin = named("served").await;
    let proxy = Proxy::before("app.test", &[&origin]).counting().start().await;
    assert_eq!(proxy.answer(get("/")).await.text(), "served");
    assert_eq!(origin.connection_count(), 1);
}

#[tokio::test]
async fn one_that_refused_is_tried_until_it_is_there_again() {
    let gone = Origin::refusing();
    let other = named("other").await;
    let proxy = Proxy::before("app.test", &[&gone, &other])
        .counting()
        .pool("balance = \"first\"")
        .start()
        .await;
    assert_eq!(proxy.answer(get("/")).await.text(), "other");
    proxy.until_standing("app", &[&id(&gone)], "down").await;
    let address = gone.address().clone();
    drop(gone);
    let back = Origin::replying(200, "back").at(&address).start().await;
    proxy.until_standing("app", &[&id(&back)], "serving").await;
    assert_eq!(proxy.answer(get("/")).await.text(), "back");
}
