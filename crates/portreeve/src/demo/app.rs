//! A sample HTTP app: says its name and what it got, and keeps itself registered.

use std::io;
use std::net::SocketAddr;
use std::time::Duration;

use axum::Router;
use axum::extract::{Request, State};
use tokio::net::TcpListener;
use tokio::task::JoinHandle;
use tokio::time::sleep;

use super::http::{Answer, Ask};
use crate::failure::Failure;

/// A running app on a free port of 127.0.0.1, registered in the pool `default`. Dropping it ends it.
#[derive(Debug)]
pub(super) struct App {
    pub(super) name: &'static str,
    pub(super) policy: &'static str,
    pub(super) address: SocketAddr,
    tasks: [JoinHandle<()>; 2],
}

impl App {
    /// Starts it, and registers it; it has its requests when a probe of the proxy has passed.
    pub(super) async fn start(
        name: &'static str,
        policy: &'static str,
        proxy: SocketAddr,
    ) -> Result<Self, Failure> {
        let failed =
            |error: &dyn std::fmt::Display| Failure::failed(format_args!("cannot start app {name}: {error}"));
        let (listener, address) = listen().await.map_err(|error| failed(&error))?;
        let pages = Router::new().fallback(answer).with_state(name);
        let serving = tokio::spawn(async move {
            let _ = axum::serve(listener, pages).await; // never ends by itself
        });
        let registration = Registration::new(name, policy, address);
        let answer = registration.say(proxy).await.map_err(|error| failed(&error))?;
        if !answer.is_good() {
            return Err(failed(&format_args!("{} {}", answer.status, answer.gist)));
        }
        let renewing = tokio::spawn(async move { registration.repeat(proxy).await });
        Ok(Self {
            name,
            policy,
            address,
            tasks: [serving, renewing],
        })
    }
}

impl Drop for App {
    fn drop(&mut self) {
        self.tasks.iter().for_each(JoinHandle::abort);
    }
}

/// What it says to the proxy.
struct Registration {
    path: String,
    body: String,
}

impl Registration {
    fn new(name: &str, policy: &str, address: SocketAddr) -> Self {
        Self {
            path: format!("/v1/pools/default/backends/{name}"),
            body: format!(r#"{{"address":"{address}","policies":["{policy}"]}}"#),
        }
    }

    async fn say(&self, proxy: SocketAddr) -> io::Result<Answer> {
        let ask = Ask {
            method: "PUT",
            path: &self.path,
            policy: None,
            body: &self.body,
        };
        ask.send(proxy).await
    }

    /// Said again, it counts for as long again.
    async fn repeat(&self, proxy: SocketAddr) {
        loop {
            sleep(RENEWAL).await;
            let _ = self.say(proxy).await; // there is a next time
        }
    }
}

async fn listen() -> io::Result<(TcpListener, SocketAddr)> {
    let listener = TcpListener::bind("127.0.0.1:0").await?;
    let address = listener.local_addr()?;
    Ok((listener, address))
}

async fn answer(State(name): State<&'static str>, request: Request) -> String {
    let fields = request.headers().iter();
    let fields: String = fields
        .map(|(field, value)| format!("  {field}: {}\n", String::from_utf8_lossy(value.as_bytes())))
        .collect();
    let (method, target) = (request.method(), request.uri());
    format!("Hello from app {name}.\n\nThe proxy sent me:\n  {method} {target}\n{fields}")
}

/// A third of the time that a registration counts.
const RENEWAL: Duration = Duration::from_secs(3);
