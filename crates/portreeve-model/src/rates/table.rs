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
    pub(super) fn refund(&self, hash: u64, position: u64, pace: Pace) {
        let (set, owner) = self.find(hash);
        if let Some(way) = way_of(set.owners.load(SeqCst), owner) {
            set.cells[way].refund(owner, position, pace);
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
        let cell = &self.cells[way];
        let seen = cell.load();
        let is_former = owner_of(seen) != owner;
        if is_former && owner_in(self.owners.load(SeqCst), way) != owner {
            return Said::Changed;
        }
        cell.charge(seen, owner, position, pace)
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
