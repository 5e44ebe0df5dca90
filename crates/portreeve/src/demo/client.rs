//! Just enough of a client to show a request.

use std::io;
use std::net::SocketAddr;
use std::time::{Duration, Instant};

use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio::time::timeout;

/// One answer.
#[derive(Debug)]
pub(super) struct Answer {
    /// Such as `200 OK`.
    pub(super) status: String,
    /// The first line of the body.
    pub(super) first_line: String,
    pub(super) took: Duration,
}

/// Asks with a connection of its own.
pub(super) async fn get(address: SocketAddr, path: &str) -> io::Result<Answer> {
    let begin = Instant::now();
    let response = timeout(PATIENCE, exchange(address, path)).await??;
    parse(&response, begin.elapsed())
        .ok_or_else(|| io::Error::new(io::ErrorKind::InvalidData, "not an HTTP response"))
}

async fn exchange(address: SocketAddr, path: &str) -> io::Result<String> {
    let mut stream = TcpStream::connect(address).await?;
    let request =
        format!("GET {path} HTTP/1.1\r\nHost: {address}\r\nUser-Agent: demo\r\nConnection: close\r\n\r\n");
    stream.write_all(request.as_bytes()).await?;
    let mut response = String::new();
    stream.read_to_string(&mut response).await?;
    Ok(response)
}

fn parse(response: &str, took: Duration) -> Option<Answer> {
    let (head, body) = response.split_once("\r\n\r\n")?;
    let status = head.lines().next()?.strip_prefix("HTTP/1.1 ")?.to_owned();
    let first_line = body.lines().next().unwrap_or_default().to_owned();
    Some(Answer {
        status,
        first_line,
        took,
    })
}

const PATIENCE: Duration = Duration::from_secs(10);

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_answer_has_a_status_and_a_first_line() {
        let answer = parse("HTTP/1.1 200 OK\r\nA: b\r\n\r\nHello\nyou\n", Duration::ZERO).unwrap();
        assert_eq!(
            (answer.status.as_str(), answer.first_line.as_str()),
            ("200 OK", "Hello")
        );
        assert!(parse("", Duration::ZERO).is_none());
    }
}
