//! Names of fleets and instances.

use std::fmt;
use std::sync::Arc;

use portreeve_model::plan::{DriverPlan, FleetPlan, Name};

/// By what a fleet is known.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct FleetKey {
    /// The pool that it is of.
    pub pool: Name,
    /// Its name there.
    pub fleet: Name,
}

impl fmt::Display for FleetKey {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(out, "{}/{}", self.pool, self.fleet)
    }
}

/// What instances are made by: a driver's settings and policies. Those of another make are replaced. It is told by their
/// ids, so that also the next process sees it: `POOL-MAKE-RANDOM`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Make {
    /// `POOL-MAKE-`.
    prefix: String,
    /// Whether instances are named by others.
    is_foreign: bool,
}

impl Make {
    pub(crate) fn of(pool: &str, plan: &FleetPlan) -> Self {
        let letters = pool.chars().map(|letter| match letter.to_ascii_lowercase() {
            letter @ ('a'..='z' | '0'..='9') => letter,
            _ => '-',
        });
        let short: String = letters.take(POOL_LETTERS_MAX).collect();
        let is_foreign = matches!(plan.driver, DriverPlan::Ec2(_));
        let made_by = match is_foreign {
            // Their own tokens say what they uphold.
            true => format!("{}{:?}", plan.name, plan.driver),
            false => format!("{}{:?}{}", plan.name, plan.driver, plan.policies),
        };
        Self {
            prefix: format!("{short}-{:06x}-", digest(made_by.as_bytes()) & 0xff_ffff),
            is_foreign,
        }
    }

    /// Whether an instance of this id is of this make.
    pub(crate) fn made(&self, id: &str) -> bool {
        self.is_foreign || id.starts_with(&self.prefix)
    }

    /// An id that nobody had.
    pub(crate) fn fresh_id(&self) -> Arc<str> {
        let mut bits = [0; 8];
        // Without the kernel's randomness the time does: an id must be new, not secret.
        if getrandom::fill(&mut bits).is_err() {
            bits = crate::clock::unix_ms().to_be_bytes();
        }
        format!(
            "{}{:010x}",
            self.prefix,
            u64::from_be_bytes(bits) & 0xff_ffff_ffff
        )
        .into()
    }
}

/// FNV-1a: tells apart what differs, by accident at most once in sixteen million, and is the same in each build.
fn digest(bytes: &[u8]) -> u64 {
    let step = |hash: u64, byte: &u8| (hash ^ u64::from(*byte)).wrapping_mul(0x0100_0000_01b3);
    bytes.iter().fold(0xcbf2_9ce4_8422_2325, step)
}

/// Enough to recognise a pool by; the rest of an id takes 18.
const POOL_LETTERS_MAX: usize = 32;

#[cfg(test)]
mod tests {
    use super::*;
    use crate::run::testing::{fleet_plan, process_plan};

    #[test]
    fn an_id_tells_what_made_it() {
        let plan = fleet_plan(&["./api"]);
        let make = Make::of("Shop.API", &plan);
        let id = make.fresh_id();
        assert!(id.starts_with("shop-api-"), "{id}");
        assert!(make.made(&id) && make.fresh_id() != id);
        let other = FleetPlan {
            driver: process_plan(&["./api", "--fast"]),
            ..plan.clone()
        };
        assert!(!Make::of("Shop.API", &other).made(&id));
        assert!(Make::of("Shop.API", &FleetPlan { max: 3, ..plan }).made(&id));
    }
}
