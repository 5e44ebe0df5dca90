//! Asks a proxy: HTTP/1.1 without TLS, one connection a call, everything bounded.

mod error;

pub(crate) use error::CallError;

use std::fmt;
use std::time::Duration;

use portreeve_api::Problem;
use serde::de::DeserializeOwned;
use ureq::Agent;
use ureq::http::{Request, header};

use crate::peer_address::PeerAddress;

/// Who is asked, and what is shown to it.
#[derive(Clone)]
pub(crate) struct Caller {
    peer: PeerAddress,
    secret: Option<String>,
    agent: Agent,
}

/// One request.
#[derive(Debug)]
pub(crate) struct Call {
    pub(crate) method: &'static str,
    pub(crate) path: String,
    pub(crate) body: Option<Vec<u8>>,
    /// How long it may take in all.
    pub(crate) patience: Duration,
}

/// What came back that is no refusal.
#[derive(Debug)]
pub(crate) struct Answer {
    pub(crate) status: u16,
    pub(crate) body: Vec<u8>,
}

impl Caller {
    /// `secret` is shown as `Authorization: Bearer …`.
    pub(crate) fn new(peer: PeerAddress, secret: Option<String>) -> Self {
        let config = Agent::config_builder()
            .http_status_as_error(false)
            .proxy(None)
            .max_redirects(0)
            .max_redirects_will_error(false)
            .max_idle_connections(0)
            .timeout_connect(Some(CONNECT_TIMEOUT))
            .user_agent(concat!("portreeve/", env!("CARGO_PKG_VERSION")))
            .build();
        Self {
            peer,
            secret,
            agent: config.new_agent(),
        }
    }

    /// Who is asked.
    pub(crate) fn peer(&self) -> &PeerAddress {
        &self.peer
    }

    /// Whether there is a secret to show.
    pub(crate) fn has_secret(&self) -> bool {
        self.secret.is_some()
    }

    /// Sends one request and reads the whole answer; blocks.
    pub(crate) fn ask(&self, call: &Call) -> Result<Answer, CallError> {
        let answer = self
            .exchange(call)
            .map_err(|error| CallError::of(&self.peer, &error))?;
        match answer.status {
            200..=299 => Ok(answer),
            _ => Err(CallError::Refused(Box::new(self.problem(&answer)))),
        }
    }

    fn exchange(&self, call: &Call) -> Result<Answer, ureq::Error> {
        let mut request = Request::builder()
            .method(call.method)
            .uri(format!("http://{}{}", self.peer, call.path));
        if let Some(secret) = &self.secret {
            request = request.header(header::AUTHORIZATION, format!("Bearer {secret}"));
        }
        let mut response = match &call.body {
            Some(body) => {
                let request = request.header(header::CONTENT_TYPE, "application/json");
                self.agent
                    .run(self.bounded(request.body(body.as_slice())?, call.patience))?
            }
            None => self.agent.run(self.bounded(request.body(())?, call.patience))?,
        };
        let status = response.status().as_u16();
        let body = response
            .body_mut()
            .with_config()
            .limit(BODY_BYTES_MAX)
            .read_to_vec()?;
        Ok(Answer { status, body })
    }

    fn bounded<B: ureq::AsSendBody>(&self, request: Request<B>, patience: Duration) -> Request<B> {
        let configured = self.agent.configure_request(request);
        configured.timeout_global(Some(patience)).build()
    }

    /// A refusal in our words; one that is not ours (another program listens there) is quoted.
    fn problem(&self, answer: &Answer) -> Problem {
        serde_json::from_slice(&answer.body).unwrap_or_else(|_| {
            let text = String::from_utf8_lossy(&answer.body);
            let line: String = text
                .lines()
                .next()
                .unwrap_or_default()
                .chars()
                .take(200)
                .collect();
            let detail = format!("{} answered with status {}: {line}", self.peer, answer.status);
            Problem::new(answer.status, "unknown", detail)
        })
    }
}

/// Without the secret.
impl fmt::Debug for Caller {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.debug_struct("Caller")
            .field("peer", &self.peer)
            .finish_non_exhaustive()
    }
}

impl Call {
    /// A request without a body.
    pub(crate) fn new(method: &'static str, path: impl Into<String>) -> Self {
        Self {
            method,
            path: path.into(),
            body: None,
            patience: PATIENCE,
        }
    }

    /// With this as JSON.
    pub(crate) fn with(self, body: &impl serde::Serialize) -> Self {
        Self {
            body: Some(serde_json::to_vec(body).expect("what is sent is texts and numbers")),
            ..self
        }
    }

    /// It may take so long beyond the usual.
    pub(crate) fn waiting(self, more: Duration) -> Self {
        Self {
            patience: self.patience + more,
            ..self
        }
    }
}

impl Answer {
    /// Reads its body.
    pub(crate) fn read<T: DeserializeOwned>(&self) -> Result<T, CallError> {
        serde_json::from_slice(&self.body).map_err(|error| CallError::Garbled(error.to_string()))
    }

    /// Its body as it came.
    pub(crate) fn text(&self) -> String {
        String::from_utf8_lossy(&self.body).into_owned()
    }
}

/// How long a connection may take to be made, and a call in all.
const CONNECT_TIMEOUT: Duration = Duration::from_secs(2);
const PATIENCE: Duration = Duration::from_secs(10);

/// The longest answer that is read: far more than 20,000 backends need.
const BODY_BYTES_MAX: u64 = 64 * 1024 * 1024;
