//! A backend that is told frame by frame what to send, and what the proxy does about it.

use std::time::Duration;

use portreeve_testkit::{Proxy, post};

use super::backend::Backend;
use super::raw::{DATA, END_HEADERS, END_STREAM, Frames, GOAWAY, HEADERS, RST_STREAM, STATUS_200};
use super::{before, proxy};

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
