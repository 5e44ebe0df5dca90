//! Times as texts: for `Date` (RFC 9110 section 5.6.7), for access records (RFC 3339; the combined format's own).

use std::fmt::{self, Display, Formatter};
use std::time::{SystemTime, UNIX_EPOCH};

/// `Sun, 06 Nov 1994 08:49:37 GMT`
pub(crate) fn http(at: SystemTime) -> String {
    let Civil {
        year,
        month,
        day,
        hour,
        minute,
        second,
        weekday,
        ..
    } = Civil::at(at);
    let (weekday, month) = (DAYS[weekday], MONTHS[month - 1]);
    format!("{weekday}, {day:02} {month} {year:04} {hour:02}:{minute:02}:{second:02} GMT")
}

/// A moment as `1994-11-06T08:49:37.123Z` (RFC 3339 section 5.6).
#[must_use]
pub fn rfc3339(at: SystemTime) -> String {
    Rfc3339(at).to_string()
}

/// The same, to be written where it belongs.
pub(crate) struct Rfc3339(pub(crate) SystemTime);

impl Display for Rfc3339 {
    fn fmt(&self, to: &mut Formatter<'_>) -> fmt::Result {
        let Civil {
            year,
            month,
            day,
            hour,
            minute,
            second,
            milli,
            ..
        } = Civil::at(self.0);
        write!(
            to,
            "{year:04}-{month:02}-{day:02}T{hour:02}:{minute:02}:{second:02}.{milli:03}Z"
        )
    }
}

/// `06/Nov/1994:08:49:37 +0000`
pub(crate) fn combined(at: SystemTime) -> String {
    let Civil {
        year,
        month,
        day,
        hour,
        minute,
        second,
        ..
    } = Civil::at(at);
    format!(
        "{day:02}/{}/{year:04}:{hour:02}:{minute:02}:{second:02} +0000",
        MONTHS[month - 1]
    )
}

struct Civil {
    year: u64,
    month: usize,
    day: u64,
    hour: u64,
    minute: u64,
    second: u64,
    milli: u32,
    weekday: usize,
}

impl Civil {
    /// Days to a date by counting in 400-year eras that begin on 1 March (Hinnant, "chrono-Compatible Low-Level Date Algorithms").
    fn at(at: SystemTime) -> Self {
        let since = at.duration_since(UNIX_EPOCH).unwrap_or_default();
        let (days, second) = (since.as_secs() / 86_400, since.as_secs() % 86_400);
        let shifted = days + 719_468;
        let (era, of_era) = (shifted / 146_097, shifted % 146_097);
        let year_of_era = (of_era - of_era / 1_460 + of_era / 36_524 - of_era / 146_096) / 365;
        let of_year = of_era - (365 * year_of_era + year_of_era / 4 - year_of_era / 100);
        let from_march = (5 * of_year + 2) / 153;
        let month = if from_march < 10 {
            from_march + 3
        } else {
            from_march - 9
        };
        Self {
            year: era * 400 + year_of_era + u64::from(month <= 2),
            month: usize::try_from(month).unwrap_or(1),
            day: of_year - (153 * from_march + 2) / 5 + 1,
            hour: second / 3_600,
            minute: second / 60 % 60,
            second: second % 60,
            milli: since.subsec_millis(),
            weekday: usize::try_from(days % 7).unwrap_or(0),
        }
    }
}

/// From 1970-01-01, which was a Thursday.
const DAYS: [&str; 7] = ["Thu", "Fri", "Sat", "Sun", "Mon", "Tue", "Wed"];
const MONTHS: [&str; 12] = [
    "Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec",
];

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;

    fn at(seconds: u64) -> SystemTime {
        UNIX_EPOCH + Duration::from_millis(seconds * 1_000 + 123)
    }

    #[test]
    fn the_example_of_the_rfc_is_written_as_the_rfc_writes_it() {
        assert_eq!(http(at(784_111_777)), "Sun, 06 Nov 1994 08:49:37 GMT");
        assert_eq!(rfc3339(at(784_111_777)), "1994-11-06T08:49:37.123Z");
        assert_eq!(combined(at(784_111_777)), "06/Nov/1994:08:49:37 +0000");
    }

    #[test]
    fn leap_days_and_century_ends_are_right() {
        assert_eq!(rfc3339(at(951_782_400)), "2000-02-29T00:00:00.123Z");
        assert_eq!(rfc3339(at(1_709_251_199)), "2024-02-29T23:59:59.123Z");
        assert_eq!(rfc3339(at(4_107_542_400)), "2100-03-01T00:00:00.123Z");
        assert_eq!(rfc3339(at(1_798_761_599)), "2026-12-31T23:59:59.123Z");
    }
}
