//! One connection of an origin, playing its script.

use std::sync::Arc;

use tokio::sync::watch;

use crate::message::{Kind, Message, decoded, extent, head_bytes, text};
use crate::wire::Wire;

use super::log::Log;
use super::script::{Make, Script, Step};

/// A connection and where its script has come in the bytes.
pub(super) struct Peer {
    wire: Wire,
    index: usize,
    log: Arc<Log>,
    accepting: watch::Sender<bool>,
    /// From the first byte of the message that is being read.
    buffer: Vec<u8>,
    /// How much of the buffer the script has taken.
    taken: usize,
    /// The request being read, and its place in the log.
    request: Option<(usize, Message)>,
}

/// Why a script goes no further.
enum Stop {
    PeerLeft,
    Reset,
    Violation(String),
}

impl Peer {
    pub(super) fn new(wire: Wire, index: usize, log: Arc<Log>, accepting: watch::Sender<bool>) -> Self {
        Self {
            wire,
            index,
            log,
            accepting,
            buffer: Vec::new(),
            taken: 0,
            request: None,
        }
    }

    pub(super) async fn play(mut self, script: Script) {
        let played = self.steps(script).await;
        let Self {
            mut wire, index, log, ..
        } = self;
        match &played {
            Err(Stop::Reset) => wire.reset(),
            Err(Stop::PeerLeft) => {
                // The peer may be gone altogether.
                let _ = wire.shut().await;
            }
            _ => drop(wire),
        }
        log.change(|state| {
            let connection = &mut state.connections[index];
            connection.is_over = true;
            match played {
                Err(Stop::PeerLeft) => connection.peer_left = true,
                Err(Stop::Violation(what)) => {
                    state.violation.get_or_insert(what);
                }
                Ok(()) | Err(Stop::Reset) => {}
            }
        });
    }

    async fn steps(&mut self, script: Script) -> Result<(), Stop> {
        for step in script.0 {
            self.step(step).await?;
        }
        Ok(())
    }

    async fn step(&mut self, step: Step) -> Result<(), Stop> {
        match step {
            Step::ReadHead => self.read_head().await,
            Step::ReadBody => self.read_body().await,
            Step::Expect(bytes) => self.expect(&bytes).await,
            Step::Send(bytes) => self.send(&bytes).await,
            Step::SendMade(maker) => self.send_made(&*maker.0).await,
            Step::Flood(bytes) => self.flood(bytes).await,
            Step::Echo => self.echo().await,
            Step::UntilPeerLeaves => self.until_peer_leaves().await,
            Step::Sink(bytes) => self.sink(bytes).await,
            Step::Shut => self.wire.shut().await.map_err(|_| Stop::PeerLeft),
            Step::Reset => Err(Stop::Reset),
            Step::Forever(script) => loop {
                Box::pin(self.steps(script.clone())).await?;
            },
            quiet => {
                self.quiet(quiet).await;
                Ok(())
            }
        }
    }

    /// Steps that leave the connection alone.
    async fn quiet(&self, step: Step) {
        match step {
            Step::Pause(time) => tokio::time::sleep(time).await,
            Step::Wait(gate) => gate.passed().await,
            Step::Stall => std::future::pending().await,
            Step::StopAccepting => {
                self.accepting.send_replace(false);
            }
            other => unreachable!("{other:?} uses the connection"),
        }
    }

    async fn read_head(&mut self) -> Result<(), Stop> {
        self.buffer.drain(..self.taken);
        self.taken = 0;
        let length = loop {
            match head_bytes(&self.buffer) {
                Some(length) => break length,
                None => self.fill().await?,
            }
        };
        self.taken = length;
        let raw = self.buffer[..length].to_vec();
        let request = Message {
            raw,
            head_bytes: length,
            body: Vec::new(),
            trailers: Vec::new(),
        };
        let place = self.log.change(|state| {
            state.requests.push(request.clone());
            state.requests.len() - 1
        });
        self.request = Some((place, request));
        Ok(())
    }

    async fn read_body(&mut self) -> Result<(), Stop> {
        let length = loop {
            match extent(&self.buffer, Kind::Request, false).map_err(|fault| self.violation(&fault.0))? {
                Some(length) => break length,
                None => self.fill().await?,
            }
        };
        self.taken = length;
        let request =
            decoded(&self.buffer[..length], Kind::Request).map_err(|fault| self.violation(&fault.0))?;
        if let Some((place, current)) = &mut self.request {
            current.clone_from(&request);
            self.log.change(|state| state.requests[*place] = request);
        }
        Ok(())
    }

    async fn expect(&mut self, bytes: &[u8]) -> Result<(), Stop> {
        while self.buffer.len() < self.taken + bytes.len() {
            self.fill().await?;
        }
        let got = &self.buffer[self.taken..self.taken + bytes.len()];
        if got != bytes {
            return Err(Stop::Violation(format!(
                "awaited {} and got {}",
                text(bytes),
                text(got)
            )));
        }
        self.taken += bytes.len();
        Ok(())
    }

    async fn send(&mut self, bytes: &[u8]) -> Result<(), Stop> {
        self.wire.write_all(bytes).await.map_err(|_| Stop::PeerLeft)?;
        self.log.change(|state| state.sent += bytes.len() as u64);
        Ok(())
    }

    async fn send_made(&mut self, make: &Make) -> Result<(), Stop> {
        let request = self
            .request
            .as_ref()
            .map(|(_, request)| request)
            .ok_or_else(|| self.violation("no request"))?;
        let answer = make(request);
        self.send(&answer).await
    }

    async fn flood(&mut self, mut left: u64) -> Result<(), Stop> {
        let block = vec![b'x'; BLOCK_BYTES];
        while left > 0 {
            let size = usize::try_from(left).map_or(BLOCK_BYTES, |left| left.min(BLOCK_BYTES));
            let taken = self
                .wire
                .write(&block[..size])
                .await
                .map_err(|_| Stop::PeerLeft)? as u64;
            self.log.change(|state| state.sent += taken);
            left -= taken;
        }
        Ok(())
    }

    async fn echo(&mut self) -> Result<(), Stop> {
        loop {
            let bytes = self.buffer.split_off(self.taken);
            self.send(&bytes).await?;
            self.fill().await?;
        }
    }

    async fn until_peer_leaves(&mut self) -> Result<(), Stop> {
        loop {
            self.taken = self.buffer.len();
            self.fill().await?;
        }
    }

    async fn sink(&mut self, bytes: u64) -> Result<(), Stop> {
        let mut sunk = (self.buffer.len() - self.taken) as u64;
        self.buffer.clear();
        self.taken = 0;
        while sunk < bytes {
            self.buffer.clear();
            let count = self.wire.read(&mut self.buffer).await.unwrap_or(0) as u64;
            if count == 0 {
                return Err(Stop::PeerLeft);
            }
            self.log.change(|state| state.received += count);
            sunk += count;
        }
        self.buffer.clear();
        Ok(())
    }

    /// Waits for more bytes and keeps them in the log too.
    async fn fill(&mut self) -> Result<(), Stop> {
        let before = self.buffer.len();
        let count = self.wire.read(&mut self.buffer).await.unwrap_or(0);
        if count == 0 {
            return Err(Stop::PeerLeft);
        }
        let new = &self.buffer[before..];
        self.log.change(|state| {
            state.received += count as u64;
            state.connections[self.index].received.extend_from_slice(new);
        });
        Ok(())
    }

    fn violation(&self, what: &str) -> Stop {
        Stop::Violation(format!("could not understand {}: {what}", text(&self.buffer)))
    }
}

const BLOCK_BYTES: usize = 64 * 1024;
