//! Just enough of an HTTP client to show a request, and to register.

use std::io;
use std::net::SocketAddr;
use std::time::{Duration, Instant};

use serde_json::Value;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio::time::timeout;

use crate::talk;

/// One request.
#[derive(Debug, Clone, Copy)]
pub(super) struct Ask<'a> {
    pub(super) method: &'static str,
    pub(super) path: &'a str,
    /// What it demands in `Privacy-Policy`.
    pub(super) policy: Option<&'a str>,
    pub(super) body: &'a str,
}

/// One answer.
#[derive(Debug)]
pub(super) struct Answer {
    /// Such as `200 OK`.
    pub(super) status: String,
    /// The first line of the body; of a problem document, what it says.
    pub(super) gist: String,
    pub(super) took: Duration,
}

impl<'a> Ask<'a> {
    pub(super) fn get(path: &'a str, policy: Option<&'a str>) -> Self {
        Self {
            method: "GET",
            path,
            policy,
            body: "",
        }
    }

    /// Sends it on a connection of its own.
    pub(super) async fn send(&self, address: SocketAddr) -> io::Result<Answer> {
        let begin = Instant::now();
        let response = timeout(PATIENCE, self.exchange(address)).await??;
        parse(&response, begin.elapsed())
            .ok_or_else(|| io::Error::new(io::ErrorKind::InvalidData, "not an HTTP response"))
    }

    async fn exchange(&self, address: SocketAddr) -> io::Result<String> {
        let mut stream = TcpStream::connect(address).await?;
        stream.write_all(self.text(address).as_bytes()).await?;
        let mut response = String::new();
        stream.read_to_string(&mut response).await?;
        Ok(response)
    }

    fn text(&self, address: SocketAddr) -> String {
        let Self {
            method,
            path,
            policy,
            body,
        } = self;
        let policy = policy.map_or(String::new(), |policy| format!("Privacy-Policy: {policy}\r\n"));
        let length = match body.len() {
            0 => String::new(),
            length => format!("Content-Length: {length}\r\n"),
        };
        format!(
            "{method} {path} HTTP/1.1\r\nHost: {address}\r\nUser-Agent: demo\r\n{policy}{length}\
             Connection: close\r\n\r\n{body}"
        )
    }
}

impl Answer {
    pub(super) fn is_good(&self) -> bool {
        self.status.starts_with('2')
    }
}

fn parse(response: &str, took: Duration) -> Option<Answer> {
    let (head, body) = response.split_once("\r\n\r\n")?;
    let status = head.lines().next()?.strip_prefix("HTTP/1.1 ")?.to_owned();
    let gist = problem(body).unwrap_or_else(|| body.lines().next().unwrap_or_default().to_owned());
    Some(Answer {
        status,
        gist: talk::harmless(&gist),
        took,
    })
}

/// Cause and detail of a problem document.
fn problem(body: &str) -> Option<String> {
    let document: Value = serde_json::from_str(body).ok()?;
    let said = |key: &str| document[key].as_str();
    Some(format!("{}: {}", said("cause")?, said("detail")?))
}

const PATIENCE: Duration = Duration::from_secs(10);

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_answer_has_a_status_and_a_first_line() {
        let answer = parse("HTTP/1.1 200 OK\r\nA: b\r\n\r\nHello\nyou\n", Duration::ZERO).unwrap();
        assert!(answer.is_good());
        assert_eq!(
            (answer.status.as_str(), answer.gist.as_str()),
            ("200 OK", "Hello")
        );
        assert!(parse("", Duration::ZERO).is_none());
    }

    #[test]
    fn a_problem_is_told_by_cause_and_detail() {
        let response =
            "HTTP/1.1 503 Service Unavailable\r\n\r\n{\"cause\":\"no_backend\",\"detail\":\"Nobody\"}";
        let answer = parse(response, Duration::ZERO).unwrap();
        assert!(!answer.is_good());
        assert_eq!(answer.gist, "no_backend: Nobody");
    }

    #[test]
    fn a_body_has_a_length_and_a_policy_a_field() {
        let ask = Ask {
            method: "PUT",
            path: "/x",
            policy: Some("eu"),
            body: "{}",
        };
        let text = ask.text("127.0.0.1:1".parse().unwrap());
        assert!(
            text.contains("\r\nPrivacy-Policy: eu\r\nContent-Length: 2\r\n"),
            "{text}"
        );
    }
}
