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

/// What a backend is told in that field: milliseconds rounded down, in `grpc-timeout` as gRPC writes them.
#[must_use]
pub fn spell_deadline(field: &str, left: Duration) -> String {
    let millis = left.min(LONGEST).as_millis();
    if field.eq_ignore_ascii_case("grpc-timeout") {
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

const DIGITS_MAX: usize = 8;
const LONGEST: Duration = Duration::from_millis(24 * 3_600_000 - 1);
