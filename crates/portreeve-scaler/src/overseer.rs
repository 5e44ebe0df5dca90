//! The one task that owns all fleets.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use portreeve_model::plan::{FleetPlan, ScalePlan};
use portreeve_model::{FleetShared, Pool, Snapshot, Tick};
use tokio::sync::{Notify, mpsc, oneshot, watch};
use tokio::time::{Instant, sleep_until};

use crate::clock::Clock;
use crate::names::FleetKey;
use crate::records::Records;
use crate::run::{News, Run, RunNumber, Shared, Teller};
use crate::scaler::ScalerSettings;
use crate::start::Means;
use crate::view::FleetState;

/// Owner of all fleets. It never waits but in the one place of its loop.
pub(crate) struct Overseer {
    shared: Shared,
    clock: Clock,
    snapshots: watch::Receiver<Arc<Snapshot>>,
    snapshot: Arc<Snapshot>,
    wakes: Arc<Notify>,
    runs: BTreeMap<RunNumber, Run>,
    numbers: u64,
    teller: mpsc::Sender<News>,
    news: mpsc::Receiver<News>,
    states: watch::Sender<Arc<Vec<FleetState>>>,
    /// When the states are to be shown next.
    show: Instant,
}

impl Overseer {
    pub(crate) fn new(
        settings: ScalerSettings,
        clock: Clock,
        records: Arc<Records>,
        states: watch::Sender<Arc<Vec<FleetState>>>,
    ) -> Self {
        let (teller, news) = mpsc::channel(NEWS_MAX);
        let mut snapshots = settings.snapshots;
        let snapshot = Arc::clone(&snapshots.borrow_and_update());
        let mut overseer = Self {
            shared: Shared {
                means: Means {
                    door: settings.door,
                    records,
                    url: settings.url.map(Into::into),
                },
                driver: settings.driver,
                owner: settings.owner.into(),
            },
            clock,
            snapshots,
            snapshot,
            wakes: settings.wakes,
            runs: BTreeMap::new(),
            numbers: 0,
            teller,
            news,
            states,
            show: Instant::now(),
        };
        overseer.adopt();
        overseer.warn_of_orphans();
        overseer
    }

    /// Serves until told to stop, and then until what is to end has ended.
    pub(crate) async fn run(mut self, mut stopped: oneshot::Receiver<()>) {
        loop {
            self.pass(false);
            self.show_states();
            let due = self.next_due();
            tokio::select! {
                _ = &mut stopped => break,
                changed = self.snapshots.changed() => match changed {
                    Ok(()) => self.adopt(),
                    Err(_) => break,
                },
                () = self.wakes.notified() => self.pass(true),
                Some(news) = self.news.recv() => self.take(news),
                () = sleep_until(due) => {}
            }
        }
        self.end().await;
    }

    /// Ends the fleets whose plans say so; the others go on without us.
    async fn end(mut self) {
        let patience = self.runs.values().map(Run::patience).max().unwrap_or_default();
        let deadline = Instant::now() + patience + SPARE;
        while self.end_all() > 0 {
            self.pass(false);
            let due = self.next_due();
            tokio::select! {
                () = sleep_until(deadline) => {
                    tracing::warn!("some instances did not end in time; they are left");
                    break;
                }
                Ok(()) = self.snapshots.changed() => self.look(),
                Some(news) = self.news.recv() => self.take(news),
                () = sleep_until(due) => {}
            }
        }
        let owner = Arc::clone(&self.shared.owner);
        for run in std::mem::take(&mut self.runs).into_values() {
            run.resign(&owner).await;
        }
    }

    /// Tells all that the end has come; how many are to be waited for.
    fn end_all(&mut self) -> usize {
        let runs = self.runs.values_mut();
        let waited_for = runs
            .map(|run| run.end(&self.shared))
            .filter(|is_waited_for| *is_waited_for);
        waited_for.count()
    }

    /// What is due is done.
    fn pass(&mut self, is_woken: bool) {
        let now = self.clock.now();
        let mut settled = Vec::new();
        for run in self.runs.values_mut() {
            let world = world_of(&self.snapshot, &run.key);
            run.pass(world, is_woken, &self.shared, now);
            if !run.is_leaving() && run.is_settled() {
                settled.push(run.key.clone());
            }
        }
        for run in self.runs.values_mut().filter(|run| run.is_leaving()) {
            if settled.contains(&run.key) {
                run.is_replaced(&self.shared);
            }
        }
        self.runs.retain(|_, run| !run.is_leaving() || !run.is_over());
    }

    /// A new snapshot: its plans, and its backends.
    fn adopt(&mut self) {
        self.snapshot = Arc::clone(&self.snapshots.borrow_and_update());
        self.follow();
        self.look_at_backends();
    }

    /// Only its backends: nothing is begun any more.
    fn look(&mut self) {
        self.snapshot = Arc::clone(&self.snapshots.borrow_and_update());
        self.look_at_backends();
    }

    /// Begins, changes and ends fleets as the plans of the snapshot say.
    fn follow(&mut self) {
        let now = self.clock.now();
        let snapshot = Arc::clone(&self.snapshot);
        for (key, plan, scale) in planned(&snapshot) {
            self.follow_one(&key, plan, scale, now);
        }
        for run in self.runs.values_mut().filter(|run| !run.is_leaving()) {
            if !planned(&snapshot).any(|(key, ..)| key == run.key) {
                run.leave(false, &self.shared);
            }
        }
    }

    fn look_at_backends(&mut self) {
        for run in self.runs.values_mut() {
            if let Some((pool, fleet)) = world_of(&self.snapshot, &run.key) {
                run.look_at(pool, fleet);
            }
        }
    }

    fn follow_one(&mut self, key: &FleetKey, plan: &FleetPlan, scale: &ScalePlan, now: Tick) {
        let mut present = self
            .runs
            .values_mut()
            .filter(|run| run.key == *key && !run.is_leaving());
        let before = match present.next() {
            Some(run) if run.is_of(plan) => return run.follow(plan, scale, &self.shared, now),
            Some(run) => {
                run.leave(true, &self.shared);
                Some(run.size())
            }
            None => None,
        };
        let teller = self.next_teller();
        let mut run = Run::new(key.clone(), teller, (plan, scale), &self.shared, now);
        if let Some(size) = before {
            run.succeed(size);
        }
        self.runs.insert(run.number, run);
    }

    fn next_teller(&mut self) -> Teller {
        self.numbers += 1;
        Teller::new(RunNumber(self.numbers), self.teller.clone())
    }

    /// Instances of an older make that nobody looks after get a run of their own, which ends them in time.
    fn take_in_strangers(&mut self, number: RunNumber, now: Tick) {
        let Some(mut run) = self.runs.remove(&number) else {
            return;
        };
        run.forget_strangers(&|id| self.runs.values().any(|other| other.has(id)));
        let teller = self.next_teller();
        if let Some(leaving) = run.of_strangers(teller, &self.shared, now) {
            self.runs.insert(leaving.number, leaving);
        }
        self.runs.insert(number, run);
    }

    fn take(&mut self, news: News) {
        let now = self.clock.now();
        let mut next = Some(news);
        while let Some(News { run: number, what }) = next {
            if let Some(run) = self.runs.get_mut(&number) {
                run.take(what, &self.shared, now);
                self.take_in_strangers(number, now);
            }
            next = self.news.try_recv().ok();
        }
        // Whose backends they are may be known only now.
        self.look_at_backends();
    }

    /// Lets others see how things are: not each step, but soon after.
    fn show_states(&mut self) {
        if self.show > Instant::now() {
            return;
        }
        self.show = Instant::now() + SHOW_EVERY;
        if !self.is_idle() {
            let now = self.clock.now();
            let mut states: Vec<_> = self.runs.values().map(|run| run.state(now)).collect();
            states.sort_by(|one, other| one.key.cmp(&other.key));
            self.states.send_replace(Arc::new(states));
        }
    }

    fn next_due(&self) -> Instant {
        let next = self.runs.values().map(Run::next_due).min();
        let far = self.clock.now().plus(Duration::from_secs(3_600));
        let next = self.clock.instant(next.unwrap_or(far).min(far));
        match self.is_idle() {
            true => next,
            false => next.min(self.show),
        }
    }

    /// There is nothing, and all know it.
    fn is_idle(&self) -> bool {
        self.runs.is_empty() && self.states.borrow().is_empty()
    }

    /// What an earlier process started for a fleet that is no more planned, nobody looks after.
    fn warn_of_orphans(&self) {
        for (id, key) in self.shared.means.records.all() {
            if !planned(&self.snapshot).any(|(planned, ..)| planned == key) {
                tracing::warn!(
                    fleet = %key,
                    instance = &*id,
                    "was started for a fleet that the configuration has no more: if it runs still, stop it by hand"
                );
            }
        }
    }
}

/// All fleets of the plans.
fn planned(snapshot: &Snapshot) -> impl Iterator<Item = (FleetKey, &FleetPlan, &ScalePlan)> {
    snapshot.pools.iter().flat_map(|pool| {
        let scales = pool.plan().scale.iter();
        scales.flat_map(move |scale| {
            scale.fleets.iter().map(move |plan| {
                let key = FleetKey {
                    pool: Arc::clone(&pool.name),
                    fleet: Arc::clone(&plan.name),
                };
                (key, plan, scale)
            })
        })
    })
}

fn world_of<'a>(snapshot: &'a Snapshot, key: &FleetKey) -> Option<(&'a Pool, &'a FleetShared)> {
    let pool = snapshot.pool(&key.pool)?;
    let fleet = pool.fleets().iter().find(|fleet| fleet.name == key.fleet)?;
    Some((pool, fleet))
}

/// News that wait to be taken in; beyond that their tellers wait.
const NEWS_MAX: usize = 1_024;
/// Between two looks of others.
const SHOW_EVERY: Duration = Duration::from_millis(250);
/// Beyond the times of the plans, for the driver.
const SPARE: Duration = Duration::from_secs(5);
