use std::sync::Arc;
use std::time::Instant;

use portreeve_model::plan::{Check, ProbePlan};
use portreeve_model::{Report, Tick};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::oneshot;

use super::*;
use crate::prober::testing::{order, probed};

/// A server that answers one request with these bytes and closes; what it was asked.
async fn server(answer: impl Into<Vec<u8>>) -> (String, oneshot::Receiver<String>) {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap().to_string();
    let (teller, told) = oneshot::channel();
    let answer = answer.into();
    tokio::spawn(async move {
        let (mut connection, _) = listener.accept().await.unwrap();
        let asked = request_of(&mut connection).await;
        let _ = connection.write_all(&answer).await;
        let _ = teller.send(asked);
    });
    (address, told)
}

async fn request_of(connection: &mut TcpStream) -> String {
    let mut asked = Vec::new();
    while !asked.ends_with(b"\r\n\r\n") {
        assert!(connection.read_buf(&mut asked).await.unwrap() > 0);
    }
    String::from_utf8(asked).unwrap()
}

fn healthz() -> HttpCheck {
    HttpCheck {
        target: "/healthz".to_owned(),
        ..HttpCheck::default()
    }
}

fn plan(check: HttpCheck) -> ProbePlan {
    ProbePlan::new(Check::Http(check))
}

async fn found(check: HttpCheck, answer: impl Into<Vec<u8>>) -> Result<(), String> {
    let (address, _) = server(answer).await;
    probed(order(plan(check), &address)).await
}

#[tokio::test]
async fn a_status_that_the_plan_allows_passes_and_others_do_not() {
    for status in ["200 OK", "204 No Content", "301 Moved"] {
        let answer = format!("HTTP/1.1 {status}\r\n\r\n");
        assert_eq!(found(healthz(), answer).await, Ok(()), "{status}");
    }
    let reason = found(healthz(), "HTTP/1.1 500 Oh\r\nContent-Length: 0\r\n\r\n").await;
    assert_eq!(reason.unwrap_err(), "GET /healthz answered 500; 200 to 399 pass");
    let picky = HttpCheck {
        statuses: vec![(204, 204), (404, 410)],
        ..healthz()
    };
    let reason = found(picky.clone(), "HTTP/1.0 200 OK\r\n\r\n").await;
    assert_eq!(
        reason.unwrap_err(),
        "GET /healthz answered 200; 204 and 404 to 410 pass"
    );
    assert_eq!(found(picky, "HTTP/1.1 404 No\r\n\r\n").await, Ok(()));
}

#[tokio::test]
async fn the_request_says_what_the_plan_says_and_once() {
    let (address, told) = server("HTTP/1.1 200 OK\r\n\r\n").await;
    probed(order(plan(healthz()), &address)).await.unwrap();
    let version = env!("CARGO_PKG_VERSION");
    let expected = format!(
        "GET /healthz HTTP/1.1\r\nHost: {address}\r\nUser-Agent: portreeve-probe/{version}\r\n\
        Connection: close\r\n\r\n"
    );
    assert_eq!(told.await.unwrap(), expected);

    let (address, told) = server("HTTP/1.1 200 OK\r\n\r\n").await;
    let check = HttpCheck {
        method: "POST".to_owned(),
        host: Some("app.test".to_owned()),
        headers: vec![("user-agent".to_owned(), "me".to_owned())],
        ..healthz()
    };
    probed(order(plan(check), &address)).await.unwrap();
    let expected = "POST /healthz HTTP/1.1\r\nHost: app.test\r\nContent-Length: 0\r\nuser-agent: me\r\n\
        Connection: close\r\n\r\n";
    assert_eq!(told.await.unwrap(), expected);
}

#[tokio::test]
async fn interim_responses_are_passed_over() {
    let answer = "HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 103 Hints\r\n\r\nHTTP/1.1 503 No\r\n\r\n";
    let reason = found(healthz(), answer).await.unwrap_err();
    assert_eq!(reason, "GET /healthz answered 503; 200 to 399 pass");
}

fn saying(text: &str) -> HttpCheck {
    HttpCheck {
        body_contains: Some(text.to_owned()),
        ..healthz()
    }
}

#[tokio::test]
async fn a_body_in_any_framing_has_to_contain_the_text() {
    let bodies = [
        "Content-Length: 10\r\n\r\nall is ok.",
        "\r\nall is ok.",
        "Transfer-Encoding: chunked\r\n\r\n8\r\nall is o\r\n2\r\nk.\r\n0\r\n\r\n",
    ];
    for body in bodies {
        let answer = format!("HTTP/1.1 200 OK\r\n{body}");
        assert_eq!(found(saying("is ok"), answer.clone()).await, Ok(()), "{body}");
        let reason = found(saying("\"fine\""), answer).await.unwrap_err();
        let expected =
            "GET /healthz answered 200, but the first 64 KiB of the body do not contain \"\\\"fine\\\"\"";
        assert_eq!(reason, expected, "{body}");
    }
}

#[tokio::test]
async fn what_stands_behind_the_first_64_kib_or_behind_the_body_does_not_count() {
    let deep = format!("HTTP/1.1 200 OK\r\n\r\n{}needle", "x".repeat(BODY_MAX - 3));
    assert!(found(saying("needle"), deep).await.is_err());
    let fits = format!("HTTP/1.1 200 OK\r\n\r\n{}needle", "x".repeat(BODY_MAX - 6));
    assert_eq!(found(saying("needle"), fits).await, Ok(()));
    let behind = "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nxxneedle";
    assert!(found(saying("needle"), behind).await.is_err());
    let none = "HTTP/1.1 204 No\r\n\r\nneedle";
    assert!(found(saying("needle"), none).await.is_err());
}

/// A server that answers with `head` and then with `part` again and again, for as long as anybody listens: how many
/// bytes it got rid of.
async fn endless(head: &'static str, part: &'static [u8]) -> (String, oneshot::Receiver<usize>) {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap().to_string();
    let (teller, told) = oneshot::channel();
    tokio::spawn(async move {
        let (mut connection, _) = listener.accept().await.unwrap();
        request_of(&mut connection).await;
        let mut sent = 0;
        let _ = connection.write_all(head.as_bytes()).await;
        while connection.write_all(part).await.is_ok() {
            sent += part.len();
            assert!(sent < 1 << 30, "nobody stopped it");
        }
        let _ = teller.send(sent);
    });
    (address, told)
}

#[tokio::test]
async fn a_server_that_answers_without_end_is_cut_at_the_bound() {
    let cases: [(&str, &[u8], &str); 4] = [
        ("HTTP/1.1 200 OK\r\n\r\n", &[b'x'; 4_096], "do not contain"),
        (
            "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n",
            b"1;ext=xxxxxxxxxxxxxxxx\r\nx\r\n",
            "do not contain",
        ),
        (
            "HTTP/1.1 200 OK\r\n",
            b"x: yyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyy\r\n",
            "not HTTP/1.1 as it should be",
        ),
        ("", b"HTTP/1.1 100 Continue\r\n\r\n", "no end within 128 KiB"),
    ];
    for (head, part, said) in cases {
        let (address, told) = endless(head, part).await;
        let before = Instant::now();
        let asked = ProbePlan {
            timeout: Duration::from_secs(30),
            ..plan(saying("needle"))
        };
        let reason = probed(order(asked, &address)).await.unwrap_err();
        assert!(reason.contains(said), "{head}: {reason}");
        assert!(
            before.elapsed() < Duration::from_secs(15),
            "by its size, not by its time"
        );
        told.await.unwrap();
    }
}

#[tokio::test]
async fn a_server_that_answers_slowly_or_never_is_cut_at_the_timeout() {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap().to_string();
    let asked = ProbePlan {
        timeout: Duration::from_millis(150),
        ..plan(healthz())
    };
    let reason = probed(order(asked, &address)).await.unwrap_err();
    assert_eq!(reason, "GET /healthz was not answered within 150 ms");
}

#[tokio::test]
async fn what_is_no_http_or_ends_early_fails_with_a_reason() {
    let reason = found(healthz(), "SSH-2.0-OpenSSH_9.2\r\n\r\n").await.unwrap_err();
    assert!(
        reason.starts_with("GET /healthz: the response is not HTTP/1.1 as it should be: "),
        "{reason}"
    );
    let reason = found(healthz(), "HTTP/1.1 200 OK\r\n").await.unwrap_err();
    assert_eq!(reason, "GET /healthz: the connection ended before the response");
    let reason = found(
        saying("x"),
        "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\n",
    )
    .await;
    assert!(reason.is_err());
}

#[tokio::test]
async fn a_load_in_the_answer_is_reported_also_when_it_does_not_pass() {
    let answer = "HTTP/1.1 503 Busy\r\nPortreeve-Load: load=0.5, in_flight=12\r\n\r\n";
    let (address, _) = server(answer).await;
    let asked = order(plan(healthz()), &address);
    let backend = Arc::clone(&asked.backend);
    probed(asked).await.unwrap_err();
    let reported = backend.reported(Tick::default()).unwrap();
    assert_eq!(reported.in_flight, Some(12));
    assert!((reported.load.unwrap() - 0.5).abs() < 0.001);
    let lies = "HTTP/1.1 200 OK\r\nPortreeve-Load: load=7e9\r\n\r\n";
    let (address, _) = server(lies).await;
    let asked = order(plan(healthz()), &address);
    let backend = Arc::clone(&asked.backend);
    probed(asked).await.unwrap();
    assert_eq!(
        backend
            .reported(Tick::default())
            .map(|report: Report| report.load),
        None
    );
}
