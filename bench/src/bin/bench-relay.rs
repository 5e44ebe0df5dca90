//! The floor: copies bytes between each client and a connection of its own to the backend, one thread, one `recv` and
//! one `send` per message and direction. It understands nothing, so no proxy that reads HTTP can do with less.
//!
//! `bench-relay BACKEND` prints the address that it listens on and ends when killed.

use std::io::{self, ErrorKind, Read, Write};
use std::net::{Shutdown, SocketAddr, TcpListener, TcpStream};

use portreeve_bench::{Interest, Poller, listen};

fn main() -> io::Result<()> {
    let backend = std::env::args().nth(1).and_then(|address| address.parse().ok());
    let backend = backend.ok_or_else(|| io::Error::other("usage: bench-relay BACKEND_IP:PORT"))?;
    Relay::new(listen([127, 0, 0, 1])?, backend)?.serve()
}

struct Relay {
    listener: TcpListener,
    backend: SocketAddr,
    poller: Poller,
    pairs: Vec<Option<Pair>>,
    free: Vec<usize>,
}

impl Relay {
    fn new(listener: TcpListener, backend: SocketAddr) -> io::Result<Relay> {
        let poller = Poller::new()?;
        poller.add(&listener, LISTENER, Interest::Read)?;
        Ok(Relay {
            listener,
            backend,
            poller,
            pairs: Vec::new(),
            free: Vec::new(),
        })
    }

    fn serve(mut self) -> io::Result<()> {
        let mut tokens = Vec::new();
        let mut buffer = vec![0; BUFFER_BYTES];
        loop {
            self.poller.wait(&mut tokens)?;
            for &token in &tokens {
                match usize::try_from(token) {
                    Ok(token) if token as u64 != LISTENER => self.advance(token / 2, token % 2, &mut buffer),
                    _ => self.accept(),
                }
            }
        }
    }

    fn accept(&mut self) {
        while let Ok((client, _)) = self.listener.accept() {
            let slot = self.free.pop().unwrap_or_else(|| {
                self.pairs.push(None);
                self.pairs.len() - 1
            });
            self.pairs[slot] = Pair::open(client, self.backend, &self.poller, slot).ok();
            if self.pairs[slot].is_none() {
                self.free.push(slot);
            }
        }
    }

    fn advance(&mut self, slot: usize, side: usize, buffer: &mut [u8]) {
        let Some(pair) = &mut self.pairs[slot] else { return };
        let moved = pair
            .advance(side, buffer)
            .and_then(|()| pair.watch(&self.poller, slot));
        if moved.is_err() || pair.is_over() {
            self.pairs[slot] = None;
            self.free.push(slot);
        }
    }
}

/// Side 0 is the client, side 1 the backend.
struct Pair {
    sides: [Side; 2],
}

struct Side {
    stream: TcpStream,
    /// Bytes for this side that its socket had no room for; while there are any, the other side is not read.
    unsent: Vec<u8>,
    /// This side has sent all that it will.
    is_ended: bool,
    watched: Interest,
}

impl Pair {
    fn open(client: TcpStream, backend: SocketAddr, poller: &Poller, slot: usize) -> io::Result<Pair> {
        let backend = TcpStream::connect(backend)?;
        let pair = Pair {
            sides: [client, backend].map(Side::new),
        };
        for (side, token) in pair.sides.iter().zip(tokens(slot)) {
            side.stream.set_nonblocking(true)?;
            side.stream.set_nodelay(true)?;
            poller.add(&side.stream, token, side.watched)?;
        }
        Ok(pair)
    }

    /// Moves what the socket of `side` is ready for.
    fn advance(&mut self, side: usize, buffer: &mut [u8]) -> io::Result<()> {
        let [first, second] = &mut self.sides;
        let (this, other) = if side == 0 {
            (first, second)
        } else {
            (second, first)
        };
        if !this.unsent.is_empty() {
            this.flush()?;
        }
        if other.unsent.is_empty() && !this.is_ended {
            this.pass_to(other, buffer)?;
        }
        Ok(())
    }

    fn watch(&mut self, poller: &Poller, slot: usize) -> io::Result<()> {
        let wanted = [self.wanted(0, 1), self.wanted(1, 0)];
        for ((side, wanted), token) in self.sides.iter_mut().zip(wanted).zip(tokens(slot)) {
            if side.watched != wanted {
                poller.change(&side.stream, token, wanted)?;
                side.watched = wanted;
            }
        }
        Ok(())
    }

    fn wanted(&self, this: usize, other: usize) -> Interest {
        let reads = self.sides[other].unsent.is_empty() && !self.sides[this].is_ended;
        match (reads, !self.sides[this].unsent.is_empty()) {
            (false, false) => Interest::Nothing,
            (true, false) => Interest::Read,
            (false, true) => Interest::Write,
            (true, true) => Interest::ReadWrite,
        }
    }

    fn is_over(&self) -> bool {
        self.sides
            .iter()
            .all(|side| side.is_ended && side.unsent.is_empty())
    }
}

impl Side {
    fn new(stream: TcpStream) -> Side {
        Side {
            stream,
            unsent: Vec::new(),
            is_ended: false,
            watched: Interest::Read,
        }
    }

    fn flush(&mut self) -> io::Result<()> {
        let written = some((&self.stream).write(&self.unsent))?.unwrap_or(0);
        self.unsent.drain(..written);
        Ok(())
    }

    fn pass_to(&mut self, other: &mut Side, buffer: &mut [u8]) -> io::Result<()> {
        match some((&self.stream).read(buffer))? {
            None => Ok(()),
            Some(0) => {
                self.is_ended = true;
                other.stream.shutdown(Shutdown::Write)
            }
            Some(read) => {
                let written = some((&other.stream).write(&buffer[..read]))?.unwrap_or(0);
                other.unsent.extend_from_slice(&buffer[written..read]);
                Ok(())
            }
        }
    }
}

/// `None` instead of "would block".
fn some(moved: io::Result<usize>) -> io::Result<Option<usize>> {
    match moved {
        Ok(bytes) => Ok(Some(bytes)),
        Err(fault) if fault.kind() == ErrorKind::WouldBlock => Ok(None),
        Err(fault) => Err(fault),
    }
}

fn tokens(slot: usize) -> [u64; 2] {
    [slot as u64 * 2, slot as u64 * 2 + 1]
}

const LISTENER: u64 = u64::MAX;
const BUFFER_BYTES: usize = 64 << 10;
