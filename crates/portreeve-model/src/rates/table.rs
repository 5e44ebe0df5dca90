//! A bounded table of what many have used of a limit.

use std::sync::atomic::{AtomicU64, Ordering::SeqCst};

use super::cell::{Cell, OWNER_BITS, Said, ahead, owner_of};
use super::pace::Pace;

/// 24,576 places in sets of three; a key's hash says which set. Who comes and finds no place there takes that of the one
/// who is nearest to having a whole burst again, or has one: of the latter nothing is lost.
///
/// Who sits in a set stands in one word, so nobody sits there twice, and a place counts for its owner alone, as that
/// stands in the very word that counts. So no two threads ever let through more than one would, as long as nobody has
/// to leave before his time. Keys are told apart by 34 bits: one in a million shares its limit with another.
#[derive(Debug)]
pub(super) struct Table(Box<[Set]>);

impl Table {
    pub(super) fn new() -> Self {
        Self((0..SETS).map(|_| Set::default()).collect())
    }

    /// One more for the key with that hash.
    pub(super) fn charge(&self, hash: u64, position: u64, pace: Pace) -> Said {
        let (set, owner) = self.find(hash);
        loop {
            let said = set.charge(owner, position, pace);
            if said != Said::Changed {
                return said;
            }
        }
    }

    /// Takes a charge back.
    pub(super) fn refund(&self, hash: u64) {
        let (set, owner) = self.find(hash);
        if let Some(way) = way_of(set.owners.load(SeqCst), owner) {
            set.cells[way].refund(owner);
        }
    }

    /// The set by the upper bits, the owner by the lower; 0 is nobody.
    fn find(&self, hash: u64) -> (&Set, u64) {
        let [first, second, ..] = hash.to_be_bytes();
        let set = usize::from(u16::from_be_bytes([first, second])) % SETS;
        (&self.0[set], (hash & OWNER).max(1))
    }
}

/// Three places.
#[derive(Debug, Default)]
#[repr(align(32))]
struct Set {
    /// Whose they are.
    owners: AtomicU64,
    cells: [Cell; WAYS],
}

impl Set {
    fn charge(&self, owner: u64, position: u64, pace: Pace) -> Said {
        let owners = self.owners.load(SeqCst);
        let Some(way) = way_of(owners, owner) else {
            self.seat(owners, owner, position, pace);
            return Said::Changed;
        };
        self.charge_at(way, owner, position, pace)
    }

    /// In the place where it was seen to sit. What counts there may still be the former owner's; or already that of one
    /// who took the place since.
    fn charge_at(&self, way: usize, owner: u64, position: u64, pace: Pace) -> Said {
        let seen = self.cells[way].load();
        let is_other = owner_of(seen) != owner;
        if is_other && owner_in(self.owners.load(SeqCst), way) != owner {
            return Said::Changed;
        }
        self.cells[way].charge(seen, owner, position, pace)
    }

    /// Gives it a place, unless another thread changes who sits here meanwhile.
    fn seat(&self, owners: u64, owner: u64, position: u64, pace: Pace) {
        let used = |way: &usize| match owner_in(owners, *way) {
            0 => None,
            _ => Some(ahead(self.cells[*way].load(), position, pace)),
        };
        let way = (0..WAYS).min_by_key(used).unwrap_or(0);
        let shift = SHIFTS[way];
        let next = owners & !(OWNER << shift) | owner << shift;
        let _ = self.owners.compare_exchange(owners, next, SeqCst, SeqCst);
    }
}

fn way_of(owners: u64, owner: u64) -> Option<usize> {
    (0..WAYS).find(|way| owner_in(owners, *way) == owner)
}

fn owner_in(owners: u64, way: usize) -> u64 {
    owners >> SHIFTS[way] & OWNER
}

/// Three owners of 21 bits fit into a word.
const WAYS: usize = 3;
const SHIFTS: [u32; WAYS] = [0, OWNER_BITS, 2 * OWNER_BITS];
const SETS: usize = 1 << 13;
const OWNER: u64 = (1 << OWNER_BITS) - 1;

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;
    use crate::plan::{RateKey, RatePlan};
    use crate::samples::in_threads;

    /// One request a position, so many at once.
    fn pace(burst: u32) -> Pace {
        Pace::new(&RatePlan {
            per: RateKey::Client,
            requests: 1,
            every: Duration::from_micros(1),
            burst,
        })
    }

    /// How many of 100 at once are let through.
    fn burst(table: &Table, key: u64, position: u64, pace: Pace) -> usize {
        (0..100)
            .filter(|_| table.charge(key, position, pace) == Said::Yes)
            .count()
    }

    #[test]
    fn every_key_has_a_burst_of_its_own() {
        let (table, pace) = (Table::new(), pace(7));
        assert!((1..=3).all(|key| burst(&table, key, 50, pace) == 7));
        assert!((1..=3).all(|key| burst(&table, key, 50, pace) == 0));
        assert!((1..=3).all(|key| burst(&table, key, 55, pace) == 5));
        assert!((1..=3).all(|key| burst(&table, key, 1 << 42, pace) == 7));
    }

    #[test]
    fn who_comes_to_a_full_set_takes_the_place_of_whoever_has_used_least() {
        let (table, pace) = (Table::new(), pace(7));
        for (key, used) in [(1, 5), (2, 2), (3, 6)] {
            (0..used).for_each(|_| assert_eq!(table.charge(key, 50, pace), Said::Yes));
        }
        assert_eq!(burst(&table, 4, 50, pace), 7);
        assert_eq!([1, 3, 4].map(|key| burst(&table, key, 50, pace)), [2, 1, 0]);
    }

    #[test]
    fn who_has_a_whole_burst_again_loses_nothing_by_giving_way() {
        let (table, pace) = (Table::new(), pace(7));
        assert_eq!(burst(&table, 1, 50, pace), 7);
        assert!((2..=3).all(|key| burst(&table, key, 60, pace) == 7));
        assert_eq!(burst(&table, 4, 60, pace), 7);
        assert_eq!([2, 3, 4].map(|key| burst(&table, key, 60, pace)), [0, 0, 0]);
    }

    #[test]
    fn a_newcomer_takes_over_nothing_from_whom_it_follows() {
        let (table, pace) = (Table::new(), pace(7));
        for key in 1..=9 {
            assert_eq!(burst(&table, key, 50, pace), 7, "{key}");
        }
    }

    #[test]
    fn a_charge_is_taken_back_once_and_only_from_its_owner() {
        let (table, pace) = (Table::new(), pace(7));
        table.refund(1);
        assert_eq!(burst(&table, 1, 50, pace), 7);
        table.refund(1);
        table.refund(2);
        assert_eq!(burst(&table, 1, 50, pace), 1);
        table.refund(1);
        assert_eq!(burst(&table, 1, 90, pace), 7, "more than a burst never");
    }

    #[test]
    fn who_was_seen_in_a_place_does_not_count_there_once_another_has_it() {
        let (set, pace) = (Set::default(), pace(2));
        while set.charge(1, 50, pace) == Said::Changed {}
        let way = way_of(set.owners.load(SeqCst), 1).unwrap();
        for other in (2..=4).chain(2..=4) {
            while set.charge(other, 60, pace) == Said::Changed {}
        }
        let there = set.cells[way].load();
        assert_eq!(set.charge_at(way, 1, 60, pace), Said::Changed);
        assert_eq!(set.cells[way].load(), there);
    }

    #[test]
    fn threads_let_through_what_one_would() {
        let (table, pace) = (Table::new(), pace(500));
        for position in [0, 1_000, 5_000] {
            let keys = || (0..3_u64).chain([1 << 48, 1 << 49]);
            let work = |_| {
                let asked = (0..3_000).flat_map(|_| keys());
                let is_let_through = |key: &u64| table.charge(*key, position, pace) == Said::Yes;
                asked.filter(is_let_through).count()
            };
            let let_through: usize = in_threads(4, work).into_iter().sum();
            assert_eq!(let_through, 4 * 500, "0 and 1 are one owner");
        }
    }

    #[test]
    fn a_set_that_threads_fight_over_holds_nobody_twice() {
        let (table, pace) = (Table::new(), pace(3));
        in_threads(4, |thread| {
            for turn in 0..20_000_u64 {
                table.charge(1 + (turn + thread) % 5, turn, pace);
            }
        });
        let owners = table.0[0].owners.load(SeqCst);
        let mut seated: Vec<_> = (0..WAYS).map(|way| owner_in(owners, way)).collect();
        seated.sort_unstable();
        seated.dedup();
        assert_eq!(seated.len(), WAYS);
        assert!(seated.iter().all(|owner| (1..=5).contains(owner)));
    }

    #[test]
    fn all_of_it_is_a_quarter_of_a_mebibyte() {
        assert_eq!(size_of::<Set>() * SETS, 256 * 1024);
    }
}
