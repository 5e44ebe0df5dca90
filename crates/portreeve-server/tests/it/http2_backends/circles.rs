//! Clients that each wait for their answer before they ask again, as those of `h2load`: nobody has set a limit, the backend
//! works, and so nobody is refused.

use std::sync::Arc;
use std::time::{Duration, Instant};

use bytes::Bytes;
use h2::client::SendRequest;
use http::Request;
use portreeve_testkit::{Address, Proxy};
use tokio::net::TcpStream;
use tokio::sync::Semaphore;
use tokio::task::JoinSet;

use super::backend::{Backend, reply};
use super::before;

/// Serves 320 in a second, sixteen at a time.
async fn slow() -> Backend {
    let slots = Arc::new(Semaphore::new(16));
    Backend::serving(move |(_, respond)| {
        let slots = slots.clone();
        async move {
            let _slot = slots.acquire().await.expect("it is never closed");
            tokio::time::sleep(Duration::from_millis(50)).await;
            reply(respond, "served");
        }
    })
    .await
}

async fn connect(proxy: &Proxy) -> SendRequest<Bytes> {
    let Address::Tcp(address) = proxy.address() else {
        panic!("the listener is on TCP");
    };
    let wire = TcpStream::connect(address).await.expect("it listens");
    let (send, connection) = h2::client::handshake(wire).await.expect("it speaks HTTP/2");
    tokio::spawn(connection);
    send
}

async fn ask(send: &SendRequest<Bytes>) -> u16 {
    let request = Request::get("http://app.test/").body(()).expect("a request");
    let mut send = send.clone().ready().await.expect("the connection stays");
    let (response, _) = send.send_request(request, true).expect("it has room");
    let response = response.await.expect("it is answered");
    let status = response.status().as_u16();
    let mut body = response.into_body();
    while let Some(data) = body.data().await {
        let count = data.expect("it is whole").len();
        body.flow_control().release_capacity(count).expect("it came");
    }
    status
}

#[tokio::test]
async fn a_load_test_that_fills_up_over_seconds_is_held_and_never_refused() {
    const CONNECTIONS: u32 = 8;
    const STREAMS: u32 = 20;
    let backend = slow().await;
    let proxy = before(&[&backend]).counting().start().await;
    let (begun, mut asking) = (Instant::now(), JoinSet::new());
    for connection in 0..CONNECTIONS {
        let send = connect(&proxy).await;
        for stream in 0..STREAMS {
            let (send, place) = (send.clone(), stream * CONNECTIONS + connection);
            asking.spawn(async move {
                tokio::time::sleep(Duration::from_secs(4) * place / (CONNECTIONS * STREAMS)).await;
                let mut told = Vec::new();
                while begun.elapsed() < Duration::from_secs(8) {
                    told.push(ask(&send).await);
                }
                told
            });
        }
    }
    let told = asking.join_all().await.concat();
    let refused = told.iter().filter(|status| **status != 200).count();
    assert_eq!(refused, 0, "of {}", told.len());
    let held = proxy.metric("portreeve_requests_held_total", &[]).await;
    assert!(held > 0.0, "a limit was found out, and some were held");
}
