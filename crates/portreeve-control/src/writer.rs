//! The one task that changes the world: word in, snapshot out.

use std::future;
use std::mem;
use std::time::Duration;

use portreeve_model::plan::Plan;
use portreeve_model::{OutlierWatch, ProbeOrder};
use tokio::sync::{mpsc, oneshot};
use tokio::time::{Instant, Interval, MissedTickBehavior, interval, sleep_until};

use crate::clock::Clock;
use crate::door::{Answer, Command, Settled};
use crate::naming::{FIRST_ANSWERS_WAIT, Naming};
use crate::press::Press;
use crate::prober::{Outcome, Prober};
use crate::store::Keeper;
use crate::world::World;

/// A plan to be put in force; `done` is told when the snapshot of it is published.
#[derive(Debug)]
pub(crate) struct Order {
    pub(crate) plan: Box<Plan>,
    pub(crate) done: oneshot::Sender<()>,
}

/// Where words to the writer arrive.
pub(crate) struct Inlets {
    pub(crate) commands: mpsc::Receiver<Command>,
    pub(crate) orders: mpsc::Receiver<Order>,
    /// Ends with the controller.
    pub(crate) stopped: oneshot::Receiver<()>,
}

/// Owner of the plan, of what its names mean, of the registry and the tokens.
///
/// Each turn of its loop takes up to [`BATCH_MAX`] of one kind of news in, publishes at most one snapshot, gives the
/// store what changed, and answers. It never waits but in the loop's one place.
pub(crate) struct Writer {
    plan: Plan,
    coming: Option<Coming>,
    clock: Clock,
    naming: Naming,
    world: World,
    press: Press,
    keeper: Keeper,
    prober: Prober,
    outcomes: mpsc::Receiver<Outcome>,
    /// When to look next whether the data plane could not reach somebody.
    watch: Interval,
    /// When to look next who serves far worse than the others.
    comparing: Interval,
    outliers: OutlierWatch,
    suspicions: u64,
    /// The plan or its names have changed since the last snapshot.
    is_outdated: bool,
    answers: Vec<Answer>,
    /// Whose plan is in force with the next snapshot.
    adopted: Vec<oneshot::Sender<()>>,
}

/// A plan that waits for its names.
struct Coming {
    order: Order,
    /// Then it is put in force without them.
    deadline: Instant,
}

impl Writer {
    /// A writer whose first snapshot is published.
    pub(crate) fn new(
        plan: Plan,
        clock: Clock,
        naming: Naming,
        world: World,
        press: Press,
        keeper: Keeper,
        (prober, outcomes): (Prober, mpsc::Receiver<Outcome>),
    ) -> Self {
        let mut writer = Self {
            plan,
            coming: None,
            clock,
            naming,
            world,
            press,
            keeper,
            prober,
            outcomes,
            watch: each(WATCH_EVERY),
            comparing: each(COMPARE_EVERY),
            outliers: OutlierWatch::default(),
            suspicions: 0,
            is_outdated: false,
            answers: Vec::new(),
            adopted: Vec::new(),
        };
        writer.watch_files();
        writer
    }

    /// Serves until its controller is gone; what is to be kept is kept when it returns.
    pub(crate) async fn run(mut self, mut inlets: Inlets) {
        let mut commands = Vec::with_capacity(BATCH_MAX);
        let mut outcomes = Vec::with_capacity(BATCH_MAX);
        loop {
            self.settle();
            self.begin_due();
            let (due, has_backends) = (self.next_due(), !self.world.registry.watches_nobody());
            tokio::select! {
                _ = &mut inlets.stopped => break,
                _ = inlets.commands.recv_many(&mut commands, BATCH_MAX) => self.obey(&mut commands),
                Some(order) = inlets.orders.recv() => self.wait_for_names(order),
                Some(is_changed) = self.naming.answered() => self.is_outdated |= is_changed,
                _ = self.outcomes.recv_many(&mut outcomes, BATCH_MAX) => self.note(&mut outcomes),
                Some(()) = self.prober.ended(), if self.prober.room() == 0 => {}
                _ = self.watch.tick(), if has_backends => self.look_for_suspects(),
                _ = self.comparing.tick(), if has_backends => self.compare(),
                () = until(due) => {}
            }
        }
        self.keeper.close().await;
    }

    fn obey(&mut self, commands: &mut Vec<Command>) {
        let at = self.clock.now();
        for command in commands.drain(..) {
            self.answers.push(command(&mut self.world, at));
        }
    }

    /// Asks for the names of a new plan, which is put in force when they are known. One that was waited for gives way.
    fn wait_for_names(&mut self, order: Order) {
        if let Some(before) = self.coming.take() {
            self.adopted.push(before.order.done);
        }
        self.naming.follow(&[&self.plan, &order.plan]);
        let deadline = Instant::now() + FIRST_ANSWERS_WAIT;
        self.coming = Some(Coming { order, deadline });
    }

    fn note(&mut self, outcomes: &mut Vec<Outcome>) {
        let at = self.clock.now();
        for Outcome { order, result } in outcomes.drain(..) {
            if result.is_ok() && order.is_asked {
                self.readmit(&order);
            }
            self.world.registry.proved(order.backend.id, result, at);
        }
    }

    /// A backend that is ejected passed a probe.
    fn readmit(&self, order: &ProbeOrder) {
        let now = self.clock.tick();
        if order.backend.ejection().is_none() {
            return;
        }
        let snapshot = self.press.latest();
        if let Some(pool) = snapshot.pool(&order.pool)
            && pool.note_pass(&order.backend, now)
        {
            tracing::info!(
                pool = &*order.pool,
                backend = &*order.backend.label,
                "a probe ended its ejection"
            );
        }
    }

    fn look_for_suspects(&mut self) {
        let suspicions = self.press.suspicions();
        if mem::replace(&mut self.suspicions, suspicions) != suspicions {
            self.world.registry.take_suspects(self.clock.now());
        }
    }

    /// Ejects who serves far worse than the others of its pool.
    fn compare(&mut self) {
        let snapshot = self.press.latest();
        for (backend, by) in self.outliers.look(&snapshot.pools, self.clock.tick()) {
            let (backend, address, by) = (&*backend.label, &backend.address, by.code());
            tracing::warn!(backend, %address, by, "ejected: it serves far worse than the others of its pool");
        }
    }

    /// Ends what has run out, and lets others see what changed: data plane, log, store, and who asked, in this order.
    fn settle(&mut self) {
        self.world.tick(self.clock.now());
        self.adopt();
        let (events, writes) = (self.world.registry.take_events(), self.world.take_writes());
        let is_moved = !events.is_empty() || !writes.is_empty();
        self.publish(is_moved);
        self.press.tell(events);
        if is_moved || !self.answers.is_empty() {
            let saved = self.keeper.keep(writes);
            let sequence = self.press.sequence();
            let settled = Settled { sequence, saved };
            self.answers.drain(..).for_each(|answer| answer(&settled));
        }
    }

    /// Puts the plan that is waited for in force, if it need not wait any longer.
    fn adopt(&mut self) {
        let is_ready = |coming: &mut Coming| !self.naming.is_waiting() || coming.deadline <= Instant::now();
        let Some(Coming { order, .. }) = self.coming.take_if(is_ready) else {
            return;
        };
        self.plan = *order.plan;
        self.naming.follow(&[&self.plan]);
        self.world.registry.follow(&self.plan, self.clock.now());
        self.adopted.push(order.done);
        self.is_outdated = true;
    }

    fn publish(&mut self, is_moved: bool) {
        let registry = &self.world.registry;
        let is_outdated = mem::take(&mut self.is_outdated);
        if is_outdated || is_moved && self.press.is_outdated(&self.plan, registry) {
            self.press.publish(&self.plan, self.naming.resolved(), registry);
            self.watch_files();
        }
        if self.coming.is_none() {
            for done in self.adopted.drain(..) {
                let _ = done.send(()); // whoever asked may have stopped waiting
            }
        }
    }

    /// Lets the registry know which backends of the file there are.
    fn watch_files(&mut self) {
        let (snapshot, at) = (self.press.latest(), self.clock.now());
        self.world.registry.watch(&snapshot, at);
    }

    /// Begins the lookups and probes that are due.
    fn begin_due(&mut self) {
        self.naming.ask_due();
        self.prober.tidy();
        let room = self.prober.room();
        let due = self.world.registry.take_probes(self.clock.now(), room);
        due.into_iter().for_each(|order| self.prober.probe(order));
    }

    /// When there is something to do though nobody says a word.
    fn next_due(&self) -> Option<Instant> {
        let registry = &self.world.registry;
        let probe = registry
            .next_probe_due()
            .filter(|_| self.prober.room() > 0)
            .map(paced);
        let of_registry = [registry.next_due(), probe].into_iter().flatten().min();
        let others = [
            of_registry.map(|due| self.clock.instant(due)),
            self.naming.next_due(),
            self.coming.as_ref().map(|coming| coming.deadline),
        ];
        others.into_iter().flatten().min()
    }
}

/// Rounded up, so that one turn begins several probes.
fn paced(due: Duration) -> Duration {
    let paces = due.as_micros().div_ceil(PROBE_PACE.as_micros());
    u32::try_from(paces).map_or(due, |paces| PROBE_PACE * paces)
}

fn each(period: Duration) -> Interval {
    let mut interval = interval(period);
    interval.set_missed_tick_behavior(MissedTickBehavior::Delay);
    interval
}

async fn until(time: Option<Instant>) {
    match time {
        Some(time) => sleep_until(time).await,
        None => future::pending().await,
    }
}

/// Commands, or outcomes of probes, that one snapshot answers.
const BATCH_MAX: usize = 256;

/// Between two looks at what the data plane suspects; tokens that run out are noticed at the latest then, too.
const WATCH_EVERY: Duration = Duration::from_millis(50);

/// Probes are begun so long after each other; each waits for less than this.
const PROBE_PACE: Duration = Duration::from_millis(10);

/// Between two looks at how backends serve in comparison.
const COMPARE_EVERY: Duration = Duration::from_secs(1);

#[cfg(test)]
mod tests;
