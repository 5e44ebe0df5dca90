//! A server's work.

use std::sync::Arc;
use std::time::Duration;

use socket2::SockRef;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};
use tokio::task::JoinSet;

use super::dialect::{Dialect, Reply};
use super::log::Log;
use crate::message::text;
use crate::packet::Packet;

/// Serves until it dies.
pub(super) async fn accept(listener: TcpListener, dialect: Arc<Dialect>, log: Arc<Log>) {
    let mut connections = JoinSet::new();
    let death = loop {
        let ended = tokio::select! {
            accepted = listener.accept() => {
                let (stream, _) = accepted.expect("accepting works while files are left");
                let served = serve(stream, Arc::clone(&dialect), Arc::clone(&log));
                if dialect.is_serial {
                    served.await
                } else {
                    connections.spawn(served);
                    Ok(())
                }
            }
            Some(ended) = connections.join_next() => ended.expect("serving does not panic"),
        };
        if let Err(death) = ended {
            break death;
        }
    };
    drop(listener);
    log.change(|state| state.death = Some(death));
}

/// Serves a connection to its end; an error is what the server dies of.
async fn serve(mut stream: TcpStream, dialect: Arc<Dialect>, log: Arc<Log>) -> Result<(), String> {
    let mut requests = 0;
    let ended = converse(&mut stream, &dialect, &log, &mut requests).await;
    drop(stream);
    log.change(|state| {
        state.ended.push(requests);
        state.probes += usize::from(matches!(ended, Ok(Ended::InOrder)) && requests == 0);
    });
    ended.map(drop)
}

/// How a connection ended that the server survived.
enum Ended {
    /// The other side closed it.
    InOrder,
    /// Otherwise.
    Otherwise,
}

async fn converse(
    stream: &mut TcpStream,
    dialect: &Dialect,
    log: &Log,
    requests: &mut usize,
) -> Result<Ended, String> {
    let mut buffer = [0; RECV_BYTES];
    loop {
        let count = match stream.read(&mut buffer).await {
            Ok(0) => return Ok(Ended::InOrder),
            Ok(count) => count,
            Err(error) if dialect.is_fragile => return Err(error.to_string()),
            Err(_) => return Ok(Ended::Otherwise),
        };
        let packet = if dialect.reads_on {
            rest(stream, &buffer[..count]).await?
        } else {
            whole(&buffer[..count])?
        };
        if *packet.kind() != 0 && *packet.kind() != "0" {
            return Err(format!("an unknown packet: {packet}"));
        }
        *requests += 1;
        log.change(|state| state.requests.push(packet.clone()));
        if say(stream, dialect.reply(&packet)).await || dialect.closes {
            return Ok(Ended::Otherwise);
        }
    }
}

/// Whether the connection is over.
async fn say(stream: &mut TcpStream, reply: Reply) -> bool {
    match reply {
        Reply::Packet(packet) => stream.write_all(packet.as_bytes()).await.is_err(),
        Reply::Pieces(packet, size) => pieces(stream, &packet, size).await.is_err(),
        Reply::Nothing => false,
        Reply::Close => true,
        Reply::Reset => {
            SockRef::from(&*stream)
                .set_linger(Some(Duration::ZERO))
                .expect("SO_LINGER can be set on an open socket");
            true
        }
    }
}

async fn pieces(stream: &mut TcpStream, packet: &str, size: usize) -> std::io::Result<()> {
    stream.set_nodelay(true)?;
    for piece in packet.as_bytes().chunks(size) {
        stream.write_all(piece).await?;
        tokio::time::sleep(PAUSE).await;
    }
    Ok(())
}

/// One `recv` is one packet to it.
fn whole(bytes: &[u8]) -> Result<Packet, String> {
    match Packet::first(bytes) {
        Ok(Some((packet, end))) if end == bytes.len() => Ok(packet),
        _ => Err(format!("one recv brought {}", text(bytes))),
    }
}

/// Reads until the packet that begins with `bytes` is whole.
async fn rest(stream: &mut TcpStream, bytes: &[u8]) -> Result<Packet, String> {
    let mut all = bytes.to_vec();
    loop {
        if let Some((packet, _)) = Packet::first(&all)? {
            return Ok(packet);
        }
        match stream.read_buf(&mut all).await {
            Ok(1..) => {}
            _ => return Err(format!("half a packet of {} bytes", all.len())),
        }
    }
}

/// What the existing servers give `recv`, at most.
const RECV_BYTES: usize = 2048;
/// Between two pieces.
const PAUSE: Duration = Duration::from_micros(200);
