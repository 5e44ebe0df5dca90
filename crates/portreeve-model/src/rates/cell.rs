//! What one client, header value or route has used of a limit.

use std::sync::atomic::{AtomicU64, Ordering::SeqCst};

use super::pace::Pace;

/// The next position at which its owner would be let through had it never sent a burst ("theoretical arrival time" of
/// the generic cell rate algorithm, ITU-T I.371), and whose it is, in one word: whoever changes it knows that it still
/// is what he read.
///
/// Positions are kept in 43 bits, so they come round: at a million requests a second after 101 days. What is out of
/// reach counts as past.
#[derive(Debug, Default)]
pub(super) struct Cell(AtomicU64);

/// What a cell says.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Said {
    /// Let through, and counted.
    Yes,
    /// Not before time has come to this position.
    NotBefore(u64),
    /// Another thread changed it meanwhile: look again.
    Changed,
}

impl Cell {
    pub(super) fn load(&self) -> u64 {
        self.0.load(SeqCst)
    }

    /// One more for `owner` as of `position`, if the cell still holds what was `seen`. From a former owner nothing is
    /// taken over.
    pub(super) fn charge(&self, seen: u64, owner: u64, position: u64, pace: Pace) -> Said {
        let ahead = if owner_of(seen) == owner {
            ahead(seen, position, pace)
        } else {
            0
        };
        if ahead >= pace.burst {
            return Said::NotBefore(position + ahead + 1 - pace.burst);
        }
        let next = owner << POSITION_BITS | ((position + ahead + 1) & POSITION);
        match self.0.compare_exchange(seen, next, SeqCst, SeqCst) {
            Ok(_) => Said::Yes,
            Err(_) => Said::Changed,
        }
    }

    /// Takes one charge of `owner` back, if it is not forgotten. What is past becomes only more so.
    pub(super) fn refund(&self, owner: u64) {
        let less = |word: u64| {
            let position = (word & POSITION).wrapping_sub(1) & POSITION;
            (owner_of(word) == owner).then_some(owner << POSITION_BITS | position)
        };
        let _ = self.0.fetch_update(SeqCst, SeqCst, less);
    }
}

pub(super) fn owner_of(word: u64) -> u64 {
    word >> POSITION_BITS
}

/// How far what the word says is ahead of `position`; 0 if it is past.
pub(super) fn ahead(word: u64, position: u64, pace: Pace) -> u64 {
    let ahead = word.wrapping_sub(position) & POSITION;
    if ahead > pace.ahead_max { 0 } else { ahead }
}

/// What is left of a word for its owner.
pub(super) const OWNER_BITS: u32 = 64 - POSITION_BITS;
/// Enough for 101 days at a million requests a second.
pub(super) const POSITION_BITS: u32 = 43;
const POSITION: u64 = (1 << POSITION_BITS) - 1;

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;
    use crate::plan::{RateKey, RatePlan};

    fn pace() -> Pace {
        Pace::new(&RatePlan {
            per: RateKey::Route,
            requests: 1,
            every: Duration::from_micros(1),
            burst: 3,
        })
    }

    #[test]
    fn what_another_thread_changed_is_not_charged() {
        let cell = Cell::default();
        let seen = cell.load();
        assert_eq!(cell.charge(seen, 1, 50, pace()), Said::Yes);
        assert_eq!(cell.charge(seen, 1, 50, pace()), Said::Changed);
        assert_eq!(ahead(cell.load(), 50, pace()), 1);
    }

    #[test]
    fn nothing_is_taken_over_from_a_former_owner_and_nothing_given_back_to_him() {
        let cell = Cell::default();
        for _ in 0..3 {
            assert_eq!(cell.charge(cell.load(), 1, 50, pace()), Said::Yes);
        }
        assert_eq!(cell.charge(cell.load(), 1, 50, pace()), Said::NotBefore(51));
        assert_eq!(cell.charge(cell.load(), 2, 50, pace()), Said::Yes);
        cell.refund(1);
        assert_eq!((owner_of(cell.load()), ahead(cell.load(), 50, pace())), (2, 1));
        cell.refund(2);
        assert_eq!(ahead(cell.load(), 50, pace()), 0);
    }
}
