//! How fast the size of a fleet may change.

use super::decision::Bound;
use super::kind::BoundKind;
use super::recent::{Moment, Recent};
use super::regret::Regret;
use super::rules::enough;
use crate::plan::{FleetPlan, PacePlan};
use crate::tick::Tick;

/// What was wished of late, and when the size changed last, in each direction.
#[derive(Debug)]
pub(super) struct Pace {
    up: Recent,
    down: Recent,
    grew: Option<Tick>,
    shrank: Option<Tick>,
    regret: Regret,
    /// Whether what is wished now is no more than chance brings now and then.
    is_chance: bool,
}

impl Pace {
    /// There were so many at the start; what was wished before is not known.
    pub(super) fn new(start: Tick, size: u32) -> Self {
        Self {
            up: Recent::since(start, size),
            down: Recent::since(start, size),
            grew: None,
            shrank: None,
            regret: Regret::default(),
            is_chance: false,
        }
    }

    /// Wished now.
    pub(super) fn note(&mut self, plan: &FleetPlan, moment: Moment, now: Tick) {
        self.is_chance = moment.need <= self.down.need_by_rare_chance();
        self.up.note(moment, now, plan.up.stabilisation);
        self.down.note(moment, now, plan.down.stabilisation);
    }

    /// Decided now.
    pub(super) fn note_size(&mut self, plan: &FleetPlan, before: u32, size: u32, now: Tick) {
        if size > before {
            self.grew = Some(now);
            if self.is_chance {
                self.regret
                    .note_growth_by_chance(before, plan.down.stabilisation, now);
            }
        }
        if size < before {
            self.shrank = Some(now);
            self.regret.note_shrink(size, self.down.mean_need(), now);
        }
    }

    /// From what is wanted to what may be already.
    pub(super) fn temper(&self, plan: &FleetPlan, current: u32, wanted: &mut Sizing<'_>, now: Tick) {
        if wanted.size > current {
            let is_cooling = is_cooling(&plan.up, self.grew, now);
            wanted.at_most(BoundKind::UpStabilisation, self.up.least().max(current));
            wanted.at_most(BoundKind::UpCoolDown, if is_cooling { current } else { u32::MAX });
            wanted.at_most(BoundKind::UpSteps, current.saturating_add(steps_max(&plan.up)));
        } else if wanted.size < current {
            let is_cooling = is_cooling(&plan.down, self.shrank, now);
            let regret = self.regret.least(self.down.mean_need(), now);
            let by_chance = enough(self.down.need_by_chance()).max(regret);
            wanted.at_least(BoundKind::DownStabilisation, self.down.most().min(current));
            wanted.at_least(BoundKind::Noise, by_chance.min(current));
            wanted.at_least(BoundKind::DownCoolDown, if is_cooling { current } else { 0 });
            wanted.at_least(
                BoundKind::DownSteps,
                current.saturating_sub(steps_max(&plan.down)),
            );
        }
    }
}

/// A size on its way through what bounds it.
#[derive(Debug)]
pub(super) struct Sizing<'a> {
    pub(super) size: u32,
    /// What no pace takes away.
    pub(super) floor: u32,
    pub(super) bounds: &'a mut Vec<Bound>,
}

impl Sizing<'_> {
    pub(super) fn at_most(&mut self, by: BoundKind, most: u32) {
        self.becomes(by, self.size.min(most.max(self.floor)));
    }

    pub(super) fn at_least(&mut self, by: BoundKind, least: u32) {
        self.becomes(by, self.size.max(least));
    }

    pub(super) fn becomes(&mut self, by: BoundKind, to: u32) {
        let from = std::mem::replace(&mut self.size, to);
        if from != to {
            self.bounds.push(Bound { by, from, to });
        }
    }
}

fn is_cooling(plan: &PacePlan, changed: Option<Tick>, now: Tick) -> bool {
    changed.is_some_and(|at| now.since(at) < plan.cool_down)
}

fn steps_max(plan: &PacePlan) -> u32 {
    plan.steps_max.unwrap_or(u32::MAX)
}
