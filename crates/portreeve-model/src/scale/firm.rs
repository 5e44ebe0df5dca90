//! What is wished whatever paces say: one for who waits, one until nobody has asked for long, and the minimum.

use super::decision::Wish;
use super::kind::RuleKind;
use super::rest::Rest;
use super::rules::{Facts, Voice};
use crate::plan::FleetPlan;
use crate::tick::Tick;

/// What is wished whatever paces say.
#[derive(Debug)]
pub(super) struct Firm {
    wake: Option<Wish>,
    /// Where the plan lets a fleet go to nothing.
    idle: Option<Wish>,
    is_idle: bool,
    min: Wish,
}

impl Firm {
    pub(super) fn of(facts: &Facts<'_>, voices: &[Voice], rest: &mut Rest) -> Self {
        let (plan, now) = (facts.plan, facts.now);
        let found_nobody = facts.seen.waiting.max(rest.take_asked());
        let is_scheduled = voices.iter().any(|voice| voice.wish.rule == RuleKind::Schedule);
        let may_be_none = plan.min == 0 && !is_scheduled;
        let is_idle = may_be_none && found_nobody == 0 && rest.is_idle(plan.idle, now);
        let stays = u32::from(facts.current > 0 && !is_idle);
        Self {
            wake: (found_nobody > 0).then(|| wish(RuleKind::Wake, 1, found_nobody as f64, 0.0)),
            idle: (plan.min == 0).then(|| idle(plan, stays, rest, now)),
            is_idle,
            min: wish(RuleKind::Min, plan.min, 0.0, f64::from(plan.min)),
        }
    }

    /// Whether there are to be none, since nobody has asked for long.
    pub(super) fn is_idle(&self) -> bool {
        self.is_idle
    }

    pub(super) fn wishes(&self) -> impl Iterator<Item = Wish> {
        [self.wake, self.idle, Some(self.min)].into_iter().flatten()
    }

    /// What no pace takes away, but for the minimum.
    pub(super) fn awake(&self) -> u32 {
        let wishes = [self.wake, self.idle].into_iter().flatten();
        wishes.map(|wish| wish.size).max().unwrap_or(0)
    }
}

fn idle(plan: &FleetPlan, stays: u32, rest: &Rest, now: Tick) -> Wish {
    let after = plan.idle.map_or(f64::INFINITY, |after| after.as_secs_f64());
    wish(RuleKind::Idle, stays, rest.quiet(now).as_secs_f64(), after)
}

fn wish(rule: RuleKind, size: u32, seen: f64, target: f64) -> Wish {
    Wish {
        rule,
        size,
        seen,
        target,
    }
}
