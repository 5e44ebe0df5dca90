//! A thousand clients that ask while nobody runs.

use std::io::{ErrorKind, Read, Write};
use std::net::{SocketAddr, TcpStream};
use std::time::{Duration, Instant};

use memchr::memmem;
use portreeve_bench::{Interest, Poller};

use super::admin::{Feed, Wall};
use super::app::App;
use super::scene::Scene;
use crate::contender::Contender;
use crate::entrant::Entrant;
use crate::fault::Fault;
use crate::process::Cores;
use crate::trial::{Bench, Bound, Column, Figures, Trial, Unit};

pub(crate) static HELD: Trial = Trial {
    name: "held",
    title: "a thousand clients ask while nobody runs",
    note: "Each sends two requests at once on a connection of its own (pipelined). The app listens 500 ms after its start, so that all of \
           them wait. Answers count if they are 200 and name the request whose turn it is on that connection. The first pass is the moment \
           that the proxy's own events give, to the millisecond.",
    entrants: &[Entrant::new("portreeve", Contender::Portreeve, "").judged()],
    columns: &[
        Column::new(ASKED, Unit::Count).target(Bound::AtLeast(CLIENTS as f64)),
        Column::new(ANSWERED, Unit::Count).target(Bound::AtLeast(2.0 * CLIENTS as f64)),
        Column::new(STARTED, Unit::Count).target(Bound::AtMost(1.0)),
        Column::new(FIRST, Unit::Millis),
        Column::new(LAST, Unit::Millis),
    ],
    turns: 2,
    run,
};

const ASKED: &str = "clients that asked before the first pass";
const ANSWERED: &str = "requests answered in order";
const STARTED: &str = "instances started";
const FIRST: &str = "first answer after the first pass";
const LAST: &str = "last one after it";

fn run(_: &Entrant, bench: &Bench<'_>) -> Result<Figures, Fault> {
    let driver = APP.driver(bench.place);
    let pools = format!(
        "[route.default]\npool = \"app\"\n\n[pool.app]\n\n[pool.app.scale]\n{driver}\nmin = 0\nmax = 10\nevery = \"1s\"\n\
         target = {{ in_flight_per_backend = 5000 }}\n"
    );
    let mut scene = Scene::start(bench, &pools, Cores::Both)?;
    let feed = scene.admin.follow()?;
    let crowd = Crowd::connect(scene.proxy.address)?;
    let first_pass = std::thread::spawn(move || first_pass(feed));
    let seen = crowd.ask_and_wait()?;
    let first_pass = first_pass
        .join()
        .unwrap_or_else(|_| Err(Fault::Program("nobody read the events".to_owned())))?;
    scene.proxy.process.must_run()?;
    // Both clocks at one moment: what came before or after the first pass.
    let passed = first_pass.elapsed_ms();
    let since_pass = |at: Instant| passed as f64 * 1000.0 - at.elapsed().as_secs_f64() * 1e6;
    let asked = seen.asked.iter().filter(|&&at| since_pass(at) < 0.0).count();
    let mut figures = Figures::from([
        (ASKED, asked as f64),
        (ANSWERED, seen.answered.len() as f64),
        (STARTED, scene.admin.fleet()?.events.ordered as f64),
    ]);
    if let (Some(&first), Some(&last)) = (seen.answered.first(), seen.answered.last()) {
        figures.extend([(FIRST, since_pass(first)), (LAST, since_pass(last))]);
    }
    Ok(figures)
}

fn first_pass(mut feed: Feed) -> Result<Wall, Fault> {
    feed.next_up()
}

/// Connections that have asked nothing yet.
struct Crowd {
    poller: Poller,
    clients: Vec<Client>,
}

/// When each client asked, and when each good answer came, in that order.
struct Seen {
    asked: Vec<Instant>,
    answered: Vec<Instant>,
}

impl Crowd {
    fn connect(proxy: SocketAddr) -> Result<Crowd, Fault> {
        let poller = Poller::new().map_err(Fault::io("watching clients"))?;
        let mut clients = Vec::with_capacity(CLIENTS);
        for number in 0..CLIENTS {
            let stream = TcpStream::connect(proxy).map_err(Fault::io("connecting a client"))?;
            let watched = stream
                .set_nonblocking(true)
                .and_then(|()| stream.set_nodelay(true))
                .and_then(|()| poller.add(&stream, number as u64, Interest::Read));
            watched.map_err(Fault::io("watching a client"))?;
            clients.push(Client {
                stream,
                number,
                received: Vec::new(),
                answered: 0,
            });
        }
        Ok(Crowd { poller, clients })
    }

    /// Each asks twice; ends when all are answered, or will not be.
    fn ask_and_wait(mut self) -> Result<Seen, Fault> {
        let mut seen = Seen {
            asked: Vec::new(),
            answered: Vec::new(),
        };
        for client in &self.clients {
            client.ask().map_err(Fault::io("asking"))?;
            seen.asked.push(Instant::now());
        }
        let (start, mut tokens, mut over) = (Instant::now(), Vec::new(), 0);
        while over < CLIENTS && start.elapsed() < WAIT_MAX {
            let waited = self.poller.wait_at_most(WAIT_MAX, &mut tokens);
            waited.map_err(Fault::io("waiting for answers"))?;
            for client in tokens.iter().filter_map(|&token| usize::try_from(token).ok()) {
                let client = &mut self.clients[client];
                let before = client.answered;
                let is_over = client.read();
                let more = client.answered - before;
                seen.answered.extend((0..more).map(|_| Instant::now()));
                if is_over {
                    over += 1;
                    let ignored = self.poller.change(&client.stream, u64::MAX, Interest::Nothing);
                    ignored.map_err(Fault::io("leaving a client"))?;
                }
            }
        }
        Ok(seen)
    }
}

struct Client {
    stream: TcpStream,
    number: usize,
    received: Vec<u8>,
    /// How many good answers have come.
    answered: usize,
}

impl Client {
    fn ask(&self) -> std::io::Result<()> {
        let requests: String = (0..EACH)
            .map(|turn| format!("GET {} HTTP/1.1\r\nHost: bench.test\r\n\r\n", self.target(turn)))
            .collect();
        (&self.stream).write_all(requests.as_bytes())
    }

    fn target(&self, turn: usize) -> String {
        format!("/{}/{turn}", self.number)
    }

    /// Takes what is there. Whether nothing more is to come: all has, the connection has ended, or an answer was wrong.
    fn read(&mut self) -> bool {
        let mut buffer = [0; 4096];
        match (&self.stream).read(&mut buffer) {
            Ok(0) => return true,
            Ok(read) => self.received.extend_from_slice(&buffer[..read]),
            Err(fault) if fault.kind() == ErrorKind::WouldBlock => return false,
            Err(_) => return true,
        }
        loop {
            match first_answer(&self.received) {
                None => return false,
                Some(answer) if !answer.is_of(&self.target(self.answered)) => return true,
                Some(answer) => {
                    let length = answer.length;
                    self.received.drain(..length);
                    self.answered += 1;
                }
            }
            if self.answered == EACH {
                return true;
            }
        }
    }
}

struct Answer<'a> {
    is_good: bool,
    body: &'a [u8],
    /// Of all of it.
    length: usize,
}

impl Answer<'_> {
    fn is_of(&self, target: &str) -> bool {
        let rest = self.body.strip_prefix(target.as_bytes());
        self.is_good && rest.is_some_and(|rest| rest.starts_with(b" "))
    }
}

/// The first whole answer of these bytes.
fn first_answer(received: &[u8]) -> Option<Answer<'_>> {
    let end = memmem::find(received, b"\r\n\r\n")? + 4;
    let head = String::from_utf8_lossy(&received[..end]).to_ascii_lowercase();
    let length = head
        .split("\r\n")
        .find_map(|line| line.strip_prefix("content-length:"));
    let length: usize = length.and_then(|text| text.trim().parse().ok()).unwrap_or(0);
    Some(Answer {
        is_good: head.starts_with("http/1.1 200 "),
        body: received.get(end..end + length)?,
        length: end + length,
    })
}

const CLIENTS: usize = 1000;
/// Requests of a client.
const EACH: usize = 2;
const WAIT_MAX: Duration = Duration::from_secs(20);
const APP: App = App {
    pause: Duration::from_millis(500),
    service: Duration::ZERO,
};

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_answer_is_that_of_the_target_that_it_names() {
        let bytes = b"HTTP/1.1 200 OK\r\nContent-Length: 8\r\n\r\n/7/1 xxxHTTP/1.1 2";
        let answer = first_answer(bytes).unwrap();
        assert!(answer.is_of("/7/1") && !answer.is_of("/7/10") && !answer.is_of("/7"));
        assert_eq!(answer.length, bytes.len() - 10);
        assert!(first_answer(&bytes[..40]).is_none());
        let refused = first_answer(b"HTTP/1.1 503 No\r\nContent-Length: 5\r\n\r\n/7/1 ").unwrap();
        assert!(!refused.is_of("/7/1"));
    }
}
