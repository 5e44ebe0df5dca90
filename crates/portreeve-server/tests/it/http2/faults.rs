//! What breaks the rules of RFC 9113 ends the stream or the connection, as the rules have it, and nothing else.

use portreeve_testkit::{Ended, Origin, Proxy, Script};

use super::raw::{
    CONTINUATION, DATA, END_HEADERS, END_STREAM, FRAME_SIZE_ERROR, GET, HEADERS, INTERNAL_ERROR, PING,
    PREFACE, PROTOCOL_ERROR, Raw, block, frame, headers,
};

async fn proxy() -> (Origin, Proxy) {
    let origin = Origin::replying(200, "hello").start().await;
    let proxy = Proxy::routing("app.test", &[&origin]).await;
    (origin, proxy)
}

/// A request with these fields instead of, or beside, those of a right one.
fn with(changed: &[(&'static str, &'static str)]) -> Vec<(&'static str, &'static str)> {
    let mut fields = GET.to_vec();
    for (name, value) in changed {
        match fields.iter_mut().find(|(known, _)| known == name) {
            Some(field) if name.starts_with(':') => field.1 = value,
            _ => fields.push((name, value)),
        }
    }
    fields
}

#[tokio::test]
async fn a_malformed_request_is_reset_and_the_connection_goes_on() {
    let (origin, proxy) = proxy().await;
    let mut raw = Raw::connect(&proxy).await;
    let mut without_path = GET.to_vec();
    without_path.pop();
    let mut path_twice = GET.to_vec();
    path_twice.push((":path", "/"));
    let mut late_path = vec![("x", "y")];
    late_path.extend(GET);
    let cases = [
        with(&[("connection", "close")]),
        with(&[("keep-alive", "1")]),
        with(&[("proxy-connection", "close")]),
        with(&[("transfer-encoding", "chunked")]),
        with(&[("upgrade", "websocket")]),
        with(&[("te", "gzip")]),
        with(&[("host", "evil.test")]),
        with(&[(":path", "")]),
        with(&[(":path", "http://evil.test/")]),
        with(&[(":path", "x")]),
        with(&[(":path", "*")]),
        with(&[(":scheme", "ftp")]),
        with(&[(":method", "CONNECT")]),
        with(&[("x", " y")]),
        with(&[("content-length", "1")]),
        with(&[("content-length", "x")]),
        with(&[(":status", "200")]),
        without_path,
        path_twice,
        late_path,
    ];
    let mut stream = 1;
    for fields in &cases {
        raw.send(headers(stream, END_STREAM | END_HEADERS, fields)).await;
        assert_eq!(raw.reset(stream).await, PROTOCOL_ERROR, "{fields:?}");
        stream += 2;
    }
    raw.still_serves(stream).await;
    assert_eq!(origin.requests().await.len(), 1);
}

#[tokio::test]
async fn what_the_parser_of_http1_refuses_is_refused_here_too() {
    let (origin, proxy) = proxy().await;
    for fields in [
        with(&[(":authority", "user@app.test")]),
        with(&[("host", "app.test"), ("host", "app.test")]),
        with(&[(":authority", "app.test, evil.test")]),
        with(&[(":path", "/a|\u{7f}")]),
    ] {
        let mut raw = Raw::connect(&proxy).await;
        raw.send(headers(1, END_STREAM | END_HEADERS, &fields)).await;
        loop {
            let got = raw.frame().await;
            if got.kind == HEADERS {
                // :status 400, as an index or as text.
                assert!(got.payload[0] == 0x8c, "{got:?}");
                break;
            }
            assert_ne!(got.kind, 0x7, "{got:?}");
            if got.kind == 0x3 {
                break;
            }
        }
    }
    assert!(origin.requests().await.len() <= 1);
}

#[tokio::test]
async fn more_or_less_data_than_announced_resets_the_stream() {
    let (_origin, proxy) = proxy().await;
    let mut raw = Raw::connect(&proxy).await;
    for (stream, data) in [(1, &b"four"[..]), (3, b"x")] {
        let fields = with(&[(":method", "POST"), ("content-length", "3")]);
        raw.send(headers(stream, END_HEADERS, &fields)).await;
        raw.send(frame(DATA, END_STREAM, stream, data)).await;
        assert_eq!(raw.reset(stream).await, PROTOCOL_ERROR);
    }
    raw.still_serves(5).await;
}

#[tokio::test]
async fn a_head_a_little_too_large_is_answered_with_431() {
    let (_origin, proxy) = proxy().await;
    let mut raw = Raw::connect(&proxy).await;
    let long = "y".repeat(120);
    let mut fields = GET.to_vec();
    fields.extend(std::iter::repeat_n(("x", long.as_str()), 300));
    let block = block(&fields);
    let (first, rest) = block.split_at(16_000);
    raw.send(frame(HEADERS, END_STREAM, 1, first)).await;
    for piece in rest.chunks(16_000) {
        raw.send(frame(CONTINUATION, 0, 1, piece)).await;
    }
    raw.send(frame(CONTINUATION, END_HEADERS, 1, b"")).await;
    let head = raw.next(HEADERS).await;
    assert_eq!(head.stream, 1);
    assert!(head.payload.windows(3).any(|text| text == b"431") || head.payload[0] == 0x48);
    raw.still_serves(3).await;
}

#[tokio::test]
async fn a_fault_of_the_connection_ends_it_with_its_code() {
    let (_origin, proxy) = proxy().await;
    for (bytes, code) in [
        (frame(DATA, 0, 0, b"x"), PROTOCOL_ERROR),
        (frame(DATA, 0, 1, b"x"), PROTOCOL_ERROR),
        (frame(PING, 0, 1, &[0; 8]), PROTOCOL_ERROR),
        (frame(HEADERS, END_HEADERS, 2, &block(GET)), PROTOCOL_ERROR),
        (frame(CONTINUATION, END_HEADERS, 1, b""), PROTOCOL_ERROR),
        (frame(0x5, 0, 1, &[0; 4]), PROTOCOL_ERROR),
        (frame(DATA, 0, 1, &[0; 16_385]), FRAME_SIZE_ERROR),
    ] {
        let mut raw = Raw::connect(&proxy).await;
        raw.send(&bytes).await;
        assert_eq!(raw.goaway_and_close().await, code, "{:?}", &bytes[..9]);
    }
}

#[tokio::test]
async fn a_preface_that_goes_wrong_is_closed() {
    let (_origin, proxy) = proxy().await;
    let mut client = proxy.connect().await;
    client.send([&PREFACE[..20], b"XXXX"].concat()).await;
    let (_, ended) = client.read_to_end().await;
    assert_eq!(ended, Ended::Closed);
}

#[tokio::test]
async fn a_preface_in_pieces_is_a_preface() {
    let (_origin, proxy) = proxy().await;
    let mut client = proxy.connect().await;
    let settings = frame(0x4, 0, 0, b"");
    client
        .send_pieces(
            [PREFACE, &settings].concat(),
            1,
            std::time::Duration::from_millis(1),
        )
        .await;
    Raw(client).still_serves(1).await;
}

#[tokio::test]
async fn http1_on_the_same_listener_is_served_as_before_whatever_its_first_letter() {
    let (_origin, proxy) = proxy().await;
    for line in ["POST / HTTP/1.1", "PRIVATE / HTTP/1.1", "GET / HTTP/1.1"] {
        let mut client = proxy.connect().await;
        let request = format!("{line}\r\nHost: app.test\r\nContent-Length: 0\r\n\r\n");
        client
            .send_pieces(request, 1, std::time::Duration::from_millis(1))
            .await;
        assert_eq!(client.response().await.status(), 200, "{line}");
    }
}

#[tokio::test]
async fn a_listener_without_http2_does_not_speak_it() {
    let origin = Origin::replying(200, "hello").start().await;
    let proxy = Proxy::before("app.test", &[&origin])
        .listener("http2 = false")
        .start()
        .await;
    let mut client = proxy.connect().await;
    client.send(PREFACE).await;
    assert_eq!(client.response().await.status(), 505);
}

#[tokio::test]
async fn an_answer_that_breaks_off_resets_its_stream() {
    let cut = Script::new()
        .read_request()
        .send("HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\nhalf");
    let origin = Origin::scripted_each([cut, Script::new().read_request().send("HTTP/1.1 204 No\r\n\r\n")]);
    let origin = origin.start().await;
    let proxy = Proxy::routing("app.test", &[&origin]).await;
    let mut raw = Raw::connect(&proxy).await;
    raw.send(headers(1, END_STREAM | END_HEADERS, GET)).await;
    assert_eq!(raw.reset(1).await, INTERNAL_ERROR);
}
