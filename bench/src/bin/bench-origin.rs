//! The backend behind every contender: one thread, one `recv` and one `send` per request.
//!
//! `/small` answers 128 bytes, `/10k` 10 KiB, `/1m` 1 MiB; `POST /sink` reads a body of exact length and answers 128
//! bytes; anything else is 404. It listens on 127.0.0.1, or with the argument `everywhere` on all addresses, prints where,
//! and ends when killed. It trusts its clients: request bodies are counted by Content-Length only.

use std::io::{self, ErrorKind, Read, Write};
use std::net::{TcpListener, TcpStream};

use memchr::memmem;
use portreeve_bench::{Interest, Poller, listen};

fn main() -> io::Result<()> {
    let is_everywhere = std::env::args().nth(1).is_some_and(|word| word == "everywhere");
    let listener = listen(if is_everywhere { [0; 4] } else { [127, 0, 0, 1] })?;
    Origin::new(listener)?.serve()
}

struct Origin {
    listener: TcpListener,
    poller: Poller,
    connections: Vec<Option<Connection>>,
    free: Vec<usize>,
    answers: Answers,
}

impl Origin {
    fn new(listener: TcpListener) -> io::Result<Origin> {
        let poller = Poller::new()?;
        poller.add(&listener, LISTENER, Interest::Read)?;
        Ok(Origin {
            listener,
            poller,
            connections: Vec::new(),
            free: Vec::new(),
            answers: Answers::new(),
        })
    }

    fn serve(mut self) -> io::Result<()> {
        let mut tokens = Vec::new();
        let mut buffer = vec![0; BUFFER_BYTES];
        loop {
            self.poller.wait(&mut tokens)?;
            for &token in &tokens {
                match usize::try_from(token) {
                    Ok(slot) if token != LISTENER => self.advance(slot, &mut buffer),
                    _ => self.accept(),
                }
            }
        }
    }

    fn accept(&mut self) {
        while let Ok((stream, _)) = self.listener.accept() {
            let slot = self.free.pop().unwrap_or_else(|| {
                self.connections.push(None);
                self.connections.len() - 1
            });
            let is_watched = stream
                .set_nonblocking(true)
                .and_then(|()| self.poller.add(&stream, slot as u64, Interest::Read));
            match is_watched {
                Ok(()) => self.connections[slot] = Some(Connection::new(stream)),
                Err(_) => self.free.push(slot),
            }
        }
    }

    fn advance(&mut self, slot: usize, buffer: &mut [u8]) {
        let Some(connection) = &mut self.connections[slot] else {
            return;
        };
        let before = connection.interest();
        let is_alive = connection.advance(&self.answers, buffer).is_ok();
        let after = connection.interest();
        let is_watched =
            before == after || self.poller.change(&connection.stream, slot as u64, after).is_ok();
        if !is_alive || !is_watched {
            self.connections[slot] = None;
            self.free.push(slot);
        }
    }
}

struct Connection {
    stream: TcpStream,
    /// Bytes of a request that is not whole yet, or that waits for the answer before it to be sent.
    kept: Vec<u8>,
    /// Bytes of the request's body still to come.
    body_left: usize,
    /// The answer to the request whose body is still coming.
    owed: Option<Answer>,
    /// The answer that did not fit into the socket at once, and how much of it is sent.
    unsent: Option<(Answer, usize)>,
    is_last: bool,
}

impl Connection {
    fn new(stream: TcpStream) -> Connection {
        Connection {
            stream,
            kept: Vec::new(),
            body_left: 0,
            owed: None,
            unsent: None,
            is_last: false,
        }
    }

    fn interest(&self) -> Interest {
        if self.unsent.is_some() {
            Interest::Write
        } else {
            Interest::Read
        }
    }

    /// Does what the socket is ready for; an error means that the connection is over.
    fn advance(&mut self, answers: &Answers, buffer: &mut [u8]) -> io::Result<()> {
        if let Some((answer, sent)) = self.unsent.take() {
            self.send(answers, answer, sent)?;
            return self.answer_kept(answers, 0, buffer);
        }
        let kept = self.kept.len();
        buffer[..kept].copy_from_slice(&self.kept);
        match (&self.stream).read(&mut buffer[kept..]) {
            Ok(0) => Err(ErrorKind::UnexpectedEof.into()),
            Ok(read) => self.answer_kept(answers, read, buffer),
            Err(fault) if fault.kind() == ErrorKind::WouldBlock => Ok(()),
            Err(fault) => Err(fault),
        }
    }

    /// Answers every whole request among the kept bytes and the `read` ones after them in the buffer.
    fn answer_kept(&mut self, answers: &Answers, read: usize, buffer: &mut [u8]) -> io::Result<()> {
        let kept = self.kept.len();
        if read == 0 {
            buffer[..kept].copy_from_slice(&self.kept);
        }
        self.kept.clear();
        let mut input = &buffer[..kept + read];
        while self.unsent.is_none() && !input.is_empty() {
            let Some(used) = self.take(answers, input)? else {
                break;
            };
            input = &input[used..];
        }
        if input.len() > HEAD_BYTES_MAX {
            return Err(ErrorKind::InvalidData.into());
        }
        self.kept.extend_from_slice(input);
        Ok(())
    }

    /// Consumes part of a body or one head; `None`: the head is not whole.
    fn take(&mut self, answers: &Answers, input: &[u8]) -> io::Result<Option<usize>> {
        let used = if self.body_left > 0 {
            let body = self.body_left.min(input.len());
            self.body_left -= body;
            body
        } else {
            let Some(end) = memmem::find(input, b"\r\n\r\n") else {
                return Ok(None);
            };
            let head = &input[..end + 2];
            self.body_left = content_length(head);
            self.is_last = wants_close(head);
            self.owed = Some(Answer::to(head));
            end + 4
        };
        if self.body_left == 0
            && let Some(answer) = self.owed.take()
        {
            self.send(answers, answer, 0)?;
        }
        Ok(Some(used))
    }

    fn send(&mut self, answers: &Answers, answer: Answer, from: usize) -> io::Result<()> {
        let bytes = answers.bytes(answer);
        let mut sent = from;
        match (&self.stream).write(&bytes[sent..]) {
            Ok(written) => sent += written,
            Err(fault) if fault.kind() == ErrorKind::WouldBlock => {}
            Err(fault) => return Err(fault),
        }
        if sent < bytes.len() {
            self.unsent = Some((answer, sent));
            return Ok(());
        }
        if self.is_last {
            Err(ErrorKind::ConnectionAborted.into())
        } else {
            Ok(())
        }
    }
}

#[derive(Clone, Copy)]
enum Answer {
    Small,
    TenKib,
    OneMib,
    NotFound,
}

impl Answer {
    fn to(head: &[u8]) -> Answer {
        match head.split(|&byte| byte == b' ').nth(1) {
            Some(b"/small" | b"/sink") => Answer::Small,
            Some(b"/10k") => Answer::TenKib,
            Some(b"/1m") => Answer::OneMib,
            _ => Answer::NotFound,
        }
    }
}

/// The answers as they go over the wire, made once.
struct Answers([Vec<u8>; 4]);

impl Answers {
    fn new() -> Answers {
        Answers([
            answer("200 OK", 128),
            answer("200 OK", 10 << 10),
            answer("200 OK", 1 << 20),
            answer("404 Not Found", 0),
        ])
    }

    fn bytes(&self, answer: Answer) -> &[u8] {
        &self.0[answer as usize]
    }
}

fn answer(status: &str, body_bytes: usize) -> Vec<u8> {
    let mut bytes = format!(
        "HTTP/1.1 {status}\r\nServer: origin\r\nDate: Sun, 22 Nov 2026 10:00:00 GMT\r\n\
         Content-Type: text/plain\r\nContent-Length: {body_bytes}\r\n\r\n"
    )
    .into_bytes();
    bytes.resize(bytes.len() + body_bytes, b'x');
    bytes
}

fn content_length(head: &[u8]) -> usize {
    if head.starts_with(b"GET ") {
        return 0;
    }
    let value = value(head, b"content-length:").and_then(|value| std::str::from_utf8(value).ok());
    value.and_then(|digits| digits.trim().parse().ok()).unwrap_or(0)
}

fn wants_close(head: &[u8]) -> bool {
    value(head, b"connection:").is_some_and(|value| value.trim_ascii().eq_ignore_ascii_case(b"close"))
}

/// What follows a field's lower-case name and colon.
fn value<'a>(head: &'a [u8], name: &[u8]) -> Option<&'a [u8]> {
    head.split(|&byte| byte == b'\n').find_map(|line| {
        let (start, value) = line.split_at_checked(name.len())?;
        start.eq_ignore_ascii_case(name).then_some(value)
    })
}

const LISTENER: u64 = u64::MAX;
const HEAD_BYTES_MAX: usize = 16 << 10;
const BUFFER_BYTES: usize = 128 << 10;
