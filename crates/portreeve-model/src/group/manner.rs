//! What all groups of a pool have in common.

use std::sync::Arc;
use std::time::Duration;

use crate::balance::SlowStart;
use crate::balance::extent::Extent;
use crate::plan::{BalancePlan, FailMode, LedgerMode, Name, PoolPlan};
use crate::policy::{Policies, Policy};
use crate::standing::Standing;

/// How backends are chosen.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Manner {
    pub(super) balance: BalancePlan,
    slow_start: Duration,
    pub(super) fail_mode: FailMode,
    pub(super) is_sticky: bool,
    /// Where the proxy is.
    pub(crate) zone: Option<Name>,
}

impl Manner {
    pub(crate) fn of(plan: &PoolPlan, zone: Option<&Name>) -> Self {
        Self {
            balance: plan.balance.clone(),
            slow_start: plan.slow_start,
            fail_mode: plan.fail_mode,
            is_sticky: plan.sticky.is_some(),
            zone: zone.cloned(),
        }
    }

    /// The same without turns or tables.
    pub(crate) fn by_chance(&self) -> Self {
        Self {
            balance: BalancePlan::Random,
            ..self.clone()
        }
    }

    /// Whether a group has to know of somebody who may not serve now: how much of a zone is missing, and who is asked
    /// when nobody is healthy. Else it stays as it is while backends come and are not proved yet, or go down for good.
    pub(super) fn remembers(&self, standing: Standing) -> bool {
        match standing {
            Standing::Serving | Standing::Gone => false,
            Standing::Down => self.zone.is_some() || self.fail_mode == FailMode::UseAll,
            Standing::Unproved | Standing::Draining => self.zone.is_some(),
        }
    }

    pub(super) fn slow_start(&self) -> SlowStart {
        SlowStart::over(self.slow_start)
    }
}

/// By what a group is built.
#[derive(Debug, Clone, Copy)]
pub(crate) struct GroupRules<'a> {
    pub(crate) manner: &'a Arc<Manner>,
    /// Whether its backends may come and go by themselves.
    pub(crate) is_joinable: bool,
    pub(crate) ledgers: &'a [(Policy, LedgerMode)],
}

impl GroupRules<'_> {
    /// The strictest that any of them asks for.
    pub(super) fn ledger(&self, policies: &Policies) -> LedgerMode {
        let asked = self
            .ledgers
            .iter()
            .filter(|(policy, _)| policies.contains(policy.as_str()));
        asked.map(|(_, mode)| *mode).max().unwrap_or_default()
    }

    pub(super) fn extent(&self, policies: &Policies) -> Extent {
        if policies.is_empty() && !self.is_joinable {
            Extent::Fixed
        } else {
            Extent::Changing
        }
    }
}
