//! What a backend says of its own load.

use std::sync::atomic::{AtomicU64, Ordering::Relaxed};

use crate::tick::Tick;

/// What a backend says of its own load, in a heartbeat, a probe's answer or a response.
#[derive(Debug, Clone, Copy, PartialEq, Default)]
pub struct Report {
    /// How busy it is, from 0 (idle) to 1 (it can do no more).
    pub load: Option<f32>,
    /// Requests in flight there, from everybody; kept up to 65,534.
    pub in_flight: Option<u32>,
}

impl Report {
    /// The same without what cannot be true: a load that is no number between 0 and 1.
    fn believed(self) -> Self {
        Self {
            load: self.load.filter(|load| (0.0..=1.0).contains(load)),
            ..self
        }
    }

    fn is_empty(self) -> bool {
        self.load.is_none() && self.in_flight.is_none()
    }
}

/// The last report, and when that was.
#[derive(Debug, Default)]
pub(crate) struct LastReport {
    /// Load in 65,534ths above, then requests, each 65,535 if not said; below when, in tenths of a second and one
    /// more, 0 for never.
    packed: AtomicU64,
    ignored: AtomicU64,
}

impl LastReport {
    /// Takes the place of the one before. What cannot be true is left out, and counted.
    pub(crate) fn put(&self, report: Report, now: Tick) {
        let believed = report.believed();
        if believed != report {
            self.ignored.fetch_add(1, Relaxed);
        }
        if !believed.is_empty() {
            self.packed.store(pack(believed, now), Relaxed);
        }
    }

    /// If it is not older than 30 s.
    pub(crate) fn get(&self, now: Tick) -> Option<Report> {
        let packed = self.packed.load(Relaxed);
        let at = low_bits(packed, 32);
        let age = moment(now).saturating_sub(at);
        (at != 0 && age <= AGE_MAX).then(|| unpack(packed))
    }

    pub(crate) fn ignored_total(&self) -> u64 {
        self.ignored.load(Relaxed)
    }
}

fn pack(report: Report, now: Tick) -> u64 {
    let load = report.load.map_or(UNSAID, in_steps);
    let in_flight = report
        .in_flight
        .map_or(UNSAID, |count| u64::from(count).min(STEPS));
    load << 48 | in_flight << 32 | moment(now)
}

fn unpack(packed: u64) -> Report {
    let said = |bits: u64| u16::try_from(bits).ok().filter(|said| u64::from(*said) != UNSAID);
    Report {
        load: said(packed >> 48).map(|steps| f32::from(steps) / STEPS_F32),
        in_flight: said(low_bits(packed >> 32, 16)).map(u32::from),
    }
}

#[expect(
    clippy::cast_possible_truncation,
    clippy::cast_sign_loss,
    reason = "between 0 and 65,534, as a load is between 0 and 1"
)]
fn in_steps(load: f32) -> u64 {
    (load * STEPS_F32).round() as u64
}

/// 13 years fit.
fn moment(now: Tick) -> u64 {
    (now.micros() / 100_000 + 1).min(u64::from(u32::MAX))
}

fn low_bits(number: u64, bits: u32) -> u64 {
    number & ((1 << bits) - 1)
}

const UNSAID: u64 = 65_535;
const STEPS: u64 = 65_534;
const STEPS_F32: f32 = 65_534.0;
/// In tenths of a second.
const AGE_MAX: u64 = 300;

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;

    fn at(seconds: u64) -> Tick {
        Tick::after_start(Duration::from_secs(seconds))
    }

    fn report(load: Option<f32>, in_flight: Option<u32>) -> Report {
        Report { load, in_flight }
    }

    #[test]
    fn a_report_is_believed_for_thirty_seconds() {
        let last = LastReport::default();
        assert_eq!(last.get(at(5)), None);
        last.put(report(Some(0.5), Some(12)), at(100));
        let got = last.get(at(130)).unwrap();
        assert!((got.load.unwrap() - 0.5).abs() < 1e-4);
        assert_eq!(got.in_flight, Some(12));
        assert_eq!(last.get(at(131)), None);
    }

    #[test]
    fn what_cannot_be_true_is_ignored_and_counted() {
        let last = LastReport::default();
        for load in [f32::NAN, f32::INFINITY, -0.1, 1.1] {
            last.put(report(Some(load), None), at(1));
        }
        assert_eq!((last.get(at(1)), last.ignored_total()), (None, 4));
        last.put(report(Some(f32::NAN), Some(7)), at(1));
        assert_eq!(last.get(at(1)), Some(report(None, Some(7))));
    }

    #[test]
    fn both_ends_survive_and_huge_counts_are_cut() {
        let last = LastReport::default();
        last.put(report(Some(0.0), Some(0)), at(1));
        assert_eq!(last.get(at(1)), Some(report(Some(0.0), Some(0))));
        last.put(report(Some(1.0), Some(u32::MAX)), at(1));
        assert_eq!(last.get(at(1)), Some(report(Some(1.0), Some(65_534))));
    }

    #[test]
    fn an_empty_report_takes_nothing_away() {
        let last = LastReport::default();
        last.put(report(Some(1.0), None), at(1));
        last.put(Report::default(), at(2));
        assert_eq!(last.get(at(2)), Some(report(Some(1.0), None)));
        assert_eq!(last.ignored_total(), 0);
    }
}
