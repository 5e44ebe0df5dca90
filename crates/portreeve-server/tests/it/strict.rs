//! Duty: strict where laxness is dangerous. What is malformed is refused and never forwarded, nor half understood.

use portreeve_testkit::{Ended, Message, Origin, Proxy, get, text};

/// Requests that are refused with 400. `H` stands for a right Host line, `|` for CRLF, `POST` heads have a body after.
const MALFORMED: &[&str] = &[
    // The request line.
    "GET  / HTTP/1.1|H||",
    "GET /  HTTP/1.1|H||",
    " GET / HTTP/1.1|H||",
    "GET / HTTP/1.1 |H||",
    "GET\t/ HTTP/1.1|H||",
    "GET /\tHTTP/1.1|H||",
    "GET / a HTTP/1.1|H||",
    "GET /|H||",
    "GET|H||",
    "GET / http/1.1|H||",
    "GET / HTTP/1.|H||",
    "GET / HTTP/11|H||",
    "GET / HTTP/1.10|H||",
    "GET / HTTP/+1.1|H||",
    "GET / HTTPS/1.1|H||",
    "GET / |H||",
    "G@T / HTTP/1.1|H||",
    "G\0T / HTTP/1.1|H||",
    "G(T / HTTP/1.1|H||",
    "{\"a\":1}|||",
    "GET /\0 HTTP/1.1|H||",
    "GET /\u{1} HTTP/1.1|H||",
    "GET /\u{7f} HTTP/1.1|H||",
    "GET /caf\u{e9} HTTP/1.1|H||",
    "GET noslash HTTP/1.1|H||",
    "GET * HTTP/1.1|H||",
    "GET app.test:80 HTTP/1.1|H||",
    "CONNECT / HTTP/1.1|H||",
    // Line ends.
    "GET / HTTP/1.1\nHost: app.test\n\n",
    "GET / HTTP/1.1|H\n|",
    "GET / HTTP/1.1\n|H||",
    "GET / HTTP/1.1|Host: app.test\rX: y||",
    "GET / HTTP/1.1|H|X: a\r|X: b||",
    "GET / HTTP/1.1\r\r\nHost: app.test||",
    "GET / HTTP/1.1|H|X: a\nContent-Length: 5||hello",
    "GET / HTTP/1.1|H|X: a\rTransfer-Encoding: chunked||0||",
    // Field lines.
    "GET / HTTP/1.1|Host : app.test||",
    "GET / HTTP/1.1|H|X : a||",
    "GET / HTTP/1.1|H|X\t: a||",
    "GET / HTTP/1.1|H|: a||",
    "GET / HTTP/1.1|H|nocolon||",
    "GET / HTTP/1.1|H|X Y: a||",
    "GET / HTTP/1.1|H|X(Y): a||",
    "GET / HTTP/1.1|H|X\u{e9}: a||",
    "GET / HTTP/1.1|H|X\0Y: a||",
    "GET / HTTP/1.1|H|X: a\0b||",
    "GET / HTTP/1.1|H|X: a\u{1}b||",
    "GET / HTTP/1.1|H|X: a\u{7f}b||",
    "GET / HTTP/1.1|H|X: a| folded||",
    "GET / HTTP/1.1|H|X: a|\tfolded||",
    "GET / HTTP/1.1| H||",
    "GET / HTTP/1.1|\tX: a|H||",
    // Host.
    "GET / HTTP/1.1||",
    "GET / HTTP/1.1|X: a||",
    "GET / HTTP/1.1|H|H||",
    "GET / HTTP/1.1|H|Host: other.test||",
    "GET / HTTP/1.0|H|Host: other.test||",
    "GET / HTTP/1.1|Host: app.test, other.test||",
    "GET / HTTP/1.1|Host: app.test/evil||",
    "GET / HTTP/1.1|Host: user@app.test||",
    "GET / HTTP/1.1|Host: app.test:abc||",
    "GET / HTTP/1.1|Host: app.test:99999||",
    "GET / HTTP/1.1|Host: app test||",
    "GET / HTTP/1.1|Host: [::1||",
    "GET http://other.test/ HTTP/1.1|H||",
    "GET http://app.test:81/ HTTP/1.1|H||",
    "GET http://user@app.test/ HTTP/1.1|Host: user@app.test||",
    "GET http:// HTTP/1.1|H||",
    "GET http:///x HTTP/1.1|H||",
    // Content-Length.
    "POST / HTTP/1.1|H|Content-Length: 5|Content-Length: 5||hello",
    "POST / HTTP/1.1|H|Content-Length: 5|Content-Length: 6||hello!",
    "POST / HTTP/1.1|H|Content-Length: 5, 5||hello",
    "POST / HTTP/1.1|H|Content-Length: +5||hello",
    "POST / HTTP/1.1|H|Content-Length: -5||hello",
    "POST / HTTP/1.1|H|Content-Length: 0x5||hello",
    "POST / HTTP/1.1|H|Content-Length: 5 5||hello",
    "POST / HTTP/1.1|H|Content-Length: 5.0||hello",
    "POST / HTTP/1.1|H|Content-Length:||hello",
    "POST / HTTP/1.1|H|Content-Length: five||hello",
    "POST / HTTP/1.1|H|Content-Length: \"5\"||hello",
    "POST / HTTP/1.1|H|Content-Length: 18446744073709551616||hello",
    "POST / HTTP/1.1|H|Content-Length: 99999999999999999999999999||hello",
    // Transfer-Encoding.
    "POST / HTTP/1.1|H|Content-Length: 5|Transfer-Encoding: chunked||0||",
    "POST / HTTP/1.1|H|Transfer-Encoding: chunked|Content-Length: 5||0||",
    "POST / HTTP/1.1|H|Transfer-Encoding: identity||hello",
    "POST / HTTP/1.1|H|Transfer-Encoding: gzip||hello",
    "POST / HTTP/1.1|H|Transfer-Encoding: chunked, gzip||0||",
    "POST / HTTP/1.1|H|Transfer-Encoding: chunked, identity||0||",
    "POST / HTTP/1.1|H|Transfer-Encoding: chunked|Transfer-Encoding: chunked||0||",
    "POST / HTTP/1.1|H|Transfer-Encoding: chunked, chunked||0||",
    "POST / HTTP/1.1|H|Transfer-Encoding: chunked|Transfer-Encoding: identity||0||",
    "POST / HTTP/1.1|H|Transfer-Encoding: xchunked||0||",
    "POST / HTTP/1.1|H|Transfer-Encoding: chunkedx||0||",
    "POST / HTTP/1.1|H|Transfer-Encoding: chunk ed||0||",
    "POST / HTTP/1.1|H|Transfer-Encoding: \u{b}chunked||0||",
    "POST / HTTP/1.1|H|Transfer-Encoding: 'chunked'||0||",
    "POST / HTTP/1.1|H|Transfer-Encoding: chunked;q=1||0||",
    "POST / HTTP/1.1|H|Transfer-Encoding:||0||",
    "POST / HTTP/1.1|H|Transfer-Encoding : chunked||0||",
    "POST / HTTP/1.1|H|Transfer-Encoding:| chunked||0||",
    "POST / HTTP/1.0|H|Transfer-Encoding: chunked||0||",
];

/// Chunked bodies, after a right head, that are refused with 400.
const MALFORMED_BODIES: &[&str] = &[
    "g|a|0||",
    "|0||",
    " 1|a|0||",
    "+1|a|0||",
    "-1|a|0||",
    "0x1|a|0||",
    "1_0|a|0||",
    "1 1|a|0||",
    "00000000000000001|a|0||",
    "10000000000000000|a|0||",
    "fffffffffffffffff|a|0||",
    "1\na|0||",
    "1|a\n0||",
    "1|ab|0||",
    "1|a0||",
    "1\r\ra|0||",
    "1;a\nb|a|0||",
    "1;\0|a|0||",
    "1;a=\u{1}|a|0||",
    "1\0|a|0||",
    "1|a|0|Content-Length: 5||",
    "1|a|0|Transfer-Encoding: chunked||",
    "1|a|0|Host: evil.test||",
    "1|a|0|X : y||",
    "1|a|0| X: y||",
    "1|a|0|X: a\nY: b||",
    "1|a|0|X: a\0||",
    "1|a|0\n\n",
];

/// Refused too, but for a reason that has a status of its own.
const UNSUPPORTED: &[(&str, u16)] = &[
    ("GET / HTTP/2.0|H||", 505),
    ("GET / HTTP/0.9|H||", 505),
    ("GET / HTTP/3.0|H||", 505),
    ("POST / HTTP/1.1|H|Transfer-Encoding: gzip, chunked||0||", 501),
    (
        "POST / HTTP/1.1|H|Transfer-Encoding: gzip|Transfer-Encoding: chunked||0||",
        501,
    ),
];

/// A backend's answers that become 502. After `HEAD ` the request is one.
const MALFORMED_ANSWERS: &[&str] = &[
    "HTTP/1.1 20 OK||",
    "HTTP/1.1 2000 OK||",
    "HTTP/1.1 abc OK||",
    "HTTP/1.1 099 OK|Content-Length: 0||",
    "HTTP/1.1  200 OK|Content-Length: 0||",
    "HTTP/1.1\t200 OK|Content-Length: 0||",
    "http/1.1 200 OK|Content-Length: 0||",
    "HTTP/2.0 200 OK|Content-Length: 0||",
    "HTTP/1.1200 OK|Content-Length: 0||",
    "ICY 200 OK|Content-Length: 0||",
    "hello|there||",
    "\0\0\0\0||",
    "|HTTP/1.1 200 OK|Content-Length: 0||",
    "HTTP/1.1 200 O\0K|Content-Length: 0||",
    "HTTP/1.1 200 OK\nContent-Length: 0\n\n",
    "HTTP/1.1 200 OK|Content-Length: 0\n|",
    "HTTP/1.1 200 OK|X: a\rY: b|Content-Length: 0||",
    "HTTP/1.1 200 OK|X : a|Content-Length: 0||",
    "HTTP/1.1 200 OK|X: a| folded|Content-Length: 0||",
    "HTTP/1.1 200 OK|X: a\0|Content-Length: 0||",
    "HTTP/1.1 200 OK|nocolon|Content-Length: 0||",
    "HTTP/1.1 200 OK|: a|Content-Length: 0||",
    "HTTP/1.1 200 OK|Content-Length: 2|Content-Length: 2||hi",
    "HTTP/1.1 200 OK|Content-Length: 2|Content-Length: 3||hi!",
    "HTTP/1.1 200 OK|Content-Length: 2, 2||hi",
    "HTTP/1.1 200 OK|Content-Length: +2||hi",
    "HTTP/1.1 200 OK|Content-Length: two||hi",
    "HTTP/1.1 200 OK|Content-Length:||hi",
    "HTTP/1.1 200 OK|Content-Length: 18446744073709551616||hi",
    "HTTP/1.1 200 OK|Content-Length: 2|Transfer-Encoding: chunked||0||",
    "HTTP/1.1 200 OK|Transfer-Encoding: chunked, chunked||0||",
    "HTTP/1.1 200 OK|Transfer-Encoding: xchunked||0||",
    "HTTP/1.0 200 OK|Transfer-Encoding: chunked||0||",
    "HTTP/1.1 101 Switching Protocols|Upgrade: x|Connection: upgrade||",
];

fn bytes(pattern: &str) -> Vec<u8> {
    let whole = pattern
        .replace("|H|", "|Host: app.test|")
        .replace("|H|", "|Host: app.test|")
        .replace("|H\n", "|Host: app.test\n")
        .replace("| H|", "| Host: app.test|")
        .replace('|', "\r\n");
    // Latin-1, so that a pattern can say any byte. `Host:` patterns of their own begin with `|Host`.
    let whole = whole.replace("Host: app.testost", "Host");
    whole
        .chars()
        .map(|letter| u8::try_from(u32::from(letter)).expect("patterns are Latin-1"))
        .collect()
}

async fn refused(proxy: &Proxy, request: &[u8], status: u16) -> Result<(), String> {
    let mut client = proxy.connect().await;
    client.send(request).await;
    let response = client.try_response().await.map_err(|broken| broken.to_string())?;
    if response.status() != status {
        return Err(format!("answered {}", response.line()));
    }
    match client
        .patience(std::time::Duration::from_secs(3))
        .try_response()
        .await
    {
        Err(broken) if broken.ended == Some(Ended::Closed) && broken.got.is_empty() => Ok(()),
        Err(broken) => Err(format!("then, instead of a close: {broken}")),
        Ok(more) => Err(format!("then came {}", text(&more.raw))),
    }
}

async fn all_refused(requests: Vec<(Vec<u8>, u16)>) {
    let origin = Origin::replying(200, "hi").start().await;
    let proxy = Proxy::routing("app.test", &[&origin]).await;
    let mut wrong = Vec::new();
    for (request, status) in &requests {
        if let Err(what) = refused(&proxy, request, *status).await {
            wrong.push(format!("{} must be {status}: {what}", text(request)));
        }
    }
    let reached: Vec<String> = origin
        .requests()
        .await
        .iter()
        .map(|request| text(&request.raw))
        .collect();
    assert!(
        wrong.is_empty() && reached.is_empty(),
        "{}\nreached the origin: {reached:#?}",
        wrong.join("\n")
    );
    assert_eq!(
        proxy.answer(get("/")).await.text(),
        "hi",
        "and a right request is still served"
    );
}

#[tokio::test]
async fn malformed_requests_are_refused_and_not_forwarded() {
    let requests: Vec<(Vec<u8>, u16)> = MALFORMED.iter().map(|pattern| (bytes(pattern), 400)).collect();
    assert!(requests.len() >= 60);
    all_refused(requests).await;
}

#[tokio::test]
async fn unsupported_versions_and_codings_are_refused_and_not_forwarded() {
    all_refused(
        UNSUPPORTED
            .iter()
            .map(|(pattern, status)| (bytes(pattern), *status))
            .collect(),
    )
    .await;
}

/// The head is right, so it may have been forwarded when the body turns out wrong; but no request is ever completed.
#[tokio::test]
async fn malformed_chunked_bodies_are_refused_and_never_completed() {
    let origin = Origin::replying(200, "hi").start().await;
    let proxy = Proxy::routing("app.test", &[&origin]).await;
    let mut wrong = Vec::new();
    for body in MALFORMED_BODIES {
        let request = [
            b"POST / HTTP/1.1\r\nHost: app.test\r\nTransfer-Encoding: chunked\r\n\r\n",
            bytes(body).as_slice(),
        ]
        .concat();
        if let Err(what) = refused(&proxy, &request, 400).await {
            wrong.push(format!("{}: {what}", text(&request)));
        }
    }
    let completed: Vec<String> = origin
        .requests()
        .await
        .iter()
        .filter(|request| request.raw_body().ends_with(b"\r\n\r\n"))
        .map(|request| text(&request.raw))
        .collect();
    assert!(
        wrong.is_empty() && completed.is_empty(),
        "{}\ncompleted: {completed:#?}",
        wrong.join("\n")
    );
}

#[tokio::test]
async fn a_malformed_request_behind_a_good_one_is_refused() {
    let origin = Origin::replying(200, "hi").start().await;
    let proxy = Proxy::routing("app.test", &[&origin]).await;
    let mut client = proxy.connect().await;
    client
        .send(format!(
            "{}GET / HTTP/1.1\r\nHost : app.test\r\n\r\n{}",
            get("/"),
            get("/never")
        ))
        .await;
    assert_eq!(client.response().await.status(), 200);
    let response = client.response().await;
    assert_eq!(
        (response.status(), response.field("connection").as_deref()),
        (400, Some("close"))
    );
    client.expect_closed().await;
    assert_eq!(origin.requests().await.len(), 1);
}

#[tokio::test]
async fn malformed_answers_become_502() {
    let origin = Origin::answering(malformed_answer).start().await;
    let proxy = Proxy::routing("app.test", &[&origin]).await;
    let mut wrong = Vec::new();
    for (index, pattern) in MALFORMED_ANSWERS.iter().enumerate() {
        let mut client = proxy.connect().await;
        client.send(get(&format!("/{index}"))).await;
        match client.try_response().await {
            Ok(response) if response.status() == 502 => {}
            Ok(response) => wrong.push(format!("{pattern:?} became {}", text(&response.raw))),
            Err(broken) => wrong.push(format!("{pattern:?}: {broken}")),
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

/// The answer whose number is the request's path.
fn malformed_answer(request: &Message) -> Vec<u8> {
    let line = request.line();
    let index = line
        .split(['/', ' '])
        .nth(2)
        .and_then(|number| number.parse::<usize>().ok())
        .expect("a number");
    bytes(MALFORMED_ANSWERS[index])
}

#[tokio::test]
async fn a_malformed_chunk_in_an_answer_aborts_it() {
    let bad = [
        "x\r\n",
        "2\r\nhiX\r\n0\r\n\r\n",
        "-1\r\n",
        "00000000000000001\r\na\r\n0\r\n\r\n",
        "1\na\r\n0\r\n\r\n",
        "0\r\nContent-Length: 1\r\n\r\n",
    ];
    for body in bad {
        let whole = format!("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n2\r\nok\r\n{body}");
        let origin = Origin::answering(move |_| whole.clone().into_bytes())
            .start()
            .await;
        let proxy = Proxy::routing("app.test", &[&origin]).await;
        let mut client = proxy.connect().await;
        client.send(get("/")).await;
        match client.try_response().await {
            Ok(response) => assert_eq!(
                response.status(),
                502,
                "{body:?} was completed: {}",
                text(&response.raw)
            ),
            Err(broken) => assert!(broken.ended.is_some(), "{body:?}: {broken}"),
        }
    }
}

#[tokio::test]
async fn a_chunk_line_without_end_is_refused() {
    let origin = Origin::replying(200, "hi").start().await;
    let proxy = Proxy::routing("app.test", &[&origin]).await;
    let head = "POST / HTTP/1.1\r\nHost: app.test\r\nTransfer-Encoding: chunked\r\n\r\n";
    let request = format!("{head}1;{}\r\na\r\n0\r\n\r\n", "a".repeat(100_000));
    refused(&proxy, request.as_bytes(), 400).await.unwrap();
}
