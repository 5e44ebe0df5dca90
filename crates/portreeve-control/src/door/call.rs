//! How something is asked of the writer, and answered.

use std::sync::Arc;
use std::time::Duration;

use portreeve_model::Moment;
use tokio::sync::{OwnedSemaphorePermit, Semaphore, mpsc, oneshot};
use tokio::time::timeout;

use crate::refused::Refused;
use crate::store::Saved;
use crate::world::World;

/// Something to be done by the writer, between two snapshots.
pub(crate) type Command = Box<dyn FnOnce(&mut World, Moment) -> Answer + Send>;

/// What is to be told when the snapshot with it is published.
pub(crate) type Answer = Box<dyn FnOnce(&Settled) + Send>;

/// How a batch of commands ended.
#[derive(Debug, Clone)]
pub(crate) struct Settled {
    /// The snapshot that has what they changed.
    pub(crate) sequence: u64,
    pub(crate) saved: Saved,
}

/// What came of one command.
pub(crate) struct Done<T> {
    pub(crate) value: T,
    pub(crate) sequence: u64,
    pub(crate) saved: Saved,
}

/// The way to the writer. Each call has a place in it until it is answered, and their number is bounded.
#[derive(Debug, Clone)]
pub(crate) struct Calls {
    commands: mpsc::Sender<Command>,
    places: Arc<Semaphore>,
}

impl Calls {
    /// The way, and where it ends.
    pub(crate) fn new() -> (Self, mpsc::Receiver<Command>) {
        let (commands, receiver) = mpsc::channel(CALLS_MAX);
        let places = Arc::new(Semaphore::new(CALLS_MAX));
        (Self { commands, places }, receiver)
    }

    /// Has the writer do something, and waits until what it changed is published.
    pub(crate) async fn ask<T: Send + 'static>(
        &self,
        act: impl FnOnce(&mut World, Moment) -> T + Send + 'static,
    ) -> Result<Done<T>, Refused> {
        let place = self.place().await?;
        let (teller, told) = oneshot::channel();
        let command: Command = Box::new(move |world, at| {
            let value = act(world, at);
            Box::new(move |settled| answer(teller, value, settled, place))
        });
        self.commands.send(command).await.map_err(|_| Refused::Stopping)?;
        told.await.map_err(|_| Refused::Stopping)
    }

    async fn place(&self) -> Result<OwnedSemaphorePermit, Refused> {
        let place = Arc::clone(&self.places).acquire_owned();
        let place = timeout(PLACE_WAIT, place).await;
        place
            .map_err(|_| Refused::Overloaded)?
            .map_err(|_| Refused::Stopping)
    }
}

fn answer<T>(teller: oneshot::Sender<Done<T>>, value: T, settled: &Settled, place: OwnedSemaphorePermit) {
    let done = Done {
        value,
        sequence: settled.sequence,
        saved: settled.saved.clone(),
    };
    // Whoever asked may have stopped waiting.
    let _ = teller.send(done);
    drop(place);
}

/// Calls that are with the writer at once.
const CALLS_MAX: usize = 4_096;
/// How long a call waits for a place among them.
const PLACE_WAIT: Duration = Duration::from_secs(5);
