//! Reasons for a size, and for another than is wished: two closed lists.

use crate::plan::RulePlan;

/// What wishes a size.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum RuleKind {
    /// Requests in flight and waiting.
    InFlight,
    /// Requests in a time.
    Requests,
    /// The 95th percentile of latency.
    Latency,
    /// How long requests are held.
    HoldAge,
    /// Use of CPU.
    Cpu,
    /// Use of memory.
    Memory,
    /// The load that backends report.
    Load,
    /// Steps of requests in a time.
    Steps,
    /// Hours of days.
    Schedule,
    /// A request found nobody.
    Wake,
    /// How long there was no request.
    Idle,
    /// Never fewer.
    Min,
}

impl RuleKind {
    /// All of them, in their order.
    pub const ALL: [Self; 12] = [
        Self::InFlight,
        Self::Requests,
        Self::Latency,
        Self::HoldAge,
        Self::Cpu,
        Self::Memory,
        Self::Load,
        Self::Steps,
        Self::Schedule,
        Self::Wake,
        Self::Idle,
        Self::Min,
    ];

    /// Its name in records, metrics and the API.
    #[must_use]
    pub fn code(self) -> &'static str {
        match self {
            Self::InFlight => "in_flight",
            Self::Requests => "requests",
            Self::Latency => "latency",
            Self::HoldAge => "hold_age",
            Self::Cpu => "cpu",
            Self::Memory => "memory",
            Self::Load => "load",
            Self::Steps => "steps",
            Self::Schedule => "schedule",
            Self::Wake => "wake",
            Self::Idle => "idle",
            Self::Min => "min",
        }
    }

    /// Of a rule of the plan.
    pub(super) fn of(rule: &RulePlan) -> Self {
        match rule {
            RulePlan::InFlight { .. } => Self::InFlight,
            RulePlan::Requests { .. } => Self::Requests,
            RulePlan::Latency { .. } => Self::Latency,
            RulePlan::HoldAge { .. } => Self::HoldAge,
            RulePlan::Cpu { .. } => Self::Cpu,
            RulePlan::Memory { .. } => Self::Memory,
            RulePlan::Load { .. } => Self::Load,
            RulePlan::Steps { .. } => Self::Steps,
            RulePlan::Schedule(_) => Self::Schedule,
        }
    }
}

/// What makes the size another than is wished.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum BoundKind {
    /// The plan's `min`.
    Min,
    /// The plan's `max`.
    Max,
    /// What was seen is too near its target to count.
    Tolerance,
    /// Less was wished within the last while.
    UpStabilisation,
    /// More was wished within the last while.
    DownStabilisation,
    /// The load of the last while wavers so much that fewer would soon be too few.
    Noise,
    /// It grew not long ago.
    UpCoolDown,
    /// It shrank not long ago.
    DownCoolDown,
    /// It grows by so many at a time.
    UpSteps,
    /// It shrinks by so many at a time.
    DownSteps,
}

impl BoundKind {
    /// All of them, in their order.
    pub const ALL: [Self; 10] = [
        Self::Min,
        Self::Max,
        Self::Tolerance,
        Self::UpStabilisation,
        Self::DownStabilisation,
        Self::Noise,
        Self::UpCoolDown,
        Self::DownCoolDown,
        Self::UpSteps,
        Self::DownSteps,
    ];

    /// Its name in records, metrics and the API.
    #[must_use]
    pub fn code(self) -> &'static str {
        match self {
            Self::Min => "min",
            Self::Max => "max",
            Self::Tolerance => "tolerance",
            Self::UpStabilisation => "up_stabilisation",
            Self::DownStabilisation => "down_stabilisation",
            Self::Noise => "noise",
            Self::UpCoolDown => "up_cool_down",
            Self::DownCoolDown => "down_cool_down",
            Self::UpSteps => "up_steps",
            Self::DownSteps => "down_steps",
        }
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;

    #[test]
    fn each_code_is_of_one_rule_or_bound() {
        let rules: BTreeSet<_> = RuleKind::ALL.iter().map(|kind| kind.code()).collect();
        assert_eq!(rules.len(), RuleKind::ALL.len());
        let bounds: BTreeSet<_> = BoundKind::ALL.iter().map(|kind| kind.code()).collect();
        assert_eq!(bounds.len(), BoundKind::ALL.len());
    }
}
