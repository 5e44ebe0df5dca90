//! Durations as texts: `"250ms"`, `"10s"`, `"5m"`, `"1h"`, `"7d"`, as in the configuration file.

use std::time::Duration;

/// Reads a whole number with one of the units ms, s, m, h, d; `None` for anything else.
#[must_use]
pub fn duration(text: &str) -> Option<Duration> {
    let digits = text.bytes().take_while(u8::is_ascii_digit).count();
    let (number, unit) = text.split_at(digits);
    let (_, ms) = UNITS.iter().find(|(name, _)| *name == unit)?;
    Some(Duration::from_millis(
        number.parse::<u64>().ok()?.checked_mul(*ms)?,
    ))
}

/// Writes a duration in the largest unit that holds it exactly; less than a millisecond is lost.
#[must_use]
pub fn show(duration: Duration) -> String {
    let ms = u64::try_from(duration.as_millis()).unwrap_or(u64::MAX);
    let fits = |unit: &&(&str, u64)| ms >= unit.1 && ms.is_multiple_of(unit.1);
    match UNITS.iter().rev().find(fits) {
        Some((unit, size)) => format!("{}{unit}", ms / size),
        None => "0s".to_owned(),
    }
}

/// For serde: a duration that may be missing.
pub(crate) fn write<S: serde::Serializer>(duration: &Option<Duration>, into: S) -> Result<S::Ok, S::Error> {
    match duration {
        Some(duration) => into.serialize_str(&show(*duration)),
        None => into.serialize_none(),
    }
}

/// In milliseconds, smallest first.
const UNITS: [(&str, u64); 5] = [
    ("ms", 1),
    ("s", 1_000),
    ("m", 60_000),
    ("h", 3_600_000),
    ("d", 86_400_000),
];

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_shown_is_read_back() {
        for text in ["1ms", "250ms", "10s", "90s", "5m", "1h", "7d"] {
            assert_eq!(show(duration(text).unwrap()), text);
        }
        assert_eq!(duration("0s"), Some(Duration::ZERO));
        assert_eq!(show(Duration::ZERO), "0s");
    }

    #[test]
    fn what_has_no_unit_or_no_number_is_none() {
        for text in [
            "",
            "10",
            "s",
            "-1s",
            "1.5s",
            "10 s",
            "1w",
            "18446744073709551615d",
        ] {
            assert_eq!(duration(text), None, "{text}");
        }
    }
}
