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

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use proptest::prelude::*;

    use super::*;
    use crate::samples::{Request, dice};

    /// Arms `a`, `b`… with these shares.
    fn split(shares: &[u16], key: Option<HashKey>) -> Split {
        let names = ["a", "b", "c", "d"].map(Name::from);
        let arms = names.into_iter().zip(shares.iter().copied()).collect();
        Split::new(&SplitPlan { arms, key }, Pool::empty)
    }

    fn by_user() -> Option<HashKey> {
        Some(HashKey::Header("x-user".into()))
    }

    /// Who gets the request with each of these throws; the route's own is `own`.
    fn chosen(split: &Split, throws: u64) -> Vec<Name> {
        let anybody = Request::default();
        let name = |throw| split.choose(&anybody, throw).map(|pool| Arc::clone(&pool.name));
        dice(throws)
            .map(|throw| name(throw).unwrap_or_else(|| "own".into()))
            .collect()
    }

    fn shares(chosen: &[Name]) -> BTreeMap<&str, f64> {
        let mut shares = BTreeMap::new();
        for name in chosen {
            *shares.entry(&**name).or_default() += 1.0 / chosen.len() as f64;
        }
        shares
    }

    #[test]
    fn shares_are_what_is_planned() {
        let chosen = chosen(&split(&[50, 200, 125], None), 500_000);
        for (name, wanted) in [("a", 0.05), ("b", 0.2), ("c", 0.125), ("own", 0.625)] {
            let share = shares(&chosen)[name];
            assert!((share / wanted - 1.0).abs() < 0.02, "{name}: {share} of {wanted}");
        }
    }

    #[test]
    fn keys_are_shared_out_as_evenly_as_throws() {
        let split = split(&[100], by_user());
        let is_chosen = |user: &u32| {
            let request = Request::get("", "/").with("x-user", &user.to_string());
            split.choose(&request, 0).is_some()
        };
        let share = (0..100_000).filter(is_chosen).count() as f64 / 100_000.0;
        assert!((share - 0.1).abs() < 0.002, "{share}");
    }

    #[test]
    fn the_same_key_goes_to_the_same_pool_whatever_the_throw() {
        let split = split(&[300, 300], by_user());
        for user in 0..100 {
            let request = Request::get("", "/").with("x-user", &user.to_string());
            let name = |throw| split.choose(&request, throw).map(|pool| pool.name.clone());
            let first = name(0);
            assert!(dice(20).all(|throw| name(throw) == first));
        }
    }

    #[test]
    fn requests_without_the_key_go_by_chance() {
        let (split, anybody) = (split(&[500], by_user()), Request::default());
        let some = dice(1_000).filter(|throw| split.choose(&anybody, *throw).is_some());
        assert!(some.count().abs_diff(500) < 60);
    }

    #[test]
    fn all_or_nothing_is_possible() {
        assert!(
            chosen(&split(&[1_000], None), 5_000)
                .iter()
                .all(|name| **name == *"a")
        );
        assert!(
            chosen(&split(&[0, 1_000], None), 5_000)
                .iter()
                .all(|name| **name == *"b")
        );
        assert!(
            chosen(&split(&[0, 0], None), 5_000)
                .iter()
                .all(|name| **name == *"own")
        );
        assert!(
            chosen(&split(&[], None), 5_000)
                .iter()
                .all(|name| **name == *"own")
        );
    }

    #[test]
    fn shares_beyond_all_leave_nothing_to_the_route_and_nothing_breaks() {
        let chosen = chosen(&split(&[800, 800, 800], None), 5_000);
        assert!(chosen.iter().all(|name| **name != *"own"));
    }

    #[test]
    fn what_an_arm_gets_is_spread_as_evenly_as_everything() {
        let split = split(&[100], None);
        let anybody = Request::default();
        let mut slots = [0_u32; 8];
        for throw in dice(200_000).filter(|throw| split.choose(&anybody, *throw).is_some()) {
            slots[usize::from(throw.to_be_bytes()[0] >> 5)] += 1;
        }
        assert!(slots.iter().all(|slot| slot.abs_diff(2_500) < 250), "{slots:?}");
    }

    #[test]
    fn a_mirror_gets_its_share_apart_from_the_split() {
        let split = split(&[500], None);
        let anybody = Request::default();
        let both = dice(100_000).filter(|throw| is_within(300, *throw));
        let (mirrored, too) = both.fold((0, 0), |(mirrored, too), throw| {
            (
                mirrored + 1,
                too + u32::from(split.choose(&anybody, throw).is_some()),
            )
        });
        assert!(30_000_u32.abs_diff(mirrored) < 600, "{mirrored}");
        assert!(15_000_u32.abs_diff(too) < 500, "{too}");
        assert!(dice(1_000).all(|throw| is_within(1_000, throw) && !is_within(0, throw)));
    }

    /// How many of 2,000 go elsewhere than before, and whether only between these two.
    fn moved(before: &[u16], after: &[u16], between: [&str; 2]) -> (usize, bool) {
        let (before, after) = (
            chosen(&split(before, None), 2_000),
            chosen(&split(after, None), 2_000),
        );
        let moves = || {
            before
                .iter()
                .zip(&after)
                .filter(|(before, after)| before != after)
        };
        let is_one = |name: &Name| between.iter().any(|one| **one == **name);
        let is_between = |(from, to): (&Name, &Name)| is_one(from) && is_one(to);
        (moves().count(), moves().all(is_between))
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(64))]

        #[test]
        fn of_two_arms_only_the_share_that_changes_moves(a in 0_u16..=500, b in 0_u16..=500, next in 0_u16..=500) {
            let expected = f64::from(a.abs_diff(next)) * 2.0;
            let (count, is_between) = moved(&[a, b], &[next, b], ["a", "own"]);
            prop_assert!(is_between);
            prop_assert!((count as f64 - expected).abs() < 130.0, "{count} of {expected}");
            let expected = f64::from(b.abs_diff(next)) * 2.0;
            let (count, is_between) = moved(&[a, b], &[a, next], ["b", "own"]);
            prop_assert!(is_between);
            prop_assert!((count as f64 - expected).abs() < 130.0, "{count} of {expected}");
        }

        #[test]
        fn a_new_arm_at_the_end_takes_from_the_route_alone(shares in proptest::collection::vec(0_u16..250, 0..4)) {
            let Some((_, before)) = shares.split_last() else { return Ok(()) };
            let last = ["a", "b", "c", "d"][shares.len() - 1];
            prop_assert!(moved(before, &shares, [last, "own"]).1);
        }
    }
}
