//! Durations as the file writes them: `"250ms"`, `"10s"`, `"5m"`, `"1h"`, `"7d"`.

use std::time::Duration;

use crate::word::Complaint;

/// Reads a whole number with a unit.
pub(crate) fn duration(text: &str) -> Result<Duration, Complaint> {
    let digits = text.bytes().take_while(u8::is_ascii_digit).count();
    let (number, unit) = text.split_at(digits);
    let (Ok(number), Some(ms)) = (number.parse::<u64>(), ms_of(unit)) else {
        return Err(complaint(number, unit));
    };
    number
        .checked_mul(ms)
        .map(Duration::from_millis)
        .ok_or_else(|| Complaint::new(FORM))
}

/// Writes a duration in the largest unit that holds it exactly; less than a millisecond is lost.
pub(crate) fn show(duration: Duration) -> String {
    let ms = u64::try_from(duration.as_millis()).unwrap_or(u64::MAX);
    let fits = |unit: &&(&str, u64)| ms >= unit.1 && ms.is_multiple_of(unit.1);
    match UNITS.iter().rev().find(fits) {
        Some((unit, size)) => format!("{}{unit}", ms / size),
        None => "0s".to_owned(),
    }
}

fn ms_of(unit: &str) -> Option<u64> {
    UNITS.iter().find(|(name, _)| *name == unit).map(|(_, ms)| *ms)
}

fn complaint(number: &str, unit: &str) -> Complaint {
    let complaint = Complaint::new(FORM);
    match (number, unit) {
        ("", _) => complaint,
        (_, "") => complaint.hint(format!("the unit is missing: perhaps \"{number}s\"")),
        (_, unit) if meant(unit).is_some() => {
            complaint.hint(format!("perhaps \"{number}{}\"", meant(unit).unwrap_or_default()))
        }
        (_, fraction) if fraction.starts_with('.') => complaint.hint("no fractions: 1.5s is \"1500ms\""),
        (_, unit) => complaint.hint(format!("the unit {unit:?} is not known")),
    }
}

/// A known unit that is written in another way.
fn meant(unit: &str) -> Option<&'static str> {
    let unit = unit.trim().to_ascii_lowercase();
    let known = |names: &&(&'static str, &[&str])| names.0 == unit || names.1.contains(&unit.as_str());
    NAMES.iter().find(known).map(|(name, _)| *name)
}

/// What others write for our units.
const NAMES: [(&str, &[&str]); 5] = [
    ("ms", &["msec", "msecs", "millis", "millisecond", "milliseconds"]),
    ("s", &["sec", "secs", "second", "seconds"]),
    ("m", &["min", "mins", "minute", "minutes"]),
    ("h", &["hr", "hrs", "hour", "hours"]),
    ("d", &["day", "days"]),
];

/// In milliseconds, smallest first.
const UNITS: [(&str, u64); 5] = [
    ("ms", 1),
    ("s", 1_000),
    ("m", 60_000),
    ("h", 3_600_000),
    ("d", 86_400_000),
];

const FORM: &str = "a whole number with one of the units ms, s, m, h, d, such as \"10s\"";

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_unit_counts_in_milliseconds() {
        for (text, ms) in [
            ("250ms", 250),
            ("10s", 10_000),
            ("5m", 300_000),
            ("1h", 3_600_000),
            ("2d", 172_800_000),
        ] {
            assert_eq!(duration(text), Ok(Duration::from_millis(ms)));
            assert_eq!(show(Duration::from_millis(ms)), text);
        }
        assert_eq!(duration("0s"), Ok(Duration::ZERO));
        assert_eq!(show(Duration::ZERO), "0s");
        assert_eq!(show(Duration::from_secs(90)), "90s");
    }

    #[test]
    fn what_is_no_duration_is_refused_with_the_reason() {
        let hint = |text| duration(text).unwrap_err().hint;
        assert_eq!(
            hint("10").as_deref(),
            Some("the unit is missing: perhaps \"10s\"")
        );
        assert_eq!(hint("10 s").as_deref(), Some("perhaps \"10s\""));
        assert_eq!(hint("5 Minutes").as_deref(), Some("perhaps \"5m\""));
        assert_eq!(hint("1w").as_deref(), Some("the unit \"w\" is not known"));
        assert_eq!(hint("1.5s").as_deref(), Some("no fractions: 1.5s is \"1500ms\""));
        assert_eq!(hint("s"), None);
        assert!(duration("").is_err());
        assert!(duration("-1s").is_err());
        assert!(duration("99999999999999999999s").is_err());
        assert!(duration("18446744073709551615d").is_err());
    }
}
