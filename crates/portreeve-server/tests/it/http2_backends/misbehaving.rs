//! What backends may not do, and do: what the client sees, what it is called, and that the next request goes well.

use portreeve_testkit::{Client, Kind, Proxy, decoded, get};

use super::backend::Backend;
use super::before;
use super::raw::{
    CONTINUATION, DATA, END_HEADERS, END_STREAM, Frames, GOAWAY, HEADERS, PING, PUSH_PROMISE, RST_STREAM,
    SETTINGS, STATUS_200, WINDOW_UPDATE, field, settings,
};

/// A frame that is sent in place of an answer.
struct Sent {
    kind: u8,
    flags: u8,
    on: On,
    payload: Vec<u8>,
}

/// Where.
enum On {
    Connection,
    /// The stream of the request.
    Stream,
    Other(u32),
}

use On::{Connection, Other, Stream};

fn sent(kind: u8, flags: u8, on: On, payload: impl Into<Vec<u8>>) -> Sent {
    Sent {
        kind,
        flags,
        on,
        payload: payload.into(),
    }
}

/// A head of these blocks, with more to come.
fn head(blocks: &[&[u8]]) -> Sent {
    sent(HEADERS, END_HEADERS, Stream, blocks.concat())
}

fn data(bytes: &[u8]) -> Sent {
    sent(DATA, 0, Stream, bytes)
}

fn last(bytes: &[u8]) -> Sent {
    sent(DATA, END_STREAM, Stream, bytes)
}

fn ok() -> Sent {
    head(&[STATUS_200])
}

fn reset(reason: u32) -> Sent {
    sent(RST_STREAM, 0, Stream, reason.to_be_bytes())
}

/// The end of the connection.
fn closed() -> Sent {
    sent(0, 0, Other(u32::MAX), [])
}

fn told(told: &[(u16, u32)]) -> Sent {
    sent(SETTINGS, 0, Connection, settings(told))
}

fn status(code: &str) -> Vec<u8> {
    field(":status", code)
}

/// The name of a case, what is sent to its request, and what comes of that: what the client sees, and the cause.
type Case = (&'static str, Vec<Sent>, &'static str, &'static str);

fn answers_that_are_none() -> Vec<Case> {
    const BAD: &str = "502";
    const NAME: &str = "backend_protocol";
    vec![
        (
            "no status",
            vec![head(&[&field("x-a", "b")]), last(b"x")],
            BAD,
            NAME,
        ),
        (
            "a status of letters",
            vec![head(&[&status("abc")]), last(b"x")],
            BAD,
            NAME,
        ),
        (
            "a status of two digits",
            vec![head(&[&status("99")]), last(b"x")],
            BAD,
            NAME,
        ),
        (
            "two statuses",
            vec![head(&[STATUS_200, STATUS_200]), last(b"x")],
            BAD,
            NAME,
        ),
        (
            "the status behind a field",
            vec![head(&[&field("x-a", "b"), STATUS_200]), last(b"x")],
            BAD,
            NAME,
        ),
        (
            "a name in capitals",
            vec![head(&[STATUS_200, &field("X-A", "b")]), last(b"x")],
            BAD,
            NAME,
        ),
        (
            "a field of connections",
            vec![head(&[STATUS_200, &field("connection", "close")]), last(b"x")],
            BAD,
            NAME,
        ),
        (
            "a coding of transfers",
            vec![
                head(&[STATUS_200, &field("transfer-encoding", "chunked")]),
                last(b"x"),
            ],
            BAD,
            NAME,
        ),
        (
            "a line feed in a value",
            vec![head(&[STATUS_200, &field("x-a", "b\nc: d")]), last(b"x")],
            BAD,
            NAME,
        ),
        ("data before a head", vec![last(b"x")], BAD, NAME),
        (
            "bytes that are no fields",
            vec![head(&[&[0xff, 0xff, 0xff, 0xff, 0xff, 0xff]])],
            BAD,
            NAME,
        ),
        ("a place that no table has", vec![head(&[&[0xfe]])], BAD, NAME),
        (
            "101, which HTTP/2 has not",
            vec![head(&[&status("101")])],
            BAD,
            "malformed_response",
        ),
    ]
}

fn frames_out_of_place() -> Vec<Case> {
    const BAD: &str = "502";
    const NAME: &str = "backend_protocol";
    let overflow = 0x7fff_ffff_u32.to_be_bytes();
    let promise = [&2_u32.to_be_bytes()[..], &[0x82, 0x86, 0x84, 0x41, 0x01, b'a']].concat();
    vec![
        (
            "a push",
            vec![sent(PUSH_PROMISE, END_HEADERS, Stream, promise)],
            BAD,
            NAME,
        ),
        (
            "a window beyond all bounds",
            vec![sent(WINDOW_UPDATE, 0, Connection, overflow)],
            BAD,
            NAME,
        ),
        (
            "a window that grows by nothing",
            vec![sent(WINDOW_UPDATE, 0, Connection, [0; 4])],
            BAD,
            NAME,
        ),
        (
            "an initial window beyond all bounds",
            vec![told(&[(4, 0x8000_0000)])],
            BAD,
            NAME,
        ),
        ("frames of no size", vec![told(&[(5, 100)])], BAD, NAME),
        ("a server that lets us push", vec![told(&[(2, 7)])], BAD, NAME),
        (
            "settings of a stream",
            vec![sent(SETTINGS, 0, Stream, [])],
            BAD,
            NAME,
        ),
        (
            "settings of a wrong length",
            vec![sent(SETTINGS, 0, Connection, [0; 5])],
            BAD,
            NAME,
        ),
        (
            "a ping of a wrong length",
            vec![sent(PING, 0, Connection, [0; 7])],
            BAD,
            NAME,
        ),
        (
            "a continuation of nothing",
            vec![sent(CONTINUATION, END_HEADERS, Stream, STATUS_200)],
            BAD,
            NAME,
        ),
        (
            "another frame within a head",
            vec![
                sent(HEADERS, 0, Stream, STATUS_200),
                sent(PING, 0, Connection, [0; 8]),
            ],
            BAD,
            NAME,
        ),
        (
            "data of a stream that never was",
            vec![sent(DATA, 0, Other(99), *b"x")],
            BAD,
            NAME,
        ),
        (
            "a reset of a stream that never was",
            vec![sent(RST_STREAM, 0, Other(99), [0; 4])],
            BAD,
            NAME,
        ),
        (
            "a head of a stream of its own",
            vec![sent(HEADERS, END_HEADERS, Other(2), STATUS_200)],
            BAD,
            NAME,
        ),
        (
            "a frame that is too large",
            vec![sent(DATA, 0, Stream, vec![0; 16_385])],
            BAD,
            NAME,
        ),
        (
            "padding without room",
            vec![ok(), sent(DATA, 8, Stream, [9, 1])],
            "broken 200",
            "truncated_response",
        ),
        ("a wish for HTTP/1.1", vec![reset(13)], BAD, NAME),
        ("an error of its own", vec![reset(2)], BAD, "backend_reset"),
        ("a broken-off stream", vec![reset(8)], BAD, "backend_reset"),
        (
            "goodbye with an error, having seen it",
            vec![sent(GOAWAY, 0, Connection, [0, 0, 0, 1, 0, 0, 0, 2]), closed()],
            BAD,
            "backend_protocol",
        ),
    ]
}

fn answers_that_break_off() -> Vec<Case> {
    let length = |value| field("content-length", value);
    vec![
        (
            "a reset in the body",
            vec![ok(), data(b"half"), reset(2)],
            "broken 200",
            "truncated_response",
        ),
        (
            "a reset without an error in the body",
            vec![ok(), data(b"half"), reset(0)],
            "broken 200",
            "truncated_response",
        ),
        (
            "less than its length",
            vec![head(&[STATUS_200, &length("9")]), last(b"half")],
            "broken 200",
            "truncated_response",
        ),
        (
            "more than its length",
            vec![head(&[STATUS_200, &length("2")]), data(b"more"), last(b"")],
            "broken 200",
            "truncated_response",
        ),
        (
            "two lengths",
            vec![head(&[STATUS_200, &length("1"), &length("2")]), last(b"x")],
            "502",
            "backend_protocol",
        ),
        (
            "trailers that do not end it",
            vec![
                ok(),
                data(b"half"),
                sent(HEADERS, END_HEADERS, Stream, field("x-a", "b")),
            ],
            "broken 200",
            "truncated_response",
        ),
        (
            "a broken rule in the body",
            vec![ok(), data(b"half"), sent(WINDOW_UPDATE, 0, Connection, [0; 4])],
            "broken 200",
            "truncated_response",
        ),
        (
            "goodbye with an error in the body",
            vec![
                ok(),
                data(b"half"),
                sent(GOAWAY, 0, Connection, [0, 0, 0, 1, 0, 0, 0, 2]),
                reset(2),
            ],
            "broken 200",
            "truncated_response",
        ),
    ]
}

/// What looks odd and is allowed.
fn answers_that_are_whole() -> Vec<Case> {
    let interim = |code| head(&[&status(code)]);
    let whole = || vec![ok(), last(b"whole")];
    let with = |before: Vec<Sent>| before.into_iter().chain(whole()).collect::<Vec<_>>();
    let behind = |after: Vec<Sent>| whole().into_iter().chain(after).collect::<Vec<_>>();
    vec![
        (
            "frames that nobody knows",
            with(vec![
                sent(0xfa, 0xff, Connection, *b"x"),
                sent(0xfb, 0, Stream, *b"y"),
            ]),
            "200 whole",
            "",
        ),
        (
            "settings that nobody knows",
            with(vec![told(&[(0xffff, 7)])]),
            "200 whole",
            "",
        ),
        ("a smaller window", with(vec![told(&[(4, 0)])]), "200 whole", ""),
        (
            "larger frames",
            with(vec![told(&[(5, 1 << 20)])]),
            "200 whole",
            "",
        ),
        ("no table of fields", with(vec![told(&[(1, 0)])]), "200 whole", ""),
        ("few fields", with(vec![told(&[(6, 1)])]), "200 whole", ""),
        (
            "fewer streams than run",
            with(vec![told(&[(3, 0)])]),
            "200 whole",
            "",
        ),
        (
            "settings again and again",
            with((0..50).map(|_| told(&[])).collect()),
            "200 whole",
            "",
        ),
        ("empty data", with(vec![]), "200 whole", ""),
        // RFC 9113 section 8.3 calls these two malformed. The library drops what has no place there, and nothing of it passes.
        (
            "a request's field",
            vec![head(&[STATUS_200, &field(":path", "/")]), last(b"whole")],
            "200 whole",
            "",
        ),
        (
            "a status among the trailers",
            vec![
                ok(),
                data(b"whole"),
                sent(HEADERS, END_HEADERS | END_STREAM, Stream, STATUS_200),
            ],
            "200 whole",
            "",
        ),
        (
            "a window beyond all bounds where all was sent",
            with(vec![sent(
                WINDOW_UPDATE,
                0,
                Stream,
                0x7fff_ffff_u32.to_be_bytes(),
            )]),
            "200 whole",
            "",
        ),
        (
            "early hints",
            with(vec![head(&[&status("103"), &field("link", "</a>")])]),
            "103 200 whole",
            "",
        ),
        (
            "interim answers in a row",
            with(vec![interim("102"), interim("103"), interim("199")]),
            "102 103 199 200 whole",
            "",
        ),
        (
            "going on unasked",
            with(vec![interim("100")]),
            "100 200 whole",
            "",
        ),
        (
            "a reset without an error behind all",
            behind(vec![reset(0)]),
            "200 whole",
            "",
        ),
        (
            "a reset with an error behind all",
            behind(vec![reset(8)]),
            "200 whole",
            "",
        ),
        (
            "more behind the end",
            behind(vec![data(b"more")]),
            "200 whole",
            "",
        ),
        (
            "goodbye behind all",
            behind(vec![sent(GOAWAY, 0, Connection, [0, 0, 0, 1, 0, 0, 0, 0])]),
            "200 whole",
            "",
        ),
        (
            "goodbye before all",
            with(vec![sent(GOAWAY, 0, Connection, [0, 0, 0, 1, 0, 0, 0, 0])]),
            "200 whole",
            "",
        ),
        (
            "two goodbyes, each naming less",
            with(vec![
                sent(GOAWAY, 0, Connection, [0x7f, 0xff, 0xff, 0xff, 0, 0, 0, 0]),
                sent(GOAWAY, 0, Connection, [0, 0, 0, 1, 0, 0, 0, 0]),
            ]),
            "200 whole",
            "",
        ),
        ("a refusal that touched nothing", vec![reset(7)], "200 well", ""),
        (
            "goodbye that leaves it out",
            vec![sent(GOAWAY, 0, Connection, [0; 8])],
            "200 well",
            "",
        ),
        (
            "goodbye with an error that leaves it out",
            vec![sent(GOAWAY, 0, Connection, [0, 0, 0, 0, 0, 0, 0, 2])],
            "200 well",
            "",
        ),
    ]
}

/// Sends that to the first request, and answers all further ones.
async fn backend(frames_sent: Vec<Sent>) -> Backend {
    let once = std::sync::Arc::new(std::sync::Mutex::new(Some(frames_sent)));
    Backend::accepting(move |wire, _| {
        let once = once.clone();
        async move {
            let Some(mut frames) = Frames::try_begin(wire, &[]).await else {
                return;
            };
            while let Some(stream) = frames.request().await {
                let odd = once.lock().expect("nobody panics").take();
                let Some(odd) = odd else {
                    frames.reply(stream, b"well").await;
                    continue;
                };
                for sent in odd {
                    let on = match sent.on {
                        Other(u32::MAX) => return,
                        Connection => 0,
                        Stream => stream,
                        Other(other) => other,
                    };
                    frames.send(sent.kind, sent.flags, on, &sent.payload).await;
                }
            }
        }
    })
    .await
}

/// What a client sees: interim statuses, the status, and the body if there was an end of it and no refusal.
async fn seen(proxy: &Proxy) -> String {
    let mut client = Client::connect(&proxy.address()).await;
    client.send(get("/")).await;
    let mut seen = Vec::new();
    loop {
        match client.try_response().await {
            Ok(answer) if answer.status() < 200 && answer.status() != 101 => {
                seen.push(answer.status().to_string());
            }
            Ok(answer) if answer.status() == 200 => {
                seen.push(format!("200 {}", answer.text()));
                return seen.join(" ");
            }
            Ok(answer) => {
                seen.push(answer.status().to_string());
                return seen.join(" ");
            }
            Err(broken) => {
                let status = decoded(&broken.got, Kind::ResponseToHead).map_or(0, |head| head.status());
                let how = if broken.ended.is_some() { "broken" } else { "hangs" };
                seen.push(format!("{how} {status}"));
                return seen.join(" ");
            }
        }
    }
}

/// What came of one case; nothing if it is what should.
async fn wrong((name, frames, should, cause): Case) -> Option<String> {
    let backend = backend(frames).await;
    let setup = before(&[&backend]).recording("json").pool("ejection = false");
    let proxy = setup.start().await;
    let seen = seen(&proxy).await;
    if seen.contains("hangs") {
        return Some(format!("{name}: it hangs"));
    }
    let record = proxy.records(1).await.remove(0);
    let mut wrong = String::new();
    if seen != should {
        wrong += &format!(" saw {seen:?}, not {should:?};");
    }
    let is_named = match cause {
        "" => !record.contains("\"cause\""),
        cause => record.contains(&format!("\"cause\":\"{cause}\"")),
    };
    if !is_named {
        wrong += &format!(" not {cause:?}: {record};");
    }
    // Its connection is gone, or goes on: the next one is none the wiser. A probe may have to find out first.
    let again = async {
        while proxy.answer(get("/")).await.text() != "well" {
            tokio::time::sleep(std::time::Duration::from_millis(5)).await;
        }
    };
    if tokio::time::timeout(portreeve_testkit::PATIENCE, again)
        .await
        .is_err()
    {
        wrong += " and nobody is served after it;";
    }
    (!wrong.is_empty()).then(|| format!("{name}:{wrong}"))
}

async fn all(cases: Vec<Case>) {
    let mut faults = Vec::new();
    for case in cases {
        faults.extend(wrong(case).await);
    }
    assert!(faults.is_empty(), "\n{}", faults.join("\n"));
}

#[tokio::test]
async fn what_is_no_answer_is_told_and_harms_nobody_else() {
    all(answers_that_are_none()).await;
}

#[tokio::test]
async fn frames_out_of_place_are_told_and_harm_nobody_else() {
    all(frames_out_of_place()).await;
}

#[tokio::test]
async fn an_answer_that_breaks_off_is_never_taken_for_a_whole_one() {
    all(answers_that_break_off()).await;
}

#[tokio::test]
async fn what_only_looks_odd_passes() {
    all(answers_that_are_whole()).await;
}

#[tokio::test]
async fn interim_answers_without_end_are_ended() {
    let flood = (0..70).map(|_| head(&[&status("103")])).collect();
    let backend = backend(flood).await;
    let proxy = before(&[&backend]).recording("json").start().await;
    let seen = seen(&proxy).await;
    assert!(
        seen.ends_with(" 502") && seen.matches("103").count() <= 65,
        "{seen}"
    );
    let record = proxy.records(1).await.remove(0);
    assert!(record.contains("malformed_response"), "{record}");
}

#[tokio::test]
async fn a_head_that_is_too_large_is_told() {
    // Twelve fields of a table, each of which says 4,000 bytes: forty bytes on the wire.
    let big = [&[0x40, 1, b'x', 0x7f, 0xa1, 0x1e][..], &vec![b'v'; 4_000]].concat();
    for times in [20, 500] {
        let block = [STATUS_200, &big, &vec![0xbe; times]].concat();
        let backend = backend(vec![sent(HEADERS, END_HEADERS, Stream, block), last(b"x")]).await;
        let proxy = before(&[&backend]).recording("json").start().await;
        let seen = seen(&proxy).await;
        assert_eq!(seen, "502", "{times} times");
        let record = proxy.records(1).await.remove(0);
        assert!(
            record.contains("response_head_too_large") || record.contains("backend_protocol"),
            "{times} times: {record}"
        );
    }
}
