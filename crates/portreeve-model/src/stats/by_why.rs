//! A count for each reason for which a backend was chosen.

use super::counter::Counter;
use crate::why::Why;

/// A count for each reason.
#[derive(Debug, Default)]
pub(super) struct ByWhy([Counter; Why::ALL.len()]);

impl ByWhy {
    pub(super) fn add(&self, why: Why) {
        self.0[why as usize].add(1);
    }
}

/// Adds shards up: every reason, also those that never were one, in the order of [`Why::ALL`].
pub(super) fn sum<'a>(shards: impl Iterator<Item = &'a ByWhy>) -> Vec<(Why, u64)> {
    let mut totals: Vec<_> = Why::ALL.iter().map(|why| (*why, 0)).collect();
    for shard in shards {
        for ((_, total), count) in totals.iter_mut().zip(&shard.0) {
            *total += count.get();
        }
    }
    totals
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_reason_is_counted_in_its_own_place() {
        let counts = ByWhy::default();
        for (place, why) in Why::ALL.into_iter().enumerate() {
            (0..=place).for_each(|_| counts.add(why));
        }
        let totals = sum([&counts, &counts].into_iter());
        for (place, (why, total)) in totals.into_iter().enumerate() {
            assert_eq!((why, total), (Why::ALL[place], 2 * (place as u64 + 1)));
        }
    }
}
