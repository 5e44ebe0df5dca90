//! Who goes first where requests are held.

use crate::plan::PriorityPlan;
use crate::route::RequestView;

/// 0 (first) to 7.
pub(crate) fn priority(plan: &PriorityPlan, request: &dyn RequestView) -> u8 {
    match plan {
        PriorityPlan::Middle => MIDDLE,
        PriorityPlan::Fixed(height) => (*height).min(LAST),
        PriorityPlan::Header(name) => {
            let mut said = None;
            request.any_field(name, &mut |line| {
                said = urgency(line).or(said);
                false
            });
            said.unwrap_or(MIDDLE)
        }
    }
}

/// A bare number, or the member `u` of a dictionary (RFC 9218 section 4.1, RFC 8941 section 3.2): of several the last
/// counts, and what is no number from 0 to 7 counts as not said.
fn urgency(line: &[u8]) -> Option<u8> {
    let line = line.trim_ascii();
    digit(line).or_else(|| line.split(|byte| *byte == b',').filter_map(member).next_back())
}

fn member(text: &[u8]) -> Option<u8> {
    let value = text.trim_ascii().strip_prefix(b"u=")?;
    let value = value.split(|byte| *byte == b';').next()?;
    digit(value.trim_ascii_end())
}

fn digit(text: &[u8]) -> Option<u8> {
    match text {
        [digit @ b'0'..=b'7'] => Some(digit - b'0'),
        _ => None,
    }
}

/// As RFC 9218 section 4.1 has it.
const MIDDLE: u8 = 3;
const LAST: u8 = 7;

#[cfg(test)]
mod tests {
    use super::*;
    use crate::samples::Request;

    fn said(lines: &[&str]) -> u8 {
        let plan = PriorityPlan::Header("priority".into());
        let with = |request: Request, line: &&str| request.with("priority", line);
        priority(&plan, &lines.iter().fold(Request::get("", "/"), with))
    }

    #[test]
    fn a_plan_without_a_header_asks_nobody() {
        let request = Request::get("", "/").with("priority", "u=0");
        assert_eq!(priority(&PriorityPlan::Middle, &request), 3);
        assert_eq!(priority(&PriorityPlan::Fixed(6), &request), 6);
        assert_eq!(priority(&PriorityPlan::Fixed(200), &request), 7);
    }

    #[test]
    fn a_number_counts_with_and_without_its_name() {
        assert_eq!(said(&["u=0"]), 0);
        assert_eq!(said(&[" 7 "]), 7);
        assert_eq!(said(&["i, u=5;x=1"]), 5);
        assert_eq!(said(&["u=1,i"]), 1);
    }

    #[test]
    fn of_several_the_last_counts() {
        assert_eq!(said(&["u=1, u=6"]), 6);
        assert_eq!(said(&["u=1", "i", "u=2"]), 2);
    }

    #[test]
    fn what_is_no_number_from_0_to_7_is_not_said() {
        for line in [
            "", "u", "u=", "u=8", "u=-1", "u=10", "U=1", "u =1", "8", "12", "u=1.0", "xu=1", "u=\"1\"",
        ] {
            assert_eq!(said(&[line]), 3, "{line}");
        }
        assert_eq!(said(&[]), 3);
        assert_eq!(said(&["u=1, u=9"]), 1);
    }
}
