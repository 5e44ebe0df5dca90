use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use portreeve_packet::Limits;
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::{OwnedSemaphorePermit, Semaphore, watch};
use tokio::time::{sleep, timeout};

use super::answer::{Identity, refuse};
use crate::packet_stream::{Broken, PacketStream};
use crate::talk;

/// The connections of the proxy, many at once and bounded.
#[derive(Clone)]
pub(super) struct Connections {
    identity: Arc<Identity>,
    limits: Limits,
    answered: Arc<AtomicU64>,
    room: Arc<Semaphore>,
    stopped: watch::Receiver<()>,
}

impl Connections {
    /// `stopped` changes when they should end.
    pub(super) fn new(identity: Identity, limits: Limits, stopped: watch::Receiver<()>) -> Self {
        Self {
            identity: Arc::new(identity),
            limits,
            answered: Arc::default(),
            room: Arc::new(Semaphore::new(CONNECTIONS_MAX as usize)),
            stopped,
        }
    }

    /// Serves whoever connects; further ones wait in the listener's queue until there is room.
    pub(super) async fn accept(self, listener: TcpListener) {
        let mut is_told = false;
        loop {
            let room = Arc::clone(&self.room);
            let permit = room.acquire_owned().await.expect("it is never closed");
            match listener.accept().await {
                Ok((stream, _)) => drop(tokio::spawn(self.clone().serve(stream, permit))),
                Err(error) => {
                    if !std::mem::replace(&mut is_told, true) {
                        talk::say(format_args!("cannot take a connection: {error}; trying again"));
                    }
                    sleep(ACCEPT_PAUSE).await; // no file descriptor is left, say
                }
            }
        }
    }

    /// Waits a short while until each has ended; returns how many requests were answered.
    pub(super) async fn end(self) -> u64 {
        let all = self.room.acquire_many(CONNECTIONS_MAX);
        let _ = timeout(END_TIMEOUT, all).await; // those that have not ended are cut
        self.answered.load(Ordering::Relaxed)
    }

    async fn serve(mut self, stream: TcpStream, permit: OwnedSemaphorePermit) {
        let _ = stream.set_nodelay(true); // merely slower without
        let mut packets = PacketStream::new(stream, self.limits);
        let mut stopped = self.stopped.clone();
        tokio::select! {
            biased;
            () = self.answer_each(&mut packets) => {}
            _ = stopped.changed() => {}
        }
        let _ = packets.close().await; // the peer may be gone
        drop(permit);
    }

    /// Answers each packet in turn until the peer closes, breaks the grammar, or is silent for too long.
    async fn answer_each(&mut self, packets: &mut PacketStream<TcpStream>) {
        let mut out = Vec::new();
        while let Ok(next) = timeout(IDLE_TIMEOUT, packets.next()).await {
            out.clear();
            let goes_on = match next {
                Ok(Some(packet)) => {
                    let is_answered = self.identity.answer(&packet, &self.limits, &mut out);
                    self.answered.fetch_add(u64::from(is_answered), Ordering::Relaxed);
                    true
                }
                Err(Broken::Fault(fault)) => {
                    refuse(b"", &fault, &mut out);
                    false
                }
                Ok(None) | Err(Broken::Io(_)) => return,
            };
            let sent = timeout(IDLE_TIMEOUT, packets.send(&out)).await;
            if !goes_on || !matches!(sent, Ok(Ok(()))) {
                return;
            }
        }
    }
}

const CONNECTIONS_MAX: u32 = 1024;
const IDLE_TIMEOUT: Duration = Duration::from_secs(60);
const END_TIMEOUT: Duration = Duration::from_secs(1);
const ACCEPT_PAUSE: Duration = Duration::from_millis(50);
