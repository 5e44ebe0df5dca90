//! Whether we, the server behind us and the client agree about what was asked.

use std::collections::BTreeMap;
use std::fmt;
use std::net::Ipv4Addr;

use portreeve_testkit::{Kind, Message, extent, text};
use serde_json::Value;

use crate::differential::client::Heard;
use crate::differential::corpus::{Case, End};

/// One request as we understood it, by our access record.
#[derive(Debug, Clone)]
pub(crate) struct Ours {
    /// Empty: we understood no request.
    method: String,
    /// Path and query, as we pass it on.
    target: String,
    body_bytes: u64,
    status: u16,
    /// Why we answered it ourselves or gave up.
    cause: Option<String>,
}

/// One request as the server behind us understood it.
#[derive(Debug, Clone)]
pub(crate) struct Theirs {
    method: String,
    target: String,
    body_bytes: u64,
    is_whole: bool,
    is_h2c: bool,
}

/// All that is known of one delivery of one case.
pub(crate) struct Observed<'a> {
    pub(crate) case: &'a Case,
    pub(crate) delivery: &'static str,
    pub(crate) heard: Heard,
    pub(crate) ours: Vec<Ours>,
    pub(crate) theirs: Vec<Theirs>,
    /// What somebody else was answered right after it, and what they should have been.
    pub(crate) next: Heard,
    pub(crate) next_target: String,
}

impl Ours {
    /// Reads our access log: the records of each client.
    pub(crate) fn by_client(log: &str) -> BTreeMap<Ipv4Addr, Vec<Self>> {
        let mut clients: BTreeMap<_, Vec<_>> = BTreeMap::new();
        for line in log.lines() {
            let record: Value = serde_json::from_str(line).expect("a record is JSON");
            let client = text_of(&record, "client")
                .parse()
                .expect("clients come over IPv4");
            clients.entry(client).or_default().push(Self::read(&record));
        }
        clients
    }

    fn read(record: &Value) -> Self {
        Self {
            method: text_of(record, "method").to_owned(),
            target: origin_form(text_of(record, "method"), text_of(record, "target")),
            body_bytes: record["bytes_in"].as_u64().unwrap_or_default(),
            status: record["status"]
                .as_u64()
                .and_then(|status| u16::try_from(status).ok())
                .unwrap_or(0),
            cause: record["cause"].as_str().map(str::to_owned),
        }
    }

    fn is_passed(&self) -> bool {
        self.cause.is_none()
    }

    fn is_refused(&self) -> bool {
        self.cause.as_deref().is_some_and(|cause| cause != CLIENT_LEFT)
    }

    /// What the client was told, if it was still there.
    fn told(&self) -> Option<u16> {
        (self.cause.as_deref() != Some(CLIENT_LEFT)).then_some(self.status)
    }

    /// Whether the server behind us would not have it, as is its right.
    fn is_declined(&self) -> bool {
        self.is_passed() && self.status >= 400
    }

    fn is_same(&self, theirs: &Theirs) -> bool {
        let is_same_body = self.body_bytes == theirs.body_bytes || !theirs.is_whole;
        self.method == theirs.method && self.target == theirs.target && is_same_body
    }
}

impl Theirs {
    /// Sorts what the recorder got by the client we passed it on for. What cannot be sorted did not come through us
    /// as a request: it is told as a fault.
    pub(crate) fn by_client(requests: &[Message]) -> (BTreeMap<Ipv4Addr, Vec<Self>>, Vec<String>) {
        let (mut clients, mut faults) = (BTreeMap::<_, Vec<_>>::new(), Vec::new());
        for request in requests {
            match &request.values("x-forwarded-for")[..] {
                [client] if client.parse::<Ipv4Addr>().is_ok() => {
                    let client = client.parse().expect("just tried");
                    clients.entry(client).or_default().push(Self::read(request));
                }
                _ => faults.push(format!("nobody asked for {}", text(&request.raw))),
            }
        }
        (clients, faults)
    }

    fn read(request: &Message) -> Self {
        let line = request.line();
        let mut parts = line.split(' ');
        let mut part = || parts.next().unwrap_or_default().to_owned();
        Self {
            method: part(),
            target: part(),
            body_bytes: request.body.len() as u64,
            is_whole: extent(&request.raw, Kind::Request, false) == Ok(Some(request.raw.len())),
            is_h2c: request
                .values("upgrade")
                .iter()
                .any(|value| value.to_ascii_lowercase().contains("h2c")),
        }
    }
}

impl Observed<'_> {
    /// Everything that is not as it must be; empty if all agree.
    pub(crate) fn faults(&self) -> Vec<String> {
        let mut faults = Vec::new();
        self.hold_to_expectation(&mut faults);
        self.hold_to_answers(&mut faults);
        self.hold_to_theirs(&mut faults);
        self.hold_to_next(&mut faults);
        faults
    }

    fn hold_to_expectation(&self, faults: &mut Vec<String>) {
        let expected = self.case.expected;
        let is_declined = expected.end.may_be_declined()
            && self.heard_of() > expected.passed
            && self.ours.last().is_some_and(Ours::is_declined);
        let refused = self.ours.iter().filter(|ours| ours.is_refused()).count();
        let passed = self.heard_of() - usize::from(is_declined);
        let is_refused = match expected.end {
            End::Clean | End::Unfinished => refused == 0,
            End::Refused => refused == 1,
            End::RefusedByEither => refused + usize::from(is_declined) == 1,
        };
        if passed != expected.passed || !is_refused {
            faults.push(format!(
                "we passed {passed} and refused {refused}; expected: {expected}"
            ));
        }
    }

    /// Requests that the server behind us heard of.
    fn heard_of(&self) -> usize {
        self.ours.iter().filter(|ours| ours.is_passed()).count()
    }

    /// The client gets one answer for each request and none beside them.
    fn hold_to_answers(&self, faults: &mut Vec<String>) {
        let sent: Vec<u16> = self.ours.iter().filter_map(Ours::told).collect();
        let got: Vec<u16> = self.heard.answers.iter().map(|answer| answer.status).collect();
        if sent != got {
            faults.push(format!("our records say {sent:?}, the client got {got:?}"));
        }
        if self.heard.is_hanging {
            faults.push("the connection hangs".to_owned());
        }
    }

    /// The server behind us saw what we passed, in that order, and nothing else.
    fn hold_to_theirs(&self, faults: &mut Vec<String>) {
        let mut theirs = self.theirs.iter().peekable();
        for ours in &self.ours {
            let is_seen =
                theirs.next_if(|theirs| ours.is_same(theirs) && ours.is_passed() >= theirs.is_whole);
            if is_seen.is_none() && ours.is_passed() && !ours.is_declined() {
                faults.push(format!("{ours} was not seen behind us"));
            }
        }
        faults.extend(theirs.map(|theirs| format!("behind us was seen {theirs}, which we did not pass")));
        for theirs in &self.theirs {
            if theirs.is_whole && theirs.target.contains("smuggled") {
                faults.push(format!("{theirs} was smuggled"));
            }
            if theirs.is_h2c {
                faults.push(format!("{theirs} would turn the connection into HTTP/2"));
            }
        }
    }

    /// Whoever comes next over the same connection to the backend gets their own answer.
    fn hold_to_next(&self, faults: &mut Vec<String>) {
        let is_own = matches!(&self.next.answers[..], [answer] if answer.status == 200 && answer.body == self.next_target.as_bytes());
        if !is_own {
            faults.push(format!(
                "the next client asked for {} and got {:?}",
                self.next_target, self.next
            ));
        }
    }
}

/// A row of the table.
impl fmt::Display for Observed<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Case {
            class,
            name,
            expected,
            ..
        } = self.case;
        let answers: Vec<u16> = self.heard.answers.iter().map(|answer| answer.status).collect();
        write!(
            f,
            "{class}: {name} ({}) | {expected} | we: {} | behind us: {} | client: {answers:?}",
            self.delivery,
            listed(&self.ours),
            listed(&self.theirs),
        )
    }
}

impl fmt::Display for Ours {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self {
            method,
            target,
            body_bytes,
            status,
            ..
        } = self;
        let cause = self.cause.as_deref().unwrap_or("passed");
        write!(f, "{method} {} +{body_bytes} -> {status} {cause}", short(target))
    }
}

impl fmt::Display for Theirs {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self {
            method,
            target,
            body_bytes,
            ..
        } = self;
        let rest = if self.is_whole { "" } else { " (unfinished)" };
        write!(f, "{method} {} +{body_bytes}{rest}", short(target))
    }
}

fn listed(items: &[impl fmt::Display]) -> String {
    if items.is_empty() {
        return "nothing".to_owned();
    }
    items
        .iter()
        .map(ToString::to_string)
        .collect::<Vec<_>>()
        .join("; ")
}

fn short(text: &str) -> &str {
    text.get(..60).unwrap_or(text)
}

fn text_of<'a>(record: &'a Value, key: &str) -> &'a str {
    record[key].as_str().unwrap_or_default()
}

/// A target as a backend must get it: without scheme and authority (RFC 9112 section 3.2.1).
fn origin_form(method: &str, target: &str) -> String {
    let Some((_, rest)) = target.split_once("://").filter(|_| !target.starts_with('/')) else {
        return target.to_owned();
    };
    match rest.find(['/', '?']).map(|at| &rest[at..]) {
        Some(path) if path.starts_with('/') => path.to_owned(),
        Some(query) => format!("/{query}"),
        None if method == "OPTIONS" => "*".to_owned(),
        None => "/".to_owned(),
    }
}

/// The cause of a record whose client went before it could be told anything.
const CLIENT_LEFT: &str = "client_left";

#[cfg(test)]
#[path = "judge_tests.rs"]
mod tests;
