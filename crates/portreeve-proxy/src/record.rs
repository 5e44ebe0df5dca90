//! What is remembered of one request: counted once at its end, and written down if an access log is kept.

mod entry;
pub(crate) mod journal;
pub(crate) mod ledger;
mod text;

use std::net::IpAddr;
use std::sync::Arc;
use std::time::{Duration, Instant, SystemTime};

use portreeve_model::plan::LedgerMode;
use portreeve_model::{
    Backend, Cause, Fault, Group, Lease, Listener, Pool, RequestOutcome, RequestView, Route, SpokenVersion,
    Tick, Why,
};

use self::entry::Entry;
use self::ledger::LedgerJournal;
use crate::refusal::Refusal;
use crate::request::Request;
use crate::serve::tcp::Passing;
use crate::worker::Worker;

/// One request's record. Dropping it ends it: the outcome is counted, however the request ended.
pub(crate) struct Record<'a> {
    worker: &'a Worker,
    listener: &'a Listener,
    /// Who asked: behind trusted proxies, the client that they name.
    pub(crate) client: Option<IpAddr>,
    request: Option<&'a Request>,
    /// In what it came.
    version: SpokenVersion,
    /// The host that a connection which is carried as it is has named; `None`: it is a request.
    connection: Option<&'a str>,
    pub(crate) route: Option<&'a Arc<Route>>,
    /// Where it went, if that was settled: the route's pool, or another that has a share.
    pub(crate) pool: Option<&'a Arc<Pool>>,
    pub(crate) backend: Option<Arc<Backend>>,
    /// Why that backend.
    pub(crate) why: Option<Why>,
    pub(crate) started: Instant,
    pub(crate) phases: Phases,
    pub(crate) attempts: u8,
    /// Whether the connection to the backend had served before.
    pub(crate) reused: bool,
    /// Whether a second backend was asked beside a slow one, and what came of that.
    pub(crate) hedge: Option<Hedge>,
    /// Backends that were ejected because of how they served it.
    pub(crate) ejections: u8,
    /// What the client was told; 0 if nothing.
    pub(crate) status: u16,
    pub(crate) cause: Option<Cause>,
    /// Body bytes from the client.
    pub(crate) bytes_in: u64,
    /// Bytes to the client, heads included.
    pub(crate) bytes_out: u64,
    /// When all was over, if that was looked up already.
    pub(crate) total: Option<Duration>,
    /// Whether the exchange came to its proper end.
    pub(crate) is_complete: bool,
    /// Whether there were backends to choose from, but none that is still what it was.
    pub(crate) is_outdated: bool,
    /// What the ledger is to know of it, if anything.
    entry: Option<Entry>,
}

/// When things happened, counted from the complete request head.
#[derive(Debug, Default, Clone, Copy)]
pub(crate) struct Phases {
    /// How long it was held before that, each time taken together.
    pub(crate) held: Option<Duration>,
    /// A backend was chosen (for the last time).
    pub(crate) chosen: Option<Duration>,
    /// Its connection was there.
    pub(crate) connected: Option<Duration>,
    /// The response head was there.
    pub(crate) first_byte: Option<Duration>,
}

/// What came of a second attempt beside the first.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Hedge {
    /// The first answered sooner, or the second not at all.
    Lost,
    /// The second answered first, and the client has its answer.
    Won,
}

/// Who ended the exchange.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum EndedBy {
    /// Nobody: it is complete.
    Completion,
    Client,
    Backend,
    Proxy,
}

impl<'a> Record<'a> {
    /// Of a request.
    pub(crate) fn of(
        worker: &'a Worker,
        listener: &'a Listener,
        client: Option<IpAddr>,
        request: &'a Request,
    ) -> Self {
        let mut record = Self::new(worker, listener, client, request.spoken_version());
        record.request = Some(request);
        record
    }

    /// Of what is no request of HTTP, or none that could be read.
    pub(crate) fn new(
        worker: &'a Worker,
        listener: &'a Listener,
        client: Option<IpAddr>,
        version: SpokenVersion,
    ) -> Self {
        worker.pacer.requests.set(worker.pacer.requests.get() + 1);
        Self {
            worker,
            listener,
            client,
            request: None,
            version,
            connection: None,
            route: None,
            pool: None,
            backend: None,
            why: None,
            started: Instant::now(),
            phases: Phases::default(),
            attempts: 0,
            reused: false,
            hedge: None,
            ejections: 0,
            status: 0,
            cause: None,
            bytes_in: 0,
            bytes_out: 0,
            total: None,
            is_complete: false,
            is_outdated: false,
            entry: None,
        }
    }

    /// Of a connection that is carried as it is, as one request.
    pub(crate) fn of_connection(worker: &'a Worker, listener: &'a Listener, passing: &Passing<'a>) -> Self {
        let mut record = Self::new(worker, listener, passing.client(), SpokenVersion::Tcp);
        record.connection = Some(passing.host);
        record
    }

    /// It ended so. Where no backend took it, its status is what the cause would tell a request.
    pub(crate) fn end_connection(&mut self, cause: Cause) {
        self.cause = Some(cause);
        if self.status == 0 {
            self.status = cause.status();
        }
    }

    /// Another backend is asked.
    pub(crate) fn chose(&mut self, lease: &Lease) {
        // The first choice is made at once: looking at the clock again would only measure the clock.
        let is_first = self.attempts == 0 && self.phases.held.is_none();
        let chosen = if is_first { Duration::ZERO } else { self.elapsed() };
        self.phases = Phases {
            held: self.phases.held,
            chosen: Some(chosen),
            ..Phases::default()
        };
        self.attempts += 1;
        self.met(lease);
    }

    /// Another backend is asked beside the one that is slow.
    pub(crate) fn hedged(&mut self) {
        self.attempts += 1;
        self.hedge = Some(Hedge::Lost);
    }

    /// That other one, asked at `begun`, answered first.
    pub(crate) fn hedge_won(&mut self, lease: &Lease, begun: Duration) {
        self.hedge = Some(Hedge::Won);
        (self.phases.chosen, self.phases.connected) = (Some(begun), Some(begun));
        self.met(lease);
    }

    fn met(&mut self, lease: &Lease) {
        self.backend = Some(Arc::clone(lease.backend()));
        self.why = Some(lease.why());
    }

    /// The present moment as all threads tell it.
    pub(crate) fn now(&self) -> Tick {
        self.worker.now()
    }

    pub(crate) fn elapsed(&self) -> Duration {
        self.started.elapsed()
    }

    /// Takes a place in the ledger, if the route or the policies of `group` ask for one.
    ///
    /// # Errors
    /// There must be a place, and there is none.
    pub(crate) fn enter_in_ledger(&mut self, mode: LedgerMode, group: Option<&Group>) -> Result<(), Refusal> {
        let mode = group.map_or(mode, |group| mode.max(group.ledger()));
        if mode == LedgerMode::Off {
            return Ok(());
        }
        let is_entered = self.entry.as_ref().is_some_and(|entry| entry.is_required);
        let is_required = mode == LedgerMode::Required;
        if is_required && !is_entered && !self.worker.ledger.as_ref().is_some_and(LedgerJournal::reserve) {
            return Err(Refusal::new(Cause::LedgerUnavailable));
        }
        self.entry = Some(Entry::new(is_required || is_entered, group));
        Ok(())
    }

    /// Where it went, or would have.
    fn pool(&self) -> Option<&Arc<Pool>> {
        self.pool.or_else(|| self.route.map(|route| &route.pool))
    }

    fn ended_by(&self) -> EndedBy {
        match self.cause.map(Cause::fault) {
            None if self.is_complete => EndedBy::Completion,
            Some(Fault::Client) => EndedBy::Client,
            Some(Fault::Backend) => EndedBy::Backend,
            Some(Fault::Proxy) | None => EndedBy::Proxy,
        }
    }

    fn outcome(&self, total: Duration) -> RequestOutcome {
        RequestOutcome {
            status: self.status,
            cause: self.cause,
            total,
            first_byte: self.phases.first_byte,
            bytes_in: self.bytes_in,
            bytes_out: self.bytes_out,
            attempts: self.attempts,
            why: self.why,
        }
    }
}

impl Drop for Record<'_> {
    fn drop(&mut self) {
        self.worker
            .pacer
            .requests
            .set(self.worker.pacer.requests.get() - 1);
        let total = self.total.unwrap_or_else(|| self.elapsed());
        if !self.is_complete && self.cause.is_none() {
            // Only a task that is dropped in the middle gets here: the time to drain is over.
            self.cause = Some(Cause::ShuttingDown);
        }
        let outcome = self.outcome(total);
        self.listener.stats.carried(self.worker.shard, self.version);
        match self.route {
            Some(route) => route.stats.record(self.worker.shard, &outcome),
            None => self.listener.stats.record_unrouted(self.worker.shard, &outcome),
        }
        if let Some(journal) = &self.worker.journal {
            journal.write(|format, out| text::write(self, total, SystemTime::now(), format, out));
        }
        if let (Some(ledger), Some(entry)) = (&self.worker.ledger, &self.entry) {
            ledger.write(entry.is_required, |out| entry.write(self, SystemTime::now(), out));
        }
    }
}
