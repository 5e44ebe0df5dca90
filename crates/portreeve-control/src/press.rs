//! What goes out to others: snapshots, and events about what happened.

use std::sync::Arc;

use portreeve_model::plan::Plan;
use portreeve_model::{Event, EventKind, Registry, Resolved, Snapshot};
use tokio::sync::{broadcast, watch};

use crate::controller::EventListener;

/// Publishes snapshots and tells of events.
pub(crate) struct Press {
    shards: usize,
    snapshots: watch::Sender<Arc<Snapshot>>,
    /// Of the pools of the plan, as of the last snapshot.
    generations: Vec<u64>,
    events: broadcast::Sender<Arc<Event>>,
    listener: Option<EventListener>,
}

impl Press {
    /// Publishes the first snapshot, sequence 1, for `shards` workers that count.
    pub(crate) fn start(
        plan: &Plan,
        resolved: &Resolved,
        registry: &Registry,
        shards: usize,
        listener: Option<EventListener>,
    ) -> Self {
        let first = Snapshot::of(plan, resolved, registry, None, shards);
        Self {
            shards,
            snapshots: watch::Sender::new(Arc::new(first)),
            generations: generations(plan, registry).collect(),
            events: broadcast::Sender::new(EVENTS_MAX),
            listener,
        }
    }

    pub(crate) fn snapshots(&self) -> watch::Receiver<Arc<Snapshot>> {
        self.snapshots.subscribe()
    }

    pub(crate) fn events(&self) -> broadcast::WeakSender<Arc<Event>> {
        self.events.downgrade()
    }

    /// The number of the last snapshot.
    pub(crate) fn sequence(&self) -> u64 {
        self.snapshots.borrow().sequence
    }

    /// The last snapshot.
    pub(crate) fn latest(&self) -> Arc<Snapshot> {
        Arc::clone(&self.snapshots.borrow())
    }

    /// How often the data plane could not reach a backend.
    pub(crate) fn suspicions(&self) -> u64 {
        self.snapshots.borrow().suspicions.count()
    }

    /// Whether the registry has changed since the last snapshot.
    pub(crate) fn is_outdated(&self, plan: &Plan, registry: &Registry) -> bool {
        !generations(plan, registry).eq(self.generations.iter().copied())
    }

    /// Publishes the next snapshot: all threads of the data plane see it from their next request on.
    pub(crate) fn publish(&mut self, plan: &Plan, resolved: &Resolved, registry: &Registry) {
        let previous = self.latest();
        let snapshot = Snapshot::of(plan, resolved, registry, Some(&previous), self.shards);
        self.generations.clear();
        self.generations.extend(generations(plan, registry));
        tracing::debug!(
            sequence = snapshot.sequence,
            pools = snapshot.pools.len(),
            members = registry.len(),
            "a new snapshot is in use"
        );
        self.snapshots.send_replace(Arc::new(snapshot));
    }

    /// Tells of what happened, in order: the log, the listener, and whoever follows.
    pub(crate) fn tell(&self, events: Vec<Event>) {
        for event in events {
            log(&event);
            if let Some(listener) = &self.listener {
                listener(&event);
            }
            // Nobody need follow.
            let _ = self.events.send(Arc::new(event));
        }
    }
}

fn generations<'a>(plan: &'a Plan, registry: &'a Registry) -> impl Iterator<Item = u64> + 'a {
    plan.pools.iter().map(|pool| registry.generation(&pool.name))
}

fn log(event: &Event) {
    let reason = event.reason.as_deref();
    match event.kind {
        EventKind::Down | EventKind::Expired | EventKind::Superseded => tracing::warn!(
            backend = %event.key,
            address = %event.address,
            event = event.sequence,
            reason,
            "{}",
            event.kind.code()
        ),
        _ => tracing::info!(
            backend = %event.key,
            address = %event.address,
            event = event.sequence,
            reason,
            "{}",
            event.kind.code()
        ),
    }
}

/// Events that who follows may be behind before it misses some.
const EVENTS_MAX: usize = 4_096;
