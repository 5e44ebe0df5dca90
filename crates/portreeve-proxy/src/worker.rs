//! What one data-plane thread has for itself: nothing here is shared, so nothing here is locked.

use std::cell::{Cell, RefCell};
use std::ops::Deref;
use std::rc::Rc;
use std::sync::Arc;
use std::time::{Duration, Instant, SystemTime};

use portreeve_http1::Head;
use portreeve_model::plan::Name;
use portreeve_model::{FleetShared, Listener, Pool, Snapshot, Tick};
use portreeve_tls::TlsTable;
use tokio::sync::{Notify, mpsc, watch};

use crate::date;
use crate::forward::h2::Http2Conns;
use crate::forward::idle::IdleConns;
use crate::forward::sticky::StickySecret;
use crate::hold::Holds;
use crate::listen::crowd::Crowd;
use crate::listen::pacer::Pacer;
use crate::record::journal::{Journal, RecordSink};
use crate::record::ledger::{LedgerJournal, LedgerSink};
use crate::register::RegistrationCall;
use crate::said::Said;
use crate::serve::h2::seats::Seats;
use crate::slots::Slots;
use crate::timer::Wheel;

/// One data-plane thread.
pub(crate) struct Worker {
    /// Its place in sharded counters.
    pub(crate) shard: usize,
    /// How many workers there are.
    pub(crate) workers: u32,
    pub(crate) wheel: Rc<Wheel>,
    pub(crate) idle: IdleConns,
    pub(crate) http2: Http2Conns,
    pub(crate) seats: Seats,
    /// Shared by all workers.
    pub(crate) holds: Arc<Holds>,
    pub(crate) sticky: StickySecret,
    /// Certificates, and what TLS is configured with.
    pub(crate) tls: watch::Receiver<Arc<TlsTable>>,
    /// Whose handshake has its turn.
    pub(crate) pacer: Rc<Pacer>,
    /// Shared by all workers.
    pub(crate) said: Arc<Said>,
    pub(crate) journal: Option<Journal>,
    pub(crate) ledger: Option<LedgerJournal>,
    /// Where registrations go, if anybody takes them.
    pub(crate) registrations: Option<mpsc::Sender<RegistrationCall>>,
    /// What is notified when a request found nobody whom a fleet could bring.
    wakes: Option<Arc<Notify>>,
    /// The latest one is known to others before this worker has adopted it.
    snapshots: watch::Receiver<Arc<Snapshot>>,
    /// Until when all must be over, once the proxy drains.
    drains_until: Cell<Option<Instant>>,
    /// Loops that accept, or take the last connections of a listener that closes.
    pub(crate) accepting: Cell<usize>,
    /// Client connections that are open and not done.
    pub(crate) live: Cell<usize>,
    /// Client connections that have all they get and have only to be closed.
    pub(crate) lingering: Cell<usize>,
    /// Copies of requests that are under way.
    pub(crate) mirrors: Cell<u32>,
    /// Connections that are being told that there is no place for them.
    pub(crate) refusing: Cell<usize>,
    /// As of the last look at what connections stand on.
    trusts_passed: Cell<u64>,
    gates: RefCell<Vec<Rc<Gate>>>,
    heads: RefCell<Vec<Head>>,
    lines: RefCell<Vec<Vec<u8>>>,
    dice: Cell<u64>,
    id: Cell<u64>,
    date: RefCell<(Instant, Rc<[u8]>)>,
    /// When ticks began.
    start: Instant,
}

/// Where a worker sends what is not for clients or backends, and what it shares with the others.
#[derive(Clone)]
pub(crate) struct Outlets {
    pub(crate) workers: u32,
    pub(crate) holds: Arc<Holds>,
    pub(crate) said: Arc<Said>,
    pub(crate) tls: watch::Receiver<Arc<TlsTable>>,
    pub(crate) sticky: StickySecret,
    pub(crate) records: Option<RecordSink>,
    pub(crate) ledger: Option<LedgerSink>,
    pub(crate) registrations: Option<mpsc::Sender<RegistrationCall>>,
    pub(crate) wakes: Option<Arc<Notify>>,
    pub(crate) snapshots: watch::Receiver<Arc<Snapshot>>,
}

/// A listener as this worker sees it now.
pub(crate) struct Gate {
    pub(crate) name: Name,
    pub(crate) slots: Arc<Slots>,
    pub(crate) crowd: Crowd,
    listener: RefCell<Rc<Current>>,
    closing: Cell<bool>,
}

/// The listener of a snapshot, counted by this worker alone: requests that hold it cost the other cores nothing.
#[derive(Debug)]
pub(crate) struct Current(Arc<Listener>);

impl Deref for Current {
    type Target = Listener;

    fn deref(&self) -> &Listener {
        &self.0
    }
}

impl Gate {
    pub(crate) fn new(listener: &Arc<Listener>, slots: Arc<Slots>) -> Rc<Self> {
        Rc::new(Self {
            name: listener.name.clone(),
            slots,
            crowd: Crowd::default(),
            listener: RefCell::new(Rc::new(Current(listener.clone()))),
            closing: Cell::new(false),
        })
    }

    /// The listener of the present snapshot: what a request takes once and keeps to its end.
    pub(crate) fn listener(&self) -> Rc<Current> {
        self.listener.borrow().clone()
    }

    /// Whether connections should end after what they are doing.
    pub(crate) fn is_closing(&self) -> bool {
        self.closing.get()
    }
}

impl Worker {
    pub(crate) fn new(shard: usize, start: Instant, outlets: Outlets) -> Rc<Self> {
        let seed = SystemTime::now()
            .duration_since(SystemTime::UNIX_EPOCH)
            .unwrap_or_default()
            .as_nanos();
        let seed = u64::try_from(seed & u128::from(u64::MAX)).unwrap_or(1) ^ ((shard as u64 + 1) << 56);
        Rc::new(Self {
            shard,
            workers: outlets.workers,
            wheel: Wheel::new(),
            idle: IdleConns::default(),
            http2: Http2Conns::default(),
            seats: Seats::default(),
            holds: outlets.holds,
            sticky: outlets.sticky,
            tls: outlets.tls,
            pacer: Rc::default(),
            said: outlets.said,
            journal: outlets.records.map(Journal::new),
            ledger: outlets.ledger.map(LedgerJournal::new),
            registrations: outlets.registrations,
            wakes: outlets.wakes,
            snapshots: outlets.snapshots,
            drains_until: Cell::new(None),
            accepting: Cell::new(0),
            live: Cell::new(0),
            lingering: Cell::new(0),
            refusing: Cell::new(0),
            mirrors: Cell::new(0),
            trusts_passed: Cell::new(0),
            gates: RefCell::default(),
            heads: RefCell::default(),
            lines: RefCell::default(),
            dice: Cell::new(seed | 1),
            // Far apart for workers and starts; it counts up from here.
            id: Cell::new(seed.wrapping_mul(0x9e37_79b9_7f4a_7c15)),
            date: RefCell::new((Instant::now(), date::http(SystemTime::now()).into_bytes().into())),
            start,
        })
    }

    pub(crate) fn open(&self, gate: Rc<Gate>) {
        self.gates.borrow_mut().push(gate);
    }

    /// Lets the connections of a listener end after what they are doing.
    pub(crate) fn close(&self, name: &str) {
        self.gates.borrow_mut().retain(|gate| {
            gate.closing.set(gate.closing.get() || &*gate.name == name);
            !gate.closing.get()
        });
        self.wheel.wake_all();
    }

    /// Lets all connections end after what they are doing. Whoever waits for a backend is told shortly before `until`
    /// that none came.
    pub(crate) fn close_all(&self, until: Instant) {
        self.drains_until.set(Some(until));
        for gate in self.gates.borrow_mut().drain(..) {
            gate.closing.set(true);
        }
        self.wheel.wake_all();
    }

    /// Shows the new snapshot to every later request; running ones keep what they began with.
    pub(crate) fn adopt(&self, snapshot: &Snapshot) {
        let mut is_trust_other = false;
        for gate in self.gates.borrow().iter() {
            if let Some(listener) = snapshot.listener(&gate.name) {
                gate.slots.resize(listener.limits.connections_max);
                let before = gate.listener.replace(Rc::new(Current(listener.clone())));
                is_trust_other |= trust_of(&before) != trust_of(listener);
            }
        }
        if is_trust_other {
            self.wheel.wake_all();
        }
        self.idle.forget_retired();
        self.http2.forget_retired();
        self.holds.look(snapshot, &|| self.dice(), self.now());
    }

    /// Lets go of connections that wait and stand on what does not count any more, if there may be such.
    pub(crate) fn look_at_trusts(&self) {
        let passed = self.tls.borrow().trusts_passed();
        if self.trusts_passed.replace(passed) != passed {
            self.idle.forget_passed();
            self.http2.forget_passed();
            self.wheel.wake_all();
        }
    }

    /// What time alone brings back, as an ejection that ends, tells nobody: those who wait are given it here.
    pub(crate) fn look(&self) {
        let snapshot = Arc::clone(&self.snapshots.borrow());
        self.holds.look(&snapshot, &|| self.dice(), self.now());
    }

    /// The same in one pool, by what is known last.
    pub(crate) fn look_at(&self, pool: &Pool) {
        let latest = self.snapshots.borrow().pool(&pool.name).map(Arc::clone);
        let pool = latest.as_deref().unwrap_or(pool);
        self.holds.serve(pool, &|| self.dice(), self.now());
    }

    /// A request found nobody, and this fleet is to bring somebody.
    pub(crate) fn wake(&self, fleet: &FleetShared) {
        fleet.ask();
        if let Some(wakes) = &self.wakes {
            wakes.notify_one();
        }
    }

    /// Until when a request may wait for a backend, once the proxy drains: there is time left to say that none came.
    pub(crate) fn waits_until(&self) -> Option<Instant> {
        let until = self.drains_until.get()?;
        Some(until.checked_sub(TIME_TO_TELL).unwrap_or(until))
    }

    /// Hands on what was recorded since.
    pub(crate) fn flush(&self) {
        if let Some(journal) = &self.journal {
            journal.flush();
        }
        if let Some(ledger) = &self.ledger {
            ledger.flush();
        }
    }

    /// A head to read into, with the capacity of an earlier one.
    pub(crate) fn take_head(&self) -> Head {
        self.heads.borrow_mut().pop().unwrap_or_default()
    }

    pub(crate) fn give_head(&self, mut head: Head) {
        let mut heads = self.heads.borrow_mut();
        if heads.len() < SPARE_MAX && head.capacity() <= HEAD_CAPACITY_MAX {
            head.clear();
            heads.push(head);
        }
    }

    /// Empty bytes to write a head into, with the capacity of earlier ones.
    pub(crate) fn take_line(&self) -> Vec<u8> {
        self.lines
            .borrow_mut()
            .pop()
            .unwrap_or_else(|| Vec::with_capacity(LINE_CAPACITY))
    }

    pub(crate) fn give_line(&self, mut line: Vec<u8>) {
        let mut lines = self.lines.borrow_mut();
        if lines.len() < SPARE_MAX && (LINE_CAPACITY..=LINE_CAPACITY * 4).contains(&line.capacity()) {
            line.clear();
            lines.push(line);
        }
    }

    /// A random number, good enough to spread load, not to keep secrets: xorshift64* (Vigna, 2016).
    pub(crate) fn dice(&self) -> u64 {
        let mut state = self.dice.get();
        state ^= state >> 12;
        state ^= state << 25;
        state ^= state >> 27;
        self.dice.set(state);
        state.wrapping_mul(0x2545_F491_4F6C_DD1D)
    }

    /// The present moment.
    pub(crate) fn now(&self) -> Tick {
        self.tick(Instant::now())
    }

    /// A moment as all threads tell it.
    pub(crate) fn tick(&self, at: Instant) -> Tick {
        Tick::after_start(at.saturating_duration_since(self.start))
    }

    /// A number that no other request of this machine has, in all likelihood.
    pub(crate) fn next_id(&self) -> u64 {
        let id = self.id.get();
        self.id.set(id.wrapping_add(1));
        id
    }

    /// The present time as `Date` wants it, made anew at most once a second.
    pub(crate) fn date(&self, now: Instant) -> Rc<[u8]> {
        let mut date = self.date.borrow_mut();
        if now.saturating_duration_since(date.0) >= Duration::from_millis(500) {
            *date = (now, date::http(SystemTime::now()).into_bytes().into());
        }
        date.1.clone()
    }
}

/// Under which trust its clients' connections are made; `None`: without TLS.
fn trust_of(listener: &Listener) -> Option<u64> {
    listener.tls.as_ref().map(|tls| tls.trust)
}

/// Recycled heads and head buffers kept per thread.
const SPARE_MAX: usize = 256;
const LINE_CAPACITY: usize = 2 * 1024;
/// How long before the end of a drain those who wait are told so.
const TIME_TO_TELL: Duration = Duration::from_millis(250);
/// A head that grew beyond this was an exception, and its memory goes.
const HEAD_CAPACITY_MAX: usize = 8 * 1024;
