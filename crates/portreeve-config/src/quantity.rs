//! A number, a size or a duration between bounds, perhaps with `off` for none.

use std::fmt::Debug;
use std::ops::RangeInclusive;
use std::time::Duration;

use crate::item::Item;
use crate::nearest::nearest;
use crate::place::quoted;
use crate::word::Complaint;
use crate::{duration, percent, size};

/// What may stand under a key that takes a quantity.
#[derive(Debug)]
pub(crate) struct Quantity<T> {
    what: &'static str,
    bounds: RangeInclusive<T>,
    read: fn(&Item<'_>) -> Result<T, Complaint>,
    show: fn(T) -> String,
}

/// The numbers that counts and sizes are kept in.
pub(crate) trait Number: Copy + Into<u64> + TryFrom<u64> {}
impl<T: Copy + Into<u64> + TryFrom<u64>> Number for T {}

/// A whole number.
pub(crate) fn count<T: Number>(bounds: RangeInclusive<T>) -> Quantity<T> {
    let show = |count: T| grouped(count.into());
    Quantity {
        what: "a whole number",
        bounds,
        read: read_count,
        show,
    }
}

/// Bytes: a whole number, or a text with a unit.
pub(crate) fn bytes<T: Number>(bounds: RangeInclusive<T>) -> Quantity<T> {
    let show = |bytes: T| size::show(bytes.into());
    Quantity {
        what: "a size such as \"32KiB\",",
        bounds,
        read: read_bytes,
        show,
    }
}

/// A text with a unit of time.
pub(crate) fn time(bounds: RangeInclusive<Duration>) -> Quantity<Duration> {
    let show = |time| quoted(&duration::show(time));
    Quantity {
        what: "a duration",
        bounds,
        read: read_time,
        show,
    }
}

/// A text such as `"0.5%"`; in tenths of a percent.
pub(crate) fn share(bounds: RangeInclusive<u16>) -> Quantity<u16> {
    let show = |tenths| quoted(&percent::show(tenths));
    Quantity {
        what: "a share such as \"5%\",",
        bounds,
        read: read_share,
        show,
    }
}

/// A text such as `"20%"`; in percent, without fractions.
pub(crate) fn whole_percent(bounds: RangeInclusive<u8>) -> Quantity<u8> {
    let show = |percent: u8| quoted(&format!("{percent}%"));
    Quantity {
        what: "a share such as \"20%\", without fractions,",
        bounds,
        read: read_percent,
        show,
    }
}

impl<T: Copy + PartialOrd> Quantity<T> {
    /// The quantity; nothing, and a fault, if it is another value.
    pub(crate) fn read(&self, item: &Item<'_>) -> Option<T> {
        accepted(item, self.within_bounds(item), || self.allowed())
    }

    /// The quantity, or `Some(None)` for `off`; nothing, and a fault, if it is another value.
    pub(crate) fn read_or_off(&self, item: &Item<'_>) -> Option<Option<T>> {
        if item.as_text() == Some(OFF) {
            return Some(None);
        }
        let answer = self
            .within_bounds(item)
            .map_err(|hint| hint.or_else(|| meant_off(item)));
        accepted(item, answer.map(Some), || {
            format!("{}, or \"off\"", self.allowed())
        })
    }

    /// The quantity or, if there is anything to say, what was perhaps meant.
    fn within_bounds(&self, item: &Item<'_>) -> Result<T, Option<String>> {
        let quantity = (self.read)(item).map_err(|complaint| complaint.hint)?;
        self.bounds.contains(&quantity).then_some(quantity).ok_or(None)
    }

    fn allowed(&self) -> String {
        let (least, most) = ((self.show)(*self.bounds.start()), (self.show)(*self.bounds.end()));
        format!("{} from {least} to {most}", self.what)
    }
}

/// The answer; a refused one becomes a fault.
fn accepted<V>(
    item: &Item<'_>,
    answer: Result<V, Option<String>>,
    allowed: impl Fn() -> String,
) -> Option<V> {
    match answer {
        Ok(value) => Some(value),
        Err(hint) => {
            item.refuse(Complaint {
                allowed: allowed(),
                hint,
            });
            None
        }
    }
}

fn read_count<T: Number>(item: &Item<'_>) -> Result<T, Complaint> {
    let is_quoted = item.as_text().is_some_and(|text| text.parse::<u64>().is_ok());
    let complaint = Complaint {
        allowed: String::new(),
        hint: is_quoted.then(|| "without the quotes".to_owned()),
    };
    item.integer()
        .and_then(|count| T::try_from(count).ok())
        .ok_or(complaint)
}

fn read_bytes<T: Number>(item: &Item<'_>) -> Result<T, Complaint> {
    let bytes = match (item.as_text(), item.integer()) {
        (Some(text), _) => size::size(text)?,
        (None, Some(bytes)) => bytes,
        (None, None) => return Err(Complaint::new("")),
    };
    T::try_from(bytes).map_err(|_| Complaint::new(""))
}

/// A number without a unit is refused like a text without one.
fn read_time(item: &Item<'_>) -> Result<Duration, Complaint> {
    match (item.as_text(), item.integer()) {
        (Some(text), _) => duration::duration(text),
        (None, Some(number)) => duration::duration(&number.to_string()),
        (None, None) => Err(Complaint::new("")),
    }
}

/// A number without the sign is refused like a text without one.
fn read_share(item: &Item<'_>) -> Result<u16, Complaint> {
    match (item.as_text(), item.integer()) {
        (Some(text), _) => percent::share(text),
        (None, Some(number)) => percent::share(&number.to_string()),
        (None, None) => Err(Complaint::new("")),
    }
}

fn read_percent(item: &Item<'_>) -> Result<u8, Complaint> {
    let tenths = read_share(item)?;
    let percent = tenths.is_multiple_of(10).then_some(tenths / 10);
    percent
        .and_then(|percent| u8::try_from(percent).ok())
        .ok_or_else(|| Complaint::new(""))
}

/// Whether the value looks as if no bound were wanted.
fn meant_off(item: &Item<'_>) -> Option<String> {
    let text = item.as_text().unwrap_or_default();
    let is_word = UNBOUNDED.contains(&text) || nearest(text, &[OFF]).is_some();
    let is_zero = item.integer() == Some(0) || item.as_bool() == Some(false);
    (is_word || is_zero).then(|| "for no bound write \"off\"".to_owned())
}

/// A number with commas between its thousands.
pub(crate) fn grouped(number: u64) -> String {
    let digits = number.to_string();
    let mut out = String::new();
    for (nth, digit) in digits.chars().enumerate() {
        if nth > 0 && (digits.len() - nth).is_multiple_of(3) {
            out.push(',');
        }
        out.push(digit);
    }
    out
}

const OFF: &str = "off";
const UNBOUNDED: &[&str] = &[
    "none",
    "no",
    "never",
    "unlimited",
    "infinite",
    "inf",
    "false",
    "disabled",
    "0s",
];

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn thousands_are_grouped() {
        assert_eq!(
            [0, 999, 1_000, 1_234_567].map(grouped),
            ["0", "999", "1,000", "1,234,567"]
        );
    }
}
