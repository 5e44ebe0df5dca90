use std::sync::Arc;

use h2::server;
use portreeve_model::Tick;
use portreeve_model::plan::{Check, ProbePlan};
use tokio::net::TcpListener;
use tokio::sync::oneshot;

use super::*;
use crate::prober::testing::{order, probed};

/// A server of HTTP/2 that answers one request with this status and body and reports a load; what it was asked.
async fn server(status: u16, body: Vec<u8>) -> (String, oneshot::Receiver<Request<()>>) {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap().to_string();
    let (teller, told) = oneshot::channel();
    tokio::spawn(async move {
        let (wire, _) = listener.accept().await.unwrap();
        let mut connection = server::handshake(wire).await.unwrap();
        let Some(Ok((request, mut respond))) = connection.accept().await else {
            return;
        };
        let _ = teller.send(request.map(|_| ()));
        let head = Response::builder()
            .status(status)
            .header("portreeve-load", "load=0.5")
            .body(());
        let mut stream = respond.send_response(head.unwrap(), body.is_empty()).unwrap();
        if !body.is_empty() {
            let _ = stream.send_data(body.into(), true);
        }
        while connection.accept().await.is_some() {}
    });
    (address, told)
}

fn healthz() -> HttpCheck {
    HttpCheck {
        target: "/healthz?deep=1".to_owned(),
        ..HttpCheck::default()
    }
}

fn order_for(check: HttpCheck, address: &str) -> portreeve_model::ProbeOrder {
    portreeve_model::ProbeOrder {
        scheme: Scheme::H2c,
        ..order(ProbePlan::new(Check::Http(check)), address)
    }
}

async fn found(check: HttpCheck, status: u16, body: &[u8]) -> Result<(), String> {
    let (address, _told) = server(status, body.to_vec()).await;
    probed(order_for(check, &address)).await
}

#[tokio::test]
async fn a_backend_of_http2_is_asked_in_http2() {
    let (address, told) = server(204, Vec::new()).await;
    let check = HttpCheck {
        host: Some("app.test".to_owned()),
        headers: [("Connection", "close"), ("X-Probe", "yes")]
            .map(|(name, value)| (name.into(), value.into()))
            .into(),
        ..healthz()
    };
    let asked = order_for(check, &address);
    let backend = Arc::clone(&asked.backend);
    assert_eq!(probed(asked).await, Ok(()));
    let request = told.await.unwrap();
    assert_eq!(request.uri().to_string(), "http://app.test/healthz?deep=1");
    assert_eq!(request.headers()["x-probe"], "yes");
    assert!(!request.headers().contains_key("connection"));
    assert!((backend.reported(Tick::default()).unwrap().load.unwrap() - 0.5).abs() < 0.001);
}

#[tokio::test]
async fn a_status_and_a_body_are_judged_as_in_http1() {
    let reason = found(healthz(), 503, b"").await.unwrap_err();
    assert_eq!(reason, "GET /healthz?deep=1 answered 503; 200 to 399 pass");
    let saying = |text: &str| HttpCheck {
        body_contains: Some(text.to_owned()),
        ..healthz()
    };
    assert_eq!(found(saying("is ok"), 200, b"all is ok").await, Ok(()));
    let reason = found(saying("fine"), 200, b"all is ok").await.unwrap_err();
    assert!(reason.ends_with("do not contain \"fine\""), "{reason}");
    let deep = [vec![b'x'; BODY_MAX], b"needle".to_vec()].concat();
    assert!(found(saying("needle"), 200, &deep).await.is_err());
}

#[tokio::test]
async fn who_speaks_http1_alone_fails_with_a_reason() {
    use tokio::io::AsyncWriteExt;
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap().to_string();
    let answering = tokio::spawn(async move {
        let (mut wire, _) = listener.accept().await.unwrap();
        wire.write_all(b"HTTP/1.1 400 Bad Request\r\n\r\n").await.unwrap();
        let _ = tokio::io::copy(&mut wire, &mut tokio::io::sink()).await;
    });
    let reason = probed(order_for(healthz(), &address)).await.unwrap_err();
    assert!(reason.starts_with("GET /healthz?deep=1: "), "{reason}");
    answering.await.unwrap();
}
