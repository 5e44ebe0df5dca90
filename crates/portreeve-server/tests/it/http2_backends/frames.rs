//! A backend that is told frame by frame what to send, and what the proxy does about it.

use std::time::Duration;

use portreeve_testkit::{Proxy, post};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;

use super::backend::Backend;
use super::{before, proxy};

const DATA: u8 = 0;
const HEADERS: u8 = 1;
const RST_STREAM: u8 = 3;
const SETTINGS: u8 = 4;
const PING: u8 = 6;
const GOAWAY: u8 = 7;
const END_STREAM: u8 = 1;
const ACK: u8 = 1;
const END_HEADERS: u8 = 4;
/// `:status: 200`, of HPACK's static table.
const STATUS_200: &[u8] = &[0x88];

/// One side of a connection, in frames.
struct Frames(TcpStream);

#[derive(Debug)]
struct Frame {
    kind: u8,
    flags: u8,
    stream: u32,
}

impl Frames {
    /// Reads the preface and tells our settings, which are all by default.
    async fn begin(mut wire: TcpStream) -> Self {
        let mut preface = [0; 24];
        wire.read_exact(&mut preface).await.expect("a preface");
        assert_eq!(&preface, b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n");
        let mut frames = Self(wire);
        frames.send(SETTINGS, 0, 0, &[]).await;
        frames
    }

    async fn send(&mut self, kind: u8, flags: u8, stream: u32, payload: &[u8]) {
        let length = u32::try_from(payload.len()).unwrap().to_be_bytes();
        let mut frame = vec![length[1], length[2], length[3], kind, flags];
        frame.extend_from_slice(&stream.to_be_bytes());
        frame.extend_from_slice(payload);
        // The proxy may have left, which the test says.
        let _ = self.0.write_all(&frame).await;
    }

    /// The next frame; `None` at the end. Settings and pings are answered if `answers`.
    async fn next(&mut self, answers: bool) -> Option<Frame> {
        loop {
            let mut head = [0; 9];
            self.0.read_exact(&mut head).await.ok()?;
            let length = usize::from(head[0]) << 16 | usize::from(head[1]) << 8 | usize::from(head[2]);
            let mut payload = vec![0; length];
            self.0.read_exact(&mut payload).await.ok()?;
            let stream = u32::from_be_bytes([head[5], head[6], head[7], head[8]]);
            let frame = Frame {
                kind: head[3],
                flags: head[4],
                stream,
            };
            match frame.kind {
                SETTINGS | PING if frame.flags & ACK == 0 && answers => {
                    let echo = if frame.kind == PING { &payload[..] } else { &[] };
                    self.send(frame.kind, ACK, 0, echo).await;
                }
                _ => return Some(frame),
            }
        }
    }

    /// The stream of the next request, which has come whole.
    async fn request(&mut self) -> Option<u32> {
        loop {
            let frame = self.next(true).await?;
            if matches!(frame.kind, HEADERS | DATA) && frame.flags & END_STREAM > 0 {
                return Some(frame.stream);
            }
        }
    }

    async fn reply(&mut self, stream: u32, body: &[u8]) {
        self.send(HEADERS, END_HEADERS, stream, STATUS_200).await;
        self.send(DATA, END_STREAM, stream, body).await;
    }

    /// Reads on, so that nothing is lost by a close, until the other side closes.
    async fn linger(mut self) {
        while self.next(true).await.is_some() {}
    }
}

#[tokio::test]
async fn a_refused_stream_is_asked_again_whatever_its_method() {
    let backend = Backend::accepting(|wire, _| async {
        let mut frames = Frames::begin(wire).await;
        let mut is_first = true;
        while let Some(stream) = frames.request().await {
            match stream {
                1 => frames.reply(stream, b"warm").await,
                _ if std::mem::take(&mut is_first) => {
                    frames.send(RST_STREAM, 0, stream, &7_u32.to_be_bytes()).await;
                }
                _ => frames.reply(stream, b"again").await,
            }
        }
    })
    .await;
    let proxy = proxy(&[&backend]).await;
    assert_eq!(proxy.answer(post("one")).await.text(), "warm");
    assert_eq!(proxy.answer(post("two")).await.text(), "again");
    assert_eq!(backend.connections(), 1);
}

#[tokio::test]
async fn what_a_goaway_leaves_out_is_asked_again_and_what_it_keeps_ends() {
    let backend = Backend::accepting(|wire, connection| async move {
        let mut frames = Frames::begin(wire).await;
        let first = frames.request().await.expect("a request");
        if connection > 0 {
            return frames.reply(first, b"second connection").await;
        }
        let second = frames.request().await.expect("another request");
        let mut goaway = first.to_be_bytes().to_vec();
        goaway.extend_from_slice(&0_u32.to_be_bytes());
        frames.send(GOAWAY, 0, 0, &goaway).await;
        assert!(second > first);
        tokio::time::sleep(Duration::from_millis(100)).await;
        frames.reply(first, b"first connection").await;
        frames.linger().await;
    })
    .await;
    let proxy = proxy(&[&backend]).await;
    let mut first = proxy.connect().await;
    first.send(post("one")).await;
    // The order of the two on the wire is that of their coming.
    while backend.connections() == 0 {
        tokio::task::yield_now().await;
    }
    tokio::time::sleep(Duration::from_millis(50)).await;
    let second = proxy.answer(post("two")).await;
    assert_eq!(second.text(), "second connection");
    assert_eq!(first.response().await.text(), "first connection");
    assert_eq!(backend.connections(), 2);
}

#[tokio::test]
async fn what_may_have_been_done_is_not_done_twice() {
    let backend = Backend::accepting(|wire, _| async {
        let mut frames = Frames::begin(wire).await;
        while let Some(stream) = frames.request().await {
            // INTERNAL_ERROR
            frames.send(RST_STREAM, 0, stream, &2_u32.to_be_bytes()).await;
        }
    })
    .await;
    let proxy = before(&[&backend]).recording("json").start().await;
    let answer = proxy.answer(post("once")).await;
    assert_eq!(answer.status(), 502);
    assert!(answer.text().contains("backend_reset"), "{}", answer.text());
    let records = proxy.records(1).await;
    assert!(records[0].contains("\"attempts\":1"), "{records:?}");
}

#[tokio::test]
async fn who_breaks_the_rules_of_frames_is_named() {
    let backend = Backend::accepting(|wire, _| async {
        let mut frames = Frames::begin(wire).await;
        let _ = frames.request().await;
        // DATA of no stream.
        frames.send(DATA, 0, 0, b"x").await;
        frames.linger().await;
    })
    .await;
    let proxy = proxy(&[&backend]).await;
    let answer = proxy.answer(post("x")).await;
    assert_eq!(answer.status(), 502);
    assert!(answer.text().contains("backend_protocol"), "{}", answer.text());
}

#[tokio::test]
async fn a_body_shorter_than_its_length_is_no_whole_answer() {
    let backend = Backend::accepting(|wire, _| async {
        let mut frames = Frames::begin(wire).await;
        while let Some(stream) = frames.request().await {
            // `content-length: 9`, not indexed.
            let head = [STATUS_200, &[0x0f, 0x0d, 1, b'9']].concat();
            frames.send(HEADERS, END_HEADERS, stream, &head).await;
            frames.send(DATA, END_STREAM, stream, b"short").await;
        }
    })
    .await;
    let proxy = proxy(&[&backend]).await;
    let mut client = proxy.connect().await;
    client.send(post("x")).await;
    assert!(client.try_response().await.is_err());
}

#[tokio::test]
async fn a_connection_that_has_gone_dumb_serves_nobody_further() {
    let backend = Backend::accepting(|wire, connection| async move {
        let mut frames = Frames::begin(wire).await;
        if connection == 0 {
            // Takes everything, says nothing.
            while frames.next(false).await.is_some() {}
            return;
        }
        while let Some(stream) = frames.request().await {
            frames.reply(stream, b"alive").await;
        }
    })
    .await;
    let setup = before(&[&backend]).backend_limits("first_byte_timeout = \"1200ms\"");
    let proxy = setup.start().await;
    assert_eq!(proxy.answer(post("x")).await.status(), 504);
    until_alive(&proxy).await;
    assert_eq!(backend.connections(), 2);
}

async fn until_alive(proxy: &Proxy) {
    for _ in 0..8 {
        if proxy.answer(post("x")).await.status() == 200 {
            return;
        }
    }
    panic!("the dumb connection is still used");
}
