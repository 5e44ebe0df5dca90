//! A client that sends bytes as they are and reads whatever comes back.

use std::net::{Ipv4Addr, SocketAddr};
use std::time::Duration;

use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::tcp::{OwnedReadHalf, OwnedWriteHalf};
use tokio::net::{TcpSocket, TcpStream};
use tokio::sync::Notify;
use tokio::time::timeout;

/// One final response.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Answer {
    /// 0: these bytes are no response.
    pub(crate) status: u16,
    pub(crate) body: Vec<u8>,
}

/// What a client got on one connection.
#[derive(Debug, Default)]
pub(crate) struct Heard {
    pub(crate) answers: Vec<Answer>,
    /// Whether the proxy left the connection open although nothing more was to come.
    pub(crate) is_hanging: bool,
}

/// Sends `bytes` from `from` in pieces of at most `piece` bytes, says once `awaited` answers are there that this was
/// all, and reads to the end.
pub(crate) async fn converse(
    from: Ipv4Addr,
    to: SocketAddr,
    bytes: &[u8],
    piece: usize,
    awaited: usize,
) -> Heard {
    let stream = connect(from, to).await;
    let (mut read, mut write) = stream.into_split();
    let enough = Notify::new();
    let mut got = Vec::new();
    let both = async {
        tokio::join!(
            send(&mut write, bytes, piece, &enough),
            receive(&mut read, &mut got, awaited, &enough)
        )
    };
    let is_hanging = timeout(PATIENCE, both).await.is_err();
    Heard {
        answers: answers(&got, !is_hanging),
        is_hanging,
    }
}

async fn connect(from: Ipv4Addr, to: SocketAddr) -> TcpStream {
    let socket = TcpSocket::new_v4().expect("a socket can be made");
    socket
        .bind((from, 0).into())
        .expect("all of 127.0.0.0/8 is this machine");
    let stream = socket.connect(to).await.expect("the proxy listens");
    stream.set_nodelay(true).expect("it is open");
    stream
}

/// A proxy that refuses may close before it has read everything; its answer counts, not our error.
async fn send(write: &mut OwnedWriteHalf, bytes: &[u8], piece: usize, enough: &Notify) {
    for part in bytes.chunks(piece) {
        if write.write_all(part).await.is_err() {
            break;
        }
        tokio::task::yield_now().await;
    }
    enough.notified().await;
    let _ = write.shutdown().await;
}

async fn receive(read: &mut OwnedReadHalf, got: &mut Vec<u8>, awaited: usize, enough: &Notify) {
    loop {
        if answers(got, false).len() >= awaited {
            enough.notify_one();
        }
        if !matches!(read.read_buf(got).await, Ok(count) if count > 0) {
            enough.notify_one();
            return;
        }
    }
}

/// The final responses in `bytes`, which go on unless `is_ended`.
fn answers(mut bytes: &[u8], is_ended: bool) -> Vec<Answer> {
    let mut answers = Vec::new();
    while let Some(head) = bytes.windows(4).position(|four| four == b"\r\n\r\n") {
        let (status, length) = read_head(&bytes[..head]);
        let body = &bytes[head + 4..];
        if body.len() < length && !is_ended {
            break;
        }
        let (body, rest) = body.split_at(length.min(body.len()));
        if status >= 200 || status == 0 {
            answers.push(Answer {
                status,
                body: body.to_vec(),
            });
        }
        bytes = rest;
    }
    if is_ended && !bytes.is_empty() {
        answers.push(Answer {
            status: 0,
            body: bytes.to_vec(),
        });
    }
    answers
}

/// Status and Content-Length.
fn read_head(head: &[u8]) -> (u16, usize) {
    let text = String::from_utf8_lossy(head).to_ascii_lowercase();
    let status = text.strip_prefix("http/1.1 ").and_then(|rest| rest.get(..3));
    let length = text
        .lines()
        .find_map(|line| line.strip_prefix("content-length:"))
        .unwrap_or_default();
    (
        status.and_then(|code| code.parse().ok()).unwrap_or(0),
        length.trim().parse().unwrap_or(0),
    )
}

/// Far more than any answer needs.
const PATIENCE: Duration = Duration::from_secs(10);

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn interim_responses_are_left_out_and_garbage_is_told() {
        let bytes = b"HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nhigarbage";
        let statuses = |is_ended| -> Vec<u16> {
            let answers = answers(bytes, is_ended);
            answers.iter().map(|answer| answer.status).collect()
        };
        assert_eq!(statuses(false), [200]);
        assert_eq!(statuses(true), [200, 0]);
    }
}
