//! The handle by which the rest of the process speaks to the one writer.

use std::sync::Arc;

use portreeve_model::Snapshot;
use portreeve_model::plan::Plan;
use tokio::sync::{mpsc, oneshot, watch};
use tokio::task::JoinHandle;

use crate::lookup::{Lookup, SystemLookup};
use crate::writer::{Command, Writer};

/// The control plane of one process. Dropping it ends its task; the last snapshot stays readable.
#[derive(Debug)]
pub struct Controller {
    commands: mpsc::Sender<Command>,
    snapshots: watch::Receiver<Arc<Snapshot>>,
    task: JoinHandle<()>,
}

impl Controller {
    /// Resolves the plan's names and publishes the first snapshot, sequence 1.
    ///
    /// Waits at most five seconds for names; one that has not answered by then has no backends until it does. It never
    /// fails: a name that does not resolve is a state of the world (logged, and asked again), not a fault of the plan.
    /// `shards` is the number of data-plane threads that will count.
    pub async fn start(plan: Plan, shards: usize) -> Self {
        Self::start_with(plan, shards, Arc::new(SystemLookup)).await
    }

    pub(crate) async fn start_with(plan: Plan, shards: usize, lookup: Arc<dyn Lookup>) -> Self {
        let (writer, snapshots) = Writer::start(plan, shards, lookup).await;
        let (commands, received) = mpsc::channel(COMMANDS_MAX);
        let task = tokio::spawn(writer.run(received));
        Self {
            commands,
            snapshots,
            task,
        }
    }

    /// A view of the latest snapshot, which wakes its holder at each change.
    #[must_use]
    pub fn snapshots(&self) -> watch::Receiver<Arc<Snapshot>> {
        self.snapshots.clone()
    }

    /// Replaces the plan. When it returns, the snapshot built from it is published; it waits for new names as
    /// [`start`](Self::start) does, and uses what is already known of the others.
    pub async fn apply(&self, plan: Plan) {
        let (done, applied) = oneshot::channel();
        let command = Command::Apply {
            plan: Box::new(plan),
            done,
        };
        self.commands
            .send(command)
            .await
            .expect("the writer lives as long as its controller");
        applied.await.expect("the writer answers each command");
    }

    /// Ends the writer, in the midst of whatever it waits for, and returns when it is gone.
    pub async fn stop(self) {
        self.task.abort();
        if self.task.await.is_err_and(|error| error.is_panic()) {
            tracing::error!("the control task had panicked");
        }
    }
}

/// Commands that may wait for the writer; senders beyond that wait their turn.
const COMMANDS_MAX: usize = 16;
