//! One HTTP/1.1 request on a connection of its own, and whether the response passes. All that is read is bounded.

use std::fmt::Write as _;
use std::time::Duration;

use portreeve_http1::{
    Chunked, Framing, Head, HeadLimits, HeadScan, StatusLine, parse_response, response_framing,
};
use portreeve_model::Report;
use portreeve_model::plan::HttpCheck;
use tokio::io::{AsyncReadExt, AsyncWriteExt};

use super::reach::{Reached, Wire, plain};
use super::{Deadline, Found, shown};

pub(super) async fn check(check: &HttpCheck, reached: Reached, by: &Deadline, time: Duration) -> Found {
    let request = request(check, &reached.host);
    let mut answer = Answer::new(reached.wire);
    let late = || format!("{} was not answered within {}", asked(check), shown(time));
    let result = by.keep(late, answer.judge(check, &request)).await;
    Found {
        report: answer.report,
        ..result.into()
    }
}

/// The request as it is sent. A field that the plan has stands in place of ours.
fn request(check: &HttpCheck, host: &str) -> String {
    let has = |name: &str| {
        check
            .headers
            .iter()
            .any(|(one, _)| one.eq_ignore_ascii_case(name))
    };
    let mut text = format!("{} {} HTTP/1.1\r\n", check.method, check.target);
    let mut field = |name: &str, value: &str| {
        let _ = write!(text, "{name}: {value}\r\n"); // a String takes whatever comes
    };
    if !has("host") {
        field("Host", check.host.as_deref().unwrap_or(host));
    }
    if !has("user-agent") {
        field(
            "User-Agent",
            concat!("portreeve-probe/", env!("CARGO_PKG_VERSION")),
        );
    }
    let may_have_body = !matches!(&*check.method, "GET" | "HEAD" | "OPTIONS" | "TRACE");
    if may_have_body && !has("content-length") {
        field("Content-Length", "0");
    }
    for (name, value) in &check.headers {
        field(name, value);
    }
    field("Connection", "close");
    text.push_str("\r\n");
    text
}

pub(super) fn asked(check: &HttpCheck) -> String {
    format!("{} {}", check.method, check.target)
}

/// A response that is being read.
struct Answer {
    wire: Wire,
    /// What has come and is not used up.
    input: Vec<u8>,
    /// Bytes that have come in all.
    came: usize,
    report: Option<Report>,
}

impl Answer {
    fn new(wire: Wire) -> Self {
        Self {
            wire,
            input: Vec::with_capacity(READ),
            came: 0,
            report: None,
        }
    }

    async fn judge(&mut self, check: &HttpCheck, request: &str) -> Result<(), String> {
        // One that answers before it has read everything may close: its answer counts.
        let sent = self.wire.write_all(request.as_bytes()).await;
        let (line, framing) = match self.final_head(check).await {
            Err(_) if sent.is_err() => {
                let error = sent.expect_err("it was just looked at");
                return Err(format!("{} could not be sent: {}", asked(check), plain(&error)));
            }
            read => read?,
        };
        if !passes(check, line.status) {
            let allowed = ranges(&check.statuses);
            return Err(format!("{} answered {}; {allowed}", asked(check), line.status));
        }
        match check.body_contains.as_deref() {
            Some(wanted) if !self.body_contains(wanted.as_bytes(), framing).await? => Err(format!(
                "{} answered {}, but the first 64 KiB of the body do not contain \"{}\"",
                asked(check),
                line.status,
                wanted.escape_debug()
            )),
            _ => Ok(()),
        }
    }

    /// The head of the response that is no interim one.
    async fn final_head(&mut self, check: &HttpCheck) -> Result<(StatusLine, Framing), String> {
        loop {
            let mut scan = HeadScan::default();
            let end = loop {
                match scan.advance(&self.input, &LIMITS) {
                    Ok(Some(end)) => break end,
                    Ok(None) => self.read_more(check).await?,
                    Err(fault) => return Err(no_http(check, &fault)),
                }
            };
            let mut head = Head::new();
            let line = parse_response(&self.input[..end], &LIMITS, &mut head)
                .map_err(|fault| no_http(check, &fault))?;
            self.input.drain(..end);
            let reports = head.named(Report::FIELD).filter_map(Report::read);
            self.report = reports.last().or(self.report);
            if line.status >= 200 || line.status == 101 {
                let framing = response_framing(check.method.as_bytes(), &line, &head)
                    .map_err(|fault| no_http(check, &fault))?;
                return Ok((line, framing));
            }
        }
    }

    /// More of the response; that there is none is a fault, and that there is too much is one too.
    async fn read_more(&mut self, check: &HttpCheck) -> Result<(), String> {
        match self.read().await {
            Ok(0) => Err(format!(
                "{}: the connection ended before the response",
                asked(check)
            )),
            Ok(_) if self.came > ANSWER_MAX => Err(format!(
                "{}: the response has no end within 128 KiB",
                asked(check)
            )),
            Ok(_) => Ok(()),
            Err(reason) => Err(format!("{}: {reason}", asked(check))),
        }
    }

    async fn read(&mut self) -> Result<usize, String> {
        self.input.reserve(READ);
        let count = self
            .wire
            .read_buf(&mut self.input)
            .await
            .map_err(|error| plain(&error))?;
        self.came += count;
        Ok(count)
    }

    /// Whether the first 64 KiB of the content do. A body that breaks off is judged by what came of it.
    async fn body_contains(&mut self, wanted: &[u8], framing: Framing) -> Result<bool, String> {
        let mut body = Body::new(framing);
        loop {
            body.take(&mut self.input)?;
            if contains(&body.content, wanted) {
                return Ok(true);
            }
            if body.is_whole() || self.came > ANSWER_MAX || self.read().await? == 0 {
                return Ok(false);
            }
        }
    }
}

/// The beginning of a body's content.
struct Body {
    framing: Framing,
    chunked: Chunked,
    content: Vec<u8>,
}

impl Body {
    fn new(framing: Framing) -> Self {
        Self {
            framing,
            chunked: Chunked::default(),
            content: Vec::new(),
        }
    }

    /// Takes the content out of what came.
    fn take(&mut self, input: &mut Vec<u8>) -> Result<(), String> {
        match self.framing {
            Framing::Empty => {}
            Framing::Exact(_) | Framing::UntilClose => self.keep(input),
            Framing::Chunked => {
                let mut at = 0;
                while at < input.len() && !self.chunked.is_done() {
                    let event = self
                        .chunked
                        .next(&input[at..])
                        .map_err(|fault| fault.to_string())?;
                    if let Some(data) = event.data {
                        self.keep(&input[at + data.start..at + data.end]);
                    }
                    at += event.consumed;
                }
            }
        }
        input.clear();
        Ok(())
    }

    fn keep(&mut self, data: &[u8]) {
        let room = self.content_max() - self.content.len();
        self.content.extend_from_slice(&data[..data.len().min(room)]);
    }

    fn content_max(&self) -> usize {
        match self.framing {
            Framing::Exact(length) => usize::try_from(length).unwrap_or(BODY_MAX).min(BODY_MAX),
            Framing::Empty | Framing::Chunked | Framing::UntilClose => BODY_MAX,
        }
    }

    fn is_whole(&self) -> bool {
        self.framing == Framing::Empty || self.chunked.is_done() || self.content.len() >= self.content_max()
    }
}

pub(super) fn contains(content: &[u8], wanted: &[u8]) -> bool {
    wanted.is_empty() || content.windows(wanted.len()).any(|part| part == wanted)
}

pub(super) fn passes(check: &HttpCheck, status: u16) -> bool {
    let mut statuses = check.statuses.iter();
    statuses.any(|(first, last)| (*first..=*last).contains(&status))
}

/// `200 to 399 pass`, `200 and 204 to 206 pass`.
pub(super) fn ranges(statuses: &[(u16, u16)]) -> String {
    let range = |(first, last): &(u16, u16)| match first == last {
        true => first.to_string(),
        false => format!("{first} to {last}"),
    };
    let texts: Vec<String> = statuses.iter().map(range).collect();
    let verb = if statuses.len() == 1 && statuses[0].0 == statuses[0].1 {
        "passes"
    } else {
        "pass"
    };
    format!("{} {verb}", texts.join(" and "))
}

fn no_http(check: &HttpCheck, fault: &portreeve_http1::Fault) -> String {
    format!(
        "{}: the response is not HTTP/1.1 as it should be: {fault}",
        asked(check)
    )
}

const LIMITS: HeadLimits = HeadLimits {
    bytes_max: 32 * 1024,
    fields_max: 256,
    target_max: 0,
};
/// What is looked at of a body.
pub(super) const BODY_MAX: usize = 64 * 1024;
/// What is read of a response in all, with heads and the sizes of chunks.
const ANSWER_MAX: usize = 128 * 1024;
/// What a buffer has room for at first: most answers fit.
const READ: usize = 1_024;

#[cfg(test)]
mod tests;
