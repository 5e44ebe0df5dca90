//! Which share of a route's requests goes where.

use std::sync::Arc;

use crate::balance::hash::key::key;
use crate::digest::mix;
use crate::plan::{HashKey, Name, SplitPlan};
use crate::pool::Pool;
use crate::route::RequestView;

/// The pools beside a route's own, and what they get.
///
/// Every request has a point among 1,000. Of the arms in their order, the first, third… get points from the lower end up,
/// the second, fourth… from the upper end down; the rest is the route's own. So when the share of one arm changes, only
/// the difference moves, between it and the route's own pool; of more than two arms, those further in on its side move
/// by as much.
#[derive(Debug)]
pub(crate) struct Split {
    /// With how many points each.
    arms: Vec<(Arc<Pool>, u16)>,
    key: Option<HashKey>,
}

impl Split {
    pub(crate) fn new(plan: &SplitPlan, pool: impl Fn(&Name) -> Arc<Pool>) -> Self {
        let arms = plan.arms.iter().map(|(name, share)| (pool(name), *share));
        Self {
            arms: arms.collect(),
            key: plan.key.clone(),
        }
    }

    /// `None`: to the route's own.
    pub(crate) fn choose(&self, request: &dyn RequestView, dice: u64) -> Option<&Arc<Pool>> {
        let point = self.point(request, dice);
        let (mut low, mut high) = (0, POINTS);
        for (place, (pool, share)) in self.arms.iter().enumerate() {
            let share = u64::from(*share);
            let is_in = if place % 2 == 0 {
                low += share;
                point < low
            } else {
                high = high.saturating_sub(share);
                point >= high
            };
            if is_in {
                return Some(pool);
            }
        }
        None
    }

    /// Requests that lack the key go by chance.
    fn point(&self, request: &dyn RequestView, dice: u64) -> u64 {
        let found = self.key.as_ref().map_or(0, |plan| key(plan, request));
        point(if found == 0 { dice } else { found }, SPLIT)
    }
}

/// Which of two pools share in tenths of a percent: whether one throw is within it.
pub(crate) fn is_within(share: u16, dice: u64) -> bool {
    point(dice, MIRROR) < u64::from(share)
}

/// One of 1,000. Mixed apart, so that what is balanced by the same key or throw afterwards is as even as before.
fn point(key: u64, apart: u64) -> u64 {
    let (_, high) = mix(key ^ apart).carrying_mul(POINTS, 0);
    high
}

const POINTS: u64 = 1_000;
const SPLIT: u64 = 0x7370_6c69_7400_0001;
const MIRROR: u64 = 0x6d69_7272_6f72_0002;
