//! How many requests a backend may have in flight.

use std::sync::atomic::{AtomicBool, AtomicU32, AtomicU64, Ordering::Relaxed, Ordering::SeqCst};

use crate::plan::InFlightPlan;

/// How many requests a backend may have in flight: what the plan says, or what latency says.
#[derive(Debug)]
pub(crate) struct Limiter {
    /// As planned: see [`number`].
    planned: AtomicU64,
    /// In force; `u32::MAX`: none.
    limit: AtomicU32,
    /// Whether somebody was refused since this was last looked at.
    has_bound: AtomicBool,
}

impl Default for Limiter {
    fn default() -> Self {
        Self {
            planned: AtomicU64::new(number(InFlightPlan::Unlimited)),
            limit: AtomicU32::new(u32::MAX),
            has_bound: AtomicBool::new(false),
        }
    }
}

impl Limiter {
    /// In force; `u32::MAX`: none.
    pub(crate) fn limit(&self) -> u32 {
        self.limit.load(SeqCst)
    }

    /// Whether so many may be in flight. Remembers that somebody was refused.
    pub(crate) fn allows(&self, in_flight: u32) -> bool {
        let is_allowed = in_flight <= self.limit.load(Relaxed);
        if !is_allowed && !self.has_bound.load(Relaxed) {
            self.has_bound.store(true, Relaxed);
        }
        is_allowed
    }

    /// Takes over what is planned; whether that is another plan than before. What was found out stays if it is not.
    pub(crate) fn follow(&self, plan: InFlightPlan) -> bool {
        if self.planned.swap(number(plan), SeqCst) == number(plan) {
            return false;
        }
        let limit = match plan {
            InFlightPlan::AtMost(limit) => limit.max(1),
            InFlightPlan::Adaptive | InFlightPlan::Unlimited => u32::MAX,
        };
        self.limit.store(limit, SeqCst);
        true
    }
}

/// A limit as itself; above 32 bits what is none.
fn number(plan: InFlightPlan) -> u64 {
    match plan {
        InFlightPlan::AtMost(limit) => limit.into(),
        InFlightPlan::Unlimited => UNLIMITED,
        InFlightPlan::Adaptive => ADAPTIVE,
    }
}

const UNLIMITED: u64 = 1 << 32;
const ADAPTIVE: u64 = 1 << 33;
