//! Carries registrations from the data plane, which reads and answers them, to the registrar, which knows what they
//! mean.

use std::sync::Arc;
use std::time::Duration;

use portreeve_admin::{Registrar, RegistrationRequest, SetupWish};
use portreeve_packet::{Setup, Spelling};
use portreeve_proxy::{RegistrationAsk, RegistrationCall, RegistrationReply};
use tokio::sync::{Semaphore, mpsc};
use tokio::task::JoinHandle;

/// The carrier. Dropping it ends it.
#[derive(Debug)]
pub(crate) struct Registrations {
    task: JoinHandle<()>,
}

impl Registrations {
    /// Starts it; the sender is for the data plane.
    pub(crate) fn start(registrar: Registrar) -> (Self, mpsc::Sender<RegistrationCall>) {
        let (calls, received) = mpsc::channel(CALLS_MAX);
        let task = tokio::spawn(carry(registrar, received));
        (Self { task }, calls)
    }
}

impl Drop for Registrations {
    fn drop(&mut self) {
        self.task.abort();
    }
}

/// Many at once, since each waits until the store has it; so many and no more.
async fn carry(registrar: Registrar, mut calls: mpsc::Receiver<RegistrationCall>) {
    let slots = Arc::new(Semaphore::new(CALLS_MAX));
    while let Some(call) = calls.recv().await {
        let slot = Arc::clone(&slots).acquire_owned().await;
        let registrar = registrar.clone();
        tokio::spawn(async move {
            answer(&registrar, call).await;
            drop(slot);
        });
    }
}

async fn answer(registrar: &Registrar, call: RegistrationCall) {
    let RegistrationCall {
        source,
        is_forwarded,
        certificate,
        ask,
        answer,
    } = call;
    let reply = match &ask {
        RegistrationAsk::Http {
            method,
            path,
            authorization,
            body,
        } => {
            let request = RegistrationRequest {
                source,
                is_forwarded,
                certificate: certificate.as_ref(),
                method,
                path,
                authorization: authorization.as_deref(),
                body,
            };
            let (status, body) = registrar.http(request).await;
            RegistrationReply::Http { status, body }
        }
        RegistrationAsk::Setup { pool, setup } => {
            let setup = registrar.setup(source, certificate, pool.clone(), wish(setup));
            RegistrationReply::Setup(setup.await)
        }
    };
    let _ = answer.send(reply); // the peer may be gone
}

fn wish(setup: &Setup) -> SetupWish {
    SetupWish {
        id: setup.id.clone(),
        policy: setup.policy.clone(),
        port: setup.port,
        host: setup.host.clone(),
        token: setup.token.clone(),
        ttl: setup.ttl_ms.map(Duration::from_millis),
        spells_types_as_text: setup.spelling == Spelling::Text,
    }
}

/// Registrations waiting, and under way, at once; those beyond are told to come back.
const CALLS_MAX: usize = 1_024;
