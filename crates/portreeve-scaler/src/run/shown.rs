//! What others see of a fleet: the log, figures, and its state.

use std::collections::BTreeMap;

use portreeve_model::plan::RegisteredBy;
use portreeve_model::plan::ScaleMode;
use portreeve_model::scale::{Decision, FleetEventKind};
use portreeve_model::{FleetShared, Tick};

use super::Run;
use crate::view::{FleetState, InstanceState};

/// What happened so far.
#[derive(Debug, Default)]
pub(super) struct Tally {
    events: BTreeMap<&'static str, u64>,
    faults: BTreeMap<&'static str, u64>,
    last_fault: Option<(String, Tick)>,
    up: u64,
    down: u64,
}

impl Tally {
    pub(super) fn note_fault(&mut self, code: &'static str, said: String, now: Tick) {
        *self.faults.entry(code).or_default() += 1;
        self.note_trouble(said, now);
    }

    /// What somebody should see though the driver did its part.
    pub(super) fn note_trouble(&mut self, said: String, now: Tick) {
        self.last_fault = Some((harmless(said), now));
    }
}

/// It may hold what instances wrote, and is shown in terminals.
fn harmless(said: String) -> String {
    match said.chars().any(char::is_control) {
        true => said.replace(char::is_control, " "),
        false => said,
    }
}

impl Run {
    /// As others see it.
    pub(crate) fn state(&self, now: Tick) -> FleetState {
        let decision = self.decision.clone();
        let last_fault = self.tally.last_fault.clone();
        FleetState {
            key: self.key.clone(),
            driver: self.plan.driver.code(),
            mode: self.mode,
            role: self.role.clone(),
            min: self.plan.min,
            max: self.plan.max,
            size: self.size,
            decision: decision.map(|decision| {
                let ago = now.since(decision.at);
                (decision, ago)
            }),
            instances: self.instances(now),
            events: self.tally.events.clone(),
            faults: self.tally.faults.clone(),
            last_fault: last_fault.map(|(said, at)| (said, now.since(at))),
            changes: (self.tally.up, self.tally.down),
            is_leaving: self.is_leaving(),
        }
    }

    fn instances(&self, now: Tick) -> Vec<InstanceState> {
        let instances = self.life.instances().map(|instance| {
            let backend = self.figures.backend(&instance.id);
            let (usage, cpu_percent) = self.figures.usage(&instance.id, now);
            InstanceState {
                id: std::sync::Arc::clone(&instance.id),
                handle: instance.handle.as_deref().unwrap_or_default().to_owned(),
                address: instance.address,
                state: instance.state,
                state_for: now.since(instance.since),
                standing: backend.map(|backend| backend.standing()),
                in_flight: backend.map_or(0, |backend| backend.in_flight()),
                restarts: instance.restarts,
                usage,
                cpu_percent,
            }
        });
        instances.collect()
    }

    /// A size that changes is told with its reason.
    pub(super) fn tell_change(&mut self, decision: &Decision) {
        // Who observes is told by others how many there are: that does not follow what was decided.
        let (from, to) = match self.mode {
            ScaleMode::On => (decision.current, decision.size),
            ScaleMode::Observe => (self.size, decision.size),
        };
        if from == to {
            return;
        }
        match to > from {
            true => self.tally.up += 1,
            false => self.tally.down += 1,
        }
        let (pool, fleet) = (&*self.key.pool, &*self.key.fleet);
        let rule = decision.rule.map_or("none", |rule| rule.code());
        let mode = match self.mode {
            ScaleMode::On => "on",
            ScaleMode::Observe => "observe",
        };
        tracing::info!(pool, fleet, from, to, rule, mode, "another size");
    }

    /// What the model noticed.
    pub(super) fn tell_events(&mut self, shared: Option<&FleetShared>, now: Tick) {
        let (pool, fleet) = (&*self.key.pool, &*self.key.fleet);
        for event in self.life.take_events() {
            let code = event.kind.code();
            *self.tally.events.entry(code).or_default() += 1;
            let instance = event.id.as_deref().unwrap_or_default();
            if event.kind == FleetEventKind::StartTimedOut {
                let lateness = self.lateness(instance);
                self.tally.note_trouble(lateness, now);
            }
            match event.kind {
                FleetEventKind::Serving { took } => {
                    if let Some(shared) = shared {
                        shared.note_start(took);
                    }
                    let took_ms = took.as_millis();
                    tracing::info!(pool, fleet, instance, took_ms, event = code, "an instance serves");
                }
                FleetEventKind::BackingOff { until, failures } => {
                    let wait_ms = until.since(now).as_millis();
                    tracing::warn!(
                        pool,
                        fleet,
                        failures,
                        wait_ms,
                        event = code,
                        "starts fail: the next one waits"
                    );
                }
                FleetEventKind::StartTimedOut | FleetEventKind::Hung | FleetEventKind::Killed => {
                    tracing::warn!(pool, fleet, instance, event = code, "an instance gave trouble");
                }
                _ => tracing::debug!(pool, fleet, instance, event = code, "an instance"),
            }
        }
    }

    /// Of one that had to serve by now.
    fn lateness(&self, id: &str) -> String {
        let lifecycle = &self.plan.lifecycle;
        let why = match (self.figures.backend(id), lifecycle.registered_by) {
            (Some(_), _) => "it has registered, but its probe does not pass",
            (None, RegisteredBy::Scaler) => "nothing listens where it was told to",
            (None, RegisteredBy::Backend) => "it has not registered",
        };
        let time = lifecycle.start_timeout;
        format!("{id} did not serve within its start_timeout of {time:?}: {why}")
    }
}
