//! The way to the engine: connected when first needed, and again when the engine was away.

use std::fmt;
use std::pin::Pin;
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use bollard::errors::Error;
use bollard::{API_DEFAULT_VERSION, Docker};
use futures_core::Stream;
use portreeve_driver::DriverFault;

use crate::fault::Trouble;

/// One engine, whether it is there or not.
pub(crate) struct Engine {
    endpoint: Endpoint,
    /// Speaks the version of the API that both know; forgotten when the engine is away, since another may come back.
    client: Mutex<Option<Docker>>,
}

impl Engine {
    /// At `unix:///path`, `/path`, `tcp://host:port` or `http://host:port`.
    pub(crate) fn at(endpoint: &str) -> Result<Self, DriverFault> {
        Ok(Self {
            endpoint: Endpoint::read(endpoint)?,
            client: Mutex::new(None),
        })
    }

    /// A client that has agreed with the engine on a version.
    pub(crate) async fn client(&self) -> Result<Docker, Trouble> {
        if let Some(client) = self.known() {
            return Ok(client);
        }
        let act = "asking the engine for its version";
        let connected = self
            .endpoint
            .connect()
            .map_err(|fault| Trouble::new(&self.endpoint, act, fault))?;
        let client = self.ask(act, ANSWER, connected.negotiate_version()).await?;
        *self.lock() = Some(client.clone());
        Ok(client)
    }

    /// What the engine answers; `act` says what we want of it, as in `starting container x`.
    pub(crate) async fn ask<T>(
        &self,
        act: &str,
        limit: Duration,
        answer: impl Future<Output = Result<T, Error>>,
    ) -> Result<T, Trouble> {
        let trouble = match tokio::time::timeout(limit, answer).await {
            Ok(Ok(answer)) => return Ok(answer),
            Ok(Err(fault)) => Trouble::new(&self.endpoint, act, fault),
            Err(_) => Trouble::late(act, limit),
        };
        if trouble.is_unreachable() {
            *self.lock() = None;
        }
        Err(trouble)
    }

    fn known(&self) -> Option<Docker> {
        self.lock().clone()
    }

    fn lock(&self) -> std::sync::MutexGuard<'_, Option<Docker>> {
        self.client.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl fmt::Display for Engine {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.endpoint.fmt(out)
    }
}

/// Where an engine listens.
pub(crate) enum Endpoint {
    Unix(String),
    Http(String),
}

impl Endpoint {
    fn read(text: &str) -> Result<Self, DriverFault> {
        let path = text.strip_prefix("unix://").unwrap_or(text);
        if path.starts_with('/') {
            return Ok(Self::Unix(path.to_owned()));
        }
        let host = text
            .strip_prefix("tcp://")
            .or_else(|| text.strip_prefix("http://"));
        match host {
            Some(host) if !host.is_empty() => Ok(Self::Http(host.to_owned())),
            _ => Err(DriverFault::Failed {
                what: format!("the engine's endpoint `{text}`"),
                reason: "it is to be unix:///run/docker.sock or tcp://host:port, which is spoken without TLS"
                    .to_owned(),
            }),
        }
    }

    /// Only prepares; nothing is sent yet.
    fn connect(&self) -> Result<Docker, Error> {
        let seconds = HEAD.as_secs();
        match self {
            Self::Unix(path) => Docker::connect_with_unix(path, seconds, API_DEFAULT_VERSION),
            Self::Http(host) => Docker::connect_with_http(host, seconds, API_DEFAULT_VERSION),
        }
    }
}

impl fmt::Display for Endpoint {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Unix(path) => write!(out, "unix://{path}"),
            Self::Http(host) => write!(out, "tcp://{host}"),
        }
    }
}

/// The next item of a stream.
pub(crate) async fn next<S: Stream>(mut stream: Pin<&mut S>) -> Option<S::Item> {
    std::future::poll_fn(|context| stream.as_mut().poll_next(context)).await
}

/// How long the engine may take for what it knows by heart.
pub(crate) const ANSWER: Duration = Duration::from_secs(10);

/// How long it may take to create, start or remove: the disk may be busy.
pub(crate) const WORK: Duration = Duration::from_secs(30);

/// How long the head of any answer may take; the limits of each call are shorter, but for pulling an image.
const HEAD: Duration = Duration::from_secs(120);

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_endpoint_is_a_socket_or_a_plain_host() {
        let read = |text| Endpoint::read(text).map(|endpoint| endpoint.to_string()).ok();
        assert_eq!(
            read("unix:///run/docker.sock").as_deref(),
            Some("unix:///run/docker.sock")
        );
        assert_eq!(
            read("/run/docker.sock").as_deref(),
            Some("unix:///run/docker.sock")
        );
        assert_eq!(
            read("tcp://10.0.0.1:2375").as_deref(),
            Some("tcp://10.0.0.1:2375")
        );
        assert_eq!(read("https://10.0.0.1:2376"), None);
        assert_eq!(read("tcp://"), None);
        assert_eq!(read("docker.sock"), None);
    }

    #[tokio::test]
    async fn an_engine_that_is_not_there_is_named() {
        let engine = Engine::at("unix:///nonexistent/docker.sock").expect("a good endpoint");
        let fault = DriverFault::from(engine.client().await.map(drop).unwrap_err());
        assert_eq!(fault.code(), "unreachable");
        let text = fault.to_string();
        assert!(text.contains("unix:///nonexistent/docker.sock"), "{text}");
        assert!(text.contains("is it running"), "{text}");
    }

    #[tokio::test]
    async fn an_engine_that_does_not_answer_is_given_up() {
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
        let engine = Engine::at(&format!("tcp://{}", listener.local_addr().unwrap())).unwrap();
        let never = std::future::pending::<Result<(), Error>>();
        let limit = Duration::from_millis(20);
        let fault = DriverFault::from(engine.ask("waiting", limit, never).await.unwrap_err());
        assert_eq!(fault.to_string(), "waiting took longer than 20ms");
    }
}
