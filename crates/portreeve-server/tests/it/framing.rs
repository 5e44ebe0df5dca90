//! Duty: framing by RFC 9112 in full.

mod bodies;
mod interim;
mod pipelines;
mod versions;

use std::time::Duration;

use portreeve_testkit::{Ended, Gate, Origin, Proxy, Script, answer, get, post, text};

const CHUNKED_POST: &str = "POST / HTTP/1.1\r\nHost: app.test\r\nTransfer-Encoding: chunked\r\n\r\n";
const CHUNKED_OK: &str = "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n";
/// Extensions of every form, leading zeros, both cases, trailers.
const ODD_BODY: &str = "3;a;b=c;d=\"e \\\" ;f\"\r\nabc\r\n00A\r\n0123456789\r\n1 ;x\r\nz\r\n000;last=1\r\nX-Sum: 1\r\nx-two: 2\r\n\r\n";

async fn origin_sending(answer: impl AsRef<[u8]>) -> Origin {
    Origin::scripted(Script::new().read_request().send(answer).forever())
        .start()
        .await
}

async fn origin_sending_once(answer: impl AsRef<[u8]>) -> Origin {
    Origin::scripted(Script::new().read_request().send(answer))
        .start()
        .await
}
