//! A backend that can be made slow, full, broken or still, and counts what it gets: one thread.
//!
//! `bench-backend IP` listens on a free port of this address, prints where, and ends when killed. `bench-backend IP PORT
//! PAUSE_MS SERVICE_US` is an app as others start it: it needs so long to start, listens there, takes so long for each
//! request, and ends when whoever started it is gone, so that nothing is left of a benchmark that was killed.
//!
//! A request without a body takes a slot for a while and is then answered with 128 bytes that begin with its target. Without a free slot it waits, first come, first served and without
//! bound, and it is worked on even if its client has left, as it is in most servers with a fixed number of threads.
//!
//! `PUT /bench` with a JSON body sets how it serves (`Behaviour`), and counts from 0 again; `POST /bench` tells what came
//! since (`Counts`); `DELETE /bench` stops the process as SIGSTOP does, and tells once it goes on what had come by then.
//! These three are neither counted nor kept waiting. It trusts its clients: no pipelining, heads of at most 16 KiB.

use std::cmp::Reverse;
use std::collections::{BinaryHeap, VecDeque};
use std::io::{self, ErrorKind, Read, Write};
use std::net::{Ipv4Addr, TcpListener, TcpStream};
use std::time::{Duration, Instant};

use memchr::memmem;
use portreeve_bench::{Behaviour, Counts, Interest, Outcome, Poller, listen, listen_at};
use rustix::process::{Pid, Signal, getpid, getppid, kill_process};

fn main() -> io::Result<()> {
    let (ip, app) = arguments()
        .ok_or_else(|| io::Error::other("usage: bench-backend IPV4 [PORT PAUSE_MS SERVICE_US]"))?;
    match app {
        None => Backend::new(listen(ip.octets())?)?.serve(),
        Some(app) => app.serve(ip),
    }
}

fn arguments() -> Option<(Ipv4Addr, Option<App>)> {
    let mut words = std::env::args().skip(1);
    let ip = words.next()?.parse().ok()?;
    let Some(port) = words.next() else {
        return Some((ip, None));
    };
    let mut number = || words.next()?.parse().ok();
    let (pause_ms, service_us) = (number()?, number()?);
    let app = App {
        port: port.parse().ok()?,
        pause: Duration::from_millis(pause_ms),
        service_us,
    };
    Some((ip, Some(app)))
}

/// What others start.
struct App {
    port: u16,
    /// Until it listens.
    pause: Duration,
    service_us: u64,
}

impl App {
    fn serve(&self, ip: Ipv4Addr) -> io::Result<()> {
        let starter = getppid();
        std::thread::sleep(self.pause);
        let mut backend = Backend::new(listen_at(ip.octets(), self.port)?)?;
        backend.starter = starter;
        backend.service.behaviour.service_us = self.service_us;
        backend.serve()
    }
}

struct Backend {
    listener: TcpListener,
    poller: Poller,
    connections: Vec<Option<Connection>>,
    free: Vec<usize>,
    /// Of the next connection.
    number: u64,
    service: Service,
    counts: Counts,
    /// Without it there is nothing to do any more; `None`: it goes on until it is killed.
    starter: Option<Pid>,
}

impl Backend {
    fn new(listener: TcpListener) -> io::Result<Backend> {
        let poller = Poller::new()?;
        poller.add(&listener, LISTENER, Interest::Read)?;
        Ok(Backend {
            listener,
            poller,
            connections: Vec::new(),
            free: Vec::new(),
            number: 0,
            service: Service::default(),
            counts: Counts::default(),
            starter: None,
        })
    }

    fn serve(mut self) -> io::Result<()> {
        let mut tokens = Vec::new();
        let mut buffer = vec![0; BUFFER_BYTES];
        loop {
            if self.starter.is_some() && getppid() != self.starter {
                return Ok(());
            }
            let next_end = self.service.next_end();
            let pause = next_end.map_or(LONGEST_PAUSE, |end| end.saturating_duration_since(Instant::now()));
            self.poller.wait_at_most(pause, &mut tokens)?;
            for &token in &tokens {
                match usize::try_from(token) {
                    Ok(slot) if token != LISTENER => self.read(slot, &mut buffer),
                    _ => self.accept(),
                }
            }
            let now = Instant::now();
            while let Some(ticket) = self.service.next_done(now) {
                self.finish(ticket);
            }
        }
    }

    fn accept(&mut self) {
        while let Ok((stream, _)) = self.listener.accept() {
            let slot = self.free.pop().unwrap_or_else(|| {
                self.connections.push(None);
                self.connections.len() - 1
            });
            self.counts.connections += 1;
            self.number += 1;
            let is_watched = stream
                .set_nonblocking(true)
                .and_then(|()| self.poller.add(&stream, slot as u64, Interest::Read));
            match is_watched {
                Ok(()) => self.connections[slot] = Some(Connection::new(stream, self.number)),
                Err(_) => self.free.push(slot),
            }
        }
    }

    fn read(&mut self, slot: usize, buffer: &mut [u8]) {
        let Some(connection) = &mut self.connections[slot] else {
            return;
        };
        let number = connection.number;
        match connection.read(buffer) {
            Ok(None) => {}
            Ok(Some(Wish::Work)) => {
                self.counts.received += 1;
                self.service.begin(Ticket { slot, number }, Instant::now());
            }
            Ok(Some(Wish::Told(told))) => self.obey(slot, &told),
            Err(_) => self.close(slot),
        }
    }

    fn finish(&mut self, ticket: Ticket) {
        self.counts.done += 1;
        let outcome = self.service.behaviour.outcome;
        let connection = self.connections[ticket.slot].as_ref();
        let Some(connection) = connection.filter(|connection| connection.number == ticket.number) else {
            return; // its client has left
        };
        let sent = match outcome {
            Outcome::Served => connection.send("200 OK", &connection.answer()),
            Outcome::Failed => connection.send("500 Internal Server Error", b""),
            Outcome::Reset => {
                let _ = rustix::net::sockopt::set_socket_linger(&connection.stream, Some(Duration::ZERO));
                Err(ErrorKind::ConnectionReset.into())
            }
        };
        if sent.is_err() {
            self.close(ticket.slot);
        }
    }

    fn obey(&mut self, slot: usize, told: &Told) {
        let mut counts = self.counts;
        match told {
            Told::Behave(behaviour) => {
                self.service.behaviour = *behaviour;
                self.counts = Counts::default();
                counts = self.counts;
            }
            Told::Count => {}
            Told::Stop => {
                let _ = kill_process(getpid(), Signal::STOP);
            }
        }
        let body = serde_json::to_vec(&counts).expect("numbers become JSON");
        let connection = self.connections[slot].as_ref();
        if connection.is_some_and(|connection| connection.send("200 OK", &body).is_err()) {
            self.close(slot);
        }
    }

    fn close(&mut self, slot: usize) {
        self.connections[slot] = None;
        self.free.push(slot);
    }
}

/// Whom to answer: a slot is taken again after its connection has ended, a number is not.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
struct Ticket {
    slot: usize,
    number: u64,
}

/// Slots and the line before them.
#[derive(Debug, Default)]
struct Service {
    behaviour: Behaviour,
    /// By the end of the work.
    at_work: BinaryHeap<Reverse<(Instant, Ticket)>>,
    in_line: VecDeque<Ticket>,
}

impl Service {
    fn begin(&mut self, ticket: Ticket, now: Instant) {
        if self.has_slot() {
            self.work(ticket, now);
        } else {
            self.in_line.push_back(ticket);
        }
    }

    /// One that is done by now. The next in line begins when the slot came free, not when we looked.
    fn next_done(&mut self, now: Instant) -> Option<Ticket> {
        let end = self.next_end().filter(|&end| end <= now)?;
        let Reverse((_, done)) = self.at_work.pop()?;
        while self.has_slot()
            && let Some(next) = self.in_line.pop_front()
        {
            self.work(next, end);
        }
        Some(done)
    }

    fn next_end(&self) -> Option<Instant> {
        self.at_work.peek().map(|&Reverse((end, _))| end)
    }

    fn has_slot(&self) -> bool {
        self.behaviour.slots == 0 || self.at_work.len() < self.behaviour.slots
    }

    fn work(&mut self, ticket: Ticket, begin: Instant) {
        let time = Duration::from_micros(self.behaviour.service_us);
        self.at_work.push(Reverse((begin + time, ticket)));
    }
}

struct Connection {
    stream: TcpStream,
    number: u64,
    /// Of a request that is not whole yet.
    kept: Vec<u8>,
    /// What the last one that was whole asked for.
    target: Vec<u8>,
}

/// What a request wants.
#[derive(Debug, PartialEq, Eq)]
enum Wish {
    Work,
    Told(Told),
}

#[derive(Debug, PartialEq, Eq)]
enum Told {
    Behave(Behaviour),
    Count,
    Stop,
}

impl Connection {
    fn new(stream: TcpStream, number: u64) -> Connection {
        Connection {
            stream,
            number,
            kept: Vec::new(),
            target: Vec::new(),
        }
    }

    /// A request, if it is whole now; an error means that the connection is over.
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<Option<Wish>> {
        match (&self.stream).read(buffer) {
            Ok(0) => return Err(ErrorKind::UnexpectedEof.into()),
            Ok(read) => self.kept.extend_from_slice(&buffer[..read]),
            Err(fault) if fault.kind() == ErrorKind::WouldBlock => return Ok(None),
            Err(fault) => return Err(fault),
        }
        let wish = wish(&self.kept)?;
        if wish.is_some() {
            let target = self.kept.split(|&byte| byte == b' ').nth(1);
            self.target.clear();
            self.target.extend_from_slice(target.unwrap_or_default());
            self.kept.clear();
        }
        Ok(wish)
    }

    /// What its last request asked for, and a space; cut or filled up.
    fn answer(&self) -> [u8; 128] {
        let mut answer = [b'x'; 128];
        let target = self.target.iter().chain(b" ");
        for (byte, &of_target) in answer.iter_mut().zip(target) {
            *byte = of_target;
        }
        answer
    }

    /// Whole or not at all: what is sent is small, and the client waits for it.
    fn send(&self, status: &str, body: &[u8]) -> io::Result<()> {
        let length = body.len();
        let mut answer = format!("HTTP/1.1 {status}\r\nContent-Length: {length}\r\n\r\n").into_bytes();
        answer.extend_from_slice(body);
        match (&self.stream).write(&answer)? {
            sent if sent == answer.len() => Ok(()),
            _ => Err(ErrorKind::WriteZero.into()),
        }
    }
}

/// What these bytes want, if they are a whole request.
fn wish(request: &[u8]) -> io::Result<Option<Wish>> {
    let Some(end) = memmem::find(request, b"\r\n\r\n") else {
        return if request.len() > BUFFER_BYTES {
            Err(ErrorKind::InvalidData.into())
        } else {
            Ok(None)
        };
    };
    let body = &request[end + 4..];
    let told = match request.split(|&byte| byte == b'\r').next().unwrap_or_default() {
        b"POST /bench HTTP/1.1" => Told::Count,
        b"DELETE /bench HTTP/1.1" => Told::Stop,
        b"PUT /bench HTTP/1.1" => match serde_json::from_slice(body) {
            Ok(behaviour) => Told::Behave(behaviour),
            Err(fault) if fault.is_eof() => return Ok(None),
            Err(fault) => return Err(fault.into()),
        },
        _ => return Ok(Some(Wish::Work)),
    };
    Ok(Some(Wish::Told(told)))
}

const LISTENER: u64 = u64::MAX;
const BUFFER_BYTES: usize = 16 << 10;
const LONGEST_PAUSE: Duration = Duration::from_secs(1);

#[cfg(test)]
mod tests {
    use super::*;

    fn ticket(slot: usize) -> Ticket {
        Ticket { slot, number: 1 }
    }

    #[test]
    fn who_waits_begins_when_a_slot_comes_free_however_late_we_look() {
        let mut service = Service {
            behaviour: Behaviour {
                service_us: 100,
                slots: 1,
                outcome: Outcome::Served,
            },
            ..Service::default()
        };
        let start = Instant::now();
        let after = |micros| start + Duration::from_micros(micros);
        for slot in [1, 2, 3] {
            service.begin(ticket(slot), start);
        }
        assert_eq!(service.next_done(after(99)), None);
        assert_eq!(service.next_done(after(200)), Some(ticket(1)));
        assert_eq!(service.next_done(after(200)), Some(ticket(2)));
        assert_eq!(service.next_done(after(299)), None);
        assert_eq!(service.next_done(after(300)), Some(ticket(3)));
        assert_eq!(service.next_end(), None);
    }

    #[test]
    fn without_slots_nobody_waits() {
        let mut service = Service::default();
        let now = Instant::now();
        for slot in 0..100 {
            service.begin(ticket(slot), now);
        }
        assert!((0..100).all(|_| service.next_done(now).is_some()));
    }

    #[test]
    fn a_request_is_work_unless_it_is_for_the_bench() {
        let wish = |text: &str| wish(text.as_bytes()).unwrap();
        assert_eq!(wish("GET /small HTTP/1.1\r\nHost: a\r\n\r\n"), Some(Wish::Work));
        assert_eq!(wish("GET /small HTTP/1.1\r\nHost: a\r\n"), None);
        assert_eq!(
            wish("POST /bench HTTP/1.1\r\n\r\n"),
            Some(Wish::Told(Told::Count))
        );
        let behaviour = Behaviour {
            service_us: 5,
            slots: 16,
            outcome: Outcome::Reset,
        };
        let body = serde_json::to_string(&behaviour).unwrap();
        let put = format!("PUT /bench HTTP/1.1\r\n\r\n{body}");
        assert_eq!(wish(&put), Some(Wish::Told(Told::Behave(behaviour))));
        assert_eq!(wish(&put[..put.len() - 1]), None);
    }
}
