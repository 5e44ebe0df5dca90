//! What a backend allows, to the byte, and changes while requests run.

use std::sync::Arc;
use std::time::Duration;

use portreeve_testkit::{PATIENCE, get, post};
use tokio::sync::Notify;
use tokio::time::timeout;

use super::backend::Backend;
use super::proxy;
use super::raw::{
    DATA, END_HEADERS, END_STREAM, Frames, HEADERS, RST_STREAM, SETTINGS, STATUS_200, WINDOW_UPDATE, settings,
};

const TABLE_SIZE: u16 = 1;
const STREAMS_MAX: u16 = 3;
const WINDOW: u16 = 4;

const CHUNKED: &str = "POST / HTTP/1.1\r\nHost: app.test\r\nTransfer-Encoding: chunked\r\n\r\n";

/// Gives every stream a window of so many bytes, and never more; says how much came once an upload has ended.
async fn stingy(window: u32) -> Backend {
    Backend::accepting(move |wire, _| async move {
        let mut frames = Frames::begin_with(wire, &[(WINDOW, window)]).await;
        while let Some((stream, mut is_over)) = frames.head().await {
            let mut came = 0;
            while !is_over {
                let Some(frame) = frames.next(true).await else {
                    return;
                };
                came += if frame.kind == DATA {
                    frame.payload.len()
                } else {
                    0
                };
                is_over = matches!(frame.kind, DATA | HEADERS) && frame.flags & END_STREAM > 0;
            }
            frames.reply(stream, format!("{came} bytes").as_bytes()).await;
        }
    })
    .await
}

#[tokio::test]
async fn the_end_of_a_body_needs_no_window() {
    let backend = stingy(10).await;
    let proxy = proxy(&[&backend]).await;
    let data = "a\r\n0123456789\r\n";
    let ends = ["0\r\n\r\n", "0;x=y\r\n\r\n", "0\r\nX-Sum: 1\r\n\r\n"];
    for end in ends {
        // All at once, the end alone, the end in two, byte by byte.
        let whole = format!("{CHUNKED}{data}{end}");
        let alone = whole.len() - end.len();
        for cuts in [
            vec![],
            vec![alone],
            vec![alone - 2],
            vec![alone - 1, alone + 1, whole.len() - 2],
        ] {
            let mut client = proxy.connect().await;
            let mut sent = 0;
            for cut in cuts.iter().copied().chain([whole.len()]) {
                client.send(&whole[sent..cut]).await;
                sent = cut;
                proxy.come_round().await;
            }
            let answer = timeout(Duration::from_secs(5), client.response()).await;
            let answer = answer.unwrap_or_else(|_| panic!("{end:?} cut at {cuts:?} waits for a window"));
            assert_eq!(answer.text(), "10 bytes", "{end:?} cut at {cuts:?}");
        }
        let mut client = proxy.connect().await;
        client.send_pieces(&whole, 1, Duration::from_millis(1)).await;
        assert_eq!(client.response().await.text(), "10 bytes");
    }
    assert_eq!(proxy.answer(post("0123456789")).await.text(), "10 bytes");
    assert_eq!(proxy.answer(get("/")).await.text(), "0 bytes");
    assert_eq!(backend.connections(), 1);
}

#[tokio::test]
async fn many_small_chunks_fill_the_window_and_no_more() {
    let backend = stingy(1_000).await;
    let proxy = proxy(&[&backend]).await;
    for size in [1, 3, 10, 999, 1_000] {
        let mut request = CHUNKED.to_owned();
        let mut left = 1_000;
        while left > 0 {
            let take = size.min(left);
            request += &format!("{take:x}\r\n{}\r\n", "c".repeat(take));
            left -= take;
        }
        request += "0\r\n\r\n";
        let answer = timeout(PATIENCE, proxy.answer(request)).await;
        assert_eq!(answer.expect("it fits").text(), "1000 bytes", "by {size}");
    }
}

#[tokio::test]
async fn a_window_that_is_lowered_below_what_is_out_is_kept_to() {
    let backend = Backend::accepting(|wire, _| async {
        let mut frames = Frames::begin_with(wire, &[(WINDOW, 1_000)]).await;
        let (stream, _) = frames.head().await.expect("a request");
        let mut came = 0;
        while came < 1_000 {
            came += frames.data().await.expect("as much as may come").0;
        }
        // 900 below nothing: the first thousand of further window opens a hundred bytes.
        frames.send(SETTINGS, 0, 0, &settings(&[(WINDOW, 100)])).await;
        frames
            .send(WINDOW_UPDATE, 0, stream, &1_000_u32.to_be_bytes())
            .await;
        let (more, _) = frames.data().await.expect("what was opened");
        assert_eq!((came, more), (1_000, 100));
        assert!(
            timeout(Duration::from_millis(100), frames.next(true))
                .await
                .is_err(),
            "nothing more may come"
        );
        // And by settings alone it opens again.
        frames.send(SETTINGS, 0, 0, &settings(&[(WINDOW, 50_000)])).await;
        came += more;
        loop {
            let (more, is_last) = frames.data().await.expect("the rest");
            came += more;
            if is_last {
                break;
            }
        }
        frames.reply(stream, format!("{came} bytes").as_bytes()).await;
        frames.linger().await;
    })
    .await;
    let proxy = proxy(&[&backend]).await;
    assert_eq!(proxy.answer(post(&"b".repeat(5_000))).await.text(), "5000 bytes");
}

#[tokio::test]
async fn where_fewer_streams_are_allowed_than_run_others_go_over_a_second_connection() {
    let (come, go) = (Arc::new(Notify::new()), Arc::new(Notify::new()));
    let (came, goes) = (come.clone(), go.clone());
    let backend = Backend::accepting(move |wire, connection| {
        let (came, goes) = (came.clone(), goes.clone());
        async move {
            let mut frames = Frames::begin(wire).await;
            if connection == 0 {
                let first = frames.request().await.expect("a request");
                let second = frames.request().await.expect("another request");
                frames.send(SETTINGS, 0, 0, &settings(&[(STREAMS_MAX, 1)])).await;
                frames.until_settled().await;
                came.notify_one();
                goes.notified().await;
                frames.reply(first, b"first").await;
                frames.reply(second, b"second").await;
            }
            while let Some(stream) = frames.request().await {
                frames
                    .reply(stream, format!("connection {connection}").as_bytes())
                    .await;
            }
        }
    })
    .await;
    let proxy = proxy(&[&backend]).await;
    let (mut first, mut second) = (proxy.connect().await, proxy.connect().await);
    first.send(post("one")).await;
    proxy.come_round().await;
    while backend.connections() == 0 {
        tokio::task::yield_now().await;
    }
    second.send(post("two")).await;
    timeout(PATIENCE, come.notified())
        .await
        .expect("both come by one connection");
    assert_eq!(proxy.answer(get("/")).await.text(), "connection 1");
    go.notify_one();
    let mut answers = [first.response().await.text(), second.response().await.text()];
    answers.sort();
    assert_eq!(answers, ["first", "second"]);
    for _ in 0..3 {
        assert_eq!(proxy.answer(get("/")).await.text(), "connection 0");
    }
    assert_eq!(backend.connections(), 2);
}

#[tokio::test]
async fn a_table_of_fields_that_is_taken_away_is_used_no_more() {
    let backend = Backend::accepting(|wire, _| async {
        let mut frames = Frames::begin(wire).await;
        let mut heads = Vec::new();
        while let Some(frame) = frames.next(true).await {
            if frame.kind != HEADERS {
                continue;
            }
            heads.push(frame.payload);
            if heads.len() == 1 {
                frames.send(SETTINGS, 0, 0, &settings(&[(TABLE_SIZE, 0)])).await;
                frames.until_settled().await;
            }
            // RFC 7541 section 4.2: the next head begins with the table's new size, which is none.
            let says_so = heads.len() != 2 || heads[1][0] == 0x20;
            let body = if says_so { "known" } else { "not known" };
            frames.reply(frame.stream, body.as_bytes()).await;
        }
    })
    .await;
    let proxy = proxy(&[&backend]).await;
    let request = "GET / HTTP/1.1\r\nHost: app.test\r\nX-A: 1\r\nX-A-B: 1\r\n\r\n";
    for _ in 0..3 {
        assert_eq!(proxy.answer(request).await.text(), "known");
    }
    assert_eq!(backend.connections(), 1);
}

#[tokio::test]
async fn a_whole_answer_passes_though_the_rest_of_the_request_is_not_wanted() {
    const LENGTH: usize = 6 * 16_000;
    let backend = Backend::accepting(|wire, _| async {
        let mut frames = Frames::begin(wire).await;
        while let Some((stream, _)) = frames.head().await {
            frames.send(HEADERS, END_HEADERS, stream, STATUS_200).await;
            for part in 1..=6 {
                let flags = if part == 6 { END_STREAM } else { 0 };
                frames.send(DATA, flags, stream, &[b'w'; LENGTH / 6]).await;
            }
            // RFC 9113 section 8.1: stop sending, and this is no reason to drop the answer.
            frames.send(RST_STREAM, 0, stream, &0_u32.to_be_bytes()).await;
        }
    })
    .await;
    let proxy = proxy(&[&backend]).await;
    let heads = [
        "POST / HTTP/1.1\r\nHost: app.test\r\nContent-Length: 1000000\r\n\r\n",
        CHUNKED,
    ];
    for head in heads {
        let mut client = proxy.connect().await;
        client.send(head).await;
        client.send("fffff\r\n").await;
        client.send("b".repeat(300_000)).await;
        let answer = client.response().await;
        assert_eq!((answer.status(), answer.body.len()), (200, LENGTH));
    }
    assert_eq!(proxy.answer(get("/")).await.body.len(), LENGTH);
}
