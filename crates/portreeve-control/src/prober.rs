//! Looks whether backends that registered can be reached: a connection is made and closed, and no byte is sent.

use std::io;
use std::time::Duration;

use portreeve_model::{Backend, BackendAddress, BackendId};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio::sync::mpsc;
use tokio::task::JoinSet;
use tokio::time::timeout;

/// The probes under way, each a task of its own; a bounded number. Dropping it ends them.
pub(crate) struct Prober {
    probes: JoinSet<()>,
    outcomes: mpsc::Sender<Outcome>,
}

/// What a probe found.
#[derive(Debug)]
pub(crate) struct Outcome {
    pub(crate) backend: BackendId,
    /// Whether it could be reached; if not why, in words for people.
    pub(crate) result: Result<(), String>,
}

impl Prober {
    /// A prober, and where its outcomes arrive: one for each probe.
    pub(crate) fn new() -> (Self, mpsc::Receiver<Outcome>) {
        let (outcomes, receiver) = mpsc::channel(PROBES_MAX);
        let probes = JoinSet::new();
        (Self { probes, outcomes }, receiver)
    }

    /// How many more probes may be begun.
    pub(crate) fn room(&self) -> usize {
        PROBES_MAX.saturating_sub(self.probes.len())
    }

    /// Begins a probe.
    pub(crate) fn probe(&mut self, backend: &Backend) {
        let (id, address) = (backend.id, backend.address.clone());
        let outcomes = self.outcomes.clone();
        self.probes.spawn(async move {
            let connected = connect(&address).await;
            let (connection, result) = match connected {
                Ok(connection) => (Some(connection), Ok(())),
                Err(reason) => (None, Err(reason)),
            };
            // Nobody wants to know any more when the writer is gone.
            let _ = outcomes.send(Outcome { backend: id, result }).await;
            if let Some(connection) = connection {
                part(connection).await;
            }
        });
    }

    /// Waits until a probe has ended, so that there is more room; `None` if none is under way.
    pub(crate) async fn ended(&mut self) -> Option<()> {
        self.probes.join_next().await.map(|_| ())
    }
}

/// The connection, or why there is none.
async fn connect(address: &BackendAddress) -> Result<TcpStream, String> {
    let BackendAddress::Tcp(addresses) = address else {
        return Err("it is at a Unix socket, where nobody can register".to_owned());
    };
    match timeout(CONNECT_TIMEOUT, TcpStream::connect(&**addresses)).await {
        Ok(Ok(connection)) => Ok(connection),
        Ok(Err(error)) => Err(format!("cannot connect to {address}: {}", plain(&error))),
        Err(_) => Err(format!(
            "{address} did not answer within {} s",
            CONNECT_TIMEOUT.as_secs()
        )),
    }
}

/// The system's words without its number.
fn plain(error: &io::Error) -> String {
    let text = error.to_string();
    text.split(" (os error")
        .next()
        .map_or_else(String::new, str::to_owned)
}

/// Closes in good order: the backend sees the end of the stream and closes too. One that does not is left after a
/// while.
async fn part(mut connection: TcpStream) {
    if connection.shutdown().await.is_err() {
        return;
    }
    let mut said = [0; 512];
    let ended = async { while matches!(connection.read(&mut said).await, Ok(1..)) {} };
    // The silent ones are the rule.
    let _ = timeout(PARTING_MAX, ended).await;
}

/// Probes under way at once; each holds a socket.
pub(crate) const PROBES_MAX: usize = 256;
/// How long a backend may take to accept.
pub(crate) const CONNECT_TIMEOUT: Duration = Duration::from_secs(2);
/// How long a backend may take to close.
const PARTING_MAX: Duration = Duration::from_millis(100);

#[cfg(test)]
mod tests;
