//! A report as a backend writes it into a response: `Portreeve-Load: load=0.7, in_flight=12`.

use std::str::{self, FromStr};

use crate::report::Report;

impl Report {
    /// The field's name in lower case.
    pub const FIELD: &str = "portreeve-load";

    /// Reads a field's value: `load` from 0 to 1, `in_flight` as a whole number, in any order, either or both, with
    /// commas between; of two of the same the last counts. What else stands there is passed over, so that backends may
    /// say more one day. `None` if it says nothing of the two, or is longer than 256 bytes.
    #[must_use]
    pub fn read(value: &[u8]) -> Option<Self> {
        let text = str::from_utf8(value)
            .ok()
            .filter(|text| text.len() <= BYTES_MAX)?;
        let mut report = Self::default();
        for (key, value) in text.split(',').filter_map(|part| part.split_once('=')) {
            match key.trim() {
                "load" => report.load = number(value).or(report.load),
                "in_flight" => report.in_flight = number(value).or(report.in_flight),
                _ => {}
            }
        }
        (report != Self::default()).then_some(report)
    }
}

fn number<T: FromStr>(text: &str) -> Option<T> {
    text.trim().parse().ok()
}

const BYTES_MAX: usize = 256;

#[cfg(test)]
mod tests {
    use super::*;

    fn read(value: &str) -> Option<(Option<f32>, Option<u32>)> {
        Report::read(value.as_bytes()).map(|report| (report.load, report.in_flight))
    }

    #[test]
    fn either_or_both_are_read_in_any_order_and_spacing() {
        assert_eq!(read("load=0.7, in_flight=12"), Some((Some(0.7), Some(12))));
        assert_eq!(read(" in_flight = 3 ,load=1"), Some((Some(1.0), Some(3))));
        assert_eq!(read("load=0.25"), Some((Some(0.25), None)));
    }

    #[test]
    fn what_is_unknown_or_wrong_is_passed_over() {
        assert_eq!(read("cpu=9, in_flight=4, load=much"), Some((None, Some(4))));
        assert_eq!(read("in_flight=-4"), None);
        assert_eq!(read("in_flight=99999999999"), None);
        for nothing in ["", "0.7", "load", "load:0.7", "=,=,="] {
            assert_eq!(read(nothing), None, "{nothing}");
        }
        assert_eq!(Report::read(b"load=\xff"), None);
        assert_eq!(read(&format!("load=0.5,{}", "x".repeat(256))), None);
    }
}
