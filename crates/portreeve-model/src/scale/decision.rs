//! What was decided about the size of a fleet, and why.

use std::fmt;

use super::kind::{BoundKind, RuleKind};
use crate::tick::Tick;

/// What was decided about the size of a fleet, and why.
#[derive(Debug, Clone, PartialEq)]
pub struct Decision {
    /// When.
    pub at: Tick,
    /// How many it was to have until now.
    pub current: u32,
    /// How many it is to have now.
    pub size: u32,
    /// What each rule wishes that knows what it has to know; in the order of the plan, then [`RuleKind::Wake`],
    /// [`RuleKind::Idle`] and [`RuleKind::Min`].
    pub wishes: Vec<Wish>,
    /// Why the size is another than the largest wish; in the order in which they were applied.
    pub bounds: Vec<Bound>,
    /// Whose wish won, of several the first; `None`: nobody wishes any.
    pub rule: Option<RuleKind>,
}

/// How many a rule wishes, and why.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Wish {
    /// Which rule.
    pub rule: RuleKind,
    /// How many.
    pub size: u32,
    /// What was seen: requests, milliseconds (latency, hold age), percent, seconds since the last request (idle); 0 where
    /// nothing is measured.
    pub seen: f64,
    /// What it was held against, in the same unit, for one backend where it is requests; infinite: never.
    pub target: f64,
}

/// Says the rule's code, what it saw and what it wants, such as `in_flight: 57 in flight or waiting, 20 for each: wants 3`.
impl fmt::Display for Wish {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (seen, target) = (Rounded(self.seen), Rounded(self.target));
        write!(out, "{}: ", self.rule.code())?;
        match self.rule {
            RuleKind::InFlight => write!(out, "{seen} in flight or waiting, {target} for each")?,
            RuleKind::Requests => write!(out, "{seen} requests in its time, {target} for each")?,
            RuleKind::Latency => write!(out, "95 of 100 answers came within {seen} ms, target {target} ms")?,
            RuleKind::HoldAge => write!(out, "the longest wait was {seen} ms, target {target} ms")?,
            RuleKind::Cpu | RuleKind::Memory | RuleKind::Load => {
                write!(out, "{seen} % used, target {target} %")?;
            }
            RuleKind::Steps => write!(out, "{seen} requests in its time, {target} for each step")?,
            RuleKind::Schedule => write!(out, "at least {target} at this hour")?,
            RuleKind::Wake => write!(out, "{seen} found nobody")?,
            RuleKind::Idle if self.target.is_infinite() => write!(out, "the last one never stops")?,
            RuleKind::Idle => write!(out, "no request for {seen} s, stops after {target} s")?,
            RuleKind::Min => write!(out, "never fewer than {target}")?,
        }
        write!(out, ": wants {}", self.size)
    }
}

/// What changed the size that was wished.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Bound {
    /// What.
    pub by: BoundKind,
    /// What it would have been.
    pub from: u32,
    /// What came of it.
    pub to: u32,
}

/// Says the bound's code, what it means and what came of it, such as
/// `down_stabilisation: more was wished within the last while: 3 instead of 1`.
impl fmt::Display for Bound {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        let why = match self.by {
            BoundKind::Min => "never fewer, whatever is wished",
            BoundKind::Max => "never more, whatever is wished",
            BoundKind::Tolerance => "too near the target to change anything",
            BoundKind::UpStabilisation => "fewer were wished within the last while",
            BoundKind::DownStabilisation => "more were wished within the last while",
            BoundKind::Noise => "the load wavers so much that fewer would soon be too few",
            BoundKind::UpCoolDown => "it grew not long ago",
            BoundKind::DownCoolDown => "it shrank not long ago",
            BoundKind::UpSteps => "it grows by so many at a time",
            BoundKind::DownSteps => "it shrinks by so many at a time",
        };
        let (code, Self { from, to, .. }) = (self.by.code(), self);
        write!(out, "{code}: {why}: {to} instead of {from}")
    }
}

/// As a person reads it: a tenth where it is small.
struct Rounded(f64);

impl fmt::Display for Rounded {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        let tenths = (self.0 * 10.0).round() / 10.0;
        if self.0 >= 100.0 || tenths.fract() == 0.0 {
            write!(out, "{:.0}", self.0)
        } else {
            write!(out, "{tenths:.1}")
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn wish(rule: RuleKind, size: u32, seen: f64, target: f64) -> String {
        Wish {
            rule,
            size,
            seen,
            target,
        }
        .to_string()
    }

    #[test]
    fn a_wish_is_a_sentence() {
        assert_eq!(
            wish(RuleKind::InFlight, 3, 57.0, 20.0),
            "in_flight: 57 in flight or waiting, 20 for each: wants 3"
        );
        assert_eq!(
            wish(RuleKind::Latency, 4, 312.47, 250.0),
            "latency: 95 of 100 answers came within 312 ms, target 250 ms: wants 4"
        );
        assert_eq!(
            wish(RuleKind::Cpu, 2, 81.26, 70.0),
            "cpu: 81.3 % used, target 70 %: wants 2"
        );
        assert_eq!(
            wish(RuleKind::Idle, 1, 12.0, f64::INFINITY),
            "idle: the last one never stops: wants 1"
        );
    }

    #[test]
    fn a_bound_is_a_sentence() {
        let bound = Bound {
            by: BoundKind::DownStabilisation,
            from: 1,
            to: 3,
        };
        assert_eq!(
            bound.to_string(),
            "down_stabilisation: more were wished within the last while: 3 instead of 1"
        );
    }
}
