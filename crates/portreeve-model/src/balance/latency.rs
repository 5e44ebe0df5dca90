//! How soon answers are to be expected, for those who compare backends by it.

use crate::backend::Backend;
use crate::tick::Tick;

/// Which of two is expected to answer sooner, or that it is about the same.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Sooner {
    One,
    Other,
    Neither,
}

/// The latency to be expected of a backend in microseconds; `None` if nobody knows, as it has not answered yet. One
/// that failed as often as it was asked lately is taken for slower than it is: to be fast is no merit where the answer is
/// an error.
pub(super) fn expected(backend: &Backend, now: Tick) -> Option<f64> {
    let latency = backend.vitals.latency(now)?.as_secs_f64() * 1e6;
    let failed = f64::from(backend.vitals.failures_in_a_row().min(FAILED_MAX));
    Some((latency + FAILED_US * failed) * (1.0 + failed))
}

/// Small differences say nothing: backends that are alike differ by their last peak, and whoever had it would be left
/// alone for seconds. Below twice as slow, and below half a millisecond, one is as good as the other; so is one of whom
/// nothing is known.
pub(super) fn compare(one: Option<f64>, other: Option<f64>) -> Sooner {
    let (Some(one), Some(other)) = (one, other) else {
        return Sooner::Neither;
    };
    let (one, other) = (one + FLOOR_US, other + FLOOR_US);
    if one * FACTOR < other {
        Sooner::One
    } else if other * FACTOR < one {
        Sooner::Other
    } else {
        Sooner::Neither
    }
}

const FACTOR: f64 = 2.0;
/// What a failure in a row adds, so that errors that come in no time are slow too.
const FAILED_US: f64 = 1_000.0;
const FAILED_MAX: u32 = 20;
const FLOOR_US: f64 = 500.0;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_a_clear_difference_counts() {
        let ms = |ms: f64| Some(ms * 1_000.0);
        assert_eq!(compare(ms(10.0), ms(19.0)), Sooner::Neither);
        assert_eq!(compare(ms(10.0), ms(100.0)), Sooner::One);
        assert_eq!(compare(ms(100.0), ms(10.0)), Sooner::Other);
        assert_eq!(compare(ms(0.05), ms(0.5)), Sooner::Neither, "that is noise");
        assert_eq!(compare(None, ms(10.0)), Sooner::Neither);
    }
}
