//! A backend in a process of its own: it writes down what it gets, the moment it has the whole head, and does what its
//! mode says.

use std::io::Write as _;
use std::net::SocketAddr;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use portreeve_testkit::{Kind, Message, Part, decoded, extent};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::{TcpListener, TcpStream};

use crate::chaos::truth;

struct Backend {
    name: String,
    mode: Mutex<String>,
    log: std::fs::File,
}

/// `argument`: name, address and log file, each on a line.
pub(crate) async fn serve(argument: &str) {
    let mut lines = argument.lines();
    let mut next = || lines.next().expect("the storm says all three");
    let (name, address, log) = (next().to_owned(), next().to_owned(), next().to_owned());
    let log = std::fs::File::options().append(true).create(true).open(log);
    let backend = Arc::new(Backend {
        name,
        mode: Mutex::new("well".to_owned()),
        log: log.expect("the folder is there"),
    });
    let listener = bound(address.parse().expect("it is an address")).await;
    let here = listener.local_addr().expect("a bound socket has an address");
    tokio::spawn(accept(listener, backend));
    Part::play(&here.into()).await;
}

/// The one before it may have gone only this moment.
async fn bound(address: SocketAddr) -> TcpListener {
    for _ in 0..500 {
        if let Ok(listener) = TcpListener::bind(address).await {
            return listener;
        }
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
    panic!("{address} is not free");
}

async fn accept(listener: TcpListener, backend: Arc<Backend>) {
    loop {
        if let Ok((stream, _)) = listener.accept().await {
            tokio::spawn(answer_all(stream, Arc::clone(&backend)));
        }
    }
}

async fn answer_all(mut stream: TcpStream, backend: Arc<Backend>) {
    let mut buffer = Vec::new();
    while let Some(request) = read(&mut stream, &mut buffer).await {
        if backend.answer(&mut stream, &request).await.is_none() {
            return;
        }
    }
}

async fn read(stream: &mut TcpStream, buffer: &mut Vec<u8>) -> Option<Message> {
    loop {
        if let Some(length) = extent(buffer, Kind::Request, false).ok()? {
            let raw: Vec<u8> = buffer.drain(..length).collect();
            return decoded(&raw, Kind::Request).ok();
        }
        if stream.read_buf(buffer).await.unwrap_or(0) == 0 {
            return None;
        }
    }
}

impl Backend {
    /// `None`: the connection is over.
    async fn answer(&self, stream: &mut TcpStream, request: &Message) -> Option<()> {
        let line = request.line();
        let target = line.split(' ').nth(1).unwrap_or_default();
        if let Some(mode) = target.strip_prefix("/-/mode/") {
            mode.clone_into(&mut self.mode.lock().expect(HELD));
            return self.reply(stream, "200 OK", b"so be it").await;
        }
        let mode = self.mode.lock().expect(HELD).clone();
        if target == "/-/health" {
            let is_sick = mode == "sick" || mode == "error";
            let status = if is_sick { "503 Sick" } else { "200 OK" };
            return self.reply(stream, status, b"").await;
        }
        self.note(request);
        match mode.as_str() {
            "slow" => tokio::time::sleep(SLOW).await,
            "reset" => {
                stream.set_zero_linger().ok()?;
                return None;
            }
            "error" => return self.reply(stream, "500 Broken", b"broken").await,
            _ => {}
        }
        let number = target.rsplit('/').next().unwrap_or_default();
        let mut body = format!("{number} {}\n", request.body.len()).into_bytes();
        if number.ends_with('7') {
            body.resize(LONG_BYTES, b'x');
        }
        self.reply(stream, "200 OK", &body).await
    }

    fn note(&self, request: &Message) {
        let field = |name| request.field(name).unwrap_or_default();
        let line = request.line();
        let text = format!(
            "{} {} {} {}\n",
            truth::now(),
            field("x-sent"),
            line.split(' ').nth(1).unwrap_or_default(),
            field("privacy-policy")
        );
        (&self.log).write_all(text.as_bytes()).expect("the disk has room");
    }

    async fn reply(&self, stream: &mut TcpStream, status: &str, body: &[u8]) -> Option<()> {
        let head = format!(
            "HTTP/1.1 {status}\r\nX-Backend: {}\r\nContent-Length: {}\r\n\r\n",
            self.name,
            body.len()
        );
        stream.write_all(head.as_bytes()).await.ok()?;
        for piece in body.chunks(PIECE_BYTES) {
            stream.write_all(piece).await.ok()?;
            if body.len() == LONG_BYTES {
                tokio::time::sleep(Duration::from_millis(5)).await;
            }
        }
        Some(())
    }
}

const SLOW: Duration = Duration::from_millis(200);
const LONG_BYTES: usize = 256 * 1024;
const PIECE_BYTES: usize = 32 * 1024;
const HELD: &str = "no holder panics";
