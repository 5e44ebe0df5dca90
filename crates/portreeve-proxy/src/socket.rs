//! Listening sockets: one per worker over the same address, so that the kernel spreads the connections and no worker wakes for another's.

use std::io;
use std::net::{Ipv4Addr, SocketAddr};
use std::os::unix::fs::FileTypeExt;
use std::path::{Path, PathBuf};

use portreeve_model::plan::Bind;
use rustix::io::Errno;
use socket2::{Domain, Socket, Type};

/// Sockets that listen, one for each worker, not yet accepting.
#[derive(Debug)]
pub struct BoundListener {
    pub(crate) sockets: Vec<Listening>,
    local: Bind,
}

#[derive(Debug)]
pub(crate) enum Listening {
    Tcp(std::net::TcpListener),
    Unix(std::os::unix::net::UnixListener),
}

/// Why an address cannot be listened on; says what would be right.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum BindError {
    /// Another socket listens there.
    #[error(
        "cannot listen on {0}: the address is in use by another process; stop that one or choose another port"
    )]
    InUse(SocketAddr),
    /// A port below 1024 without the right to it.
    #[error(
        "cannot listen on {0}: not permitted; a port below 1024 needs root or CAP_NET_BIND_SERVICE \
         (systemd: AmbientCapabilities=CAP_NET_BIND_SERVICE; else: setcap cap_net_bind_service=+ep ON THE BINARY)"
    )]
    NotPermitted(SocketAddr),
    /// The machine does not have this address.
    #[error(
        "cannot listen on {0}: this machine has no such address; use one that `ip address` shows, or 0.0.0.0 for all"
    )]
    NotHere(SocketAddr),
    /// Anything else the kernel said.
    #[error("cannot listen on {address}: {source}")]
    Tcp {
        /// The address asked for.
        address: SocketAddr,
        /// What the kernel said.
        source: io::Error,
    },
    /// A file that is not an abandoned socket stands where the socket would be.
    #[error("cannot listen on unix:{}: {what}; remove it or choose another path", path.display())]
    Occupied {
        /// The path asked for.
        path: PathBuf,
        /// What stands there.
        what: &'static str,
    },
    /// Anything else the kernel said about a Unix socket.
    #[error("cannot listen on unix:{}: {source}; the folder must exist and be writable", path.display())]
    Unix {
        /// The path asked for.
        path: PathBuf,
        /// What the kernel said.
        source: io::Error,
    },
}

impl BoundListener {
    /// Listens on `bind` with one socket for each of `threads` workers.
    ///
    /// # Errors
    /// If the address is in use (even by a process that would share it), not permitted, or not of this machine.
    pub fn bind(bind: &Bind, threads: usize) -> Result<Self, BindError> {
        match bind {
            Bind::Tcp(address) => Self::tcp(*address, threads),
            Bind::Unix(path) => Self::unix(path, threads),
        }
    }

    /// The address it really has: the kernel's choice where port 0 was asked for.
    #[must_use]
    pub fn local(&self) -> Bind {
        self.local.clone()
    }

    fn tcp(address: SocketAddr, threads: usize) -> Result<Self, BindError> {
        let fail = |source: io::Error| match source.kind() {
            io::ErrorKind::AddrInUse => BindError::InUse(address),
            io::ErrorKind::PermissionDenied => BindError::NotPermitted(address),
            io::ErrorKind::AddrNotAvailable => BindError::NotHere(address),
            _ => BindError::Tcp { address, source },
        };
        let first = claim(address).or_else(|error| match everywhere_by_v4(address, &error) {
            Some(v4) => claim(v4),
            None => Err(error),
        });
        let first = first.map_err(fail)?;
        let local = first.local_addr().map_err(fail)?;
        let mut sockets = vec![Listening::Tcp(first)];
        for _ in 1..threads {
            sockets.push(Listening::Tcp(listen(local).map_err(fail)?));
        }
        Ok(Self {
            sockets,
            local: Bind::Tcp(local),
        })
    }

    fn unix(path: &Path, threads: usize) -> Result<Self, BindError> {
        let fail = |source| BindError::Unix {
            path: path.to_owned(),
            source,
        };
        clear_abandoned(path)?;
        let first = std::os::unix::net::UnixListener::bind(path).map_err(fail)?;
        first.set_nonblocking(true).map_err(fail)?;
        let mut sockets = Vec::new();
        for _ in 1..threads {
            sockets.push(Listening::Unix(first.try_clone().map_err(fail)?));
        }
        sockets.push(Listening::Unix(first));
        Ok(Self {
            sockets,
            local: Bind::Unix(path.to_owned()),
        })
    }
}

/// The first socket of an address. `SO_REUSEPORT` would quietly share a port with another process of the same user, so
/// a bind without it asks first whether anybody is there.
fn claim(address: SocketAddr) -> io::Result<std::net::TcpListener> {
    if address.port() != 0 {
        let probe = Socket::new(Domain::for_address(address), Type::STREAM, None)?;
        prepare(&probe, address)?;
        probe.bind(&address.into())?;
    }
    listen(address)
}

/// `[::]` means every address; where IPv6 is switched off, those are the IPv4 ones.
fn everywhere_by_v4(address: SocketAddr, error: &io::Error) -> Option<SocketAddr> {
    let has_no_v6 = matches!(
        Errno::from_io_error(error),
        Some(Errno::AFNOSUPPORT | Errno::ADDRNOTAVAIL)
    );
    let is_everywhere = address.is_ipv6() && address.ip().is_unspecified();
    (has_no_v6 && is_everywhere).then(|| SocketAddr::new(Ipv4Addr::UNSPECIFIED.into(), address.port()))
}

fn listen(address: SocketAddr) -> io::Result<std::net::TcpListener> {
    let socket = Socket::new(
        Domain::for_address(address),
        Type::STREAM.nonblocking().cloexec(),
        None,
    )?;
    prepare(&socket, address)?;
    socket.set_reuse_port(true)?;
    // Every connection accepted here inherits it.
    socket.set_tcp_nodelay(true)?;
    socket.bind(&address.into())?;
    socket.listen(BACKLOG)?;
    Ok(socket.into())
}

fn prepare(socket: &Socket, address: SocketAddr) -> io::Result<()> {
    socket.set_reuse_address(true)?;
    if let SocketAddr::V6(v6) = address {
        // `[::]` takes IPv4 too, as people expect; a specific address is itself alone.
        socket.set_only_v6(!v6.ip().is_unspecified())?;
    }
    Ok(())
}

/// Removes the socket file of a process that is gone; leaves everything else alone.
fn clear_abandoned(path: &Path) -> Result<(), BindError> {
    let Ok(found) = std::fs::symlink_metadata(path) else {
        return Ok(());
    };
    let occupied = |what| BindError::Occupied {
        path: path.to_owned(),
        what,
    };
    if !found.file_type().is_socket() {
        return Err(occupied("a file that is not a socket stands there"));
    }
    if std::os::unix::net::UnixStream::connect(path).is_ok() {
        return Err(occupied("another process listens there"));
    }
    std::fs::remove_file(path).map_err(|source| BindError::Unix {
        path: path.to_owned(),
        source,
    })
}

/// Connections that wait in the kernel to be accepted; the kernel's own bound (`net.core.somaxconn`) applies too.
const BACKLOG: i32 = 4_096;
