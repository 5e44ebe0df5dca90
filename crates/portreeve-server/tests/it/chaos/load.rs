//! Clients that ask all the while and keep what became of it.

use std::time::Duration;

use portreeve_testkit::{Address, Client, Gate, Message};
use tokio::task::JoinSet;

use crate::chaos::dice::Dice;
use crate::chaos::truth::{Micros, Span, Truth, now};

/// One request of a client.
#[derive(Debug)]
pub(crate) struct Outcome {
    pub(crate) target: String,
    pub(crate) method: &'static str,
    pub(crate) policy: &'static str,
    pub(crate) sent: Micros,
    pub(crate) done: Micros,
    pub(crate) end: End,
}

/// What became of it.
#[derive(Debug)]
pub(crate) enum End {
    /// The right answer.
    Served,
    /// A backend's own failure, passed on.
    Failed,
    /// The proxy's, with its cause.
    Refused(u16, String),
    /// The response broke off after its head had begun.
    Aborted,
    /// The client went away.
    Left,
    /// None of these.
    Untyped(String),
}

pub(crate) struct Load {
    clients: JoinSet<Vec<Outcome>>,
    weather: tokio::task::JoinHandle<()>,
    done: Gate,
}

impl Load {
    pub(crate) fn begin(proxy: &Address, truth: &Truth, seed: u64) -> Self {
        let (mut clients, done) = (JoinSet::new(), Gate::new());
        for number in 0..CLIENTS {
            let asker = Asker {
                proxy: proxy.clone(),
                dice: Dice::new(seed ^ (number + 1)),
                number: number * NUMBERS,
            };
            clients.spawn(asker.ask_until(done.clone()));
        }
        let weather = tokio::spawn(watch(truth.clone(), done.clone()));
        Self {
            clients,
            weather,
            done,
        }
    }

    pub(crate) async fn end(self) -> Vec<Outcome> {
        self.done.open();
        self.weather.await.expect("watching does not panic");
        self.clients.join_all().await.into_iter().flatten().collect()
    }
}

/// Notes when this process did not run for long: the machine is busy with something else.
async fn watch(truth: Truth, done: Gate) {
    while tokio::time::timeout(TICK, done.passed()).await.is_err() {
        let before = now();
        tokio::time::sleep(TICK).await;
        let after = now();
        if after - before > STALL {
            truth.state().stalls.push(Span {
                what: (),
                from: before.saturating_sub(SECOND),
                until: after + SECOND,
            });
        }
    }
}

struct Asker {
    proxy: Address,
    dice: Dice,
    number: u64,
}

impl Asker {
    async fn ask_until(mut self, done: Gate) -> Vec<Outcome> {
        let (mut outcomes, mut kept) = (Vec::new(), None);
        while tokio::time::timeout(Duration::from_millis(1), done.passed())
            .await
            .is_err()
        {
            let client = match kept.take() {
                Some(client) => client,
                None => Client::connect(&self.proxy).await.patience(ANSWERED_WITHIN),
            };
            let (outcome, client) = self.ask(client).await;
            let is_well = matches!(outcome.end, End::Served);
            outcomes.push(outcome);
            kept = client;
            let pause = if is_well { self.dice.below(12) } else { 25 };
            tokio::time::sleep(Duration::from_millis(pause)).await;
        }
        outcomes
    }

    /// What became of one request, and the connection if it may be used again.
    async fn ask(&mut self, mut client: Client) -> (Outcome, Option<Client>) {
        self.number += 1;
        let method = self.dice.one_of(&["GET", "GET", "GET", "PUT", "POST"]);
        let pool = self.dice.one_of(&["api", "file"]);
        let policy = self.dice.one_of(&["eu", "us"]);
        let target = format!("/{pool}/{}", self.number);
        let bytes = if method == "GET" {
            0
        } else {
            self.dice.below(20_000)
        };
        let sent = now();
        let mut request = format!(
            "{method} {target} HTTP/1.1\r\nHost: app.test\r\nPrivacy-Policy: {policy}\r\nX-Sent: {sent}\r\n\
             Content-Length: {bytes}\r\n\r\n"
        );
        request.extend((0..bytes).map(|_| 'b'));
        let (end, client) = match self.dice.below(25) {
            0 => (self.leave(client, &request).await, None),
            _ => match client.try_send(&request).await {
                Ok(()) => self.answered(client, bytes).await,
                Err(error) => (End::Untyped(format!("it takes no request: {error}")), None),
            },
        };
        let outcome = Outcome {
            target,
            method,
            policy,
            sent,
            done: now(),
            end,
        };
        (outcome, client)
    }

    async fn answered(&self, mut client: Client, bytes: u64) -> (End, Option<Client>) {
        match client.try_response().await {
            Ok(answer) => {
                let end = self.read(&answer, bytes);
                let closes = answer.values("connection").iter().any(|value| value == "close");
                (end, (!closes).then_some(client))
            }
            Err(broken) if broken.ended.is_some() && !broken.got.is_empty() => (End::Aborted, None),
            Err(broken) => (End::Untyped(broken.to_string()), None),
        }
    }

    /// The answer must be a backend's to this very request, or ours with a cause.
    fn read(&self, answer: &Message, bytes: u64) -> End {
        let (status, text) = (answer.status(), answer.text());
        let is_backends = answer.field("x-backend").is_some();
        if status == 200 && text.starts_with(&format!("{} {bytes}\n", self.number)) {
            return End::Served;
        }
        if status == 500 && is_backends {
            return End::Failed;
        }
        let cause = text
            .split_once("\"cause\":\"")
            .and_then(|(_, rest)| rest.split_once('"'));
        match cause {
            Some((cause, _)) if !is_backends => End::Refused(status, cause.to_owned()),
            _ => End::Untyped(portreeve_testkit::text(&answer.raw)),
        }
    }

    /// In the middle of the request, or while the answer is awaited or comes.
    async fn leave(&mut self, mut client: Client, request: &str) -> End {
        let whole = self.dice.below(2) == 0;
        let sent = if whole { request.len() } else { request.len() / 2 };
        let _ = client.try_send(&request.as_bytes()[..sent]).await; // it leaves anyway
        tokio::time::sleep(Duration::from_millis(self.dice.below(15))).await;
        if self.dice.below(2) == 0 {
            client.reset();
        }
        End::Left
    }
}

const CLIENTS: u64 = 24;
/// So many requests may each of them send.
const NUMBERS: u64 = 10_000_000;
/// Six attempts of a second each, and the hold.
const ANSWERED_WITHIN: Duration = Duration::from_secs(20);
const TICK: Duration = Duration::from_millis(20);
const STALL: Micros = 400_000;
const SECOND: Micros = 1_000_000;
