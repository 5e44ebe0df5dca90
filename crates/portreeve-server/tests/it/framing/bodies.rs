//! Where bodies begin and end.

use super::*;

#[tokio::test]
async fn chunk_extensions_and_trailers_of_a_request_are_kept() {
    let origin = Origin::replying(200, "").start().await;
    let proxy = Proxy::routing("app.test", &[&origin]).await;
    assert_eq!(
        proxy.answer(format!("{CHUNKED_POST}{ODD_BODY}")).await.status(),
        200
    );
    assert_eq!(text(origin.request().await.raw_body()), text(ODD_BODY.as_bytes()));
}

#[tokio::test]
async fn chunk_extensions_and_trailers_of_a_response_are_kept() {
    let origin = origin_sending(format!("{CHUNKED_OK}{ODD_BODY}")).await;
    let proxy = Proxy::routing("app.test", &[&origin]).await;
    let response = proxy.answer(get("/")).await;
    assert_eq!(text(response.raw_body()), text(ODD_BODY.as_bytes()));
    assert_eq!(response.trailers[0], ("X-Sum".to_owned(), "1".to_owned()));
}

#[tokio::test]
async fn any_split_of_a_chunked_request_is_the_same_request() {
    let origin = Origin::replying(200, "").start().await;
    let proxy = Proxy::routing("app.test", &[&origin]).await;
    let request = format!("{CHUNKED_POST}{ODD_BODY}");
    for cut in 1..request.len() {
        let mut client = proxy.connect().await;
        client.send(&request[..cut]).await;
        tokio::time::sleep(Duration::from_millis(1)).await;
        client.send(&request[cut..]).await;
        assert_eq!(client.response().await.status(), 200, "cut at {cut}");
        let seen = origin.requests().await.pop().expect("it was answered");
        assert_eq!(text(seen.raw_body()), text(ODD_BODY.as_bytes()), "cut at {cut}");
    }
}

#[tokio::test]
async fn a_request_and_an_answer_byte_by_byte_are_whole() {
    let script = Script::new().read_request();
    let script = script.send_pieces(format!("{CHUNKED_OK}{ODD_BODY}"), 1, Duration::from_micros(300));
    let origin = Origin::scripted(script.forever()).start().await;
    let proxy = Proxy::routing("app.test", &[&origin]).await;
    let mut client = proxy.connect().await;
    client
        .send_pieces(format!("{CHUNKED_POST}{ODD_BODY}"), 1, Duration::from_micros(300))
        .await;
    assert_eq!(
        text(client.response().await.raw_body()),
        text(ODD_BODY.as_bytes())
    );
    assert_eq!(text(origin.request().await.raw_body()), text(ODD_BODY.as_bytes()));
}

#[tokio::test]
async fn a_body_that_runs_to_the_close_arrives_whole() {
    let origin = origin_sending_once("HTTP/1.1 200 OK\r\n\r\nall of it").await;
    let proxy = Proxy::routing("app.test", &[&origin]).await;
    assert_eq!(proxy.answer(get("/")).await.text(), "all of it");
}

#[tokio::test]
async fn an_empty_body_that_runs_to_the_close_is_empty() {
    let origin = origin_sending_once("HTTP/1.1 200 OK\r\n\r\n").await;
    let proxy = Proxy::routing("app.test", &[&origin]).await;
    assert_eq!(proxy.answer(get("/")).await.text(), "");
}

#[tokio::test]
async fn an_answer_to_head_keeps_its_length_and_the_connection() {
    let script = Script::new()
        .read_request()
        .send("HTTP/1.1 200 OK\r\nContent-Length: 99\r\n\r\n")
        .forever();
    let origin = Origin::scripted(script).start().await;
    let proxy = Proxy::routing("app.test", &[&origin]).await;
    let mut client = proxy.connect().await;
    for _ in 0..3 {
        client.send("HEAD / HTTP/1.1\r\nHost: app.test\r\n\r\n").await;
        assert_eq!(
            client.response_to_head().await.field("content-length").as_deref(),
            Some("99")
        );
    }
    assert_eq!(origin.connection_count(), 1);
}

#[tokio::test]
async fn an_answer_to_head_may_say_chunked() {
    let origin = origin_sending("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n").await;
    let proxy = Proxy::routing("app.test", &[&origin]).await;
    let mut client = proxy.connect().await;
    for _ in 0..2 {
        client.send("HEAD / HTTP/1.1\r\nHost: app.test\r\n\r\n").await;
        assert_eq!(client.response_to_head().await.status(), 200);
    }
}

#[tokio::test]
async fn answers_without_body_leave_the_connection_in_step() {
    for head in [
        "204 No Content\r\n",
        "304 Not Modified\r\nContent-Length: 5\r\n",
        "304 Not Modified\r\n",
    ] {
        let origin = origin_sending(format!("HTTP/1.1 {head}ETag: x\r\n\r\n")).await;
        let proxy = Proxy::routing("app.test", &[&origin]).await;
        let mut client = proxy.connect().await;
        for _ in 0..2 {
            client.send(get("/")).await;
            let response = client.response().await;
            assert_eq!(
                (response.line(), response.raw_body()),
                (format!("HTTP/1.1 {}", head.split('\r').next().unwrap()), &b""[..])
            );
        }
        assert_eq!(origin.connection_count(), 1, "{head}");
    }
}

#[tokio::test]
async fn bytes_after_an_answer_that_has_no_body_are_nobodys_answer() {
    let origin =
        origin_sending("HTTP/1.1 204 No Content\r\n\r\nHTTP/1.1 200 OK\r\nContent-Length: 4\r\n\r\nevil")
            .await;
    let proxy = Proxy::routing("app.test", &[&origin]).await;
    let mut client = proxy.connect().await;
    for _ in 0..3 {
        client.send(get("/")).await;
        assert_eq!(client.response().await.status(), 204);
    }
}

#[tokio::test]
async fn bytes_after_a_body_are_nobodys_answer() {
    let origin =
        origin_sending(answer("200 OK", "hi") + "HTTP/1.1 200 OK\r\nContent-Length: 4\r\n\r\nevil").await;
    let proxy = Proxy::routing("app.test", &[&origin]).await;
    let mut client = proxy.connect().await;
    for _ in 0..3 {
        client.send(get("/")).await;
        assert_eq!(client.response().await.text(), "hi");
    }
}

#[tokio::test]
async fn get_may_have_a_body() {
    let origin = Origin::replying(200, "").start().await;
    let proxy = Proxy::routing("app.test", &[&origin]).await;
    proxy
        .answer("GET / HTTP/1.1\r\nHost: app.test\r\nContent-Length: 3\r\n\r\nabc")
        .await;
    assert_eq!(origin.request().await.text(), "abc");
}

#[tokio::test]
async fn a_length_of_zero_passes_as_it_is() {
    let origin = Origin::replying(200, "").start().await;
    let proxy = Proxy::routing("app.test", &[&origin]).await;
    proxy.answer(post("")).await;
    assert_eq!(
        origin.request().await.field("content-length").as_deref(),
        Some("0")
    );
}

#[tokio::test]
async fn bytes_after_an_answer_to_head_are_nobodys_answer() {
    let origin = origin_sending(answer("200 OK", "a body that HEAD never has")).await;
    let proxy = Proxy::routing("app.test", &[&origin]).await;
    let mut client = proxy.connect().await;
    for _ in 0..3 {
        client.send("HEAD / HTTP/1.1\r\nHost: app.test\r\n\r\n").await;
        assert_eq!(client.response_to_head().await.status(), 200);
    }
    client.send(get("/")).await;
    assert_eq!(client.response().await.text(), "a body that HEAD never has");
}
