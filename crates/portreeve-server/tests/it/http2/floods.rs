//! What costs us and carries nothing is bounded: the client is told to calm down, and nobody else notices.

use portreeve_testkit::{Origin, Proxy};

use super::peer::Peer;
use super::raw::{
    CONTINUATION, DATA, END_HEADERS, END_STREAM, ENHANCE_YOUR_CALM, GET, HEADERS, PING, RST_STREAM, Raw,
    SETTINGS, WINDOW_UPDATE, block, frame, headers,
};

async fn strict(origin: &Origin) -> Proxy {
    Proxy::before("app.test", &[origin])
        .listener("http2 = { resets_max = 10, idle_frames_max = 20 }")
        .counting()
        .start()
        .await
}

/// The flood ends its own connection with ENHANCE_YOUR_CALM; another one does not notice.
async fn is_calmed(flood: Vec<u8>) -> Proxy {
    let origin = Origin::replying(200, "hello").start().await;
    let proxy = strict(&origin).await;
    let mut bystander = Peer::connect(&proxy).await;
    let mut raw = Raw::connect(&proxy).await;
    // The connection may be closed before all of it is sent.
    let _ = raw.0.try_send(&flood).await;
    assert_eq!(raw.goaway().await, ENHANCE_YOUR_CALM);
    assert_eq!(bystander.get("/").await.status(), 200);
    proxy
}

#[tokio::test]
async fn streams_that_are_reset_as_soon_as_they_are_opened() {
    let open_and_reset = |number: u32| {
        let stream = number * 2 + 1;
        let open = headers(stream, END_STREAM | END_HEADERS, GET);
        [open, frame(RST_STREAM, 0, stream, &[0, 0, 0, 8])].concat()
    };
    is_calmed((0..50).flat_map(open_and_reset).collect()).await;
}

#[tokio::test]
async fn a_few_resets_are_nobodys_harm() {
    let origin = Origin::replying(200, "hello").start().await;
    let proxy = strict(&origin).await;
    let mut raw = Raw::connect(&proxy).await;
    for stream in [1, 3, 5, 7, 9] {
        raw.send(headers(stream, END_STREAM | END_HEADERS, GET)).await;
        raw.send(frame(RST_STREAM, 0, stream, &[0, 0, 0, 8])).await;
    }
    raw.still_serves(11).await;
}

#[tokio::test]
async fn streams_that_the_client_makes_us_reset() {
    let wrong = |number: u32| {
        let stream = number * 2 + 1;
        let mut fields = GET.to_vec();
        fields.push(("connection", "close"));
        headers(stream, END_STREAM | END_HEADERS, &fields)
    };
    is_calmed((0..50).flat_map(wrong).collect()).await;
}

#[tokio::test]
async fn pings_without_end() {
    is_calmed(frame(PING, 0, 0, &[7; 8]).repeat(100)).await;
}

#[tokio::test]
async fn settings_without_end() {
    is_calmed(frame(SETTINGS, 0, 0, b"").repeat(100)).await;
}

#[tokio::test]
async fn window_updates_without_end() {
    is_calmed(frame(WINDOW_UPDATE, 0, 0, &[0, 0, 0, 1]).repeat(100)).await;
}

#[tokio::test]
async fn empty_data_without_end() {
    let mut fields = GET.to_vec();
    fields[0] = (":method", "POST");
    let open = headers(1, END_HEADERS, &fields);
    is_calmed([open, frame(DATA, 0, 1, b"").repeat(100)].concat()).await;
}

#[tokio::test]
async fn fields_without_end() {
    let open = frame(HEADERS, END_STREAM, 1, &block(GET));
    let more = frame(CONTINUATION, 0, 1, &block(&[("x", "y")]));
    is_calmed([open, more.repeat(100)].concat()).await;
}

#[tokio::test]
async fn a_few_bytes_that_stand_for_many_fields() {
    let mut bomb = block(GET);
    // One large field into the table (RFC 7541 section 6.2.1), then nothing but its index.
    bomb.extend([0x40, 1, b'x', 0x7f, 0xa1, 0x1e]);
    bomb.extend([b'y'; 127 + 0x21 + (0x1e << 7)]);
    bomb.extend([0xbe; 2_000]);
    is_calmed(frame(HEADERS, END_STREAM | END_HEADERS, 1, &bomb)).await;
}
