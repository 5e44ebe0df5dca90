//! Registrations on their way to whoever decides about them. The data plane reads what a backend says and writes what
//! it is told; what it means, it does not know.

use std::net::IpAddr;
use std::time::Duration;

use portreeve_model::plan::Name;
use portreeve_model::{Cause, ShownCertificate};
use portreeve_packet::Setup;
use tokio::sync::{mpsc, oneshot};

use crate::serve::client::Peer;

/// Something that a backend asks of the registry, and where the answer goes.
#[derive(Debug)]
pub struct RegistrationCall {
    /// The other end of the connection; `None` over a Unix socket.
    pub source: Option<IpAddr>,
    /// Whether it came through a proxy or a browser (`Via`, `Forwarded`, `X-Forwarded-For`, `Origin`,
    /// `Sec-Fetch-Site`), so that its source
    /// says nothing about who sends it.
    pub is_forwarded: bool,
    /// The certificate that the other end has shown, and the handshake of this connection verified.
    pub certificate: Option<ShownCertificate>,
    /// What is asked.
    pub ask: RegistrationAsk,
    /// Where the answer goes; nobody may be waiting any more.
    pub answer: oneshot::Sender<RegistrationReply>,
}

/// What a backend asks of the registry.
#[derive(Debug)]
pub enum RegistrationAsk {
    /// A request of the registration API.
    Http {
        /// As written.
        method: String,
        /// As written, without the query; it begins with `/v1/pools/`.
        path: String,
        /// The field `Authorization`.
        authorization: Option<String>,
        /// At most 16 KiB.
        body: Vec<u8>,
    },
    /// A setup packet.
    Setup {
        /// The pool whose packets the listener serves.
        pool: Name,
        /// What it says.
        setup: Setup,
    },
}

/// What a backend is told.
#[derive(Debug)]
pub enum RegistrationReply {
    /// The response to a request.
    Http {
        /// Its status.
        status: u16,
        /// JSON; problem details (RFC 9457) from status 400 on; may be empty.
        body: Vec<u8>,
    },
    /// The answer to a setup packet: it is registered, or why it is not.
    Setup(Result<(), String>),
}

/// What the paths of the registration API begin with.
pub(crate) const PREFIX: &[u8] = b"/v1/pools/";

/// Asks, and waits for the answer.
///
/// # Errors
/// [`Cause::RegistrationRefused`] if nobody takes registrations, [`Cause::RegistrationOverload`] if too many are under
/// way or there is no answer in time.
pub(crate) async fn ask(
    registrations: Option<&mpsc::Sender<RegistrationCall>>,
    peer: &Peer,
    is_forwarded: bool,
    ask: RegistrationAsk,
) -> Result<RegistrationReply, Cause> {
    let registrations = registrations.ok_or(Cause::RegistrationRefused)?;
    let (answer, answered) = oneshot::channel();
    let call = RegistrationCall {
        source: peer.ip,
        is_forwarded,
        certificate: peer.certificate().cloned(),
        ask,
        answer,
    };
    registrations
        .try_send(call)
        .map_err(|_| Cause::RegistrationOverload)?;
    match tokio::time::timeout(ANSWER_WAIT, answered).await {
        Ok(Ok(reply)) => Ok(reply),
        _ => Err(Cause::RegistrationOverload),
    }
}

/// Longer than the store may take on a slow disk; a backend asks again.
const ANSWER_WAIT: Duration = Duration::from_secs(10);
