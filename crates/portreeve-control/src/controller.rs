//! The handle by which the rest of the process starts and ends the one writer.

use std::fmt;
use std::net::SocketAddr;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Instant;

use portreeve_model::plan::Plan;
use portreeve_model::{Event, Snapshot};
use portreeve_tls::TlsTable;
use tokio::sync::{mpsc, oneshot, watch};
use tokio::task::JoinHandle;

use crate::clock::Clock;
use crate::door::{Calls, Door};
use crate::lookup::{Lookup, SystemLookup};
use crate::naming::Naming;
use crate::own::Own;
use crate::press::Press;
use crate::prober::{ProbeCounts, Prober, Securing};
use crate::store::{Embedded, Entry, Keeper, Store, StoreError};
use crate::world::World;
use crate::writer::{Inlets, Order, Writer};

/// The control plane of one process. Dropping it ends its task; the last snapshot stays readable.
#[derive(Debug)]
pub struct Controller {
    orders: mpsc::Sender<Order>,
    door: Door,
    snapshots: watch::Receiver<Arc<Snapshot>>,
    /// Dropped to end the task.
    stop: oneshot::Sender<()>,
    task: JoinHandle<()>,
}

/// Is told of each event, in order, by the writer: it must not wait for anything.
pub type EventListener = Box<dyn Fn(&Event) + Send + Sync>;

/// What the control plane needs beside the plan.
#[derive(Default)]
pub struct ControlSettings {
    /// The folder for what survives a restart; `None`: nothing does.
    pub state: Option<PathBuf>,
    /// Where our listeners are, as they are bound; nobody may register there. See also [`Door::own`].
    pub own: Vec<SocketAddr>,
    /// Who is told of each event.
    pub events: Option<EventListener>,
    /// From when on time is counted: the same moment as the data plane counts from. `None`: from the start on.
    pub start: Option<Instant>,
    /// How TLS is spoken with backends, which are probed as they are asked; `None`: those that speak it fail.
    pub tls: Option<watch::Receiver<Arc<TlsTable>>>,
}

impl fmt::Debug for ControlSettings {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.debug_struct("ControlSettings")
            .field("state", &self.state)
            .field("own", &self.own)
            .finish_non_exhaustive()
    }
}

impl Controller {
    /// Takes in what was kept, resolves the plan's names and publishes the first snapshot, sequence 1.
    ///
    /// Waits at most five seconds for names; one that has not answered by then has no backends until it does. A name
    /// that does not resolve is a state of the world (logged, and asked again), not a fault of the plan. Registrations
    /// that were kept get no requests until a probe has passed. `shards` is the number of data-plane threads that will
    /// count.
    ///
    /// # Errors
    /// The state cannot be kept: another process uses the folder and backends may register, or the system does not let
    /// us. A store whose content
    /// cannot be read is no error: it is set aside and logged. Where no pool may be joined the folder is not made
    /// before there is something to keep.
    pub async fn start(plan: Plan, shards: usize, settings: ControlSettings) -> Result<Self, StoreError> {
        Self::start_with(plan, shards, settings, Arc::new(SystemLookup)).await
    }

    pub(crate) async fn start_with(
        plan: Plan,
        shards: usize,
        settings: ControlSettings,
        lookup: Arc<dyn Lookup>,
    ) -> Result<Self, StoreError> {
        let (keeper, kept) = match &settings.state {
            Some(folder) => {
                let is_lazy = plan.pools.iter().all(|pool| pool.members.is_none());
                match Embedded::open(folder, is_lazy) {
                    Ok((store, kept)) => keep(Box::new(store), kept, folder)?,
                    // Two proxies of one user share the folder by default; where nobody registers that harms nobody.
                    Err(error @ StoreError::Locked { .. }) if is_lazy => {
                        tracing::warn!(%error, "drains of backends and tokens will not survive a restart");
                        (Keeper::nowhere(), Vec::new())
                    }
                    Err(error) => return Err(error),
                }
            }
            None => (Keeper::nowhere(), Vec::new()),
        };
        Ok(Self::start_keeping(plan, shards, settings, lookup, keeper, kept).await)
    }

    /// With a store of the caller's choice, which has `kept`.
    pub(crate) async fn start_keeping(
        plan: Plan,
        shards: usize,
        settings: ControlSettings,
        lookup: Arc<dyn Lookup>,
        keeper: Keeper,
        kept: Vec<Entry>,
    ) -> Self {
        let (clock, own) = (Clock::start(settings.start), Own::new(settings.own));
        let mut naming = Naming::new(lookup);
        naming.follow(&[&plan]);
        naming.first_answers().await;
        let world = World::restored(&plan, kept, &own, clock.now());
        let press = Press::start(&plan, naming.resolved(), &world.registry, shards, settings.events);
        let snapshots = press.snapshots();
        let (calls, commands) = Calls::new();
        let (orders, incoming) = mpsc::channel(ORDERS_MAX);
        let (stop, stopped) = oneshot::channel();
        let counts: Arc<ProbeCounts> = Arc::default();
        let door = Door::new(calls, press.snapshots(), press.events(), own, Arc::clone(&counts));
        let inlets = Inlets {
            commands,
            orders: incoming,
            stopped,
        };
        let prober = Prober::new(clock, counts, Securing(settings.tls));
        let writer = Writer::new(plan, clock, naming, world, press, keeper, prober);
        Self {
            orders,
            door,
            snapshots,
            stop,
            task: tokio::spawn(writer.run(inlets)),
        }
    }

    /// A view of the latest snapshot, which wakes its holder at each change.
    #[must_use]
    pub fn snapshots(&self) -> watch::Receiver<Arc<Snapshot>> {
        self.snapshots.clone()
    }

    /// Where others may ask.
    #[must_use]
    pub fn door(&self) -> Door {
        self.door.clone()
    }

    /// Replaces the plan. When it returns, the snapshot built from it is published; it waits for new names as
    /// [`start`](Self::start) does, and uses what is already known of the others. All else goes on meanwhile.
    pub async fn apply(&self, plan: Plan) {
        let (done, applied) = oneshot::channel();
        let order = Order {
            plan: Box::new(plan),
            done,
        };
        self.orders
            .send(order)
            .await
            .expect("the writer lives as long as its controller");
        applied.await.expect("the writer carries each order out");
    }

    /// Ends the writer, and returns when it is gone and what it had to keep is kept.
    pub async fn stop(self) {
        drop(self.stop);
        if self.task.await.is_err_and(|error| error.is_panic()) {
            tracing::error!("the control task had panicked");
        }
    }
}

fn keep(
    store: Box<dyn Store>,
    kept: Vec<Entry>,
    folder: &std::path::Path,
) -> Result<(Keeper, Vec<Entry>), StoreError> {
    let keeper = Keeper::start(store, kept.clone()).map_err(|source| StoreError::Io {
        path: folder.to_owned(),
        source,
    })?;
    Ok((keeper, kept))
}

/// Plans that may wait for the writer; senders beyond that wait their turn.
const ORDERS_MAX: usize = 16;
