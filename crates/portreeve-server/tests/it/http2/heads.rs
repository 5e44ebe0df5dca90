//! Heads that do not come to their end, and requests that their client has let go.

use std::time::Duration;

use portreeve_testkit::{Origin, Proxy, Script};

use super::raw::{END_HEADERS, END_STREAM, ENHANCE_YOUR_CALM, GET, HEADERS, RST_STREAM, Raw, frame, headers};

fn get(stream: u32) -> Vec<u8> {
    headers(stream, END_STREAM | END_HEADERS, GET)
}

async fn hurried() -> (Origin, Proxy) {
    let never = Script::new().read_request().stall();
    let hello = Script::new()
        .read_request()
        .send(portreeve_testkit::answer("200 OK", "hello"))
        .forever();
    let origin = Origin::scripted_each([never, hello]).start().await;
    let proxy = Proxy::before("app.test", &[&origin])
        .client_limits("head_timeout = \"400ms\"")
        .counting()
        .start()
        .await;
    (origin, proxy)
}

/// Both where the frame is cut, and where another one was to follow; and although another stream is served.
#[tokio::test]
async fn half_a_head_is_not_waited_for_long() {
    let cut = get(3)[..20].to_vec();
    let unfinished = headers(3, END_STREAM, GET);
    for half in [cut, unfinished] {
        let (origin, proxy) = hurried().await;
        let mut raw = Raw::connect(&proxy).await;
        raw.send(get(1)).await;
        origin.until_requests(1).await;
        raw.send(half).await;
        assert_eq!(raw.goaway_and_close().await, ENHANCE_YOUR_CALM);
        let is_one = |is: f64| (is - 1.0).abs() < 0.5;
        let labels = ["event=\"http2_timeout\""];
        proxy
            .until_metric("portreeve_edge_events_total", &labels, is_one)
            .await;
    }
}

/// Its bytes are cut so that one has always begun, but never the same for long.
#[tokio::test]
async fn heads_that_follow_each_other_each_have_their_time() {
    let (origin, proxy) = hurried().await;
    let mut raw = Raw::connect(&proxy).await;
    raw.send(get(1)).await;
    origin.until_requests(1).await;
    let mut rest = Vec::new();
    for stream in 1..=10 {
        let next = get(stream * 2 + 1);
        let (half, other) = next.split_at(20);
        raw.send([&rest, half].concat()).await;
        rest = other.to_vec();
        tokio::time::sleep(Duration::from_millis(100)).await;
    }
    raw.send(rest).await;
    for _ in 1..=10 {
        raw.next(HEADERS).await;
    }
}

/// However many streams a client has begun and reset: work is done for those that it may have at once, and no more.
#[tokio::test]
async fn a_stream_that_was_reset_is_not_served_any_more_even_while_a_backend_is_connected_to() {
    let deaf = Origin::deaf();
    let proxy = Proxy::before("app.test", &[&deaf])
        .listener("http2 = { streams_max = 4 }")
        .pool("in_flight = \"unlimited\"")
        .counting()
        .start()
        .await;
    let mut raw = Raw::connect(&proxy).await;
    for round in 0..12 {
        let streams = (0..4).map(|n| (round * 4 + n) * 2 + 1);
        raw.send(streams.clone().flat_map(get).collect::<Vec<_>>()).await;
        let are_asked = |is: f64| (is - 4.0).abs() < 0.5;
        proxy
            .until_metric("portreeve_backend_requests_in_flight", &[], are_asked)
            .await;
        let resets = streams.flat_map(|stream| frame(RST_STREAM, 0, stream, &[0, 0, 0, 8]));
        raw.send(resets.collect::<Vec<_>>()).await;
        proxy.until_idle().await;
    }
}
