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

mod key;
mod slots;

use std::sync::Arc;

use self::slots::Slots;
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
    pub(super) fn new(key: HashKey, backends: &[Arc<Backend>]) -> Self {
        Self {
            key,
            slots: Slots::share_out(backends),
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
