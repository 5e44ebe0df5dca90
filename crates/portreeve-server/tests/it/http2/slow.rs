//! Clients that ask for much and take little: what they have us hold is bounded, and so is for how long.

use std::io::ErrorKind;
use std::time::{Duration, Instant};

use portreeve_testkit::{Address, Origin, PATIENCE, Proxy, Script, Setup, answer, resident_bytes};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::{TcpListener, TcpStream};
use tokio::time::timeout;

use super::peer::{Peer, request, whole};
use super::raw::{
    END_HEADERS, END_STREAM, ENHANCE_YOUR_CALM, GET, PREFACE, RST_STREAM, Raw, SETTINGS, WINDOW_UPDATE,
    frame, headers,
};

/// A client for whom a server may send whatever it likes.
async fn greedy(proxy: &Proxy) -> Raw {
    let mut client = proxy.connect().await;
    client.send(greeting()).await;
    Raw(client)
}

fn greeting() -> Vec<u8> {
    let more = WINDOW_MAX - 65_535;
    let more = frame(WINDOW_UPDATE, 0, 0, &more.to_be_bytes());
    [PREFACE, &initial_window(WINDOW_MAX), &more].concat()
}

fn initial_window(size: u32) -> Vec<u8> {
    frame(SETTINGS, 0, 0, &[&[0, 4][..], &size.to_be_bytes()].concat())
}

fn get(stream: u32, path: &str) -> Vec<u8> {
    let mut fields = GET.to_vec();
    fields[3].1 = path;
    headers(stream, END_STREAM | END_HEADERS, &fields)
}

/// The address of a backend that answers everything with a body without end, and holds nothing of it in memory.
async fn endless() -> String {
    static BLOCK: [u8; 65_536] = [b'x'; 65_536];
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    tokio::spawn(async move {
        loop {
            let (mut stream, _) = listener.accept().await.unwrap();
            tokio::spawn(async move {
                let head = "HTTP/1.1 200 OK\r\nContent-Length: 1000000000000\r\n\r\n";
                stream.write_all(head.as_bytes()).await?;
                loop {
                    stream.write_all(&BLOCK).await?;
                }
                #[expect(unreachable_code, reason = "it says what the errors above are")]
                std::io::Result::Ok(())
            });
        }
    });
    format!("\"{address}\"")
}

fn before(backend: String) -> Setup {
    Proxy::before("app.test", &[])
        .backends([backend])
        .pool("in_flight = \"unlimited\"")
        .counting()
        .recording("json")
}

#[tokio::test]
async fn many_answers_that_nobody_reads_take_little_memory() {
    let proxy = before(endless().await).start().await;
    // What is needed once, and what stays in reserve, is there before.
    let mut first = greedy(&proxy).await;
    first.send(get(1, "/")).await;
    in_flight(&proxy, 1.0).await;
    let before = resident_bytes();
    let mut clients = Vec::new();
    for _ in 0..4 {
        let mut client = greedy(&proxy).await;
        let asked: Vec<u8> = (0..100).flat_map(|n| get(n * 2 + 1, "/")).collect();
        client.send(asked).await;
        clients.push(client);
    }
    in_flight(&proxy, 401.0).await;
    // Nothing moves any more once all that may be held is held; it takes a moment until then.
    let (mut most, until) = (0, Instant::now() + Duration::from_secs(2));
    while Instant::now() < until {
        most = most.max(resident_bytes().saturating_sub(before));
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
    assert!(most < 24 << 20, "{} KiB for 400 streams", most >> 10);
}

async fn in_flight(proxy: &Proxy, count: f64) {
    proxy
        .until_metric("portreeve_backend_requests_in_flight", &[], |is| {
            (is - count).abs() < 0.5
        })
        .await;
}

#[tokio::test]
async fn streams_that_are_paused_leave_the_others_their_share() {
    let large = "x".repeat(1_000_000);
    let body = large.clone();
    let origin = Origin::answering(move |_| answer("200 OK", &body).into_bytes());
    let origin = origin.start().await;
    let proxy = Proxy::before("app.test", &[&origin])
        .pool("in_flight = \"unlimited\"")
        .start()
        .await;
    let mut builder = h2::client::Builder::new();
    builder
        .initial_window_size(65_535)
        .initial_connection_window_size(64 << 20);
    let mut peer = Peer::with(&proxy, &builder).await;
    let mut paused = Vec::new();
    for _ in 0..40 {
        let (response, _) = peer.begin(request("GET", "/"), true).await;
        // Nothing of it is released: the window shuts after 64 KiB.
        paused.push(response.await.unwrap().into_body());
    }
    let mut others = Vec::new();
    for _ in 0..10 {
        others.push(peer.begin(request("GET", "/"), true).await.0);
    }
    for other in others {
        assert!(whole(other).await.unwrap().body == large);
    }
    for mut paused in paused {
        let mut taken = 0;
        while let Some(data) = paused.data().await {
            let data = data.unwrap();
            paused.flow_control().release_capacity(data.len()).unwrap();
            taken += data.len();
        }
        assert_eq!(taken, large.len());
    }
}

#[tokio::test]
async fn a_connection_of_many_answers_is_read_at_any_speed_and_loses_nothing() {
    let large = "y".repeat(300_000);
    let body = large.clone();
    let origin = Origin::answering(move |_| answer("200 OK", &body).into_bytes());
    let origin = origin.start().await;
    let proxy = Proxy::before("app.test", &[&origin])
        .pool("in_flight = \"unlimited\"")
        .start()
        .await;
    let mut client = greedy(&proxy).await;
    let asked: Vec<u8> = (0..100).flat_map(|n| get(n * 2 + 1, "/")).collect();
    client.send(asked).await;
    // All that may be held is held before the first byte is read.
    tokio::time::sleep(Duration::from_millis(500)).await;
    let (mut got, mut ended) = (0, 0);
    while ended < 100 {
        let header = client.0.read_exactly(9).await;
        let length = u32::from_be_bytes([0, header[0], header[1], header[2]]) as usize;
        let payload = client.0.read_exactly(length).await;
        if header[3] == 0 {
            assert!(payload.iter().all(|byte| *byte == b'y'));
            got += payload.len();
            ended += usize::from(header[4] & END_STREAM);
        }
        assert_ne!(header[3], RST_STREAM);
    }
    assert_eq!(got, 100 * large.len());
}

/// A connection of which nothing is read yet, with a stream that has filled all there is between the client and us, and
/// behind it two answers that their backend has given whole: no stream's own patience sees to those.
async fn behind_a_large_answer(limits: &str) -> (Proxy, TcpStream) {
    let origin = Origin::answering(|message| match message.line().as_str() {
        "GET /large HTTP/1.1" => answer("200 OK", &"x".repeat(30_000_000)).into_bytes(),
        _ => answer("200 OK", &"s".repeat(50_000)).into_bytes(),
    });
    let origin = origin.start().await;
    let proxy = Proxy::before("app.test", &[&origin])
        .client_limits(limits)
        .counting()
        .recording("json")
        .start()
        .await;
    let Address::Tcp(address) = proxy.address() else {
        panic!("the listener is on TCP");
    };
    let mut client = TcpStream::connect(address).await.unwrap();
    client.write_all(&greeting()).await.unwrap();
    client.write_all(&get(1, "/large")).await.unwrap();
    tokio::time::sleep(Duration::from_millis(300)).await;
    client
        .write_all(&[get(3, "/small"), get(5, "/small")].concat())
        .await
        .unwrap();
    for record in proxy.records(2).await {
        assert!(record.contains("\"ended_by\":\"completion\""), "{record}");
    }
    (proxy, client)
}

const CANCEL: &[u8] = &[0, 0, 4, RST_STREAM, 0, 0, 0, 0, 1, 0, 0, 0, 8];

#[tokio::test]
async fn whole_answers_are_not_held_for_a_client_that_takes_them_too_slowly() {
    let (proxy, mut client) = behind_a_large_answer("rate_min = \"100MiB\"").await;
    client.write_all(CANCEL).await.unwrap();
    let (began, mut ended) = (Instant::now(), None);
    while ended.is_none() && began.elapsed() < Duration::from_secs(10) {
        tokio::time::sleep(Duration::from_millis(200)).await;
        ended = client.read(&mut [0; 8 * 1024]).await.err();
    }
    assert_eq!(ended.map(|error| error.kind()), Some(ErrorKind::ConnectionReset));
    assert!(began.elapsed() > Duration::from_secs(3), "there is a grace");
    timed_out(&proxy).await;
}

/// Bytes in frames that no window lets go any more: the client has made it smaller after they were taken.
#[tokio::test]
async fn a_window_that_is_made_smaller_does_not_keep_what_was_taken_for_ever() {
    let (proxy, mut client) = behind_a_large_answer("body_idle_timeout = \"2s\"").await;
    client.write_all(&initial_window(0)).await.unwrap();
    client.write_all(CANCEL).await.unwrap();
    let mut got = Vec::new();
    let ended = timeout(PATIENCE, client.read_to_end(&mut got)).await;
    ended.expect("the connection ends").unwrap();
    let code = got.len() - 4;
    assert_eq!(
        got[code..],
        ENHANCE_YOUR_CALM.to_be_bytes(),
        "it ends with GOAWAY"
    );
    timed_out(&proxy).await;
}

async fn timed_out(proxy: &Proxy) {
    let is_one = |is: f64| (is - 1.0).abs() < 0.5;
    proxy
        .until_metric(
            "portreeve_edge_events_total",
            &["event=\"http2_timeout\""],
            is_one,
        )
        .await;
}

#[tokio::test]
async fn streams_of_a_connection_that_is_given_up_are_recorded_as_slow_readers() {
    let large = Script::new()
        .read_request()
        .send("HTTP/1.1 200 OK\r\nContent-Length: 30000000\r\n\r\n")
        .flood(30_000_000);
    let never = Script::new().read_request().stall();
    let origin = Origin::scripted_each([large, never]).start().await;
    let proxy = Proxy::before("app.test", &[&origin])
        .client_limits("body_idle_timeout = \"1s\"")
        .recording("json")
        .start()
        .await;
    let mut client = greedy(&proxy).await;
    client.send(get(1, "/large")).await;
    origin.until_requests(1).await;
    client.send(get(3, "/never")).await;
    for record in proxy.records(2).await {
        assert!(record.contains("\"cause\":\"slow_reader\""), "{record}");
        assert!(record.contains("\"ended_by\":\"client\""), "{record}");
    }
}

#[tokio::test]
async fn a_request_body_under_the_least_rate_is_refused_after_the_grace() {
    let origin = Origin::replying(200, "never").start().await;
    let proxy = Proxy::before("app.test", &[&origin])
        .client_limits("rate_min = \"1KiB\"")
        .recording("json")
        .start()
        .await;
    let mut peer = Peer::connect(&proxy).await;
    let (response, mut stream) = peer.begin(request("POST", "/"), false).await;
    let began = Instant::now();
    let dripping = tokio::spawn(async move {
        while stream.send_data("drip".into(), false).is_ok() {
            tokio::time::sleep(Duration::from_millis(100)).await;
        }
    });
    assert_eq!(whole(response).await.unwrap().status(), 408);
    let took = began.elapsed();
    assert!(
        took > Duration::from_secs(4) && took < Duration::from_secs(8),
        "{took:?}"
    );
    dripping.abort();
    let record = &proxy.records(1).await[0];
    assert!(record.contains("\"cause\":\"slow_client\""), "{record}");
    assert_eq!(peer.get("/").await.status(), 200);
}

const WINDOW_MAX: u32 = (1 << 31) - 1;
