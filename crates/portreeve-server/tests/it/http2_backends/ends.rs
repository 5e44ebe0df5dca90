//! HTTP/2 on both sides.

use bytes::Bytes;
use h2::client::SendRequest;
use http::{HeaderMap, HeaderValue, Request, Response};
use portreeve_testkit::{Address, PATIENCE, Proxy};
use tokio::net::TcpStream;
use tokio::time::timeout;

use super::backend::{Backend, read, send};
use super::proxy;

async fn connect(proxy: &Proxy) -> SendRequest<Bytes> {
    let Address::Tcp(address) = proxy.address() else {
        panic!("the listener is on TCP");
    };
    let wire = TcpStream::connect(address).await.unwrap();
    let (send, connection) = h2::client::handshake(wire).await.unwrap();
    tokio::spawn(connection);
    send
}

/// Echoes bodies and trailers as they come.
async fn echoing() -> Backend {
    let mut builder = h2::server::Builder::new();
    builder.enable_connect_protocol();
    Backend::built(builder, |(request, mut respond)| async move {
        let mut stream = respond.send_response(Response::new(()), false).unwrap();
        let mut body = request.into_body();
        while let Some(Ok(data)) = body.data().await {
            body.flow_control().release_capacity(data.len()).unwrap();
            send(&mut stream, data, false).await;
        }
        let trailers = body.trailers().await.unwrap().unwrap_or_default();
        let _ = stream.send_trailers(trailers);
    })
    .await
}

#[tokio::test]
async fn bodies_and_trailers_go_both_ways_at_once() {
    let backend = echoing().await;
    let proxy = proxy(&[&backend]).await;
    let mut client = connect(&proxy).await;
    let request = Request::builder()
        .method("POST")
        .uri("http://app.test/")
        .header("te", "trailers");
    let (response, mut stream) = client.send_request(request.body(()).unwrap(), false).unwrap();
    let bytes: Bytes = (0..2_000_000_u32).map(|place| (place % 251) as u8).collect();
    let sending = async {
        send(&mut stream, bytes.clone(), false).await;
        let mut trailers = HeaderMap::new();
        trailers.insert("x-end", HeaderValue::from_static("told"));
        stream.send_trailers(trailers).unwrap();
    };
    let receiving = async { read(&mut response.await.unwrap().into_body()).await };
    let ((), (body, trailers)) = timeout(PATIENCE, async { tokio::join!(sending, receiving) })
        .await
        .expect("nothing is held up");
    assert!(body == bytes);
    assert_eq!(trailers.unwrap()["x-end"], "told");
}

#[tokio::test]
async fn a_websocket_goes_from_one_extended_connect_to_the_other() {
    let backend = echoing().await;
    let proxy = proxy(&[&backend]).await;
    let mut client = connect(&proxy).await;
    while !client.is_extended_connect_protocol_enabled() {
        tokio::time::sleep(std::time::Duration::from_millis(1)).await;
    }
    let request = Request::builder()
        .method("CONNECT")
        .uri("http://app.test/chat")
        .header("sec-websocket-version", "13")
        .extension(h2::ext::Protocol::from_static("websocket"));
    let (response, mut stream) = client.send_request(request.body(()).unwrap(), false).unwrap();
    let response = timeout(PATIENCE, response)
        .await
        .expect("it is answered")
        .unwrap();
    assert_eq!(response.status(), 200);
    let mut body = response.into_body();
    for word in ["one", "two", "three"] {
        stream
            .send_data(Bytes::from_static(word.as_bytes()), false)
            .unwrap();
        let data = timeout(PATIENCE, body.data()).await.expect("it is echoed");
        assert_eq!(data.unwrap().unwrap(), word);
    }
    stream.send_data(Bytes::new(), true).unwrap();
    let end = timeout(PATIENCE, body.data()).await.expect("it ends");
    assert!(end.is_none_or(|data| data.unwrap().is_empty()));
}
