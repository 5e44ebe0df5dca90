//! What was wished within the last while.

use std::collections::VecDeque;
use std::time::Duration;

use crate::tick::Tick;

/// What was wished within a time that moves along, exactly as long as at most 64 decisions fall into it, else to a 64th of
/// the time too long.
#[derive(Debug, Default)]
pub(super) struct Recent(VecDeque<Bucket>);

/// What was wished at one moment.
#[derive(Debug, Clone, Copy)]
pub(super) struct Moment {
    /// What the rules want.
    pub(super) size: u32,
    /// How many, and what part of one more, would just be enough.
    pub(super) need: f64,
    /// How many would have been enough at every moment since the moment before; infinite: not known.
    pub(super) peak: f64,
}

impl Recent {
    /// Nothing is known but how many there were.
    pub(super) fn since(start: Tick, size: u32) -> Self {
        let mut bucket = Bucket::new(start);
        (bucket.most, bucket.least) = (size, size);
        Self([bucket].into())
    }

    /// Wished now. What is `window` old or older is forgotten.
    pub(super) fn note(&mut self, moment: Moment, now: Tick, window: Duration) {
        let width = window / SPACES;
        let is_near = |last: &Bucket| last.needs.count > 0.0 && now.since(last.first) < width;
        if !self.0.back().is_some_and(is_near) {
            self.0.push_back(Bucket::new(now));
        }
        if let Some(last) = self.0.back_mut() {
            last.note(moment, now);
        }
        let is_old = |first: &Bucket| now.since(first.last) >= window;
        while self.0.len() > 1 && self.0.front().is_some_and(is_old) {
            self.0.pop_front();
        }
    }

    /// The most that was wished.
    pub(super) fn most(&self) -> u32 {
        self.0.iter().map(|bucket| bucket.most).max().unwrap_or(0)
    }

    /// The least that was wished.
    pub(super) fn least(&self) -> u32 {
        self.0.iter().map(|bucket| bucket.least).min().unwrap_or(0)
    }

    /// What is unlikely to be needed if everything goes on as it did: five times as far above the mean as it usually is
    /// off, but no more than was ever needed for a moment.
    pub(super) fn need_by_chance(&self) -> f64 {
        let all = self.needs();
        (all.mean() + DEVIATIONS * all.deviation()).min(all.peak)
    }

    /// What is hardly ever needed if everything goes on as it did.
    pub(super) fn need_by_rare_chance(&self) -> f64 {
        let all = self.needs();
        all.mean() + RARE_DEVIATIONS * all.deviation()
    }

    pub(super) fn mean_need(&self) -> f64 {
        self.needs().mean()
    }

    fn needs(&self) -> Needs {
        let buckets = self.0.iter();
        buckets.fold(Needs::default(), |all, bucket| all.with(&bucket.needs))
    }
}

/// Moments that are near each other.
#[derive(Debug)]
struct Bucket {
    first: Tick,
    last: Tick,
    most: u32,
    least: u32,
    needs: Needs,
}

impl Bucket {
    fn new(now: Tick) -> Self {
        Self {
            first: now,
            last: now,
            most: 0,
            least: u32::MAX,
            needs: Needs::default(),
        }
    }

    fn note(&mut self, moment: Moment, now: Tick) {
        self.last = now;
        self.most = self.most.max(moment.size);
        self.least = self.least.min(moment.size);
        self.needs = self.needs.with(&Needs::of(moment));
    }
}

/// How what was needed is spread.
#[derive(Debug, Clone, Copy, Default)]
struct Needs {
    count: f64,
    sum: f64,
    squares: f64,
    peak: f64,
}

impl Needs {
    fn of(moment: Moment) -> Self {
        Self {
            count: 1.0,
            sum: moment.need,
            squares: moment.need * moment.need,
            peak: moment.peak,
        }
    }

    fn with(&self, other: &Self) -> Self {
        Self {
            count: self.count + other.count,
            sum: self.sum + other.sum,
            squares: self.squares + other.squares,
            peak: self.peak.max(other.peak),
        }
    }

    fn mean(&self) -> f64 {
        self.sum / self.count.max(1.0)
    }

    /// How far off the mean one is usually, at most: what few show is taken for less than the truth.
    fn deviation(&self) -> f64 {
        let mean_square = self.squares / self.count.max(1.0);
        let seen = (mean_square - self.mean() * self.mean()).max(0.0).sqrt();
        seen * (1.0 + 2.0 / self.count.max(1.0).sqrt())
    }
}

const SPACES: u32 = 64;
/// By chance, a need that is spread normally is so far off once in 3.5 million times.
const DEVIATIONS: f64 = 5.0;
const RARE_DEVIATIONS: f64 = 6.0;

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn at(seconds: u64) -> Tick {
        Tick::of_micros(seconds * 1_000_000)
    }

    fn of(size: u32) -> Moment {
        Moment {
            size,
            need: f64::from(size),
            peak: f64::INFINITY,
        }
    }

    const WINDOW: Duration = Duration::from_secs(300);

    #[test]
    fn what_is_as_old_as_the_window_is_forgotten() {
        let mut recent = Recent::since(at(0), 4);
        recent.note(of(1), at(10), WINDOW);
        recent.note(of(2), at(299), WINDOW);
        assert_eq!((recent.least(), recent.most()), (1, 4));
        recent.note(of(2), at(300), WINDOW);
        assert_eq!((recent.least(), recent.most()), (1, 2));
        recent.note(of(2), at(310), WINDOW);
        assert_eq!((recent.least(), recent.most()), (2, 2));
    }

    #[test]
    fn without_a_window_only_now_counts() {
        let mut recent = Recent::since(at(0), 4);
        recent.note(of(1), at(0), Duration::ZERO);
        assert_eq!((recent.least(), recent.most()), (1, 1));
        recent.note(of(7), at(0), Duration::ZERO);
        assert_eq!((recent.least(), recent.most()), (7, 7));
        assert_eq!(recent.need_by_chance(), 7.0);
    }

    #[test]
    fn what_never_wavered_needs_no_more_than_it_did() {
        let mut recent = Recent::since(at(0), 9);
        (0..30).for_each(|step| recent.note(of(3), at(step * 10), WINDOW));
        assert_eq!(recent.need_by_chance(), 3.0);
    }

    #[test]
    fn what_wavers_may_need_more_but_not_more_than_it_ever_did() {
        let needing = |need, peak| Moment { size: 2, need, peak };
        let mut recent = Recent::since(at(0), 2);
        for step in 0..30 {
            let need = if step % 2 == 0 { 1.5 } else { 1.7 };
            recent.note(needing(need, 5.0), at(step * 10), WINDOW);
        }
        let deviation = 0.1 * (1.0 + 2.0 / 30_f64.sqrt());
        assert!((recent.need_by_chance() - 1.6 - 5.0 * deviation).abs() < 1e-9);
        (30..60).for_each(|step| {
            recent.note(
                needing(if step % 2 == 0 { 1.5 } else { 1.7 }, 1.8),
                at(step * 10),
                WINDOW,
            );
        });
        assert_eq!(recent.need_by_chance(), 1.8);
    }

    proptest! {
        /// Whoever remembers every decision finds the same, up to a 64th of the window.
        #[test]
        fn most_and_least_are_those_of_the_window(
            steps in proptest::collection::vec((0_u64..30, 0_u32..20), 1..300),
        ) {
            let (mut recent, mut all, mut now) = (Recent::since(at(0), 5), vec![(0, 5)], 0);
            for (pause, size) in steps {
                now += pause;
                all.push((now, size));
                recent.note(of(size), at(now), WINDOW);
                let sizes = |window: u64| all.iter().filter(move |(at, _)| now - at < window).map(|(_, size)| *size);
                let (most, least) = (recent.most(), recent.least());
                prop_assert!(sizes(300).max() <= Some(most) && Some(most) <= sizes(305).max());
                prop_assert!(sizes(300).min() >= Some(least) && Some(least) >= sizes(305).min());
                prop_assert!(recent.0.len() <= SPACES as usize + 2);
            }
        }
    }
}
