//! What is measured of a fleet.

use std::collections::{HashMap, HashSet};
use std::sync::Arc;
use std::time::Duration;

use portreeve_driver::Usage;
use portreeve_model::plan::ScaleMode;
use portreeve_model::scale::Seen;
use portreeve_model::{Backend, BackendId, FleetShared, Pool, Tick};

/// What is known of a fleet's backends, beside what they know themselves.
#[derive(Debug, Default)]
pub(super) struct Figures {
    /// Its backends as of the last snapshot, by id.
    backends: HashMap<Arc<str>, Arc<Backend>>,
    /// Up to which request each was counted.
    counted: HashMap<BackendId, u64>,
    /// Requests that they were given, those of former ones included.
    requests_total: u64,
    usage: HashMap<Arc<str>, Used>,
    /// Who is new among the backends has just begun.
    knows_backends: bool,
    /// Requests that had found nobody when it was taken over.
    asked_before: Option<u64>,
}

/// What an instance uses, and used at the look before.
#[derive(Debug, Clone, Copy)]
struct Used {
    usage: Usage,
    at: Tick,
    cpu_percent: Option<f64>,
}

impl Figures {
    /// Its backends are these of the pool: those of its instances; where nothing is started, all that uphold the same.
    pub(super) fn follow(
        &mut self,
        pool: &Pool,
        fleet: &FleetShared,
        mode: ScaleMode,
        is_ours: &dyn Fn(&str) -> bool,
    ) {
        self.count();
        let belongs = |backend: &&Arc<Backend>| match mode {
            ScaleMode::On => backend.is_registered && is_ours(&backend.label),
            ScaleMode::Observe => backend.policies.uphold(&fleet.policies),
        };
        let backends = pool.backends.iter().filter(belongs);
        self.backends = backends
            .map(|backend| (Arc::clone(&backend.label), Arc::clone(backend)))
            .collect();
        let there: HashSet<BackendId> = self.backends.values().map(|backend| backend.id).collect();
        self.counted.retain(|id, _| there.contains(id));
        if !std::mem::replace(&mut self.knows_backends, true) {
            self.pass_over();
        }
    }

    /// Those that it finds next have a past that is not counted: they are taken over.
    pub(super) fn take_over(&mut self) {
        self.knows_backends = false;
        self.asked_before = None;
    }

    /// From now on requests that find nobody count.
    pub(super) fn begin(&mut self, fleet: &FleetShared) -> u64 {
        *self.asked_before.get_or_insert_with(|| fleet.asked_total())
    }

    fn pass_over(&mut self) {
        for backend in self.backends.values() {
            let counted = self.counted.entry(backend.id);
            counted.or_insert_with(|| backend.vitals.requests_total());
        }
    }

    /// The backend of an instance, once it has registered.
    pub(super) fn backend(&self, id: &str) -> Option<&Arc<Backend>> {
        self.backends.get(id)
    }

    /// How many there are, for one who only observes.
    pub(super) fn serving(&self) -> u32 {
        let serving = self.backends.values();
        let serving = serving.filter(|backend| backend.standing() == portreeve_model::Standing::Serving);
        u32::try_from(serving.count()).unwrap_or(u32::MAX)
    }

    /// All that the rules ask for.
    pub(super) fn seen(&mut self, pool: &Pool, fleet: &FleetShared, now: Tick) -> Seen {
        Seen {
            longest_wait: fleet.take_longest_wait(now),
            p95: pool.shared.latencies.p95(now),
            cpu_percent: mean(self.usage.values().filter_map(|used| used.cpu_percent)),
            memory_percent: mean(self.usage.values().filter_map(|used| memory_percent(&used.usage))),
            load_percent: mean(self.loads(now)),
            ..self.sample(fleet)
        }
    }

    /// The part of it that changes from moment to moment.
    pub(super) fn sample(&mut self, fleet: &FleetShared) -> Seen {
        self.count();
        let asked_before = self.begin(fleet);
        let in_flight = self
            .backends
            .values()
            .map(|backend| u64::from(backend.in_flight()));
        Seen {
            in_flight: in_flight.sum(),
            waiting: fleet.waiting(),
            requests_total: self.requests_total,
            asked_total: fleet.asked_total().saturating_sub(asked_before),
            ..Seen::default()
        }
    }

    /// Takes in what the driver says that an instance uses.
    pub(super) fn use_of(&mut self, id: &Arc<str>, usage: Usage, now: Tick) {
        let before = self.usage.get(id).copied();
        let used = Used {
            usage,
            at: now,
            cpu_percent: before.and_then(|before| cpu_percent(&before, &usage, now)),
        };
        self.usage.insert(Arc::clone(id), used);
    }

    /// What it uses, and of its CPU in percent. It has gone on since the driver was asked.
    pub(super) fn usage(&self, id: &str, now: Tick) -> (Usage, Option<f64>) {
        let Some(used) = self.usage.get(id) else {
            return Default::default();
        };
        let uptime = used.usage.uptime.map(|uptime| uptime + now.since(used.at));
        let usage = Usage { uptime, ..used.usage };
        (usage, used.cpu_percent)
    }

    pub(super) fn forget(&mut self, id: &str) {
        self.usage.remove(id);
    }

    pub(super) fn forget_all(&mut self) {
        self.usage.clear();
    }

    fn count(&mut self) {
        for backend in self.backends.values() {
            let total = backend.vitals.requests_total();
            let counted = self.counted.entry(backend.id).or_insert(0);
            self.requests_total += total.saturating_sub(*counted);
            *counted = total;
        }
    }

    fn loads(&self, now: Tick) -> impl Iterator<Item = f64> {
        let reports = self
            .backends
            .values()
            .filter_map(move |backend| backend.reported(now));
        reports.filter_map(|report| Some(f64::from(report.load?) * 100.0))
    }
}

/// Of what it may use; where nothing is said, of one CPU.
fn cpu_percent(before: &Used, now: &Usage, at: Tick) -> Option<f64> {
    let used = now.cpu_total?.checked_sub(before.usage.cpu_total?)?;
    let passed = at.since(before.at);
    if passed < SHORTEST {
        return before.cpu_percent;
    }
    let may_use = now.cpus_max.filter(|cpus| *cpus > 0.0).unwrap_or(1.0);
    Some(used.as_secs_f64() / passed.as_secs_f64() / may_use * 100.0)
}

fn memory_percent(usage: &Usage) -> Option<f64> {
    let most = usage.memory_max.filter(|most| *most > 0)?;
    Some(usage.memory_bytes? as f64 / most as f64 * 100.0)
}

fn mean(values: impl Iterator<Item = f64>) -> Option<f64> {
    let (count, sum) = values.fold((0_u32, 0.0), |(count, sum), value| (count + 1, sum + value));
    (count > 0).then(|| sum / f64::from(count))
}

/// Over less, CPU time says nothing.
const SHORTEST: Duration = Duration::from_millis(100);
