//! An open loop of GETs: they are sent when their time has come, whatever became of those before, as users do.
//!
//! `bench-open-load PROXY PATIENCE_MS LATE_MS RATE:MS...` sends RATE requests a second for MS milliseconds, one phase after
//! the other, at random times (Poisson, the same in each run), on idle connections or new ones. A client that has waited for
//! PATIENCE_MS leaves. Latencies count from the time that a request was due. It prints one line of JSON at the end: a list
//! with what each phase counted (`Phase`).

use std::collections::VecDeque;
use std::io::{self, ErrorKind, Read, Write};
use std::net::{SocketAddr, TcpStream};
use std::time::{Duration, Instant};

use memchr::memmem;
use portreeve_bench::{Arrivals, Interest, Phase, Poller, percentile};
use rustix::net::{AddressFamily, SocketFlags, SocketType};

fn main() -> io::Result<()> {
    let wish = Wish::read().ok_or_else(|| {
        io::Error::other("usage: bench-open-load PROXY_IP:PORT PATIENCE_MS LATE_MS RATE:MS...")
    })?;
    let phases = Load::new(&wish)?.run()?;
    let line = serde_json::to_string(&phases).expect("numbers become JSON");
    writeln!(io::stdout(), "{line}")
}

struct Wish {
    proxy: SocketAddr,
    patience: Duration,
    late: Duration,
    /// Requests a second and how long.
    phases: Vec<(f64, Duration)>,
}

impl Wish {
    fn read() -> Option<Wish> {
        let mut arguments = std::env::args().skip(1);
        let proxy = arguments.next()?.parse().ok()?;
        let patience = millis(&arguments.next()?)?;
        let late = millis(&arguments.next()?)?;
        let phase = |word: String| {
            let (rate, length) = word.split_once(':')?;
            Some((rate.parse().ok().filter(|&rate| rate > 0.0)?, millis(length)?))
        };
        let phases = arguments.map(phase).collect::<Option<Vec<_>>>()?;
        Some(Wish {
            proxy,
            patience,
            late,
            phases,
        })
    }
}

fn millis(word: &str) -> Option<Duration> {
    word.parse().ok().map(Duration::from_millis)
}

struct Load<'a> {
    wish: &'a Wish,
    poller: Poller,
    exchanges: Vec<Option<Exchange>>,
    free: Vec<usize>,
    /// Connections whose answer came, the latest last.
    idle: Vec<TcpStream>,
    /// Who asked when, in this order; many are answered by now.
    leaving: VecDeque<(Instant, Seat)>,
    number: u64,
    phases: Vec<Tally>,
    /// The phase that is going on.
    now_in: usize,
}

/// Where an exchange is; a slot is taken again, a number is not.
#[derive(Clone, Copy)]
struct Seat {
    slot: usize,
    number: u64,
}

impl<'a> Load<'a> {
    fn new(wish: &'a Wish) -> io::Result<Load<'a>> {
        Ok(Load {
            wish,
            poller: Poller::new()?,
            exchanges: Vec::new(),
            free: Vec::new(),
            idle: Vec::new(),
            leaving: VecDeque::new(),
            number: 0,
            phases: wish.phases.iter().map(|_| Tally::default()).collect(),
            now_in: 0,
        })
    }

    fn run(mut self) -> io::Result<Vec<Phase>> {
        let mut arrivals = Arrivals::new();
        let mut begin = Instant::now();
        let mut due = begin;
        for (phase, &(rate, length)) in self.wish.phases.iter().enumerate() {
            let end = begin + length;
            (self.now_in, due) = (phase, due.max(begin) + arrivals.gap(rate));
            while due < end {
                self.look_until(due)?;
                self.ask(due, phase);
                due += arrivals.gap(rate);
            }
            self.look_until(end)?;
            begin = end;
        }
        self.now_in = self.phases.len();
        self.look_until(begin + self.wish.patience)?;
        for exchange in std::mem::take(&mut self.exchanges).into_iter().flatten() {
            self.phases[exchange.phase].counted.gave_up += 1;
        }
        let phases = self.phases.into_iter().zip(&self.wish.phases);
        Ok(phases
            .map(|(tally, &(_, length))| tally.summed_up(length))
            .collect())
    }

    /// Takes what comes until this time, and at least once what is there.
    fn look_until(&mut self, time: Instant) -> io::Result<()> {
        let mut tokens = Vec::new();
        loop {
            let pause = time.saturating_duration_since(Instant::now()).min(LOOK_AT_CLOCK);
            self.poller.wait_at_most(pause, &mut tokens)?;
            for slot in tokens.iter().filter_map(|&token| usize::try_from(token).ok()) {
                self.advance(slot);
            }
            let now = Instant::now();
            self.let_leave(now);
            if now >= time {
                return Ok(());
            }
        }
    }

    fn ask(&mut self, due: Instant, phase: usize) {
        self.phases[phase].counted.sent += 1;
        if self.begin(due, phase).is_err() {
            self.phases[phase].counted.broken += 1;
        }
    }

    fn begin(&mut self, due: Instant, phase: usize) -> io::Result<()> {
        let slot = self.free.pop().unwrap_or_else(|| {
            self.exchanges.push(None);
            self.exchanges.len() - 1
        });
        let idle = self.idle.pop();
        let is_new = idle.is_none();
        let stream = match idle {
            Some(stream) => Ok(stream),
            None => connect(self.wish.proxy),
        };
        self.number += 1;
        let number = self.number;
        let exchange = stream.and_then(|stream| {
            let mut exchange = Exchange::new(stream, due, phase, number);
            exchange.send()?;
            let (socket, interest) = (&exchange.stream, exchange.interest());
            if is_new {
                self.poller.add(socket, slot as u64, interest)?;
            } else {
                self.poller.change(socket, slot as u64, interest)?;
            }
            Ok(exchange)
        });
        match exchange {
            Ok(exchange) => {
                self.exchanges[slot] = Some(exchange);
                let seat = Seat { slot, number };
                self.leaving.push_back((due + self.wish.patience, seat));
                Ok(())
            }
            Err(fault) => {
                self.free.push(slot);
                Err(fault)
            }
        }
    }

    fn advance(&mut self, slot: usize) {
        let Some(exchange) = self.exchanges.get_mut(slot).and_then(Option::as_mut) else {
            return;
        };
        let progress = exchange.advance(&self.poller, slot);
        if matches!(progress, Ok(Progress::Pending)) {
            return;
        }
        let Some(exchange) = self.exchanges[slot].take() else {
            return;
        };
        self.free.push(slot);
        let tally = &mut self.phases[exchange.phase];
        match progress {
            Ok(Progress::Answered { status, is_last }) => {
                let time = exchange.due.elapsed();
                tally.answered(status, time, time >= self.wish.late);
                if let Some(now_in) = self.phases.get_mut(self.now_in).filter(|_| status == 200) {
                    now_in.counted.served_meanwhile += 1;
                }
                self.keep(exchange.stream, is_last);
            }
            _ => tally.counted.broken += 1,
        }
    }

    /// An idle connection stays in the poller, watched for nothing: it is taken up or found closed when it is used.
    fn keep(&mut self, stream: TcpStream, is_last: bool) {
        let is_left = !is_last && self.poller.change(&stream, IDLE, Interest::Nothing).is_ok();
        if is_left {
            self.idle.push(stream);
        }
    }

    fn let_leave(&mut self, now: Instant) {
        while let Some(&(_, seat)) = self.leaving.front().filter(|(time, _)| *time <= now) {
            self.leaving.pop_front();
            let exchange = &mut self.exchanges[seat.slot];
            if let Some(left) = exchange.take_if(|exchange| exchange.number == seat.number) {
                self.free.push(seat.slot);
                self.phases[left.phase].counted.gave_up += 1;
            }
        }
    }
}

/// A connection that is being made, or is made.
fn connect(address: SocketAddr) -> io::Result<TcpStream> {
    let flags = SocketFlags::NONBLOCK | SocketFlags::CLOEXEC;
    let socket = rustix::net::socket_with(AddressFamily::INET, SocketType::STREAM, flags, None)?;
    match rustix::net::connect(&socket, &address) {
        Ok(()) | Err(rustix::io::Errno::INPROGRESS) => {}
        Err(errno) => return Err(errno.into()),
    }
    let stream = TcpStream::from(socket);
    stream.set_nodelay(true)?;
    Ok(stream)
}

/// One request and what comes back.
struct Exchange {
    stream: TcpStream,
    due: Instant,
    phase: usize,
    number: u64,
    is_sent: bool,
    received: Vec<u8>,
}

enum Progress {
    Pending,
    Answered { status: u16, is_last: bool },
}

impl Exchange {
    fn new(stream: TcpStream, due: Instant, phase: usize, number: u64) -> Exchange {
        Exchange {
            stream,
            due,
            phase,
            number,
            is_sent: false,
            received: Vec::new(),
        }
    }

    fn interest(&self) -> Interest {
        if self.is_sent {
            Interest::Read
        } else {
            Interest::Write
        }
    }

    /// Sends the request, if the connection is made by now.
    fn send(&mut self) -> io::Result<()> {
        match (&self.stream).write(REQUEST) {
            Ok(sent) if sent == REQUEST.len() => {
                self.is_sent = true;
                Ok(())
            }
            Ok(_) => Err(ErrorKind::WriteZero.into()),
            Err(fault) if matches!(fault.kind(), ErrorKind::WouldBlock | ErrorKind::NotConnected) => Ok(()),
            Err(fault) => Err(fault),
        }
    }

    fn advance(&mut self, poller: &Poller, slot: usize) -> io::Result<Progress> {
        if !self.is_sent {
            self.send()?;
            poller.change(&self.stream, slot as u64, self.interest())?;
            return Ok(Progress::Pending);
        }
        let mut buffer = [0; BUFFER_BYTES];
        match (&self.stream).read(&mut buffer) {
            Ok(0) => Err(ErrorKind::UnexpectedEof.into()),
            Ok(read) => {
                self.received.extend_from_slice(&buffer[..read]);
                progress(&self.received)
            }
            Err(fault) if fault.kind() == ErrorKind::WouldBlock => Ok(Progress::Pending),
            Err(fault) => Err(fault),
        }
    }
}

/// What these bytes of an answer come to.
fn progress(received: &[u8]) -> io::Result<Progress> {
    let Some(end) = memmem::find(received, b"\r\n\r\n") else {
        return Ok(Progress::Pending);
    };
    let head = str::from_utf8(&received[..end]).map_err(io::Error::other)?;
    let head = head.to_ascii_lowercase();
    let status = head
        .strip_prefix("http/1.1 ")
        .and_then(|rest| rest.get(..3)?.parse().ok());
    let status = status.ok_or(ErrorKind::InvalidData)?;
    let field = |name: &str| {
        let fields = head.split("\r\n").filter_map(|line| line.split_once(':'));
        fields
            .into_iter()
            .find(|(found, _)| *found == name)
            .map(|(_, value)| value.trim())
    };
    let length: usize = field("content-length")
        .and_then(|text| text.parse().ok())
        .unwrap_or(0);
    if received.len() < end + 4 + length {
        return Ok(Progress::Pending);
    }
    let is_last = field("connection") == Some("close") || field("content-length").is_none();
    Ok(Progress::Answered { status, is_last })
}

/// What is counted of a phase.
#[derive(Default)]
struct Tally {
    counted: Phase,
    times_us: Vec<u64>,
    refused_us: Vec<u64>,
}

impl Tally {
    fn answered(&mut self, status: u16, time: Duration, is_late: bool) {
        let time_us = u64::try_from(time.as_micros()).unwrap_or(u64::MAX);
        match status {
            200 => {
                self.counted.served += 1;
                self.counted.late += u64::from(is_late);
                self.times_us.push(time_us);
            }
            429 | 503 => {
                self.counted.refused += 1;
                self.refused_us.push(time_us);
            }
            _ => self.counted.failed += 1,
        }
    }

    fn summed_up(mut self, length: Duration) -> Phase {
        let mut at = |share| percentile(&mut self.times_us, share);
        Phase {
            length_us: u64::try_from(length.as_micros()).unwrap_or(u64::MAX),
            p50_us: at(0.5),
            p99_us: at(0.99),
            p999_us: at(0.999),
            refused_p99_us: percentile(&mut self.refused_us, 0.99),
            ..self.counted
        }
    }
}

const REQUEST: &[u8] = b"GET /small HTTP/1.1\r\nHost: bench.test\r\n\r\n";
const BUFFER_BYTES: usize = 2048;
/// Of idle connections in the poller.
const IDLE: u64 = u64::MAX;
/// Clients that leave do so within this.
const LOOK_AT_CLOCK: Duration = Duration::from_millis(5);

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_answer_is_whole_with_its_body_and_the_last_without_a_length() {
        let of = |text: &str| match progress(text.as_bytes()) {
            Ok(Progress::Answered { status, is_last }) => Some((status, is_last)),
            _ => None,
        };
        let answer = "HTTP/1.1 200 OK\r\nContent-Length: 3\r\n\r\nabc";
        assert_eq!(of(answer), Some((200, false)));
        assert_eq!(of(&answer[..answer.len() - 1]), None);
        assert_eq!(
            of("HTTP/1.1 503 No\r\nConnection: close\r\nContent-Length: 0\r\n\r\n"),
            Some((503, true))
        );
        assert_eq!(of("HTTP/1.1 502 Bad\r\n\r\n"), Some((502, true)));
        assert!(progress(b"220 mail\r\n\r\n").is_err());
    }
}
