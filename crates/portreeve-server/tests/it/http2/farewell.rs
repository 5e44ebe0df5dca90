//! Clients that are told to go and do not.

use std::time::{Duration, Instant};

use portreeve_testkit::{Gate, Origin, Proxy, Script, answer};

use super::raw::{
    END_HEADERS, END_STREAM, ENHANCE_YOUR_CALM, GET, GOAWAY, HEADERS, PING, RST_STREAM, Raw, code, frame,
    headers,
};

/// How long a client has to notice, and something for a busy machine.
const SOON: Duration = Duration::from_secs(4);

fn get(stream: u32) -> Vec<u8> {
    headers(stream, END_STREAM | END_HEADERS, GET)
}

/// The first request waits at the gate; all others are answered.
async fn before(gate: &Gate) -> (Origin, Proxy) {
    let late = Script::new()
        .read_request()
        .wait(gate)
        .send(answer("200 OK", "late"));
    let others = Script::new()
        .read_request()
        .send(answer("200 OK", "other"))
        .forever();
    let origin = Origin::scripted_each([late, others]).start().await;
    let proxy = Proxy::before("app.test", &[&origin])
        .top("drain_timeout = \"20s\"")
        .start()
        .await;
    (origin, proxy)
}

/// Opens a stream every now and then, and does not answer the PING, until the second GOAWAY: the last stream that it names.
async fn until_final(raw: &mut Raw, mut stream: u32) -> (u32, u32) {
    let began = Instant::now();
    loop {
        assert!(began.elapsed() < SOON, "no second GOAWAY");
        raw.send(get(stream)).await;
        loop {
            let frame = raw.frame().await;
            match frame.kind {
                GOAWAY => return (code(&frame.payload), stream),
                HEADERS if frame.stream == stream => break,
                _ => {}
            }
        }
        stream += 2;
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
}

#[tokio::test]
async fn a_client_that_ignores_goaway_opens_no_more_streams_and_has_what_it_began() {
    let gate = Gate::new();
    let (origin, proxy) = before(&gate).await;
    let mut raw = Raw::connect(&proxy).await;
    raw.send(get(1)).await;
    origin.until_requests(1).await;
    let began = Instant::now();
    let client = async {
        let first = raw.next(GOAWAY).await;
        assert_eq!(code(&first.payload), u32::MAX >> 1, "nothing is refused at once");
        let (last, newest) = until_final(&mut raw, 3).await;
        assert!(last >= newest - 2 && last <= newest, "{last} of {newest}");
        let served = origin.requests().await.len();
        for stream in 1..20 {
            raw.send(get(newest + 2 * stream)).await;
        }
        tokio::time::sleep(Duration::from_millis(300)).await;
        assert_eq!(origin.requests().await.len(), served);
        gate.open();
        while raw.next(HEADERS).await.stream != 1 {}
        let (_, ended) = raw.0.read_to_end().await;
        assert_eq!(ended, portreeve_testkit::Ended::Closed);
    };
    let (cut, ()) = tokio::join!(proxy.drain(), client);
    assert_eq!(cut, 0);
    assert!(began.elapsed() < Duration::from_secs(10));
}

/// With a frame that never is whole nothing can be put between its frames, and its streams are refused one by one.
#[tokio::test]
async fn a_client_that_is_always_within_a_frame_opens_no_more_streams_either() {
    let gate = Gate::new();
    let (origin, proxy) = before(&gate).await;
    let mut raw = Raw::connect(&proxy).await;
    raw.send(get(1)).await;
    origin.until_requests(1).await;
    let client = async {
        raw.next(GOAWAY).await;
        let began = Instant::now();
        let ping = frame(PING, 0, 0, &[0; 8]);
        let (begins, ends) = ping.split_at(5);
        let (mut stream, mut before) = (3, &b""[..]);
        loop {
            assert!(began.elapsed() < SOON, "they are served on and on");
            raw.send([before, &get(stream), begins].concat()).await;
            before = ends;
            let came = loop {
                let frame = raw.frame().await;
                if frame.stream == stream {
                    break frame;
                }
            };
            if came.kind == RST_STREAM {
                assert_eq!(code(&came.payload), REFUSED_STREAM);
                break;
            }
            stream += 2;
            tokio::time::sleep(Duration::from_millis(50)).await;
        }
        gate.open();
        while raw.next(HEADERS).await.stream != 1 {}
        raw.0.read_to_end().await;
    };
    let (cut, ()) = tokio::join!(proxy.drain(), client);
    assert_eq!(cut, 0);
}

#[tokio::test]
async fn a_client_that_goes_on_after_its_last_request_is_sent_away() {
    let origin = Origin::replying(200, "hello").start().await;
    let proxy = Proxy::before("app.test", &[&origin])
        .client_limits("requests_per_connection_max = 3")
        .start()
        .await;
    let mut raw = Raw::connect(&proxy).await;
    raw.send([get(1), get(3), get(5)].concat()).await;
    raw.next(GOAWAY).await;
    let (last, newest) = until_final(&mut raw, 7).await;
    assert!(last <= newest);
    raw.0.read_to_end().await;
}

#[tokio::test]
async fn a_client_that_floods_a_connection_that_serves_nothing_new_is_calmed() {
    let gate = Gate::new();
    let (origin, proxy) = before(&gate).await;
    let mut raw = Raw::connect(&proxy).await;
    raw.send(get(1)).await;
    origin.until_requests(1).await;
    let client = async {
        raw.next(GOAWAY).await;
        let ping = frame(PING, 0, 0, &[0; 8]);
        let (begins, ends) = ping.split_at(5);
        raw.send(begins).await;
        tokio::time::sleep(Duration::from_millis(2_500)).await;
        let flood: Vec<u8> = (1..150).flat_map(|n| get(n * 2 + 1)).collect();
        let _ = raw.0.try_send([ends, &flood, begins].concat()).await;
        loop {
            let came = raw.next(GOAWAY).await;
            if code(&came.payload[4..]) == ENHANCE_YOUR_CALM {
                break;
            }
        }
    };
    let (_, ()) = tokio::join!(proxy.drain(), client);
    gate.open();
}

const REFUSED_STREAM: u32 = 7;
