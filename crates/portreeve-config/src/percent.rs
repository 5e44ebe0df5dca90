//! Shares of a whole as the file writes them: `"5%"`, `"0.5%"`.

use crate::word::Complaint;

/// Reads a share; in tenths of a percent.
pub(crate) fn share(text: &str) -> Result<u16, Complaint> {
    let number = text.strip_suffix('%').ok_or_else(|| complaint(text))?;
    let (whole, tenth) = number.split_once('.').unwrap_or((number, "0"));
    let digits = |part: &str| part.bytes().all(|byte| byte.is_ascii_digit());
    let is_good = digits(whole) && digits(tenth) && tenth.len() == 1;
    let tenths = format!("{whole}{tenth}").parse().ok();
    tenths
        .filter(|_| is_good && !whole.is_empty())
        .ok_or_else(|| complaint(text))
}

/// Writes a share of so many tenths of a percent.
pub(crate) fn show(tenths: u16) -> String {
    match tenths % 10 {
        0 => format!("{}%", tenths / 10),
        tenth => format!("{}.{tenth}%", tenths / 10),
    }
}

fn complaint(text: &str) -> Complaint {
    let complaint = Complaint::new("a share such as \"5%\" or \"0.5%\"");
    match text.trim().trim_end_matches('%').trim() {
        number if !number.is_empty() && number.bytes().all(|byte| byte.is_ascii_digit()) => {
            complaint.hint(format!("perhaps \"{number}%\""))
        }
        _ => complaint,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_share_has_at_most_one_digit_after_the_point() {
        assert_eq!(share("5%"), Ok(50));
        assert_eq!(share("0.5%"), Ok(5));
        assert_eq!(share("100.0%"), Ok(1_000));
        for text in [
            "", "%", ".5%", "5.%", "0.05%", "-1%", "+1%", "5 %", "1e1%", "9999999%",
        ] {
            assert!(share(text).is_err(), "{text}");
        }
    }

    #[test]
    fn a_share_is_written_as_it_is_read() {
        for tenths in [0, 1, 10, 55, 1_000] {
            assert_eq!(share(&show(tenths)), Ok(tenths));
        }
        assert_eq!(show(50), "5%");
    }

    #[test]
    fn a_number_without_the_sign_is_told_to_have_one() {
        let hint = |text| share(text).unwrap_err().hint;
        assert_eq!(hint("20").as_deref(), Some("perhaps \"20%\""));
        assert_eq!(hint("20 %").as_deref(), Some("perhaps \"20%\""));
        assert_eq!(hint("0.2"), None);
    }
}
