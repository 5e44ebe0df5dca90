//! Requests and answers come through as they are, whatever their form.

use bytes::Bytes;
use http::HeaderMap;
use portreeve_testkit::{Origin, Proxy, Script, answer};

use super::peer::{Peer, request, whole};

#[tokio::test]
async fn a_get_reaches_a_backend_of_http1_and_its_answer_the_client() {
    let origin = Origin::replying(200, "hello").start().await;
    let proxy = Proxy::before("app.test", &[&origin])
        .recording("json")
        .start()
        .await;
    let mut peer = Peer::connect(&proxy).await;
    let got = peer.ask(request("GET", "/a?b=c").header("x-any", "thing")).await;
    assert_eq!((got.status(), &got.body[..]), (200, &b"hello"[..]));
    assert_eq!(got.field("content-length"), Some("5"));
    assert_eq!(got.field("via"), Some("1.1 portreeve"));
    assert!(got.field("connection").is_none() && got.field("date").is_some());
    let seen = origin.request().await;
    assert_eq!(seen.line(), "GET /a?b=c HTTP/1.1");
    assert_eq!(seen.values("host"), ["app.test"]);
    assert_eq!(seen.field("via").as_deref(), Some("2.0 portreeve"));
    assert_eq!(seen.field("x-any").as_deref(), Some("thing"));
    let record = &proxy.records(1).await[0];
    assert!(record.contains("\"version\":\"HTTP/2\""), "{record}");
}

#[tokio::test]
async fn a_post_comes_through_with_body_and_trailers_and_so_does_its_answer() {
    let reply =
        "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n2\r\nde\r\n0\r\nx-sum: 5\r\n\r\n";
    let origin = Origin::scripted(Script::new().read_request().send(reply).forever());
    let origin = origin.start().await;
    let proxy = Proxy::routing("app.test", &[&origin]).await;
    let mut peer = Peer::connect(&proxy).await;
    let (response, mut body) = peer.begin(request("POST", "/"), false).await;
    body.send_data(Bytes::from_static(b"some "), false).unwrap();
    body.send_data(Bytes::from_static(b"thing"), false).unwrap();
    let mut trailers = HeaderMap::new();
    trailers.insert("x-check", "1234".parse().unwrap());
    body.send_trailers(trailers).unwrap();
    let got = whole(response).await.unwrap();
    assert_eq!((got.status(), &got.body[..]), (200, &b"abcde"[..]));
    assert!(got.field("transfer-encoding").is_none());
    assert_eq!(got.trailers.unwrap().get("x-sum").unwrap(), "5");
    let seen = origin.request().await;
    assert_eq!(seen.body, b"some thing");
    assert_eq!(seen.trailers, [("x-check".to_owned(), "1234".to_owned())]);
}

#[tokio::test]
async fn many_streams_of_one_connection_run_at_once() {
    let origin = Origin::answering(|message| answer("200 OK", &message.line()).into_bytes());
    let origin = origin.start().await;
    let proxy = Proxy::routing("app.test", &[&origin]).await;
    let mut peer = Peer::connect(&proxy).await;
    let mut responses = Vec::new();
    for number in 0..100 {
        responses.push(peer.begin(request("GET", &format!("/{number}")), true).await.0);
    }
    for (number, response) in responses.into_iter().enumerate() {
        let got = whole(response).await.unwrap();
        assert_eq!(got.body, format!("GET /{number} HTTP/1.1"));
    }
}

#[tokio::test]
async fn a_large_body_flows_both_ways_within_the_windows() {
    let origin = Origin::answering(|message| {
        let body = String::from_utf8(message.body.clone()).unwrap();
        answer("200 OK", &body).into_bytes()
    });
    let origin = origin.start().await;
    let proxy = Proxy::routing("app.test", &[&origin]).await;
    let mut peer = Peer::connect(&proxy).await;
    for length in [None, Some("3000000")] {
        let mut request = request("PUT", "/");
        if let Some(length) = length {
            request = request.header("content-length", length);
        }
        let (response, mut body) = peer.begin(request, false).await;
        let sent: Vec<u8> = (0..3_000_000_u32).map(|at| b'a' + (at % 23) as u8).collect();
        body.send_data(Bytes::from(sent.clone()), true).unwrap();
        let got = whole(response).await.unwrap();
        assert_eq!(got.status(), 200);
        assert!(got.body == sent, "{} bytes came back", got.body.len());
    }
}

#[tokio::test]
async fn answers_without_a_body_end_with_their_head() {
    let origin = Origin::scripted_each([
        Script::new()
            .read_request()
            .send("HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\n"),
        Script::new()
            .read_request()
            .send("HTTP/1.1 204 No Content\r\n\r\n"),
    ]);
    let origin = origin.start().await;
    let proxy = Proxy::routing("app.test", &[&origin]).await;
    let mut peer = Peer::connect(&proxy).await;
    let head = peer.ask(request("HEAD", "/")).await;
    assert_eq!((head.status(), head.field("content-length")), (200, Some("9")));
    assert!(head.body.is_empty());
    let empty = peer.get("/").await;
    assert_eq!((empty.status(), empty.field("content-length")), (204, None));
}

#[tokio::test]
async fn interim_answers_come_before_the_final_one() {
    let reply =
        "HTTP/1.1 103 Early Hints\r\nLink: </x.css>\r\n\r\nHTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok";
    let origin = Origin::scripted(Script::new().read_request().send(reply).forever());
    let origin = origin.start().await;
    let proxy = Proxy::routing("app.test", &[&origin]).await;
    let mut peer = Peer::connect(&proxy).await;
    let (mut response, _) = peer.begin(request("GET", "/"), true).await;
    let hints = std::future::poll_fn(|context| response.poll_informational(context)).await;
    let hints = hints.expect("an interim answer").unwrap();
    assert_eq!(hints.status(), 103);
    assert_eq!(hints.headers().get("link").unwrap(), "</x.css>");
    assert_eq!(whole(response).await.unwrap().body, "ok");
}

#[tokio::test]
async fn what_we_refuse_is_answered_like_anybody_and_the_connection_goes_on() {
    let origin = Origin::replying(200, "hello").start().await;
    let proxy = Proxy::routing("app.test", &[&origin]).await;
    let mut peer = Peer::connect(&proxy).await;
    let other = http::Request::get("http://other.test/");
    assert_eq!(peer.ask(other).await.status(), 421);
    assert_eq!(peer.get("/").await.status(), 200);
}
