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
