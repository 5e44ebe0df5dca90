//! From what is wished to one size.

use super::decision::{Bound, Decision, Wish};
use super::firm::Firm;
use super::kind::{BoundKind, RuleKind};
use super::pace::{Pace, Sizing};
use super::recent::Moment;
use super::rules::Voice;
use crate::plan::FleetPlan;
use crate::tick::Tick;

/// All that is wished of a fleet.
#[derive(Debug)]
pub(super) struct Weighing<'a> {
    pub(super) plan: &'a FleetPlan,
    pub(super) current: u32,
    pub(super) voices: Vec<Voice>,
    pub(super) firm: Firm,
}

impl Weighing<'_> {
    pub(super) fn decide(&self, pace: &mut Pace, now: Tick) -> Decision {
        pace.note(self.plan, self.moment(), now);
        let (mut bounds, winner) = (Vec::new(), self.winner());
        let size = match winner {
            Some(RuleKind::Idle) if self.firm.is_idle() => 0,
            _ => self.size(pace, &mut bounds, now),
        };
        pace.note_size(self.plan, self.current, size, now);
        Decision {
            at: now,
            current: self.current,
            size,
            wishes: self.wishes().map(|(wish, _)| wish).collect(),
            bounds,
            rule: winner,
        }
    }

    fn size(&self, pace: &Pace, bounds: &mut Vec<Bound>, now: Tick) -> u32 {
        let mut sizing = Sizing {
            size: largest(self.wishes().map(|(wish, _)| wish.size)),
            floor: self.firm.awake(),
            bounds,
        };
        sizing.becomes(BoundKind::Tolerance, largest(self.wishes().map(|(_, size)| size)));
        sizing.at_most(BoundKind::Max, self.plan.max);
        pace.temper(self.plan, self.current, &mut sizing, now);
        sizing.at_least(BoundKind::Min, self.plan.min);
        sizing.at_most(BoundKind::Max, self.plan.max);
        sizing.size
    }

    /// Whose wish is the largest, of several the first; an idle fleet is idle whatever is wished.
    fn winner(&self) -> Option<RuleKind> {
        if self.firm.is_idle() {
            return Some(RuleKind::Idle);
        }
        let size = largest(self.wishes().map(|(_, size)| size));
        let mut winners = self.wishes().filter(|wished| wished.1 == size && size > 0);
        winners.next().map(|(wish, _)| wish.rule)
    }

    /// With the size that each means where it is near enough to the size there is.
    fn wishes(&self) -> impl Iterator<Item = (Wish, u32)> {
        let voices = self.voices.iter().map(|voice| (voice.wish, voice.size));
        voices.chain(self.firm.wishes().map(|wish| (wish, wish.size)))
    }

    /// What is remembered of all this.
    fn moment(&self) -> Moment {
        let needs = self.voices.iter().map(|voice| (voice.need, voice.peak));
        let (need, peak) = needs.fold((0.0, 0.0), |most, one| if one.0 > most.0 { one } else { most });
        Moment {
            size: largest(self.voices.iter().map(|voice| voice.size))
                .max(self.plan.min)
                .min(self.plan.max),
            need,
            peak,
        }
    }
}

fn largest(sizes: impl Iterator<Item = u32>) -> u32 {
    sizes.max().unwrap_or(0)
}
