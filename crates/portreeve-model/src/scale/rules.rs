//! What each rule of a plan wishes.

use std::time::Duration;

use super::counted::Counted;
use super::decision::Wish;
use super::kind::RuleKind;
use super::load::Load;
use super::schedule;
use super::seen::Seen;
use crate::plan::{FleetPlan, RulePlan};
use crate::tick::Tick;

/// What rules are applied to.
#[derive(Debug)]
pub(super) struct Facts<'a> {
    pub(super) plan: &'a FleetPlan,
    pub(super) seen: &'a Seen,
    pub(super) load: &'a Load,
    pub(super) counted: &'a [Counted],
    /// How many there are to be so far.
    pub(super) current: u32,
    pub(super) healthy: u32,
    /// Whether somebody served throughout: else who waits does so because nobody is there, not because there are too few.
    pub(super) has_served: bool,
    pub(super) now: Tick,
    pub(super) unix_ms: u64,
}

/// What a rule wishes, and what that means for the size there is.
#[derive(Debug, Clone, Copy)]
pub(super) struct Voice {
    pub(super) wish: Wish,
    /// The wish, or the size there is if that is near enough.
    pub(super) size: u32,
    /// How many, and what part of one more, would just be enough, the tolerance used up.
    pub(super) need: f64,
    /// How many would have been enough at every moment, without any tolerance; infinite: not known.
    pub(super) peak: f64,
}

/// What the rules wish that know what they have to know, in the order of the plan.
pub(super) fn voices(facts: &Facts<'_>) -> Vec<Voice> {
    let rules = facts.plan.rules.iter();
    rules.filter_map(|rule| facts.voice(rule)).collect()
}

impl Facts<'_> {
    fn voice(&self, rule: &RulePlan) -> Option<Voice> {
        let kind = RuleKind::of(rule);
        match rule {
            RulePlan::InFlight { per_backend } => Some(self.in_flight(*per_backend)),
            RulePlan::Requests { per_backend, within } => {
                Some(self.shared(kind, self.count(*within), f64::from(*per_backend)))
            }
            RulePlan::Latency { p95 } => self.searched(kind, self.seen.p95?, *p95),
            RulePlan::HoldAge { at_most } => self.hold_age(*at_most),
            RulePlan::Cpu { percent } => self.used(kind, self.seen.cpu_percent, *percent),
            RulePlan::Memory { percent } => self.used(kind, self.seen.memory_percent, *percent),
            RulePlan::Load { percent } => self.used(kind, self.seen.load_percent, *percent),
            RulePlan::Steps {
                requests,
                within,
                start,
                max,
            } => Some(self.steps(self.count(*within), *requests, *start, *max)),
            RulePlan::Schedule(plan) => schedule::is_on(plan, self.unix_ms).then(|| exactly(plan.min)),
        }
    }

    fn in_flight(&self, per_backend: u32) -> Voice {
        let per_backend = f64::from(per_backend);
        Voice {
            peak: self.load.span().peak as f64 / per_backend,
            ..self.shared(RuleKind::InFlight, self.load.mean(), per_backend)
        }
    }

    fn hold_age(&self, at_most: Duration) -> Option<Voice> {
        let longest = self.load.span().longest_wait;
        self.has_served
            .then(|| self.searched(RuleKind::HoldAge, longest, at_most))?
    }

    /// Something that all backends share out.
    fn shared(&self, rule: RuleKind, seen: f64, per_backend: f64) -> Voice {
        let level = seen / per_backend;
        let ratio = level / f64::from(self.current);
        self.heard(rule, (seen, per_backend), level, ratio)
    }

    /// A use of what each has, in percent: with twice as many it is half.
    fn used(&self, rule: RuleKind, seen: Option<f64>, percent: u8) -> Option<Voice> {
        let (seen, target) = (
            seen.filter(|seen| seen.is_finite() && *seen >= 0.0)?,
            f64::from(percent),
        );
        self.in_proportion(rule, (seen, target), (seen / target).min(GROWTH_MAX))
    }

    /// A time that falls with more backends, nobody knows by how much. That it is short says little about how few would be
    /// enough, so it is not cut down by more than a half at a time.
    fn searched(&self, rule: RuleKind, seen: Duration, target: Duration) -> Option<Voice> {
        let (seen, target) = (millis(seen), millis(target));
        self.in_proportion(
            rule,
            (seen, target),
            (seen / target).clamp(1.0 / GROWTH_MAX, GROWTH_MAX),
        )
    }

    fn in_proportion(&self, rule: RuleKind, measured: (f64, f64), ratio: f64) -> Option<Voice> {
        let level = f64::from(self.healthy) * ratio;
        (self.healthy > 0).then(|| self.heard(rule, measured, level, ratio))
    }

    /// The classical form, to the letter: no tolerance.
    fn steps(&self, count: f64, requests: u32, start: u32, max: u32) -> Voice {
        let more = count / f64::from(requests);
        let size = start.saturating_add(whole(more)).min(max);
        Voice {
            need: f64::from(max).min(f64::from(start) - 1.0 + more),
            ..exactly_by(RuleKind::Steps, size, (count, f64::from(requests)))
        }
    }

    /// `ratio`: of what is seen to what would be right for the size there is.
    fn heard(&self, rule: RuleKind, (seen, target): (f64, f64), level: f64, ratio: f64) -> Voice {
        let size = enough(level);
        let is_near = (ratio - 1.0).abs() <= self.most_tolerated() - 1.0 + ROUNDING;
        Voice {
            wish: Wish {
                rule,
                size,
                seen,
                target,
            },
            size: if is_near { self.current } else { size },
            need: level / self.most_tolerated(),
            peak: f64::INFINITY,
        }
    }

    /// One and the tolerance.
    fn most_tolerated(&self) -> f64 {
        1.0 + f64::from(self.plan.tolerance_percent) / 100.0
    }

    fn count(&self, within: Duration) -> f64 {
        let counted = self.counted.iter().find(|counted| counted.within() == within);
        counted.map_or(0, |counted| counted.count(self.now)) as f64
    }
}

/// The smallest number of backends that is enough for so many.
pub(super) fn enough(need: f64) -> u32 {
    whole((need - ROUNDING).ceil())
}

fn exactly(size: u32) -> Voice {
    exactly_by(RuleKind::Schedule, size, (0.0, f64::from(size)))
}

fn exactly_by(rule: RuleKind, size: u32, (seen, target): (f64, f64)) -> Voice {
    Voice {
        wish: Wish {
            rule,
            size,
            seen,
            target,
        },
        size,
        need: f64::from(size),
        peak: f64::INFINITY,
    }
}

#[expect(
    clippy::cast_possible_truncation,
    reason = "such casts end at the bounds of the type"
)]
fn whole(number: f64) -> u32 {
    number as u32
}

fn millis(time: Duration) -> f64 {
    time.as_secs_f64() * 1_000.0
}

/// What is measured says at most so many times as many, and what is searched for at least so many times fewer.
const GROWTH_MAX: f64 = 2.0;
/// What sums and divisions may be off by.
const ROUNDING: f64 = 1e-6;
