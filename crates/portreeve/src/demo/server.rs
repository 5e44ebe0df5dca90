//! A sample packet server: what `portreeve backend` runs, as a task.

use std::future::pending;
use std::net::SocketAddr;

use tokio::sync::watch;
use tokio::task::JoinHandle;

use crate::backend::{BackendArguments, PacketServer};
use crate::failure::Failure;
use crate::peer_address::PeerAddress;

/// A running packet server on a free port of 127.0.0.1, which registers. Dropping it ends it.
#[derive(Debug)]
pub(super) struct SampleServer {
    pub(super) id: &'static str,
    pub(super) policy: &'static str,
    pub(super) address: SocketAddr,
    /// What it last said of its registration.
    said: watch::Receiver<String>,
    task: JoinHandle<()>,
}

impl SampleServer {
    pub(super) async fn start(
        id: &'static str,
        policy: &'static str,
        proxy: PeerAddress,
    ) -> Result<Self, Failure> {
        let server = PacketServer::listen(&BackendArguments::local(id, policy, proxy)).await?;
        let address = server.address();
        let (say, said) = watch::channel("it has not heard of the proxy".to_owned());
        let task = tokio::spawn(async move {
            let tell = |line: std::fmt::Arguments<'_>| drop(say.send_replace(line.to_string()));
            server.serve(tell, pending()).await;
        });
        Ok(Self {
            id,
            policy,
            address,
            said,
            task,
        })
    }

    /// For when it does not answer.
    pub(super) fn last_word(&self) -> String {
        self.said.borrow().clone()
    }
}

impl Drop for SampleServer {
    fn drop(&mut self) {
        self.task.abort();
    }
}
