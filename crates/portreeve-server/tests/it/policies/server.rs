//! A backend that listens where it is told, answers with its name, and can go and leave its address to another.

use std::io;
use std::net::SocketAddr;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::watch;
use tokio::task::{JoinHandle, JoinSet};

/// A running backend; dropping it ends it.
pub(crate) struct Server {
    pub(crate) address: SocketAddr,
    heads: Arc<Mutex<Vec<String>>>,
    stop: watch::Sender<bool>,
    task: Option<JoinHandle<()>>,
}

/// What a backend does with a request head.
pub(crate) type Answer = dyn Fn(&str) -> Reply + Send + Sync;

/// What is said.
pub(crate) struct Reply {
    /// It thinks for so long.
    pub(crate) after: Duration,
    /// `None`: it ends the connection without a word.
    pub(crate) body: Option<String>,
    /// Whether the connection ends then.
    pub(crate) closes: bool,
}

impl Server {
    /// Answers every request with `name`; port 0 is any.
    pub(crate) async fn named(name: &str, address: SocketAddr) -> Self {
        let name = name.to_owned();
        let answer = move |_: &str| Reply {
            after: Duration::ZERO,
            body: Some(name.clone()),
            closes: false,
        };
        Self::answering(address, Arc::new(answer))
            .await
            .expect("nobody else has the address")
    }

    /// # Errors
    /// Somebody else listens there.
    pub(crate) async fn answering(address: SocketAddr, answer: Arc<Answer>) -> io::Result<Self> {
        let listener = TcpListener::bind(address).await?;
        let address = listener.local_addr()?;
        let heads = Arc::new(Mutex::new(Vec::new()));
        let (stop, stopped) = watch::channel(false);
        let task = tokio::spawn(accept(listener, Arc::clone(&heads), answer, stopped));
        Ok(Self {
            address,
            heads,
            stop,
            task: Some(task),
        })
    }

    /// The heads of requests that came so far.
    pub(crate) fn heads(&self) -> Vec<String> {
        self.heads.lock().expect("no holder panics").clone()
    }

    /// Closes the listener and every connection; when it returns the address is free.
    pub(crate) async fn close(mut self) {
        self.stop.send_replace(true);
        if let Some(task) = self.task.take() {
            task.await.expect("a backend does not panic");
        }
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        if let Some(task) = &self.task {
            task.abort();
        }
    }
}

async fn accept(
    listener: TcpListener,
    heads: Arc<Mutex<Vec<String>>>,
    answer: Arc<Answer>,
    mut stopped: watch::Receiver<bool>,
) {
    let mut connections = JoinSet::new();
    loop {
        tokio::select! {
            _ = stopped.changed() => break,
            accepted = listener.accept() => {
                let Ok((stream, _)) = accepted else { continue };
                connections.spawn(serve(stream, Arc::clone(&heads), Arc::clone(&answer)));
            }
        }
    }
    drop(listener);
    connections.shutdown().await;
}

/// Requests have no body here.
async fn serve(mut stream: TcpStream, heads: Arc<Mutex<Vec<String>>>, answer: Arc<Answer>) {
    let mut buffer = Vec::new();
    loop {
        let end = loop {
            if let Some(place) = buffer.windows(4).position(|four| four == b"\r\n\r\n") {
                break place + 4;
            }
            if stream.read_buf(&mut buffer).await.unwrap_or(0) == 0 {
                return;
            }
        };
        let head = String::from_utf8_lossy(&buffer[..end]).into_owned();
        buffer.drain(..end);
        heads.lock().expect("no holder panics").push(head.clone());
        let reply = answer(&head);
        tokio::time::sleep(reply.after).await;
        let Some(body) = reply.body else { return };
        let closes = if reply.closes { "Connection: close\r\n" } else { "" };
        let text = format!(
            "HTTP/1.1 200 OK\r\n{closes}Content-Length: {}\r\n\r\n{body}",
            body.len(),
        );
        if stream.write_all(text.as_bytes()).await.is_err() || reply.closes {
            return;
        }
    }
}

/// The value of a field of a head.
pub(crate) fn field<'a>(head: &'a str, name: &str) -> Option<&'a str> {
    head.lines().find_map(|line| {
        let (key, value) = line.split_once(':')?;
        key.eq_ignore_ascii_case(name).then(|| value.trim())
    })
}
