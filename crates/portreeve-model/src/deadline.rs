//! How long a client says that it waits, and how backends are told what is left.

use std::time::Duration;

use crate::route::RequestView;

/// The shortest that the lines of that field say; `None` if none says anything that is understood.
pub(crate) fn said(field: &str, request: &dyn RequestView) -> Option<Duration> {
    let mut shortest = None;
    request.any_field(field, &mut |line| {
        let said = read(line.trim_ascii());
        shortest = shortest.into_iter().chain(said).min();
        false
    });
    shortest
}

/// Whether the request is one of gRPC ("gRPC over HTTP2", Content-Type).
pub(crate) fn is_grpc(request: &dyn RequestView) -> bool {
    request.any_field("content-type", &mut |kind| {
        let start = kind.get(..GRPC.len());
        start.is_some_and(|start| start.eq_ignore_ascii_case(GRPC))
    })
}

/// What a backend is told in that field: milliseconds rounded down but at least 1, in `grpc-timeout` as gRPC writes them.
#[must_use]
pub fn spell_deadline(field: &str, left: Duration) -> String {
    let millis = left.min(LONGEST).as_millis().max(1);
    if field.eq_ignore_ascii_case(GRPC_TIMEOUT) {
        return format!("{millis}m");
    }
    millis.to_string()
}

/// Milliseconds, or one to eight digits and a unit as in gRPC ("gRPC over HTTP2", `Timeout`): `H`, `M`, `S`, `m`, `u` or
/// `n`. Nothing is longer than a day less one millisecond: eight digits of milliseconds hold that.
fn read(text: &[u8]) -> Option<Duration> {
    let (last, digits) = text.split_last()?;
    let time = match last {
        b'H' => Duration::from_secs(3_600 * number(digits)?),
        b'M' => Duration::from_secs(60 * number(digits)?),
        b'S' => Duration::from_secs(number(digits)?),
        b'm' => Duration::from_millis(number(digits)?),
        b'u' => Duration::from_micros(number(digits)?),
        b'n' => Duration::from_nanos(number(digits)?),
        _ => Duration::from_millis(number(text)?),
    };
    Some(time.min(LONGEST))
}

/// Of one to eight digits.
fn number(digits: &[u8]) -> Option<u64> {
    let is_number = (1..=DIGITS_MAX).contains(&digits.len()) && digits.iter().all(u8::is_ascii_digit);
    let add = |number, digit: &u8| number * 10 + u64::from(digit - b'0');
    is_number.then(|| digits.iter().fold(0, add))
}

/// The field of gRPC.
pub(crate) const GRPC_TIMEOUT: &str = "grpc-timeout";
const GRPC: &[u8] = b"application/grpc";
const DIGITS_MAX: usize = 8;
const LONGEST: Duration = Duration::from_millis(24 * 3_600_000 - 1);

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::samples::Request;

    fn millis(millis: u64) -> Option<Duration> {
        Some(Duration::from_millis(millis))
    }

    #[test]
    fn a_bare_number_is_milliseconds() {
        assert_eq!(read(b"250"), millis(250));
        assert_eq!(read(b"0"), millis(0));
        assert_eq!(read(b"00000007"), millis(7));
    }

    #[test]
    fn units_are_those_of_grpc() {
        let units = [("1H", 3_600_000), ("2M", 120_000), ("3S", 3_000), ("100m", 100)];
        for (text, expected) in units {
            assert_eq!(read(text.as_bytes()), millis(expected), "{text}");
        }
        assert_eq!(read(b"82u"), Some(Duration::from_micros(82)));
        assert_eq!(read(b"99999999n"), Some(Duration::from_nanos(99_999_999)));
    }

    #[test]
    fn nothing_else_is_understood() {
        for text in [
            "",
            "m",
            "-1",
            "+1",
            "1.5S",
            "1 S",
            "10s",
            "1h",
            "123456789",
            "123456789m",
            "1Sm",
            "0x10",
            "\u{b2}",
        ] {
            assert_eq!(read(text.as_bytes()), None, "{text}");
        }
    }

    #[test]
    fn nobody_waits_longer_than_a_day() {
        assert_eq!(read(b"99999999H"), millis(86_399_999));
        assert_eq!(read(b"99999999"), millis(86_399_999));
    }

    #[test]
    fn of_several_lines_the_shortest_counts() {
        let lines = Request::get("", "/").with("timeout", "x");
        assert_eq!(said("timeout", &lines), None);
        let lines = lines
            .with("timeout", " 3S")
            .with("timeout", "40")
            .with("timeout", "1H");
        assert_eq!(said("timeout", &lines), millis(40));
        assert_eq!(said("grpc-timeout", &lines), None);
    }

    #[test]
    fn backends_are_told_in_the_words_of_the_field() {
        let left = Duration::from_micros(1_999);
        assert_eq!(spell_deadline("x-timeout", left), "1");
        assert_eq!(spell_deadline("grpc-timeout", left), "1m");
        assert_eq!(spell_deadline("x-timeout", Duration::ZERO), "1");
        assert_eq!(spell_deadline("grpc-timeout", Duration::MAX), "86399999m");
    }

    proptest! {
        #[test]
        fn no_bytes_are_too_odd_to_be_read(bytes in proptest::collection::vec(any::<u8>(), 0..20)) {
            prop_assert!(read(&bytes).is_none_or(|time| time <= LONGEST));
        }

        #[test]
        fn what_is_spelled_is_read_back(millis in 1_u64..90_000_000, grpc in any::<bool>()) {
            let field = if grpc { "grpc-timeout" } else { "x" };
            let left = Duration::from_millis(millis);
            prop_assert_eq!(read(spell_deadline(field, left).as_bytes()), Some(left.min(LONGEST)));
        }
    }
}
