//! What one way of doing a thing costs more than another, from rounds that did both.

use crate::results::LoadSample;

/// A small difference between large, noisy figures: the median of the differences within each round, and the interval in
/// which the true median lies with 95 % probability (the sign test's: no assumption about how the noise is spread).
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) struct Added {
    pub(crate) median: f64,
    pub(crate) low: f64,
    pub(crate) high: f64,
}

impl Added {
    /// CPU time per request in microseconds that `other` has on top of `base`. `None` without rounds.
    pub(crate) fn cpu(base: &[LoadSample], other: &[LoadSample]) -> Option<Added> {
        let differences = base.iter().zip(other);
        Added::of(differences.map(|(base, other)| other.cpu_us - base.cpu_us))
    }

    fn of(differences: impl Iterator<Item = f64>) -> Option<Added> {
        let mut differences: Vec<f64> = differences.collect();
        differences.sort_by(f64::total_cmp);
        let last = differences.len().checked_sub(1)?;
        let outside = outside(differences.len());
        Some(Added {
            median: f64::midpoint(differences[last / 2], differences[last.div_ceil(2)]),
            low: differences[outside],
            high: differences[last - outside],
        })
    }

    /// Whether it is at most this, as far as the rounds can tell.
    pub(crate) fn verdict(&self, most: f64) -> &'static str {
        if self.high <= most {
            "met"
        } else if self.low > most {
            "**missed**"
        } else if self.median <= most {
            "met by the median, not by the interval"
        } else {
            "**missed** by the median, not by the interval"
        }
    }
}

/// How many of the sorted values lie outside the interval at each end: the most for which the chance that the median does
/// is at most 2.5 % an end. 0 if there are too few for that.
fn outside(count: usize) -> usize {
    let mut chance = 0.5_f64.powi(i32::try_from(count).unwrap_or(i32::MAX));
    let (mut sum, mut outside) = (0.0, 0);
    while outside < count / 2 {
        sum += chance;
        if sum > 0.025 {
            break;
        }
        outside += 1;
        chance *= (count - outside + 1) as f64 / outside as f64;
    }
    outside.saturating_sub(1)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn added(differences: &[f64]) -> Added {
        Added::of(differences.iter().copied()).unwrap()
    }

    #[test]
    fn the_interval_is_that_of_the_tables() {
        // The sign test's 95 % limits, as in any table of them: the 2nd of 10, 6th of 20 and 40th of 100 values.
        assert_eq!([10, 20, 100].map(outside), [1, 5, 39]);
        assert_eq!([1, 2, 5].map(outside), [0, 0, 0]);
    }

    #[test]
    fn one_wild_round_moves_neither_the_median_nor_the_interval() {
        let calm: Vec<f64> = (0..20).map(|step| f64::from(step) * 0.01).collect();
        let mut wild = calm.clone();
        wild[19] = 1000.0;
        assert_eq!(added(&calm), added(&wild));
    }

    #[test]
    fn rounds_are_compared_with_themselves() {
        let samples = |cpu: [f64; 3]| {
            cpu.map(|cpu_us| LoadSample {
                cpu_us,
                ..LoadSample::default()
            })
        };
        let added = Added::cpu(&samples([10.0, 20.0, 30.0]), &samples([11.0, 21.0, 31.0]));
        assert_eq!(added.map(|added| (added.low, added.high)), Some((1.0, 1.0)));
    }

    #[test]
    fn a_verdict_says_when_the_rounds_cannot_tell() {
        let verdict = |low, median, high| Added { median, low, high }.verdict(0.1);
        assert_eq!(verdict(0.0, 0.05, 0.1), "met");
        assert_eq!(verdict(0.2, 0.3, 0.4), "**missed**");
        assert!(verdict(-0.1, 0.05, 0.2).starts_with("met by the median"));
        assert!(verdict(0.0, 0.15, 0.2).starts_with("**missed** by the median"));
    }
}
