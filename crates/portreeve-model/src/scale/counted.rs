//! How many requests came in a time.

use std::collections::VecDeque;
use std::time::Duration;

use crate::tick::Tick;

/// How many requests came within a time that moves along: what was counted until then, at moments that are a 60th of the
/// time apart.
#[derive(Debug)]
pub(super) struct Counted {
    within: Duration,
    /// The first was at or before the beginning of the time, if anybody looked then.
    points: VecDeque<Point>,
}

impl Counted {
    pub(super) fn new(within: Duration) -> Self {
        Self {
            within,
            points: VecDeque::with_capacity(POINTS_MAX),
        }
    }

    /// One of another time, with what this one knows.
    pub(super) fn seed(&self, within: Duration) -> Self {
        let mut counted = Self::new(within);
        self.points
            .iter()
            .for_each(|point| counted.note(point.total, point.at));
        counted
    }

    pub(super) fn within(&self) -> Duration {
        self.within
    }

    /// So many since the start.
    pub(super) fn note(&mut self, total: u64, now: Tick) {
        self.bear_with_less(total);
        let point = Point { at: now, total };
        if self.is_last_near() || self.points.len() == POINTS_MAX {
            self.points.pop_back();
        }
        self.points.push_back(point);
        while self.points.get(1).is_some_and(|second| self.is_past(second, now)) {
            self.points.pop_front();
        }
    }

    /// How many came within the time that ends now. What came between two looks is taken to have come evenly.
    pub(super) fn count(&self, now: Tick) -> u64 {
        let Some(last) = self.points.back() else { return 0 };
        last.total - self.total_at_beginning(now).min(last.total)
    }

    fn total_at_beginning(&self, now: Tick) -> u64 {
        let (first, second) = match (self.points.front(), self.points.get(1)) {
            (Some(first), Some(second)) if self.is_past(first, now) => (first, second),
            (Some(first), _) => return first.total,
            (None, _) => return 0,
        };
        let gap = second.at.since(first.at).as_micros().max(1);
        let outside = (now.since(first.at).saturating_sub(self.within))
            .as_micros()
            .min(gap);
        let gone = u128::from(second.total - first.total) * outside / gap;
        first.total + u64::try_from(gone).unwrap_or(u64::MAX)
    }

    /// Whether the last point is too near the one before it to stay.
    fn is_last_near(&self) -> bool {
        let mut latest = self.points.iter().rev();
        let (Some(last), Some(before)) = (latest.next(), latest.next()) else {
            return false;
        };
        last.at.since(before.at) < self.within / SPACES
    }

    fn is_past(&self, point: &Point, now: Tick) -> bool {
        now.since(point.at) >= self.within
    }

    /// Totals do not shrink, but whoever adds them up may lose a part. Then what came lately stays what it is.
    fn bear_with_less(&mut self, total: u64) {
        let lost = self
            .points
            .back()
            .map_or(0, |last| last.total.saturating_sub(total));
        if lost > 0 {
            self.points
                .iter_mut()
                .for_each(|point| point.total = point.total.saturating_sub(lost));
        }
    }
}

#[derive(Debug, Clone, Copy)]
struct Point {
    at: Tick,
    total: u64,
}

const SPACES: u32 = 60;
/// One before the time, one in each space, the latest, and one that is about to go.
const POINTS_MAX: usize = SPACES as usize + 4;

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn at(ms: u64) -> Tick {
        Tick::of_micros(ms * 1_000)
    }

    fn minute() -> Counted {
        Counted::new(Duration::from_secs(60))
    }

    #[test]
    fn what_came_before_the_first_look_is_not_counted() {
        let mut counted = minute();
        assert_eq!(counted.count(at(0)), 0);
        counted.note(1_000_000, at(0));
        assert_eq!(counted.count(at(0)), 0);
        counted.note(1_000_007, at(1_000));
        assert_eq!(counted.count(at(1_000)), 7);
    }

    #[test]
    fn requests_leave_as_they_came() {
        let mut counted = minute();
        counted.note(0, at(0));
        counted.note(100, at(10_000));
        for second in 11..=60 {
            counted.note(100, at(second * 1_000));
            assert_eq!(counted.count(at(second * 1_000)), 100);
        }
        counted.note(100, at(65_000));
        assert_eq!(counted.count(at(65_000)), 50);
        counted.note(100, at(70_000));
        assert_eq!(counted.count(at(70_000)), 0);
    }

    #[test]
    fn a_part_that_is_lost_takes_nothing_from_the_count() {
        let mut counted = minute();
        counted.note(1_000, at(0));
        counted.note(1_030, at(1_000));
        counted.note(430, at(2_000));
        assert_eq!(counted.count(at(2_000)), 30);
    }

    #[test]
    fn another_time_begins_with_what_is_known() {
        let mut counted = minute();
        (0..=60).for_each(|second| counted.note(second * 10, at(second * 1_000)));
        assert_eq!(counted.seed(Duration::from_secs(10)).count(at(60_000)), 100);
        assert_eq!(counted.seed(Duration::from_secs(3_600)).count(at(60_000)), 600);
    }

    proptest! {
        /// Off by no more than came in the two spaces at its beginning, and never more points than there is room for.
        #[test]
        fn it_counts_what_a_list_of_all_requests_counts(
            steps in proptest::collection::vec((1_u64..3_000, 0_u64..50), 1..400),
        ) {
            let (mut counted, mut all, mut now, mut total) = (minute(), Vec::new(), 0, 0);
            counted.note(0, at(0));
            for (pause, more) in steps {
                now += pause;
                total += more;
                all.push((now, more));
                counted.note(total, at(now));
                let came = |within: u64| -> u64 {
                    let begin = now.saturating_sub(within);
                    all.iter().filter(|(at, _)| *at > begin || now < within).map(|(_, more)| more).sum()
                };
                let count = counted.count(at(now));
                prop_assert!(came(56_000) <= count && count <= came(64_000), "{count}");
                prop_assert!(counted.points.len() <= POINTS_MAX);
                prop_assert!(counted.points.capacity() < 2 * POINTS_MAX);
            }
        }
    }
}
