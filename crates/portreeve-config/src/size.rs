//! Sizes in bytes as the file writes them: `"32KiB"`, `"10GB"`, or a plain number.

use crate::word::Complaint;

/// Reads a whole number with a unit, or without one for bytes.
pub(crate) fn size(text: &str) -> Result<u64, Complaint> {
    let digits = text.bytes().take_while(u8::is_ascii_digit).count();
    let (number, unit) = text.split_at(digits);
    let (Ok(number), Some(bytes)) = (number.parse::<u64>(), bytes_of(unit)) else {
        return Err(complaint(number, unit));
    };
    number.checked_mul(bytes).ok_or_else(|| Complaint::new(FORM))
}

/// Writes a size as a value of the file: in the largest binary unit that holds it exactly, or as a plain number.
pub(crate) fn show(bytes: u64) -> String {
    let fits =
        |unit: &&(&str, u64)| unit.0.ends_with("iB") && bytes >= unit.1 && bytes.is_multiple_of(unit.1);
    match UNITS.iter().rev().find(fits) {
        Some((unit, size)) => format!("\"{}{unit}\"", bytes / size),
        None => bytes.to_string(),
    }
}

fn bytes_of(unit: &str) -> Option<u64> {
    UNITS
        .iter()
        .find(|(name, _)| *name == unit)
        .map(|(_, bytes)| *bytes)
}

fn complaint(number: &str, unit: &str) -> Complaint {
    let complaint = Complaint::new(FORM);
    if bytes_of(unit.trim()).is_some() && !number.is_empty() && !unit.is_empty() {
        return complaint.hint(format!("perhaps \"{number}{}\"", unit.trim()));
    }
    let first = unit
        .trim_start()
        .chars()
        .next()
        .map(|letter| letter.to_ascii_uppercase());
    match first {
        _ if number.is_empty() => complaint,
        Some('.') => complaint.hint("no fractions: 1.5MiB is \"1536KiB\""),
        Some(letter @ ('K' | 'M' | 'G' | 'T' | 'P')) => {
            complaint.hint(format!("perhaps \"{number}{letter}iB\""))
        }
        Some('B') => complaint.hint(format!("perhaps \"{number}B\"")),
        _ => complaint.hint(format!("the unit {unit:?} is not known")),
    }
}

/// In bytes; the binary units in rising order.
const UNITS: [(&str, u64); 13] = [
    ("", 1),
    ("B", 1),
    ("kB", 1_000),
    ("KB", 1_000),
    ("MB", 1_000_000),
    ("GB", 1_000_000_000),
    ("TB", 1_000_000_000_000),
    ("PB", 1_000_000_000_000_000),
    ("KiB", 1 << 10),
    ("MiB", 1 << 20),
    ("GiB", 1 << 30),
    ("TiB", 1 << 40),
    ("PiB", 1 << 50),
];

const FORM: &str = "a whole number of bytes, or one with a unit such as \"32KiB\", \"1MiB\" or \"10GB\"";

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn units_are_decimal_or_binary() {
        assert_eq!(size("32KiB"), Ok(32_768));
        assert_eq!(size("1MiB"), Ok(1_048_576));
        assert_eq!(size("10GB"), Ok(10_000_000_000));
        assert_eq!(size("77"), Ok(77));
        assert_eq!(size("77B"), Ok(77));
    }

    #[test]
    fn the_largest_binary_unit_is_written() {
        assert_eq!(show(32_768), "\"32KiB\"");
        assert_eq!(show(1 << 30), "\"1GiB\"");
        assert_eq!(show(1_000), "1000");
        assert_eq!(show(0), "0");
    }

    #[test]
    fn what_is_no_size_is_refused_with_the_reason() {
        let hint = |text| size(text).unwrap_err().hint;
        assert_eq!(hint("32k").as_deref(), Some("perhaps \"32KiB\""));
        assert_eq!(hint("32 MB").as_deref(), Some("perhaps \"32MB\""));
        assert_eq!(
            hint("1.5MiB").as_deref(),
            Some("no fractions: 1.5MiB is \"1536KiB\"")
        );
        assert_eq!(hint("5s").as_deref(), Some("the unit \"s\" is not known"));
        assert!(size("").is_err());
        assert!(size("99999999999999TiB").is_err());
    }
}
