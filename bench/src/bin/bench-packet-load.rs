//! Packets as fast as acknowledgements come, on a number of connections at once, each acknowledgement verified.
//!
//! `bench-packet-load PROXY new|kept CONNECTIONS SECONDS`: with `new`, each packet has a connection of its own, as the
//! existing clients do it; with `kept`, connections stay. The policies come in turn. It prints one line of JSON as the
//! script for wrk does: `bad_status` are error packets, wrong hashes and acknowledgements from servers of another policy;
//! `broken` are connections that failed or ended without an answer; `timeouts` are packets without an answer after two
//! seconds at the end, and `cpu_us` is what the load itself took.

use std::io::{self, ErrorKind, Read, Write};
use std::net::{SocketAddr, TcpStream};
use std::time::{Duration, Instant};

use portreeve_bench::{Interest, POLICIES, Poller, percentile, policy_of, sha1_hex};
use rustix::time::{ClockId, clock_gettime};
use serde::Deserialize;
use serde_json::json;

fn main() -> io::Result<()> {
    let wish = Wish::read().ok_or_else(|| {
        io::Error::other("usage: bench-packet-load PROXY_IP:PORT new|kept CONNECTIONS SECONDS")
    })?;
    let counts = Load::start(&wish)?.run(wish.length)?;
    writeln!(io::stdout(), "{}", counts.line())
}

struct Wish {
    proxy: SocketAddr,
    is_kept: bool,
    connections: usize,
    length: Duration,
}

impl Wish {
    fn read() -> Option<Wish> {
        let mut arguments = std::env::args().skip(1);
        Some(Wish {
            proxy: arguments.next()?.parse().ok()?,
            is_kept: match arguments.next()?.as_str() {
                "new" => false,
                "kept" => true,
                _ => return None,
            },
            connections: arguments.next()?.parse().ok()?,
            length: Duration::from_secs(arguments.next()?.parse().ok()?),
        })
    }
}

struct Load {
    proxy: SocketAddr,
    is_kept: bool,
    poller: Poller,
    /// One for each client; none while a client is between two connections or, at the end, done.
    exchanges: Vec<Option<Exchange>>,
    next: usize,
    counts: Counts,
}

impl Load {
    fn start(wish: &Wish) -> io::Result<Load> {
        let mut load = Load {
            proxy: wish.proxy,
            is_kept: wish.is_kept,
            poller: Poller::new()?,
            exchanges: Vec::new(),
            next: 0,
            counts: Counts::new(),
        };
        for slot in 0..wish.connections {
            load.exchanges.push(None);
            load.ask(slot, None)?;
        }
        Ok(load)
    }

    fn run(mut self, length: Duration) -> io::Result<Counts> {
        let mut tokens = Vec::new();
        while self.counts.start.elapsed() < length {
            self.poller.wait_at_most(LOOK_AT_CLOCK, &mut tokens)?;
            for slot in tokens.iter().filter_map(|&token| usize::try_from(token).ok()) {
                if let Some(left) = self.advance(slot) {
                    self.ask(slot, left)?;
                }
            }
        }
        self.wait_for_the_rest(&mut tokens)?;
        self.counts.timeouts = self.exchanges.iter().flatten().count() as u64;
        Ok(self.counts)
    }

    fn wait_for_the_rest(&mut self, tokens: &mut Vec<u64>) -> io::Result<()> {
        let end = Instant::now();
        while self.exchanges.iter().any(Option::is_some) && end.elapsed() < PATIENCE {
            self.poller.wait_at_most(LOOK_AT_CLOCK, tokens)?;
            for slot in tokens.iter().filter_map(|&token| usize::try_from(token).ok()) {
                self.advance(slot);
            }
        }
        Ok(())
    }

    /// Begins the next exchange, on the connection that is left over or a new one. A proxy that takes no connection at all
    /// is an error: nothing can be measured then.
    fn ask(&mut self, slot: usize, left: Option<TcpStream>) -> io::Result<()> {
        let number = self.next;
        self.next += 1;
        let begun = Instant::now();
        let stream = match left {
            Some(stream) => stream,
            None => self.connect(slot)?,
        };
        let exchange = Exchange::new(stream, number, begun);
        match exchange.send() {
            Ok(()) => self.exchanges[slot] = Some(exchange),
            Err(_) => self.counts.broken += 1, // this client has no more connection: the rate shows it as well
        }
        Ok(())
    }

    fn connect(&self, slot: usize) -> io::Result<TcpStream> {
        let stream = TcpStream::connect(self.proxy)?;
        stream.set_nonblocking(true)?;
        self.poller.add(&stream, slot as u64, Interest::Read)?;
        Ok(stream)
    }

    /// Takes what came. If the exchange is over: the connection for the next one, if it is to be kept.
    fn advance(&mut self, slot: usize) -> Option<Option<TcpStream>> {
        let exchange = self.exchanges[slot].as_mut()?;
        let outcome = exchange.receive();
        if matches!(outcome, Outcome::Pending) {
            return None;
        }
        self.counts.add(&outcome, exchange.begun);
        let exchange = self.exchanges[slot].take()?;
        let is_left = self.is_kept && matches!(outcome, Outcome::Right);
        Some(is_left.then_some(exchange.stream))
    }
}

/// One packet and what comes back.
struct Exchange {
    stream: TcpStream,
    number: usize,
    begun: Instant,
    received: Vec<u8>,
}

enum Outcome {
    Pending,
    Right,
    Wrong,
    Broken,
}

impl Exchange {
    fn new(stream: TcpStream, number: usize, begun: Instant) -> Exchange {
        Exchange {
            stream,
            number,
            begun,
            received: Vec::new(),
        }
    }

    fn policy(&self) -> u64 {
        POLICIES[self.number % POLICIES.len()]
    }

    /// Different for each packet, so that no acknowledgement fits another.
    fn payload(&self) -> String {
        format!(
            "packet {:012} asks the servers of its policy to hash this",
            self.number
        )
    }

    fn send(&self) -> io::Result<()> {
        let payload = self.payload();
        let packet = format!(
            r#"{{"type": 0, "srcid": {}, "privPoliId": {}, "payloadsize": {}, "payload": "{payload}"}}"#,
            self.number % 1000 + 1,
            self.policy(),
            payload.len()
        );
        (&self.stream).write_all(packet.as_bytes())
    }

    fn receive(&mut self) -> Outcome {
        let mut buffer = [0; BUFFER_BYTES];
        match self.stream.read(&mut buffer) {
            Ok(0) => return Outcome::Broken,
            Ok(read) => self.received.extend_from_slice(&buffer[..read]),
            Err(fault) if fault.kind() == ErrorKind::WouldBlock => return Outcome::Pending,
            Err(_) => return Outcome::Broken,
        }
        match serde_json::from_slice::<Answer<'_>>(&self.received) {
            Ok(answer) if answer.acknowledges(self) => Outcome::Right,
            Err(fault) if fault.is_eof() => Outcome::Pending,
            _ => Outcome::Wrong,
        }
    }
}

#[derive(Deserialize)]
struct Answer<'a> {
    r#type: i64,
    srcid: u64,
    payload: &'a str,
}

impl Answer<'_> {
    fn acknowledges(&self, exchange: &Exchange) -> bool {
        self.r#type == 2
            && policy_of(self.srcid) == exchange.policy()
            && self.payload == sha1_hex(&exchange.payload())
    }
}

struct Counts {
    start: Instant,
    last_answer: Instant,
    times_us: Vec<u64>,
    wrong: u64,
    broken: u64,
    timeouts: u64,
}

impl Counts {
    fn new() -> Counts {
        let now = Instant::now();
        Counts {
            start: now,
            last_answer: now,
            times_us: Vec::new(),
            wrong: 0,
            broken: 0,
            timeouts: 0,
        }
    }

    fn add(&mut self, outcome: &Outcome, begun: Instant) {
        match outcome {
            Outcome::Pending => {}
            Outcome::Broken => self.broken += 1,
            Outcome::Wrong => self.wrong += 1,
            Outcome::Right => {
                self.last_answer = Instant::now();
                self.times_us.push(micros(self.last_answer - begun));
            }
        }
    }

    fn line(mut self) -> serde_json::Value {
        let requests = self.times_us.len();
        let mut at = |share| percentile(&mut self.times_us, share);
        json!({
            "requests": requests,
            "duration_us": micros(self.last_answer - self.start),
            "p50_us": at(0.5), "p99_us": at(0.99), "p999_us": at(0.999),
            "bad_status": self.wrong, "broken": self.broken, "timeouts": self.timeouts,
            "cpu_us": own_cpu_us(),
        })
    }
}

/// What this program has used of the cores so far.
fn own_cpu_us() -> u64 {
    let used = clock_gettime(ClockId::ProcessCPUTime);
    Duration::try_from(used).map_or(0, micros)
}

fn micros(time: Duration) -> u64 {
    u64::try_from(time.as_micros()).unwrap_or(u64::MAX)
}

const BUFFER_BYTES: usize = 2048;
const LOOK_AT_CLOCK: Duration = Duration::from_millis(20);
const PATIENCE: Duration = Duration::from_secs(2);

#[cfg(test)]
mod tests {
    use super::*;

    fn acknowledgement(r#type: i64, srcid: u64, payload: &str) -> bool {
        let listener = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
        let stream = TcpStream::connect(listener.local_addr().unwrap()).unwrap();
        let exchange = Exchange::new(stream, 4, Instant::now()); // of policy 222
        let answer = Answer {
            r#type,
            srcid,
            payload: if payload.is_empty() {
                &sha1_hex(&exchange.payload())
            } else {
                payload
            },
        };
        answer.acknowledges(&exchange)
    }

    #[test]
    fn only_the_right_hash_from_a_server_of_the_policy_counts() {
        assert!(acknowledgement(2, 2221, ""));
        assert!(!acknowledgement(-1, 2221, ""));
        assert!(!acknowledgement(2, 1111, ""));
        assert!(!acknowledgement(2, 2221, &sha1_hex("another packet")));
    }
}
