//! What arrives at an address, seen by the kernel: also when nobody listens there, or whoever does stands still.

use std::net::{Ipv4Addr, SocketAddr, SocketAddrV4};
use std::os::fd::OwnedFd;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

use rustix::net::{AddressFamily, RecvFlags, SocketType, bind, ipproto, recv, socket, sockopt};

use crate::fault::Fault;

/// Begun with [`Watch::start`]; ends with [`Watch::finish`].
pub(super) struct Watch {
    is_over: Arc<AtomicBool>,
    thread: JoinHandle<Vec<Seen>>,
}

/// Something that arrived, and when we saw it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Seen {
    pub(super) at: Instant,
    pub(super) what: What,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum What {
    /// The first packet of a connection.
    Connect,
    /// The beginning of a request of the load's kind.
    Request,
}

impl Watch {
    /// Watches an IPv4 address and port of this machine. The address should be used by nothing else: all that comes to it
    /// has to be looked at.
    ///
    /// # Errors
    /// Without the right to open raw sockets (root, or `CAP_NET_RAW`).
    pub(super) fn start(address: SocketAddr) -> Result<Watch, Fault> {
        let SocketAddr::V4(address) = address else {
            return Err(Fault::Program(format!("{address} is no IPv4 address")));
        };
        let socket = raw(*address.ip()).map_err(|errno| Fault::Io {
            doing: format!("watching {address}, for which one has to be root"),
            source: errno.into(),
        })?;
        let is_over = Arc::new(AtomicBool::new(false));
        let flag = Arc::clone(&is_over);
        let thread = std::thread::spawn(move || watch(&socket, address, &flag));
        Ok(Watch { is_over, thread })
    }

    /// All that was seen, in order.
    pub(super) fn finish(self) -> Vec<Seen> {
        self.is_over.store(true, Ordering::Relaxed);
        self.thread.join().unwrap_or_default()
    }
}

fn raw(ip: Ipv4Addr) -> rustix::io::Result<OwnedFd> {
    let socket = socket(AddressFamily::INET, SocketType::RAW, Some(ipproto::TCP))?;
    sockopt::set_socket_recv_buffer_size_force(&socket, BUFFERED_BYTES)?;
    sockopt::set_socket_timeout(&socket, sockopt::Timeout::Recv, Some(LOOK_AT_FLAG))?;
    bind(&socket, &SocketAddrV4::new(ip, 0))?;
    Ok(socket)
}

fn watch(socket: &OwnedFd, address: SocketAddrV4, is_over: &AtomicBool) -> Vec<Seen> {
    let mut all = Vec::new();
    let mut packet = vec![0; PACKET_BYTES];
    while !is_over.load(Ordering::Relaxed) {
        let Ok((length, _)) = recv(socket, packet.as_mut_slice(), RecvFlags::empty()) else {
            continue; // nothing came for a while
        };
        if let Some(what) = what(&packet[..length], address.port()) {
            let at = Instant::now();
            all.push(Seen { at, what });
        }
    }
    all
}

/// What an IPv4 packet with TCP in it means for this port (RFC 791 section 3.1, RFC 9293 section 3.1).
fn what(packet: &[u8], port: u16) -> Option<What> {
    let ip_words = packet.first()? & 0x0f;
    let tcp = packet.get(4 * usize::from(ip_words)..)?;
    if tcp.get(2..4)? != port.to_be_bytes() {
        return None;
    }
    let payload = tcp.get(4 * usize::from(tcp.get(12)? >> 4)..)?;
    let is_syn = tcp.get(13)? & 0x12 == 0x02;
    if is_syn {
        Some(What::Connect)
    } else {
        payload.starts_with(b"GET /small").then_some(What::Request)
    }
}

const LOOK_AT_FLAG: Duration = Duration::from_millis(20);
const BUFFERED_BYTES: usize = 16 << 20;
const PACKET_BYTES: usize = 64 << 10;

#[cfg(test)]
mod tests {
    use super::*;

    fn packet(port: u16, flags: u8, payload: &[u8]) -> Vec<u8> {
        let mut packet = vec![0; 40];
        packet[0] = 0x45;
        packet[22..24].copy_from_slice(&port.to_be_bytes());
        packet[32] = 0x50;
        packet[33] = flags;
        packet.extend_from_slice(payload);
        packet
    }

    #[test]
    fn a_connection_and_a_request_are_told_from_the_rest() {
        assert_eq!(what(&packet(80, 0x02, b""), 80), Some(What::Connect));
        assert_eq!(
            what(&packet(80, 0x18, b"GET /small HTTP/1.1\r\n"), 80),
            Some(What::Request)
        );
        assert_eq!(
            what(&packet(80, 0x12, b""), 80),
            None,
            "the answer to a SYN of ours"
        );
        assert_eq!(what(&packet(80, 0x10, b""), 80), None);
        assert_eq!(what(&packet(81, 0x02, b""), 80), None);
        assert_eq!(what(&packet(80, 0x18, b"POST /bench"), 80), None);
    }

    #[test]
    fn what_is_cut_off_is_nothing() {
        let whole = packet(80, 0x02, b"");
        assert!((0..34).all(|length| what(&whole[..length], 80).is_none()));
    }
}
