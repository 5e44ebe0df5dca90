use bytes::Bytes;
use http::{HeaderMap, HeaderValue, Response};
use portreeve_testkit::{get, post};

use super::backend::{Backend, read, reply, send};
use super::proxy;

/// Answers with the request's body.
async fn echoing() -> Backend {
    Backend::serving(|(request, mut respond)| async move {
        let mut body = request.into_body();
        let mut stream = respond.send_response(Response::new(()), false).unwrap();
        while let Some(data) = body.data().await {
            let data = data.unwrap();
            body.flow_control().release_capacity(data.len()).unwrap();
            send(&mut stream, data, false).await;
        }
        let _ = stream.send_data(Bytes::new(), true);
    })
    .await
}

/// Bytes in which nothing repeats at any power of two.
fn pattern(size: usize) -> String {
    (0..size)
        .map(|place| char::from(b'a' + u8::try_from(place % 23).unwrap()))
        .collect()
}

#[tokio::test]
async fn a_body_of_known_length_goes_both_ways() {
    let backend = echoing().await;
    let proxy = proxy(&[&backend]).await;
    for size in [0, 1, 1_000, 16_384, 65_535, 65_536, 3_000_000] {
        let body = pattern(size);
        assert!(proxy.answer(post(&body)).await.text() == body, "{size} bytes");
    }
    assert_eq!(backend.connections(), 1);
}

#[tokio::test]
async fn a_chunked_body_goes_both_ways_however_it_is_cut() {
    let backend = echoing().await;
    let proxy = proxy(&[&backend]).await;
    for (size, cut) in [(0, 1), (1, 1), (5_000, 7), (200_000, 70_000), (900_000, 300_001)] {
        let body = pattern(size);
        let mut request =
            "POST / HTTP/1.1\r\nHost: app.test\r\nTransfer-Encoding: chunked\r\n\r\n".to_owned();
        for chunk in body.as_bytes().chunks(cut) {
            request += &format!("{:X};x=y\r\n{}\r\n", chunk.len(), String::from_utf8_lossy(chunk));
        }
        request += "0\r\n\r\n";
        assert!(
            proxy.answer(request).await.text() == body,
            "{size} bytes by {cut}"
        );
    }
}

#[tokio::test]
async fn data_that_looks_like_the_end_of_chunks_is_data() {
    let backend = echoing().await;
    let proxy = proxy(&[&backend]).await;
    let body = "\r\n0\r\n\r\n".repeat(3);
    let request = format!(
        "POST / HTTP/1.1\r\nHost: app.test\r\nTransfer-Encoding: chunked\r\n\r\n{:x}\r\n{body}\r\n0\r\n\r\n",
        body.len()
    );
    let mut client = proxy.connect().await;
    client
        .send_pieces(&request, 5, std::time::Duration::from_millis(1))
        .await;
    assert_eq!(client.response().await.text(), body);
}

#[tokio::test]
async fn trailers_go_both_ways() {
    let backend = Backend::serving(|(request, mut respond)| async move {
        let (body, trailers) = read(&mut request.into_body()).await;
        let sum = trailers.unwrap().remove("x-sum").unwrap();
        let mut stream = respond.send_response(Response::new(()), false).unwrap();
        stream.send_data(body.into(), false).unwrap();
        let mut trailers = HeaderMap::new();
        trailers.insert("x-sum", sum);
        trailers.insert("x-other", HeaderValue::from_static("of the backend"));
        stream.send_trailers(trailers).unwrap();
    })
    .await;
    let proxy = proxy(&[&backend]).await;
    let request = "POST / HTTP/1.1\r\nHost: app.test\r\nTE: trailers\r\nConnection: TE\r\nTransfer-Encoding: chunked\r\n\r\n\
                   3\r\nabc\r\n0\r\nX-Sum: 294\r\n\r\n";
    let mut client = proxy.connect().await;
    client.send(request).await;
    let bytes = client.read_through(b"of the backend\r\n\r\n").await;
    let text = String::from_utf8(bytes).unwrap();
    assert!(
        text.ends_with("\r\n\r\n3\r\nabc\r\n0\r\nx-sum: 294\r\nx-other: of the backend\r\n\r\n"),
        "{text}"
    );
}

#[tokio::test]
async fn a_client_that_waits_is_told_to_go_on() {
    let backend = Backend::serving(|(request, mut respond)| async move {
        let go_on = Response::builder().status(100).body(()).unwrap();
        respond.send_informational(go_on).unwrap();
        let (body, _) = read(&mut request.into_body()).await;
        reply(respond, body);
    })
    .await;
    let proxy = proxy(&[&backend]).await;
    let mut client = proxy.connect().await;
    client
        .send("POST / HTTP/1.1\r\nHost: app.test\r\nContent-Length: 2\r\nExpect: 100-continue\r\n\r\n")
        .await;
    let interim = String::from_utf8(client.head().await).unwrap();
    assert!(interim.starts_with("HTTP/1.1 100"), "{interim}");
    client.send("ok").await;
    assert_eq!(client.response().await.text(), "ok");
}

#[tokio::test]
async fn an_answer_before_the_end_of_the_request_is_delivered() {
    let backend = Backend::serving(|(_, mut respond)| async move {
        let response = Response::builder().status(413).body(()).unwrap();
        let mut stream = respond.send_response(response, false).unwrap();
        // What is left of the request is not read: the library resets the stream, without an error.
        stream.send_data(Bytes::from_static(b"too much"), true).unwrap();
    })
    .await;
    let proxy = proxy(&[&backend]).await;
    let mut client = proxy.connect().await;
    client
        .send("POST / HTTP/1.1\r\nHost: app.test\r\nContent-Length: 1000000\r\n\r\nbegun")
        .await;
    let answer = client.response().await;
    assert_eq!((answer.status(), answer.text().as_str()), (413, "too much"));
}

#[tokio::test]
async fn a_slow_reader_holds_up_nobody_else_and_little_memory() {
    let backend = Backend::serving(|(request, mut respond)| async move {
        let size = if request.uri().path() == "/big" {
            20_000_000
        } else {
            10
        };
        let mut stream = respond.send_response(Response::new(()), false).unwrap();
        send(&mut stream, vec![b'x'; size].into(), true).await;
    })
    .await;
    let proxy = proxy(&[&backend]).await;
    let mut slow = Vec::new();
    for _ in 0..20 {
        let mut client = proxy.connect().await;
        client.send(get("/big")).await;
        client.head().await;
        slow.push(client);
    }
    for _ in 0..20 {
        assert_eq!(proxy.answer(get("/small")).await.text().len(), 10);
    }
    assert_eq!(backend.connections(), 1);
}
