//! Certificates by ACME (RFC 8555): ordered, proved, stored, renewed.
//!
//! One task cares for all names. Each name has a certificate of its own, so that one that is refused harms no other. What
//! the authority must see to believe that a name is ours is put into the [`TlsStore`], whence
//! the data plane answers; so are the certificates. What must survive lies in the state folder.
//!
//! No listener, no socket but those to the authority. Whoever has names certified agrees to the authority's terms.

mod account;
mod challenge;
mod client;
mod error;
mod figures;
mod names;
mod order;
mod pace;
mod renewal;
mod storage;
mod supervisor;
mod validity;

use std::path::PathBuf;
use std::sync::Arc;

use portreeve_model::plan::Plan;
use portreeve_tls::TlsStore;
use tokio::sync::watch;
use tokio::task::JoinHandle;

pub use error::AcmeFault;
pub use figures::{AcmeFigures, Name};
pub use pace::Pace;

use names::Wishes;
use supervisor::Supervisor;

/// The task that has names certified. Dropping it ends the task; orders under way are taken up again by the next one.
#[derive(Debug)]
pub struct Acme {
    wishes: watch::Sender<Arc<Wishes>>,
    has_begun: watch::Sender<bool>,
    figures: watch::Receiver<Arc<AcmeFigures>>,
    task: JoinHandle<()>,
}

/// What is wrong with the files that the plan names for the authority; it is not asked.
#[must_use]
pub fn look_at_files(plan: &Plan) -> Vec<AcmeFault> {
    plan.acme.as_ref().map(account::look).unwrap_or_default()
}

/// What it needs beside the plan.
#[derive(Debug)]
pub struct AcmeSettings {
    /// The state folder; all is kept in `acme/` in it.
    pub state: PathBuf,
    /// Where certificates go, and what proves that a name is ours.
    pub store: Arc<TlsStore>,
    /// How failures slow it down.
    pub pace: Pace,
}

impl Acme {
    /// Gives the certificates that were kept to the store, and starts the task in the calling runtime. It orders nothing
    /// before [`begin`](Self::begin), and nothing while no listener of the plan has `domains`.
    #[must_use]
    pub fn start(settings: AcmeSettings, plan: &Plan) -> Self {
        let (wishes, wished) = watch::channel(Arc::new(Wishes::of(plan)));
        let (view, figures) = watch::channel(Arc::default());
        let supervisor = Supervisor::new(settings, wished, view);
        let (has_begun, mut beginning) = watch::channel(false);
        let task = tokio::spawn(async move {
            if beginning.wait_for(|has_begun| *has_begun).await.is_ok() {
                supervisor.run().await;
            }
        });
        Self {
            wishes,
            has_begun,
            figures,
            task,
        }
    }

    /// The listeners of the plan accept: an authority that looks there sees what it is shown.
    pub fn begin(&self) {
        self.has_begun.send_replace(true);
    }

    /// Has a new plan followed, whose listeners accept.
    pub fn follow(&self, plan: &Plan) {
        self.wishes.send_replace(Arc::new(Wishes::of(plan)));
    }

    /// How it is with each name, now and from now on.
    #[must_use]
    pub fn figures(&self) -> watch::Receiver<Arc<AcmeFigures>> {
        self.figures.clone()
    }
}

impl Drop for Acme {
    fn drop(&mut self) {
        self.task.abort();
    }
}
