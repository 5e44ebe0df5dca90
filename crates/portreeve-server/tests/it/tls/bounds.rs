//! Handshakes are bounded: in time, in number, in what they take from requests, and in what is left of them.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU32, Ordering::Relaxed};
use std::time::{Duration, Instant};

use portreeve_model::EdgeEvent;
use portreeve_testkit::{Client, Origin, get, resident_bytes};

use super::Edge;

/// How a client begins that has all the time of the world.
const BEGINNING: [u8; 3] = [0x16, 3, 1];

#[tokio::test]
async fn a_handshake_that_takes_too_long_ends() {
    let origin = Origin::replying(200, "hi").start().await;
    let edge = Edge::with(&[&origin], |plan, _| {
        plan.listeners[0]
            .tls
            .as_mut()
            .expect("it has TLS")
            .handshake_timeout = Duration::from_millis(100);
    });
    let (mut silent, mut slow) = (
        Client::connect(&edge.address).await,
        Client::connect(&edge.address).await,
    );
    slow.send(BEGINNING).await;
    slow.expect_closed().await;
    silent.expect_closed().await;
    edge.until(EdgeEvent::TlsTimeout, 2).await;
}

#[tokio::test]
async fn a_client_that_leaves_without_a_word_is_not_counted() {
    let origin = Origin::replying(200, "hi").start().await;
    let edge = Edge::to(&origin);
    drop(Client::connect(&edge.address).await);
    let mut leaving = Client::connect(&edge.address).await;
    leaving.send(BEGINNING).await;
    drop(leaving);
    edge.until(EdgeEvent::TlsClosed, 1).await;
    edge.answer(&get("/")).await;
    assert_eq!(edge.count(EdgeEvent::TlsClosed), 1);
}

#[tokio::test]
async fn one_that_says_nothing_gives_its_place_to_one_that_waits() {
    let origin = Origin::replying(200, "hi").start().await;
    let edge = Edge::with(&[&origin], |plan, _| {
        plan.listeners[0].tls.as_mut().expect("it has TLS").handshakes_max = 1;
    });
    let mut slow = Client::connect(&edge.address).await;
    slow.send(BEGINNING).await;
    slow.expect_silence(Duration::from_millis(50)).await;
    let begun = Instant::now();
    assert_eq!(edge.answer(&get("/")).await.status(), 200);
    assert!(begun.elapsed() < Duration::from_secs(5), "{:?}", begun.elapsed());
    slow.expect_closed().await;
    assert_eq!(edge.count(EdgeEvent::TlsOverload), 1);
}

/// What this client says first.
fn hello(config: Arc<rustls::ClientConfig>) -> Vec<u8> {
    let mut client = rustls::ClientConnection::new(config, "app.test".try_into().unwrap()).unwrap();
    let mut bytes = Vec::new();
    client.write_tls(&mut bytes).unwrap();
    bytes
}

/// The same message in records of so many bytes each.
fn crumbled(hello: &[u8], bytes: usize) -> Vec<u8> {
    let record = |part: &[u8]| [&[22, 3, 1, 0, u8::try_from(part.len()).unwrap()][..], part].concat();
    hello[5..].chunks(bytes).flat_map(record).collect()
}

#[tokio::test]
async fn a_first_message_in_too_many_pieces_is_refused_as_soon_as_they_are() {
    let origin = Origin::replying(200, "hi").start().await;
    let edge = Edge::to(&origin);
    let hello = hello(edge.authority.client());
    let mut client = Client::connect(&edge.address).await;
    // 64 records, and the header of one more; the rest is never asked for.
    client.send(&crumbled(&hello, 1)[..64 * 6 + 5]).await;
    let (alert, _) = client.read_to_end().await;
    assert_eq!((alert[0], alert.len()), (21, 7), "{alert:?}");
    edge.until(EdgeEvent::TlsMalformed, 1).await;
}

#[tokio::test]
async fn a_first_message_in_some_pieces_is_answered() {
    let origin = Origin::replying(200, "hi").start().await;
    let edge = Edge::to(&origin);
    let hello = hello(edge.authority.client());
    let pieces = crumbled(&hello, hello.len().div_ceil(60));
    let mut client = Client::connect(&edge.address).await;
    client.send_pieces(&pieces, 7, Duration::ZERO).await;
    let server_hello = client.read_exactly(6).await;
    assert_eq!((server_hello[0], server_hello[5]), (22, 2), "{server_hello:?}");
}

/// A flood of handshakes, each as costly as it can be, from a thread of its own, for as long as `goes_on`.
fn flood(
    edge: &Edge,
    at_once: usize,
    goes_on: &Arc<AtomicBool>,
) -> (std::thread::JoinHandle<()>, Arc<AtomicU32>) {
    let (address, config) = (edge.address.clone(), edge.authority.client());
    let (goes_on, done) = (Arc::clone(goes_on), Arc::new(AtomicU32::new(0)));
    let count = Arc::clone(&done);
    let thread = std::thread::spawn(move || {
        let runtime = tokio::runtime::Builder::new_current_thread()
            .enable_all()
            .build()
            .unwrap();
        runtime.block_on(async {
            let one = async || {
                while goes_on.load(Relaxed) {
                    let mut fresh = (*config).clone();
                    fresh.resumption = rustls::client::Resumption::disabled();
                    if Client::connect_tls(&address, &Arc::new(fresh), "app.test")
                        .await
                        .is_ok()
                    {
                        done.fetch_add(1, Relaxed);
                    }
                }
            };
            let mut all: Vec<_> = (0..at_once).map(|_| Box::pin(one())).collect();
            std::future::poll_fn(|context| {
                all.retain_mut(|one| one.as_mut().poll(context).is_pending());
                if all.is_empty() {
                    std::task::Poll::Ready(())
                } else {
                    std::task::Poll::Pending
                }
            })
            .await;
        });
    });
    (thread, count)
}

/// The median of so many requests on one connection.
async fn median(client: &mut Client, requests: usize) -> Duration {
    let mut times = Vec::new();
    for _ in 0..requests {
        let begun = Instant::now();
        client.send(get("/")).await;
        client.response().await;
        times.push(begun.elapsed());
    }
    times.sort();
    times[requests / 2]
}

#[tokio::test]
async fn a_flood_of_handshakes_leaves_requests_their_turn() {
    let origin = Origin::replying(200, "hi").start().await;
    let edge = Edge::with(&[&origin], |plan, _| {
        plan.listeners[0]
            .tls
            .as_mut()
            .expect("it has TLS")
            .handshake_share = 20;
    });
    let mut client = edge.connect().await;
    let calm = median(&mut client, 200).await;
    let goes_on = Arc::new(AtomicBool::new(true));
    let (thread, done) = flood(&edge, 200, &goes_on);
    edge.until(EdgeEvent::TlsFull, 100).await;
    let flooded = median(&mut client, 200).await;
    goes_on.store(false, Relaxed);
    thread.join().expect("the flood ends");
    assert!(done.load(Relaxed) > 100);
    // All 200 at once, without turns, would hold each request up for 200 handshakes, twice.
    let most = calm * 10 + Duration::from_millis(20);
    assert!(flooded < most, "{calm:?} became {flooded:?}");
}

#[tokio::test]
async fn an_idle_connection_holds_little() {
    let origin = Origin::replying(200, "hi").start().await;
    let edge = Edge::to(&origin);
    let config = edge.authority.client();
    let mut kept = Vec::new();
    let mut before = 0;
    for number in 0..1_500 {
        if number == 500 {
            before = resident_bytes();
        }
        let mut client = edge.connect_by(&config, "app.test").await;
        client.send(get("/")).await;
        client.response().await;
        kept.push(client.forget_session());
    }
    let each = (resident_bytes() - before) / 1_000;
    assert!(each < 14 * 1024, "{each} bytes, the test's own end included");
}
