//! Leaving a backend alone for a while because of how it served.

use std::sync::atomic::{AtomicU64, Ordering::SeqCst};
use std::time::Duration;

use crate::plan::EjectionPlan;
use crate::tick::Tick;

/// What a backend was ejected by.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[repr(u8)]
pub enum EjectedBy {
    /// So many failures with no success between them.
    FailuresInARow,
    /// A share of successes far below the others'.
    SuccessRate,
    /// A latency many times the others'.
    Latency,
}

impl EjectedBy {
    /// All of them, in their order.
    pub const ALL: [Self; 3] = [Self::FailuresInARow, Self::SuccessRate, Self::Latency];

    /// Its name in the API, records and metrics.
    #[must_use]
    pub fn code(self) -> &'static str {
        match self {
            Self::FailuresInARow => "failures_in_a_row",
            Self::SuccessRate => "success_rate",
            Self::Latency => "latency",
        }
    }

    /// Its place in [`ALL`](Self::ALL).
    pub(crate) fn place(self) -> usize {
        self as usize
    }
}

/// That a backend is ejected.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Ejected {
    /// What it was first ejected by.
    pub by: EjectedBy,
    /// When the next trial may be made: one request that decides.
    pub until: Tick,
    /// How often in a row it was ejected; from 1, at most 255.
    pub times: u32,
    /// Whether a trial is under way.
    pub is_on_trial: bool,
}

/// What came of an attempt, as ejection sees it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum AttemptOutcome {
    /// There was a response.
    Answered {
        /// Whether its status counts as a failure: see [`EjectionPlan::is_failure`].
        is_failure: bool,
    },
    /// The backend reset or closed the connection, took too long, or broke the protocol.
    Failed,
    /// The client left, or we gave up for a reason of our own, before there was an answer. Says nothing, unless the
    /// backend is stalled.
    Left,
}

/// Whether a backend is ejected. All of it fits into one atomic, so each step is taken by one thread.
///
/// ```text
///            failures in a row, or an outlier, and the share allows it
///  Admitted ──────────────────────────────────────────────────────────► Ejected ◄─────────┐
///    ▲  ▲            a probe passes, after half of `time`                │    ▲           │
///    │  └────────────────────────────────────────────────────────────────┤    │ its       │
///    │                                            the time is over, and  │    │ request   │ it fails:
///    │                                            a request claims it    ▼    │ is left   │ longer
///    └─────────────────────────────────────────────────────────────────── Trial ──────────┘
///                               it succeeds                              │     ▲
///                                                                        └─────┘
///                                                  no end after 10 s: the next claims it
/// ```
#[derive(Debug, Default)]
pub(crate) struct Ejection(AtomicU64);

impl Ejection {
    /// Whether nothing keeps requests away.
    pub(crate) fn is_admitted(&self) -> bool {
        self.state().phase == Phase::Admitted
    }

    /// Whether no request may go to it now: not even as a trial.
    pub(crate) fn keeps_out(&self, now: Tick) -> bool {
        let state = self.state();
        state.phase != Phase::Admitted && now < state.moment
    }

    /// What there is to say of it.
    pub(crate) fn ejected(&self) -> Option<Ejected> {
        let state = self.state();
        (state.phase != Phase::Admitted).then(|| Ejected {
            by: state.by,
            until: state.moment,
            times: u32::from(state.times),
            is_on_trial: state.phase == Phase::Trial,
        })
    }

    /// Lets one request through. `Err`: it may not go; `Ok(None)`: nobody needs to claim anything.
    pub(crate) fn claim(&self, now: Tick) -> Result<Option<Trial>, ()> {
        if self.is_admitted() {
            return Ok(None);
        }
        let claimed = self.step(|state| {
            let is_due = state.phase != Phase::Admitted && state.moment <= now;
            is_due.then(|| state.at(Phase::Trial, now.plus(TRIAL_PATIENCE)))
        });
        match claimed {
            Some((_, trial)) => Ok(Some(Trial(trial.pack()))),
            None if self.is_admitted() => Ok(None),
            None => Err(()),
        }
    }

    /// A trial's request is over, and nobody said how: the next may try at once.
    pub(crate) fn release(&self, trial: Trial) {
        let due = State::unpack(trial.0).at(Phase::Ejected, Tick::default());
        let _ = self.0.compare_exchange(trial.0, due.pack(), SeqCst, SeqCst);
    }

    /// From admitted to ejected; whether it was this call that did it.
    pub(crate) fn eject(&self, by: EjectedBy, plan: &EjectionPlan, now: Tick) -> bool {
        let done = self.step(|state| {
            (state.phase == Phase::Admitted).then(|| state.remembered(plan, now).again(by, plan, now))
        });
        done.is_some()
    }

    /// A request failed: if it may have been the trial, the backend is ejected for longer.
    pub(crate) fn failed(&self, plan: &EjectionPlan, now: Tick) -> Option<EjectedBy> {
        let done = self.step(|state| (state.phase == Phase::Trial).then(|| state.again(state.by, plan, now)));
        done.map(|(before, _)| before.by)
    }

    /// A request succeeded: if one may go to it, all may. Whether this changed anything.
    pub(crate) fn succeeded(&self, now: Tick) -> bool {
        let done = self.step(|state| {
            let is_proof = match state.phase {
                Phase::Admitted => false,
                Phase::Ejected => state.moment <= now,
                Phase::Trial => true,
            };
            is_proof.then(|| state.at(Phase::Admitted, now))
        });
        done.is_some()
    }

    /// A probe passed: ends the ejection if it has lasted half of the plan's `time`. Sooner a pass proves nothing, as
    /// a check may look at less than requests do. Whether this changed anything.
    pub(crate) fn lift(&self, plan: &EjectionPlan, now: Tick) -> bool {
        let done = self.step(|state| {
            let since = match state.phase {
                Phase::Admitted => return None,
                Phase::Ejected => state.moment.micros().saturating_sub(micros(state.length(plan))),
                Phase::Trial => 0,
            };
            let is_old = now.micros().saturating_sub(since) >= micros(plan.time / 2);
            is_old.then(|| state.at(Phase::Admitted, now))
        });
        done.is_some()
    }

    fn state(&self) -> State {
        State::unpack(self.0.load(SeqCst))
    }

    /// The states before and after, if `next` gives one.
    fn step(&self, next: impl Fn(State) -> Option<State>) -> Option<(State, State)> {
        let packed_next = |packed| next(State::unpack(packed)).map(State::pack);
        let before = self.0.fetch_update(SeqCst, SeqCst, packed_next).ok()?;
        let before = State::unpack(before);
        next(before).map(|after| (before, after))
    }
}

/// The right to be the one request that decides; the state as it was claimed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Trial(u64);

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[repr(u8)]
enum Phase {
    Admitted,
    Ejected,
    Trial,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct State {
    phase: Phase,
    by: EjectedBy,
    /// Ejections in a row, remembered for a while after they ended.
    times: u8,
    /// Admitted: since when. Ejected: until when. On trial: when the next may claim it.
    moment: Tick,
}

impl State {
    fn at(self, phase: Phase, moment: Tick) -> Self {
        Self {
            phase,
            moment,
            ..self
        }
    }

    /// Ejected once more.
    fn again(self, by: EjectedBy, plan: &EjectionPlan, now: Tick) -> Self {
        let more = Self {
            phase: Phase::Ejected,
            by,
            times: self.times.saturating_add(1),
            moment: now,
        };
        more.at(Phase::Ejected, now.plus(more.length(plan)))
    }

    /// One ejection in the row is forgotten for each `time` that it has served for twice since.
    fn remembered(self, plan: &EjectionPlan, now: Tick) -> Self {
        let served = now.micros().saturating_sub(self.moment.micros());
        let forgotten = served / micros(plan.time.saturating_mul(2)).max(1);
        Self {
            times: self
                .times
                .saturating_sub(u8::try_from(forgotten).unwrap_or(u8::MAX)),
            ..self
        }
    }

    /// How long the ejection lasts.
    fn length(self, plan: &EjectionPlan) -> Duration {
        let longer = plan.time.saturating_mul(u32::from(self.times));
        longer.min(plan.time_max)
    }

    fn unpack(packed: u64) -> Self {
        Self {
            phase: match packed & 0b11 {
                0 => Phase::Admitted,
                1 => Phase::Ejected,
                _ => Phase::Trial,
            },
            by: match packed >> 2 & 0b11 {
                0 => EjectedBy::FailuresInARow,
                1 => EjectedBy::SuccessRate,
                _ => EjectedBy::Latency,
            },
            times: u8::try_from(packed >> 4 & 0xff).unwrap_or(u8::MAX),
            moment: Tick::of_micros(packed >> MOMENT_BITS_BELOW),
        }
    }

    fn pack(self) -> u64 {
        let moment = self.moment.micros().min(u64::MAX >> MOMENT_BITS_BELOW);
        moment << MOMENT_BITS_BELOW | u64::from(self.times) << 4 | (self.by as u64) << 2 | self.phase as u64
    }
}

fn micros(time: Duration) -> u64 {
    Tick::after_start(time).micros()
}

/// The other 52 count microseconds for 142 years.
const MOMENT_BITS_BELOW: u32 = 12;

/// After this a trial without an end keeps nobody else away.
const TRIAL_PATIENCE: Duration = Duration::from_secs(10);
