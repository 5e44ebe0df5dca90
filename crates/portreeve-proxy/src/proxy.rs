//! The data plane as the rest of the program sees it: threads that serve what a snapshot says.

use std::collections::HashMap;
use std::io;
use std::rc::Rc;
use std::sync::{Arc, Mutex, PoisonError};
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

use portreeve_model::plan::Name;
use portreeve_model::{Listener, Snapshot};
use portreeve_tls::TlsTable;
use tokio::runtime::LocalOptions;
use tokio::sync::{Notify, mpsc, watch};

use crate::forward::sticky::StickySecret;
use crate::listen::{Accepting, Acceptor, accept_all};
use crate::record::journal::RecordSink;
use crate::record::ledger::LedgerSink;
use crate::register::RegistrationCall;
use crate::said::Said;
use crate::slots::Slots;
use crate::socket::{BoundListener, Listening};
use crate::worker::{Gate, Outlets, Worker};

/// The running data plane.
pub struct Proxy {
    workers: Vec<Handle>,
    snapshots: watch::Receiver<Arc<Snapshot>>,
    /// What stops the accepting of each open listener.
    open: Mutex<HashMap<Name, watch::Sender<bool>>>,
}

/// How the data plane is set up once and for all.
#[derive(Debug)]
pub struct ProxySettings {
    /// How many workers there are, each a thread; at least 1.
    pub threads: usize,
    /// Where access records go, if anywhere.
    pub records: Option<RecordSink>,
    /// Where ledger records go; without it, requests that must be in the ledger are refused.
    pub ledger: Option<LedgerSink>,
    /// Where registrations go; without it, all are refused.
    pub registrations: Option<mpsc::Sender<RegistrationCall>>,
    /// What is notified each time a request finds nobody in a pool that scales; `None`: nobody is there to hear it.
    pub wakes: Option<Arc<Notify>>,
    /// What sticky cookies are sealed with.
    pub sticky: StickySecret,
    /// Certificates, and what TLS is configured with. What a snapshot needs of it is there before the snapshot, whose plan
    /// says by numbers ([`Trusts::stamp`](portreeve_tls::Trusts::stamp)) what that is.
    pub tls: watch::Receiver<Arc<TlsTable>>,
    /// When time begins for all planes of the process; `None`: now.
    pub start: Option<Instant>,
}

impl ProxySettings {
    fn outlets(&self, snapshots: &watch::Receiver<Arc<Snapshot>>) -> Outlets {
        Outlets {
            workers: u32::try_from(self.threads.max(1)).unwrap_or(u32::MAX),
            holds: Arc::default(),
            said: Arc::<Said>::default(),
            tls: self.tls.clone(),
            sticky: self.sticky.clone(),
            records: self.records.clone(),
            ledger: self.ledger.clone(),
            registrations: self.registrations.clone(),
            wakes: self.wakes.clone(),
            snapshots: snapshots.clone(),
        }
    }
}

/// The data plane could not be started.
#[derive(Debug, thiserror::Error)]
#[error("cannot start a worker thread: {0}; the limit of processes or of memory is reached")]
pub struct StartError(#[from] io::Error);

/// What a drain had to do.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Drained {
    /// Connections that were cut when the time was over.
    pub cut: usize,
}

impl Proxy {
    /// Starts the workers. They serve nothing until a listener is opened.
    ///
    /// # Errors
    /// If the system gives no thread or no event queue for one.
    pub fn start(
        settings: &ProxySettings,
        snapshots: watch::Receiver<Arc<Snapshot>>,
    ) -> Result<Self, StartError> {
        let start = settings.start.unwrap_or_else(Instant::now);
        let outlets = settings.outlets(&snapshots);
        let mut workers = Vec::new();
        for shard in 0..settings.threads.max(1) {
            workers.push(Handle::start(shard, start, outlets.clone(), snapshots.clone())?);
        }
        Ok(Self {
            workers,
            snapshots,
            open: Mutex::default(),
        })
    }

    /// Begins to accept on `socket` for the listener of that name, which the present snapshot must have.
    pub fn open(&self, name: &Name, socket: BoundListener) {
        let Some(listener) = self.snapshots.borrow().listener(name).cloned() else {
            tracing::error!(
                listener = &**name,
                "a listener was opened that the snapshot does not know"
            );
            return;
        };
        let slots = Slots::new(listener.limits.connections_max);
        let (stop, stopped) = watch::channel(false);
        for (worker, socket) in self.workers.iter().zip(socket.sockets) {
            let open = Open {
                listener: listener.clone(),
                slots: slots.clone(),
                socket,
                stop: stopped.clone(),
            };
            worker.tell(Command::Open(open));
        }
        self.open
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .insert(name.clone(), stop);
    }

    /// Stops accepting on that listener. Its running requests finish; its idle connections close.
    pub fn close(&self, name: &str) {
        if let Some(stop) = self
            .open
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .remove(name)
        {
            let _ = stop.send(true);
        }
        for worker in &self.workers {
            worker.tell(Command::Close(name.into()));
        }
    }

    /// Stops accepting, lets running requests finish within `timeout`, cuts what is left, and ends the workers.
    pub async fn drain(mut self, timeout: Duration) -> Drained {
        for (_, stop) in self.open.lock().unwrap_or_else(PoisonError::into_inner).drain() {
            let _ = stop.send(true);
        }
        for worker in &self.workers {
            worker.tell(Command::Drain(Instant::now() + timeout));
        }
        let workers = std::mem::take(&mut self.workers);
        let joined = tokio::task::spawn_blocking(|| workers.into_iter().map(Handle::join).sum());
        Drained {
            cut: joined.await.unwrap_or(0),
        }
    }

    /// Ends the workers at once, with whatever they are doing.
    pub fn kill(&self) {
        for worker in &self.workers {
            worker.tell(Command::Drain(Instant::now()));
        }
    }
}

/// A worker as others hold it.
struct Handle {
    commands: mpsc::UnboundedSender<Command>,
    thread: JoinHandle<usize>,
}

enum Command {
    Open(Open),
    Close(Name),
    Drain(Instant),
}

struct Open {
    listener: Arc<Listener>,
    slots: Arc<Slots>,
    socket: Listening,
    stop: watch::Receiver<bool>,
}

impl Handle {
    fn start(
        shard: usize,
        start: Instant,
        outlets: Outlets,
        snapshots: watch::Receiver<Arc<Snapshot>>,
    ) -> io::Result<Self> {
        let (commands, received) = mpsc::unbounded_channel();
        let (report, reported) = std::sync::mpsc::channel();
        // A runtime that holds tasks of one thread has to be made on that thread.
        let thread = std::thread::Builder::new()
            .name(format!("worker-{shard}"))
            .spawn(move || {
                let runtime = tokio::runtime::Builder::new_current_thread()
                    .enable_all()
                    .build_local(LocalOptions::default());
                let (made, runtime) =
                    runtime.map_or_else(|error| (Err(error), None), |runtime| (Ok(()), Some(runtime)));
                // Nobody listens only if `start` itself is gone, and then the commands end too.
                let _ = report.send(made);
                let Some(runtime) = runtime else { return 0 };
                runtime.block_on(run(Worker::new(shard, start, outlets), received, snapshots))
            })?;
        reported
            .recv()
            .unwrap_or_else(|_| Err(io::Error::other("the thread ended at once")))?;
        Ok(Self { commands, thread })
    }

    fn tell(&self, command: Command) {
        // A worker that is gone has panicked, which was logged, or was told to end before.
        let _ = self.commands.send(command);
    }

    fn join(self) -> usize {
        self.thread.join().unwrap_or(0)
    }
}

/// A worker's own loop: everything that is not a connection.
async fn run(
    worker: Rc<Worker>,
    mut commands: mpsc::UnboundedReceiver<Command>,
    mut snapshots: watch::Receiver<Arc<Snapshot>>,
) -> usize {
    tokio::task::spawn_local(worker.wheel.clone().turn());
    let mut beat = tokio::time::interval(BEAT);
    beat.set_missed_tick_behavior(tokio::time::MissedTickBehavior::Delay);
    let mut beats = 0_u32;
    let mut tls = worker.tls.clone();
    worker.look_at_trusts();
    loop {
        tokio::select! {
            command = commands.recv() => match command {
                Some(Command::Open(opened)) => open(&worker, opened, &snapshots),
                Some(Command::Close(name)) => worker.close(&name),
                Some(Command::Drain(until)) => return drain(&worker, until, commands, snapshots).await,
                None => return drain(&worker, Instant::now(), commands, snapshots).await,
            },
            Ok(()) = snapshots.changed() => {
                let snapshot = snapshots.borrow_and_update().clone();
                worker.adopt(&snapshot);
            }
            Ok(()) = tls.changed() => {
                worker.look_at_trusts();
            }
            _ = beat.tick() => {
                beats = beats.wrapping_add(1);
                worker.flush();
                worker.look();
                if beats.is_multiple_of(BEATS_A_SWEEP) {
                    // The look at each connection counts as its use, of which a task has a bounded number in one go.
                    tokio::task::unconstrained(async { worker.idle.sweep(Instant::now()) }).await;
                    worker.http2.sweep(Instant::now());
                }
            }
        }
    }
}

fn open(worker: &Rc<Worker>, opened: Open, snapshots: &watch::Receiver<Arc<Snapshot>>) {
    let Open {
        listener,
        slots,
        socket,
        stop,
    } = opened;
    let listener = snapshots
        .borrow()
        .listener(&listener.name)
        .cloned()
        .unwrap_or(listener);
    let gate = Gate::new(&listener, slots);
    match Acceptor::new(socket) {
        Ok(acceptor) => {
            worker.open(gate.clone());
            tokio::task::spawn_local(accept_all(acceptor, gate, Accepting::begin(worker), stop));
        }
        Err(error) => {
            tracing::error!(%error, listener = &*listener.name, "a worker cannot accept on a listener");
        }
    }
}

/// Waits until the last connection is gone or the time is over; says how many were left. A later command can only make it
/// shorter. Who waits for a backend is still served if one comes.
async fn drain(
    worker: &Worker,
    mut until: Instant,
    mut commands: mpsc::UnboundedReceiver<Command>,
    mut snapshots: watch::Receiver<Arc<Snapshot>>,
) -> usize {
    worker.close_all(until);
    loop {
        if worker.accepting.get() + worker.live.get() == 0 && worker.lingering.get() > 0 {
            until = until.min(Instant::now() + LINGER_MAX);
        }
        if worker.accepting.get() + worker.live.get() + worker.lingering.get() == 0 || Instant::now() >= until
        {
            break;
        }
        tokio::select! {
            () = tokio::time::sleep(DRAIN_LOOK) => {}
            Some(command) = commands.recv() => if let Command::Drain(sooner) = command {
                until = until.min(sooner);
                worker.close_all(until);
            },
            Ok(()) = snapshots.changed() => {
                let snapshot = snapshots.borrow_and_update().clone();
                worker.adopt(&snapshot);
            }
        }
    }
    worker.flush();
    worker.live.get()
}

/// How often records are handed on.
const BEAT: Duration = Duration::from_millis(100);
const BEATS_A_SWEEP: u32 = 10;
/// How long a drain waits for clients that have their answers to close.
const LINGER_MAX: Duration = Duration::from_millis(250);
/// How often a drain looks whether it is over.
const DRAIN_LOOK: Duration = Duration::from_millis(10);
