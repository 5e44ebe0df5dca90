use std::sync::{Arc, Mutex};

use h2::server;
use http::Response;
use portreeve_model::plan::{Check, ProbePlan};
use tokio::net::TcpListener;

use super::*;
use crate::prober::testing::{order, probed};

/// What a server answers.
#[derive(Clone)]
struct Script {
    status: u16,
    body: Vec<u8>,
    /// Without a body these are the head's.
    trailers: Vec<(&'static str, &'static str)>,
    again: bool,
}

fn saying(message: &[u8]) -> Script {
    let mut body = vec![0, 0, 0, 0, u8::try_from(message.len()).unwrap()];
    body.extend_from_slice(message);
    Script {
        status: 200,
        body,
        trailers: vec![("grpc-status", "0")],
        again: false,
    }
}

/// A server that answers every call so; what it was asked: method, path, body.
type Asked = Arc<Mutex<Vec<(String, Vec<u8>)>>>;

async fn server(script: Script) -> (String, Asked) {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap().to_string();
    let asked: Asked = Arc::default();
    let noted = Arc::clone(&asked);
    tokio::spawn(async move {
        let (connection, _) = listener.accept().await.unwrap();
        let mut connection = server::handshake(connection).await.unwrap();
        while let Some(Ok((request, respond))) = connection.accept().await {
            tokio::spawn(answer(request, respond, script.clone(), Arc::clone(&noted)));
        }
    });
    (address, asked)
}

async fn answer(
    request: http::Request<RecvStream>,
    mut respond: server::SendResponse<Bytes>,
    script: Script,
    asked: Asked,
) {
    let (head, mut body) = request.into_parts();
    let mut message = Vec::new();
    while let Some(data) = body.data().await {
        message.extend_from_slice(&data.unwrap());
    }
    let kind = head.headers["content-type"].to_str().unwrap().to_owned();
    asked
        .lock()
        .unwrap()
        .push((format!("{} {} {kind}", head.method, head.uri.path()), message));
    let mut response = Response::builder().status(script.status);
    if script.body.is_empty() {
        for (name, value) in &script.trailers {
            response = response.header(*name, *value);
        }
        respond.send_response(response.body(()).unwrap(), true).unwrap();
        return;
    }
    let mut stream = respond.send_response(response.body(()).unwrap(), false).unwrap();
    let sent = stream.send_data(script.body.clone().into(), false);
    if script.again {
        return go_on(stream, script.body).await;
    }
    let trailers = script
        .trailers
        .iter()
        .map(|(name, value)| (name.parse().unwrap(), value.parse().unwrap()));
    sent.unwrap();
    stream.send_trailers(trailers.collect()).unwrap();
}

/// For as long as anybody takes it.
async fn go_on(mut stream: SendStream<Bytes>, body: Vec<u8>) {
    loop {
        stream.reserve_capacity(body.len());
        match poll_fn(|context| stream.poll_capacity(context)).await {
            Some(Ok(_)) => {}
            _ => return,
        }
        if stream.send_data(body.clone().into(), false).is_err() {
            return;
        }
    }
}

async fn found(service: &str, script: Script) -> (Result<(), String>, Asked) {
    let (address, asked) = server(script).await;
    let plan = ProbePlan::new(Check::Grpc {
        service: service.to_owned(),
    });
    (probed(order(plan, &address)).await, asked)
}

#[tokio::test]
async fn who_says_serving_passes_and_is_asked_as_the_protocol_wants_it() {
    let (result, asked) = found("shop.Cart", saying(&[0x08, 1])).await;
    assert_eq!(result, Ok(()));
    let asked = asked.lock().unwrap();
    let call = "POST /grpc.health.v1.Health/Check application/grpc".to_owned();
    assert_eq!(*asked, [(call, b"\0\0\0\0\x0b\x0a\x09shop.Cart".to_vec())]);
}

#[tokio::test]
async fn the_server_as_a_whole_is_an_empty_message() {
    let (result, asked) = found("", saying(&[0x08, 1])).await;
    assert_eq!(result, Ok(()));
    assert_eq!(asked.lock().unwrap()[0].1, [0; 5]);
}

#[tokio::test]
async fn who_says_anything_else_fails_with_its_word() {
    for (message, said) in [
        (&[0x08, 2][..], "NOT_SERVING"),
        (&[0x08, 3], "SERVICE_UNKNOWN"),
        (&[], "UNKNOWN"),
        (&[0x08, 9], "9"),
    ] {
        let reason = found("", saying(message)).await.0.unwrap_err();
        assert_eq!(
            reason,
            format!("grpc.health.v1.Health/Check answered {said}; SERVING passes")
        );
    }
}

#[tokio::test]
async fn faults_of_grpc_are_told_by_number_and_name() {
    let mut script = saying(&[]);
    script.body.clear();
    script.trailers = vec![("grpc-status", "12"), ("grpc-message", "no health here")];
    let reason = found("", script).await.0.unwrap_err();
    let expected = "grpc.health.v1.Health/Check answered status 12 (UNIMPLEMENTED): no health here";
    assert_eq!(reason, expected);
    let mut script = saying(&[0x08, 1]);
    script.trailers = vec![("grpc-status", "14")];
    let reason = found("", script).await.0.unwrap_err();
    assert_eq!(
        reason,
        "grpc.health.v1.Health/Check answered status 14 (UNAVAILABLE)"
    );
    let mut script = saying(&[0x08, 1]);
    script.status = 404;
    let reason = found("", script).await.0.unwrap_err();
    assert_eq!(reason, "grpc.health.v1.Health/Check answered HTTP 404");
}

#[tokio::test]
async fn an_answer_without_end_is_cut_at_the_bound() {
    let mut script = saying(&[0x08, 1]);
    (script.body, script.again) = (vec![0; 600], true);
    let reason = found("", script).await.0.unwrap_err();
    assert_eq!(
        reason,
        "grpc.health.v1.Health/Check: the response is longer than 1024 bytes"
    );
}

#[tokio::test]
async fn who_speaks_no_http2_fails_and_who_says_nothing_is_cut_at_the_timeout() {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap().to_string();
    let plan = ProbePlan {
        timeout: Duration::from_millis(150),
        ..ProbePlan::new(Check::Grpc {
            service: String::new(),
        })
    };
    let asked = order(plan, &address);
    let reason = probed(asked.clone()).await.unwrap_err();
    assert_eq!(
        reason,
        "grpc.health.v1.Health/Check was not answered within 150 ms"
    );
    let (first, _) = listener.accept().await.unwrap();
    drop(first);
    let answering = tokio::spawn(async move {
        let (mut connection, _) = listener.accept().await.unwrap();
        tokio::io::AsyncWriteExt::write_all(&mut connection, b"HTTP/1.1 400 Bad Request\r\n\r\n")
            .await
            .unwrap();
        connection
    });
    let reason = probed(asked).await.unwrap_err();
    assert!(reason.starts_with("grpc.health.v1.Health/Check: "), "{reason}");
    drop(answering.await.unwrap());
}

#[test]
fn messages_of_other_versions_are_read_and_broken_ones_are_not() {
    assert_eq!(status(&[0x12, 2, 9, 9, 0x08, 1, 0x1d, 0, 0, 0, 0]), Some(1));
    assert_eq!(status(&[0x19, 0, 0, 0, 0, 0, 0, 0, 0]), Some(0));
    for broken in [&[0x08][..], &[0x12, 9, 0], &[0x0b], &[0xff; 12], &[0x1d, 0]] {
        assert_eq!(status(broken), None, "{broken:?}");
    }
    assert!(judge(&[0, 0, 0, 0, 9, 0x08, 1]).is_err(), "shorter than it says");
    assert!(judge(&[1, 0, 0, 0, 2, 0x08, 1]).is_err(), "compressed");
}

#[test]
fn long_names_have_lengths_of_two_bytes() {
    let name = "s".repeat(300);
    let framed = message(&name);
    assert_eq!(framed[..8], [0, 0, 0, 1, 47, 0x0a, 0xac, 0x02]);
    assert_eq!(framed.len(), 5 + 303);
}
