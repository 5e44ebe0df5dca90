//! A sample backend: says its name and what it got.

use std::net::SocketAddr;

use axum::Router;
use axum::extract::{Request, State};
use tokio::net::TcpListener;
use tokio::task::JoinHandle;

use crate::failure::Failure;

/// A running sample backend on a free port of 127.0.0.1. Dropping it ends it.
#[derive(Debug)]
pub(super) struct Sample {
    name: &'static str,
    address: SocketAddr,
    task: JoinHandle<()>,
}

impl Sample {
    pub(super) async fn start(name: &'static str) -> Result<Self, Failure> {
        let bound = TcpListener::bind("127.0.0.1:0")
            .await
            .and_then(|listener| Ok((listener.local_addr()?, listener)));
        let (address, listener) = bound.map_err(|error| {
            Failure::failed(format_args!(
                "cannot start a sample backend on 127.0.0.1: {error}"
            ))
        })?;
        let pages = Router::new().fallback(answer).with_state(name);
        let task = tokio::spawn(async move {
            let _ = axum::serve(listener, pages).await; // never ends by itself
        });
        Ok(Self { name, address, task })
    }

    pub(super) fn name(&self) -> &'static str {
        self.name
    }

    pub(super) fn address(&self) -> SocketAddr {
        self.address
    }
}

impl Drop for Sample {
    fn drop(&mut self) {
        self.task.abort();
    }
}

async fn answer(State(name): State<&'static str>, request: Request) -> String {
    let fields = request.headers().iter();
    let fields: String = fields
        .map(|(field, value)| format!("  {field}: {}\n", String::from_utf8_lossy(value.as_bytes())))
        .collect();
    let (method, target) = (request.method(), request.uri());
    format!("Hello from sample backend {name}.\n\nThe proxy sent me:\n  {method} {target}\n{fields}")
}
