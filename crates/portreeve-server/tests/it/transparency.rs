//! Duty: every method, path, query, header and body passes byte for byte as the client wrote it.

use portreeve_testkit::{Message, Origin, Proxy, Script, answer, get};

async fn seen_by_origin(request: impl AsRef<[u8]>) -> Message {
    let origin = Origin::replying(200, "hi").start().await;
    let proxy = Proxy::routing("app.test", &[&origin]).await;
    assert_eq!(proxy.answer(request).await.status(), 200);
    origin.request().await
}

/// The field lines that are not the proxy's own.
fn passed_lines(message: &Message) -> Vec<String> {
    const OWN: [&str; 5] = [
        "x-forwarded-for",
        "x-forwarded-proto",
        "x-forwarded-host",
        "forwarded",
        "via",
    ];
    let mut lines = message.field_lines();
    lines.retain(|line| {
        !OWN.contains(
            &line
                .split(':')
                .next()
                .unwrap_or_default()
                .to_ascii_lowercase()
                .as_str(),
        )
    });
    lines
}

fn every_byte(count: usize) -> Vec<u8> {
    (0..=250).cycle().take(count).collect()
}

#[tokio::test]
async fn every_method_passes() {
    let origin = Origin::replying(200, "").start().await;
    let proxy = Proxy::routing("app.test", &[&origin]).await;
    let methods = [
        "GET",
        "POST",
        "PUT",
        "DELETE",
        "PATCH",
        "OPTIONS",
        "TRACE",
        "PROPFIND",
        "M-SEARCH",
        "BREW",
        "get",
        "Get",
        "PRI",
        "!#$%&'*+-.^_`|~09azAZ",
        "X",
        "AVERYLONGMETHODNAMETHATNOBODYHASEVERHEARDOFBUTTHATISATOKENNEVERTHELESS",
    ];
    let mut client = proxy.connect().await;
    for method in methods {
        client
            .send(format!("{method} /m HTTP/1.1\r\nHost: app.test\r\n\r\n"))
            .await;
        assert_eq!(client.response().await.status(), 200, "{method}");
        let seen = origin.requests().await.pop().expect("it was answered");
        assert_eq!(seen.line(), format!("{method} /m HTTP/1.1"));
    }
}

#[tokio::test]
async fn head_passes_and_its_answer_has_no_body() {
    let origin = Origin::scripted(
        Script::new()
            .read_request()
            .send("HTTP/1.1 200 OK\r\nContent-Length: 7\r\n\r\n")
            .forever(),
    );
    let origin = origin.start().await;
    let proxy = Proxy::routing("app.test", &[&origin]).await;
    let mut client = proxy.connect().await;
    client.send("HEAD /h HTTP/1.1\r\nHost: app.test\r\n\r\n").await;
    assert_eq!(
        client.response_to_head().await.field("content-length").as_deref(),
        Some("7")
    );
    assert_eq!(origin.request().await.line(), "HEAD /h HTTP/1.1");
}

#[tokio::test]
async fn every_target_passes_undecoded() {
    let origin = Origin::replying(200, "").start().await;
    let proxy = Proxy::routing("app.test", &[&origin]).await;
    let long = format!("/{}", "a%2f".repeat(2_000));
    let targets = [
        "/",
        "/a%2Fb",
        "/a%2fb",
        "/%7euser/%7Euser/~user",
        "/a//b/./c/../d",
        "/../../etc/passwd",
        "/%2e%2e/%2E./x",
        "/?",
        "/??",
        "/?a=b&a=c&&",
        "/a?q=%zz%",
        "/%",
        "/%00",
        "/a;b=c;d?e;f",
        "/|{}^`\"<>\\[]",
        "/caf%C3%A9",
        "/a?redirect=http://x.test/?y=1",
        "//double",
        "/.",
        "/..",
        "/a/",
        "/:@!$&'()*+,;=-._~",
        "/a%20b+c",
        &long,
    ];
    let mut client = proxy.connect().await;
    for target in targets {
        client.send(get(target)).await;
        assert_eq!(client.response().await.status(), 200, "{target}");
        let seen = origin.requests().await.pop().expect("it was answered");
        assert_eq!(seen.line(), format!("GET {target} HTTP/1.1"));
    }
}

#[tokio::test]
async fn the_asterisk_passes() {
    let seen = seen_by_origin("OPTIONS * HTTP/1.1\r\nHost: app.test\r\n\r\n").await;
    assert_eq!(seen.line(), "OPTIONS * HTTP/1.1");
}

#[tokio::test]
async fn an_absolute_target_reaches_the_backend_in_origin_form() {
    let seen = seen_by_origin("GET http://app.test/a%2Fb?c HTTP/1.1\r\nHost: app.test\r\n\r\n").await;
    assert_eq!(seen.line(), "GET /a%2Fb?c HTTP/1.1");
    assert_eq!(seen.field("host").as_deref(), Some("app.test"));
    let seen = seen_by_origin("GET http://app.test HTTP/1.1\r\nHost: app.test\r\n\r\n").await;
    assert_eq!(seen.line(), "GET / HTTP/1.1");
}

#[tokio::test]
async fn field_lines_keep_case_order_duplicates_and_space() {
    let lines = [
        "hOST: app.test",
        "X-b: 2",
        "x-A: 1",
        "X-B: 3",
        "X-Empty:",
        "X-None:x",
        "X-Space:   a  b   ",
        "X-Tab:\ta\tb",
        "Accept: */*",
        "accept: text/html;q=0.5",
        "X-Quote: \"a, b\", c",
        "User-Agent: Test/1 (x; y)",
        "Accept-Encoding: gzip, br",
        "Range: bytes=0-1",
        "Authorization: Basic eDp5",
        "If-None-Match: W/\"1\"",
        "!#$%&'*+-.^_`|~: odd",
        "1: digit",
        "X-Latin: caf\u{e9}",
        "Cache-Control: no-cache",
        "X-Obs: \u{80}\u{ff}",
    ];
    let head = format!("GET / HTTP/1.1\r\n{}\r\n\r\n", lines.join("\r\n"));
    let bytes: Vec<u8> = head
        .chars()
        .map(|letter| u8::try_from(u32::from(letter)).unwrap())
        .collect();
    let seen = seen_by_origin(bytes).await;
    assert_eq!(passed_lines(&seen), lines);
}

#[tokio::test]
async fn host_passes_as_written() {
    for host in ["APP.test", "app.test:80", "App.Test:8080"] {
        let seen = seen_by_origin(format!("GET / HTTP/1.1\r\nHost: {host}\r\n\r\n")).await;
        assert_eq!(seen.field("host").as_deref(), Some(host));
    }
}

#[tokio::test]
async fn cookies_pass_in_both_directions() {
    let set = "HTTP/1.1 200 OK\r\nSet-Cookie: a=1; Path=/, x\r\nset-cookie: b=\"2\"\r\nSet-Cookie: a=1\r\nContent-Length: 0\r\n\r\n";
    let origin = Origin::scripted(Script::new().read_request().send(set).forever())
        .start()
        .await;
    let proxy = Proxy::routing("app.test", &[&origin]).await;
    let request = "GET / HTTP/1.1\r\nHost: app.test\r\nCookie: a=1; b=2\r\ncookie: c=\"3;4\"; =; d\r\n\r\n";
    let response = proxy.answer(request).await;
    assert_eq!(
        response.values("set-cookie"),
        ["a=1; Path=/, x", "b=\"2\"", "a=1"]
    );
    assert_eq!(
        origin.request().await.values("cookie"),
        ["a=1; b=2", "c=\"3;4\"; =; d"]
    );
}

#[tokio::test]
async fn response_lines_keep_case_order_duplicates_and_space() {
    let lines = [
        "SERVER: Odd/1",
        "x-b: 2",
        "Date: Sun, 06 Nov 1994 08:49:37 GMT",
        "X-a:1",
        "X-B:  3  ",
        "ETag: W/\"x\"",
        "Content-Length: 2",
        "Vary: a",
        "vary: b",
        "X-Empty:",
        "Content-Encoding: gzip",
        "Age: 3",
    ];
    let head = format!("HTTP/1.1 200 OK\r\n{}\r\n\r\nhi", lines.join("\r\n"));
    let origin = Origin::scripted(Script::new().read_request().send(head).forever())
        .start()
        .await;
    let proxy = Proxy::routing("app.test", &[&origin]).await;
    assert_eq!(passed_lines(&proxy.answer(get("/")).await), lines);
}

#[tokio::test]
async fn status_and_reason_pass_as_they_are() {
    for status in [
        "200 ",
        "299 Odd, very (odd)",
        "418 I'm a teapot",
        "599 x",
        "500 Internal",
        "404 caf\u{e9}",
    ] {
        let origin = Origin::scripted(Script::new().read_request().send(answer(status, "b")))
            .start()
            .await;
        let proxy = Proxy::routing("app.test", &[&origin]).await;
        let response = proxy.answer(get("/")).await;
        let line = format!("HTTP/1.1 {status}\r\n");
        assert!(
            response.raw.starts_with(line.as_bytes()),
            "{status}: {}",
            response.line()
        );
        assert_eq!(response.text(), "b");
    }
}

#[tokio::test]
async fn redirects_are_passed_and_not_followed() {
    let redirect = "HTTP/1.1 302 Found\r\nLocation: http://app.test/b\r\nContent-Length: 0\r\n\r\n";
    let origin = Origin::scripted(Script::new().read_request().send(redirect).forever())
        .start()
        .await;
    let proxy = Proxy::routing("app.test", &[&origin]).await;
    let response = proxy.answer(get("/a")).await;
    assert_eq!(
        (response.status(), response.field("location").as_deref()),
        (302, Some("http://app.test/b"))
    );
    assert_eq!(origin.requests().await.len(), 1);
}

#[tokio::test]
async fn date_and_server_of_the_backend_stay_the_only_ones() {
    let head = "HTTP/1.1 200 OK\r\nDate: yesterday\r\nServer: theirs\r\nContent-Length: 0\r\n\r\n";
    let origin = Origin::scripted(Script::new().read_request().send(head))
        .start()
        .await;
    let proxy = Proxy::routing("app.test", &[&origin]).await;
    let response = proxy.answer(get("/")).await;
    assert_eq!(
        (response.values("date"), response.values("server")),
        (vec!["yesterday".into()], vec!["theirs".into()])
    );
}

#[tokio::test]
async fn bodies_of_any_size_pass_in_both_directions() {
    let echo = |request: &Message| {
        let head = format!(
            "HTTP/1.1 200 OK\r\nContent-Length: {}\r\n\r\n",
            request.body.len()
        );
        [head.as_bytes(), &request.body].concat()
    };
    let origin = Origin::answering(echo).start().await;
    let proxy = Proxy::routing("app.test", &[&origin]).await;
    let mut client = proxy.connect().await;
    for size in [
        0,
        1,
        2,
        4_095,
        4_096,
        16_383,
        65_535,
        65_536,
        65_537,
        1 << 20,
        5_000_000,
    ] {
        let body = every_byte(size);
        client
            .send(format!(
                "POST / HTTP/1.1\r\nHost: app.test\r\nContent-Length: {size}\r\n\r\n"
            ))
            .await;
        client.send(&body).await;
        let response = client.response().await;
        assert!(
            response.body == body,
            "{size} bytes went, {} came",
            response.body.len()
        );
    }
}

#[tokio::test]
async fn chunked_bodies_of_any_size_pass_in_both_directions() {
    let echo = |request: &Message| {
        [
            b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n",
            request.raw_body(),
        ]
        .concat()
    };
    let origin = Origin::answering(echo).start().await;
    let proxy = Proxy::routing("app.test", &[&origin]).await;
    let mut client = proxy.connect().await;
    for (size, chunk) in [
        (0, 1),
        (1, 1),
        (300, 1),
        (70_000, 65_536),
        (1 << 20, 10_007),
        (3_000_000, 3_000_000),
    ] {
        let body = chunked(&every_byte(size), chunk);
        client
            .send("POST / HTTP/1.1\r\nHost: app.test\r\nTransfer-Encoding: chunked\r\n\r\n")
            .await;
        client.send(&body).await;
        assert!(
            client.response().await.raw_body() == body,
            "{size} bytes in chunks of {chunk}"
        );
    }
}

fn chunked(data: &[u8], size: usize) -> Vec<u8> {
    let mut body = Vec::new();
    for chunk in data.chunks(size) {
        body.extend_from_slice(format!("{:x}\r\n", chunk.len()).as_bytes());
        body.extend_from_slice(chunk);
        body.extend_from_slice(b"\r\n");
    }
    [body.as_slice(), b"0\r\n\r\n"].concat()
}
