//! Hash: the same key to the same backend while that is there.
//!
//! The key's hash picks one of 65,536 slots, and each slot belongs to one backend: one load, O(1), however many
//! backends there are. The owners are those of a weighted rendezvous (highest random weight: Thaler and Ravishankar,
//! 1998): each backend has a random waiting time in each slot, exponential with its weight as the rate, that depends
//! on its label and nothing else, and the shortest wins the slot. Why this and not:
//! - a ring (Ketama): shares are off by 8 % with 160 points each, a search per request, and weights multiply points;
//! - Maglev's table: even shares, but when one backend leaves some keys of the others move too;
//! - jump hash: backends can leave only at the end of the list, and have no weights;
//! - rendezvous per request: the same minimal moves, but O(n) per request.
//!
//! Here, when a backend leaves (or its weight falls) only keys of its own move, and when one comes (or its weight
//! rises) keys move to it alone. Shares are off by about sqrt(n / 65,536): 1 % with ten backends, 4 % with a hundred.
//! Labels decide, so several proxies, or one after a restart, agree.
//!
//! A request without the key goes anywhere, by weight. A request that has been to its backend goes to that of the
//! slots its key visits next, always in the same order, so that retries too stay together and the load of a lost
//! backend spreads over all others.

pub(crate) mod key;
mod slots;

use std::sync::Arc;

use self::slots::Slots;
use super::extent::Extent;
use super::is_tried;
use crate::ask::Ask;
use crate::backend::Backend;
use crate::digest::mix;
use crate::plan::HashKey;
use crate::route::RequestView;

#[derive(Debug, Clone)]
pub(super) struct Hash {
    key: HashKey,
    slots: Slots,
}

impl Hash {
    pub(super) fn new(key: HashKey, backends: &[Arc<Backend>], extent: Extent) -> Self {
        Self {
            key,
            slots: Slots::share_out(backends, extent),
        }
    }

    pub(super) fn choose(&self, backends: &[Arc<Backend>], ask: &Ask<'_>) -> Option<usize> {
        let mut key = if ask.key == 0 { ask.dice } else { ask.key };
        for _ in 0..VISITS_MAX {
            let place = self.slots.owner(key)?;
            if !is_tried(&backends[place], ask) {
                return Some(place);
            }
            key = mix(key);
        }
        backends.iter().position(|backend| !is_tried(backend, ask))
    }

    pub(super) fn key(&self, request: &dyn RequestView) -> u64 {
        key::key(&self.key, request)
    }
}

/// After so many slots of tried backends the first untried backend serves.
const VISITS_MAX: usize = 32;

#[cfg(test)]
mod tests {
    use super::*;
    use crate::samples::{backend, backends, dice, tried};
    use crate::tried::Tried;

    /// Who serves each of these keys, by label.
    fn owners(backends: &[Arc<Backend>], tried: &Tried) -> Vec<Arc<str>> {
        let hash = Hash::new(HashKey::Path, backends, Extent::Fixed);
        let owner = |key| {
            hash.choose(
                backends,
                &Ask {
                    key,
                    dice: 0,
                    tried,
                    now: crate::tick::Tick::default(),
                    sticky: None,
                },
            )
            .unwrap()
        };
        dice(20_000)
            .map(|key| Arc::clone(&backends[owner(key)].label))
            .collect()
    }

    fn share(owners: &[Arc<str>], label: &str) -> f64 {
        owners.iter().filter(|owner| ***owner == *label).count() as f64 / owners.len() as f64
    }

    #[test]
    fn when_one_leaves_only_its_own_keys_move() {
        let all = backends(&[1; 10]);
        let mut rest = all.clone();
        rest.remove(3);
        let before = owners(&all, &Tried::default());
        let after = owners(&rest, &Tried::default());
        for (before, after) in before.iter().zip(&after) {
            assert!(before == after || **before == *"b3", "{before} to {after}");
        }
        let largest = rest
            .iter()
            .map(|backend| share(&after, &backend.label))
            .fold(0.0, f64::max);
        assert!(
            largest < 0.125,
            "the keys of the lost one spread over all: {largest}"
        );
    }

    #[test]
    fn when_one_comes_keys_move_to_it_alone() {
        let before = owners(&backends(&[1; 4]), &Tried::default());
        let after = owners(&backends(&[1; 5]), &Tried::default());
        let moved = before
            .iter()
            .zip(&after)
            .filter(|(before, after)| before != after);
        assert!(moved.clone().all(|(_, after)| **after == *"b4"));
        assert!((moved.count() as f64 / 20_000.0 - 0.2).abs() < 0.02);
    }

    #[test]
    fn when_a_weight_rises_keys_move_to_it_alone() {
        let before = owners(&backends(&[1, 1, 1]), &Tried::default());
        let after = owners(&backends(&[1, 2, 1]), &Tried::default());
        let mut moved = before
            .iter()
            .zip(&after)
            .filter(|(before, after)| before != after);
        assert!(moved.all(|(_, after)| **after == *"b1"));
    }

    #[test]
    fn shares_follow_weights() {
        let owners = owners(&backends(&[1, 2, 5]), &Tried::default());
        for (label, wanted) in [("b0", 0.125), ("b1", 0.25), ("b2", 0.625)] {
            assert!(
                (share(&owners, label) - wanted).abs() < 0.015,
                "{label}: {}",
                share(&owners, label)
            );
        }
    }

    #[test]
    fn the_order_in_the_file_does_not_matter() {
        let forward = backends(&[1, 3, 2]);
        let backward: Vec<_> = forward.iter().rev().cloned().collect();
        assert_eq!(
            owners(&forward, &Tried::default()),
            owners(&backward, &Tried::default())
        );
    }

    #[test]
    fn twins_of_one_label_share() {
        let twins = [backend("twin", 1), backend("twin", 1)];
        let hash = Hash::new(HashKey::Path, &twins, Extent::Fixed);
        let tried = Tried::default();
        let ask = |key| Ask {
            key,
            dice: 0,
            tried: &tried,
            now: crate::tick::Tick::default(),
            sticky: None,
        };
        let first = dice(2_000)
            .filter(|key| hash.choose(&twins, &ask(*key)) == Some(0))
            .count();
        assert!(first.abs_diff(1_000) < 150, "{first}");
    }

    #[test]
    fn keys_of_a_tried_backend_spread_over_the_others_and_no_other_key_moves() {
        let all = backends(&[1; 5]);
        let before = owners(&all, &Tried::default());
        let after = owners(&all, &tried([&all[0]]));
        let moved: Vec<_> = before
            .iter()
            .zip(after)
            .filter(|(before, after)| **before != *after)
            .collect();
        assert!(moved.iter().all(|(before, _)| ***before == *"b0"));
        let to: Vec<_> = moved.iter().map(|(_, after)| Arc::clone(after)).collect();
        assert_eq!(share(&to, "b0"), 0.0);
        assert!(
            all[1..]
                .iter()
                .all(|other| (share(&to, &other.label) - 0.25).abs() < 0.05)
        );
    }

    #[test]
    fn the_last_untried_backend_is_found_however_small_its_share() {
        let backends = backends(&[1000, 1000, 1]);
        let tried = tried(&backends[..2]);
        assert!(owners(&backends, &tried).iter().all(|owner| **owner == *"b2"));
    }

    #[test]
    fn a_request_without_the_key_goes_anywhere() {
        let backends = backends(&[1, 1]);
        let hash = Hash::new(HashKey::ClientAddress, &backends, Extent::Fixed);
        let tried = Tried::default();
        let ask = |dice| Ask {
            key: 0,
            dice,
            tried: &tried,
            now: crate::tick::Tick::default(),
            sticky: None,
        };
        let first = dice(2_000)
            .filter(|dice| hash.choose(&backends, &ask(*dice)) == Some(0))
            .count();
        assert!(first.abs_diff(1_000) < 150, "{first}");
    }

    #[test]
    fn a_pool_of_one_and_of_none_are_no_exception() {
        let ask = Ask {
            key: 5,
            dice: 5,
            tried: &Tried::default(),
            now: crate::tick::Tick::default(),
            sticky: None,
        };
        let one = backends(&[1]);
        assert_eq!(
            Hash::new(HashKey::Path, &one, Extent::Fixed).choose(&one, &ask),
            Some(0)
        );
        assert_eq!(
            Hash::new(HashKey::Path, &[], Extent::Fixed).choose(&[], &ask),
            None
        );
    }
}
