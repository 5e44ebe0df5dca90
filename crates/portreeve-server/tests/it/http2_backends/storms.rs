//! Backends whose connections come to nothing: nobody connects to them as quickly as they can end it.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering::SeqCst};
use std::time::{Duration, Instant};

use portreeve_testkit::{PATIENCE, Proxy, get, post};
use tokio::net::TcpStream;
use tokio::task::JoinSet;

use super::backend::{Backend, reply};
use super::raw::{Frames, GOAWAY, RST_STREAM, SETTINGS, settings};
use super::{before, proxy};

/// How a connection comes to nothing.
#[derive(Debug, Clone, Copy)]
enum Ends {
    /// It says goodbye once it is made.
    Goodbye,
    /// It is closed once it is made.
    Close,
    /// It allows no stream.
    Barred,
    /// It allows some, and at the first none any more, which it refuses.
    BarredLater,
}

const ALL: [Ends; 4] = [Ends::Goodbye, Ends::Close, Ends::Barred, Ends::BarredLater];
const STREAMS_MAX: u16 = 3;
/// REFUSED_STREAM
const REFUSED: [u8; 4] = [0, 0, 0, 7];

async fn end(wire: TcpStream, how: Ends, count: &AtomicUsize) -> Option<()> {
    let told: &[(u16, u32)] = if matches!(how, Ends::Barred) {
        &[(STREAMS_MAX, 0)]
    } else {
        &[]
    };
    let mut frames = Frames::try_begin(wire, told).await?;
    count.fetch_add(1, SeqCst);
    match how {
        Ends::Goodbye => {
            frames.until_settled().await?;
            frames.send(GOAWAY, 0, 0, &[0; 8]).await;
        }
        Ends::Close => return frames.until_settled().await,
        Ends::BarredLater => {
            while let Some((stream, _)) = frames.head().await {
                frames.send(SETTINGS, 0, 0, &settings(&[(STREAMS_MAX, 0)])).await;
                frames.send(RST_STREAM, 0, stream, &REFUSED).await;
            }
        }
        Ends::Barred => {}
    }
    frames.linger().await;
    Some(())
}

/// A backend whose first connections end so, and the number of those that were made.
async fn ending(how: Ends, first: usize) -> (Backend, Arc<AtomicUsize>) {
    let made = Arc::new(AtomicUsize::new(0));
    let counted = made.clone();
    let backend = Backend::accepting(move |wire, _| {
        let made = counted.clone();
        async move {
            if made.load(SeqCst) < first {
                end(wire, how, &made).await;
                return;
            }
            let Some(mut frames) = Frames::try_begin(wire, &[]).await else {
                return;
            };
            made.fetch_add(1, SeqCst);
            while let Some(stream) = frames.request().await {
                frames.reply(stream, b"served").await;
            }
        }
    })
    .await;
    (backend, made)
}

/// Sixteen clients ask without a pause for so long; how many answers had each status.
async fn besieged(proxy: Arc<Proxy>, time: Duration) -> Vec<u16> {
    let (until, mut clients) = (Instant::now() + time, JoinSet::new());
    for _ in 0..16 {
        let proxy = proxy.clone();
        clients.spawn(async move {
            let mut told = Vec::new();
            while Instant::now() < until {
                told.push(proxy.answer(post("x")).await.status());
            }
            told
        });
    }
    clients.join_all().await.concat()
}

#[tokio::test]
async fn few_connections_are_made_however_many_ask() {
    for how in [Ends::Goodbye, Ends::Close, Ends::Barred] {
        let (backend, made) = ending(how, usize::MAX).await;
        let proxy = Arc::new(proxy(&[&backend]).await);
        let told = besieged(proxy.clone(), Duration::from_millis(1_500)).await;
        assert!(told.len() > 16, "{how:?}: they are answered: {}", told.len());
        assert!(
            told.iter().all(|status| matches!(status, 502 | 503)),
            "{how:?}: {told:?}"
        );
        let made = made.load(SeqCst);
        assert!((2..=12).contains(&made), "{how:?}: {made} connections");
    }
}

#[tokio::test]
async fn who_wants_one_is_told_why_and_soon() {
    for how in ALL {
        let (backend, _) = ending(how, usize::MAX).await;
        let proxy = before(&[&backend])
            .backend_limits("connect_timeout = \"8s\"")
            .start()
            .await;
        let asked = Instant::now();
        let answer = proxy.answer(post("x")).await;
        assert_eq!(answer.status(), 502, "{how:?}");
        let text = answer.text();
        assert!(
            text.contains("backend_protocol")
                || text.contains("backend_closed")
                || text.contains("backend_reset"),
            "{how:?}: {text}"
        );
        assert!(asked.elapsed() < Duration::from_secs(4), "{how:?}");
    }
}

#[tokio::test]
async fn others_serve_meanwhile_and_it_is_held_against_it() {
    for how in ALL {
        let (bad, _) = ending(how, usize::MAX).await;
        let good = Backend::serving(|(_, respond)| async move { reply(respond, "good") }).await;
        let setup = before(&[&bad, &good]).pool("balance = \"first\"").counting();
        let proxy = setup.start().await;
        for turn in 0..20 {
            // What was closed may have been seen: only what may be done twice is asked elsewhere.
            let answer = tokio::time::timeout(Duration::from_secs(4), proxy.answer(get("/"))).await;
            let answer = answer.unwrap_or_else(|_| panic!("{how:?}: request {turn} hangs"));
            assert_eq!(
                (answer.status(), answer.text().as_str()),
                (200, "good"),
                "{how:?}"
            );
        }
        let label = format!("backend=\"{}\"", bad.address());
        let failures = proxy.metric("portreeve_backend_failures_total", &[&label]).await;
        assert!(failures >= 1.0, "{how:?}: {failures}");
    }
}

#[tokio::test]
async fn one_that_recovers_serves_again() {
    for how in ALL {
        let (backend, _) = ending(how, 4).await;
        let proxy = proxy(&[&backend]).await;
        let served = async {
            while proxy.answer(get("/")).await.status() != 200 {
                tokio::time::sleep(Duration::from_millis(20)).await;
            }
        };
        let waited = tokio::time::timeout(PATIENCE, served).await;
        assert!(waited.is_ok(), "{how:?}");
        for _ in 0..10 {
            assert_eq!(proxy.answer(post("x")).await.text(), "served", "{how:?}");
        }
    }
}
