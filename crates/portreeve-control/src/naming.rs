//! Keeps what names mean up to date: asks when one is due, and takes the answers in.

use std::io;
use std::net::IpAddr;
use std::sync::Arc;
use std::time::Duration;

use portreeve_model::Resolved;
use portreeve_model::plan::Plan;
use tokio::task::JoinSet;
use tokio::time::{Instant, timeout_at};

use crate::lookup::Lookup;
use crate::names::Names;

/// The names of a plan and the lookups under way. Dropping it ends them.
pub(crate) struct Naming {
    names: Names,
    lookup: Arc<dyn Lookup>,
    lookups: JoinSet<Answer>,
    /// When the next name is due; kept, as finding it looks at all names.
    due: Option<Instant>,
    /// What they mean; kept for the same reason.
    resolved: Resolved,
}

type Answer = (Arc<str>, io::Result<Vec<IpAddr>>);

impl Naming {
    pub(crate) fn new(lookup: Arc<dyn Lookup>) -> Self {
        Self {
            names: Names::default(),
            lookup,
            lookups: JoinSet::new(),
            due: None,
            resolved: Resolved::new(),
        }
    }

    /// Knows the names of these plans and no others.
    pub(crate) fn follow(&mut self, plans: &[&Plan]) {
        self.names.follow(plans, Instant::now());
        self.note_change();
    }

    /// What they mean now.
    pub(crate) fn resolved(&self) -> &Resolved {
        &self.resolved
    }

    /// Whether some name has not been answered even once.
    pub(crate) fn is_waiting(&self) -> bool {
        self.names.is_waiting()
    }

    /// When [`ask_due`](Self::ask_due) has something to do; `None` while it could do nothing.
    pub(crate) fn next_due(&self) -> Option<Instant> {
        self.due.filter(|_| self.room() > 0)
    }

    /// Begins the lookups that are due.
    pub(crate) fn ask_due(&mut self) {
        let (now, room) = (Instant::now(), self.room());
        if room == 0 || self.due.is_none_or(|due| due > now) {
            return;
        }
        for host in self.names.take_due(now, room) {
            let pending = self.lookup.addresses(Arc::clone(&host));
            self.lookups.spawn(async move { (host, pending.await) });
        }
        self.due = self.names.next_due();
    }

    /// Waits for the next answer; says whether it changed what the names mean. `None` if none is on its way.
    pub(crate) async fn answered(&mut self) -> Option<bool> {
        let answer = self.lookups.join_next().await?;
        let (host, result) = answer.expect("a lookup neither panics nor is aborted while the writer lives");
        let is_changed = self.names.answer(&host, result, Instant::now());
        if is_changed {
            self.note_change();
        }
        self.due = self.names.next_due();
        Some(is_changed)
    }

    /// Waits until each name was answered once, for at most [`FIRST_ANSWERS_WAIT`].
    pub(crate) async fn first_answers(&mut self) {
        let deadline = Instant::now() + FIRST_ANSWERS_WAIT;
        while self.is_waiting() {
            self.ask_due();
            if !matches!(timeout_at(deadline, self.answered()).await, Ok(Some(_))) {
                return;
            }
        }
    }

    fn note_change(&mut self) {
        self.resolved = self.names.resolved();
        self.due = self.names.next_due();
    }

    fn room(&self) -> usize {
        LOOKUPS_MAX.saturating_sub(self.lookups.len())
    }
}

/// Lookups under way at once; each holds a thread of the runtime's blocking pool while it waits.
const LOOKUPS_MAX: usize = 16;

/// How long a start or a reload waits for names that were never answered before it goes on without them.
pub(crate) const FIRST_ANSWERS_WAIT: Duration = Duration::from_secs(5);
