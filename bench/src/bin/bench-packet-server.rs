//! Six packet servers in one thread, two for each of three policies: one `recv` and one `send` per packet.
//!
//! `bench-packet-server PROXY` listens on six free ports, registers each by a setup packet, prints `ready`, and ends when
//! killed. Whoever connects may send several requests on one connection, each acknowledged by the SHA-1 of its payload.

use std::io::{self, ErrorKind, Read, Write};
use std::net::{Shutdown, SocketAddr, TcpListener, TcpStream};
use std::time::Duration;

use portreeve_bench::{Interest, POLICIES, Poller, listen_silently, server_id, sha1_hex};
use serde::Deserialize;

fn main() -> io::Result<()> {
    let proxy = std::env::args().nth(1).and_then(|address| address.parse().ok());
    let proxy: SocketAddr =
        proxy.ok_or_else(|| io::Error::other("usage: bench-packet-server PROXY_IP:PORT"))?;
    let servers = Servers::listen()?;
    for server in &servers.servers {
        server.register(proxy)?;
    }
    writeln!(io::stdout(), "ready")?;
    servers.serve()
}

struct Servers {
    poller: Poller,
    servers: Vec<Server>,
    connections: Vec<Option<Connection>>,
    free: Vec<usize>,
}

struct Server {
    listener: TcpListener,
    policy: u64,
    id: u64,
}

/// A client's connection, and the id of the server that it came to.
struct Connection {
    stream: TcpStream,
    server: u64,
}

impl Servers {
    fn listen() -> io::Result<Servers> {
        let poller = Poller::new()?;
        let mut servers = Vec::new();
        for (policy, number) in POLICIES.iter().flat_map(|&policy| [(policy, 1), (policy, 2)]) {
            let listener = listen_silently([127, 0, 0, 1])?;
            poller.add(&listener, servers.len() as u64, Interest::Read)?;
            servers.push(Server {
                listener,
                policy,
                id: server_id(policy, number),
            });
        }
        Ok(Servers {
            poller,
            servers,
            connections: Vec::new(),
            free: Vec::new(),
        })
    }

    /// The first tokens are the servers', those after them the connections'.
    fn serve(mut self) -> io::Result<()> {
        let mut tokens = Vec::new();
        let mut buffer = vec![0; BUFFER_BYTES];
        loop {
            self.poller.wait(&mut tokens)?;
            for token in tokens.iter().filter_map(|&token| usize::try_from(token).ok()) {
                match token.checked_sub(self.servers.len()) {
                    Some(slot) => self.answer(slot, &mut buffer),
                    None => self.accept(token),
                }
            }
        }
    }

    fn accept(&mut self, server: usize) {
        let Server { listener, id, .. } = &self.servers[server];
        while let Ok((stream, _)) = listener.accept() {
            let slot = self.free.pop().unwrap_or_else(|| {
                self.connections.push(None);
                self.connections.len() - 1
            });
            let token = (self.servers.len() + slot) as u64;
            let is_watched = stream
                .set_nonblocking(true)
                .and_then(|()| self.poller.add(&stream, token, Interest::Read));
            match is_watched {
                Ok(()) => self.connections[slot] = Some(Connection { stream, server: *id }),
                Err(_) => self.free.push(slot),
            }
        }
    }

    fn answer(&mut self, slot: usize, buffer: &mut [u8]) {
        let Some(connection) = &mut self.connections[slot] else {
            return;
        };
        if connection.answer(buffer).is_err() {
            self.connections[slot] = None;
            self.free.push(slot);
        }
    }
}

impl Server {
    /// Returns once the proxy has closed the connection of the setup; what it says is not looked at.
    fn register(&self, proxy: SocketAddr) -> io::Result<()> {
        let mut stream = TcpStream::connect(proxy)?;
        let Server { id, policy, listener } = self;
        let port = listener.local_addr()?.port();
        let setup = format!(r#"{{"type": 1, "id": {id}, "privPolyId": {policy}, "listenport": {port}}}"#);
        stream.write_all(setup.as_bytes())?;
        stream.shutdown(Shutdown::Write)?;
        stream.set_read_timeout(Some(PATIENCE))?;
        stream.read_to_end(&mut Vec::new())?;
        Ok(())
    }
}

impl Connection {
    /// An error means that the connection is over.
    fn answer(&mut self, buffer: &mut [u8]) -> io::Result<()> {
        let read = match self.stream.read(buffer) {
            Ok(0) => return Err(ErrorKind::UnexpectedEof.into()),
            Ok(read) => read,
            Err(fault) if fault.kind() == ErrorKind::WouldBlock => return Ok(()),
            Err(fault) => return Err(fault),
        };
        let request: Request<'_> = serde_json::from_slice(&buffer[..read])?;
        self.stream
            .write_all(request.acknowledgement(self.server).as_bytes())
    }
}

#[derive(Deserialize)]
struct Request<'a> {
    srcid: u64,
    payload: &'a str,
}

impl Request<'_> {
    fn acknowledgement(&self, server: u64) -> String {
        let (client, hash) = (self.srcid, sha1_hex(self.payload));
        format!(
            r#"{{"type": 2, "srcid": {server}, "destid": {client}, "payloadsize": {}, "payload": "{hash}"}}"#,
            hash.len()
        )
    }
}

/// As large as the existing servers' own.
const BUFFER_BYTES: usize = 2048;
/// How long a proxy may take to answer a setup.
const PATIENCE: Duration = Duration::from_secs(10);
