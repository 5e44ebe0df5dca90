//! How large the tables of a balancer may be.

/// How large tables may be: a table that is exact to the last turn costs milliseconds to make, which is fine once a
/// reload, and not at each registration.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Extent {
    /// For backends that only a reload changes: 65,536 slots (256 KiB) and turns.
    Fixed,
    /// For backends that come and go, in groups of which there may be a thousand: 4,096 slots (16 KiB), so shares are
    /// off by about sqrt(n / 4,096); and 1,024 turns, or four for each backend.
    Changing,
}

impl Extent {
    /// Slots of consistent hashing: a power of two.
    pub(crate) fn slots(self) -> usize {
        1 << self.bits()
    }

    /// The slot of a random number: its highest bits.
    pub(crate) fn slot(self, number: u64) -> usize {
        usize::try_from(number >> (u64::BITS - self.bits())).unwrap_or(0)
    }

    /// Turns after which a weighted round robin of so many backends starts again, at most.
    pub(crate) fn turns_max(self, backends: usize) -> u64 {
        match self {
            Self::Fixed => 65_536,
            Self::Changing => 1_024.max(4 * backends as u64),
        }
    }

    fn bits(self) -> u32 {
        match self {
            Self::Fixed => 16,
            Self::Changing => 12,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::balance::sequence::Sequence;

    #[test]
    fn odd_weights_of_members_make_no_long_sequence() {
        let odd: Vec<u16> = (1..=70).map(|nth| 1_000 - nth).collect();
        let turns = Extent::Changing.turns_max(odd.len());
        let sequence = Sequence::smooth(&odd, turns);
        assert_eq!(turns, 1_024);
        assert!(sequence.is_rounded() && sequence.len() <= turns);
    }

    #[test]
    fn every_slot_can_be_reached() {
        for extent in [Extent::Fixed, Extent::Changing] {
            assert_eq!(extent.slot(0), 0);
            assert_eq!(extent.slot(u64::MAX), extent.slots() - 1);
        }
    }
}
