//! Connections to backends, and how one parts from them.

use std::io;
use std::net::SocketAddr;
use std::time::Duration;

use portreeve_model::{Backend, BackendAddress, ProbeOrder};
use portreeve_preamble::{Version, write_own};
use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt};
use tokio::net::{TcpStream, UnixStream};
use tokio::time::{Instant, timeout, timeout_at};

use super::{Deadline, shown};

/// A connection, and where it leads.
pub(super) struct Reached {
    pub(super) wire: Wire,
    /// What a request to it names as its host: address and port, or `localhost` at a Unix socket.
    pub(super) host: String,
}

/// A connection of any kind.
pub(super) type Wire = Box<dyn ReadWrite>;

/// What a connection can do.
pub(super) trait ReadWrite: AsyncRead + AsyncWrite + Unpin + Send {}

impl ReadWrite for TcpStream {}
impl ReadWrite for UnixStream {}

/// A connection to one of the backend's addresses, the one that worked last first, or why there is none. It begins as
/// every connection to the backend does: where a PROXY header is due, by one that says it is our own.
pub(super) async fn connect(order: &ProbeOrder, by: &Deadline) -> Result<Reached, String> {
    let (backend, time) = (&order.backend, order.plan.timeout);
    let mut reached = dial(backend, by, time).await?;
    if let Some(version) = order.proxy_protocol {
        let introducing = introduce(&mut reached.wire, version);
        by.keep(|| silent(backend, time), introducing).await?;
    }
    Ok(reached)
}

async fn introduce(wire: &mut Wire, version: u8) -> Result<(), String> {
    let version = if version == 1 { Version::V1 } else { Version::V2 };
    let mut header = Vec::new();
    write_own(version, &mut header);
    let sent = wire.write_all(&header).await;
    sent.map_err(|error| format!("the PROXY header could not be sent: {}", plain(&error)))
}

async fn dial(backend: &Backend, by: &Deadline, time: Duration) -> Result<Reached, String> {
    match &backend.address {
        BackendAddress::Tcp(addresses) => connect_any(backend, addresses, by.0, time).await,
        BackendAddress::Unix(path) => {
            let connecting = async {
                UnixStream::connect(path)
                    .await
                    .map_err(|error| cannot(backend, &error))
            };
            let wire = by.keep(|| silent(backend, time), connecting).await?;
            Ok(Reached {
                wire: Box::new(wire),
                host: "localhost".to_owned(),
            })
        }
    }
}

async fn connect_any(
    backend: &Backend,
    addresses: &[SocketAddr],
    by: Instant,
    time: Duration,
) -> Result<Reached, String> {
    let first = backend.preferred();
    let mut reason = silent(backend, time);
    for turn in 0..addresses.len() {
        let place = (first + turn) % addresses.len();
        let until = share(by, addresses.len() - turn);
        match timeout_at(until, TcpStream::connect(addresses[place])).await {
            Ok(Ok(wire)) => {
                backend.prefer(place);
                return Ok(Reached {
                    wire: Box::new(wire),
                    host: addresses[place].to_string(),
                });
            }
            Ok(Err(error)) => reason = cannot(backend, &error),
            Err(_) => {}
        }
    }
    Err(reason)
}

/// Until when one of `addresses_left` addresses may take: a silent one must not use up the time of the next.
fn share(by: Instant, addresses_left: usize) -> Instant {
    let now = Instant::now();
    let parts = u32::try_from(addresses_left).unwrap_or(u32::MAX).max(1);
    now + by.saturating_duration_since(now) / parts
}

fn cannot(backend: &Backend, error: &io::Error) -> String {
    format!("cannot connect to {}: {}", backend.address, plain(error))
}

fn silent(backend: &Backend, time: Duration) -> String {
    format!("{} did not answer within {}", backend.address, shown(time))
}

/// The system's words without its number.
pub(super) fn plain(error: &io::Error) -> String {
    let text = error.to_string();
    text.split(" (os error")
        .next()
        .map_or_else(String::new, str::to_owned)
}

/// Closes in good order: the backend sees the end of the stream and closes too. One that does not is left after a
/// while.
pub(super) async fn part(mut connection: Wire) {
    if connection.shutdown().await.is_err() {
        return;
    }
    let mut said = [0; 512];
    let ended = async { while matches!(connection.read(&mut said).await, Ok(1..)) {} };
    // The silent ones are the rule.
    let _ = timeout(PARTING_MAX, ended).await;
}

/// How long a backend may take to close.
const PARTING_MAX: Duration = Duration::from_millis(100);
