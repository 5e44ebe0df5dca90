use crate::fault::Fault;
use crate::head::HeadLimits;

/// Looks for the end of a head while its bytes arrive; each byte is looked at once, however they are split.
///
/// Refuses bare LF, bare CR and NUL as soon as they are there, so that a peer who speaks something else (TLS, say)
/// is answered at once. One empty line before the head is let pass (RFC 9112 section 2.2).
#[derive(Debug, Clone, Copy, Default)]
pub struct HeadScan {
    /// Bytes looked at.
    at: usize,
    /// Where the line begins that `at` is in.
    line: usize,
}

impl HeadScan {
    /// Goes on with `input`, all bytes so far from the head's first; returns the head's length, with an empty line
    /// before it and the one at its end. Once that is known, or after a fault, start over with a new scan.
    ///
    /// # Errors
    /// [`Fault::HeadTooLarge`] as soon as it cannot end within `limits.bytes_max`, or [`Fault::TargetTooLong`] if
    /// the first line alone is to blame and `limits.target_max` is below; the other limits are not looked at.
    pub fn advance(&mut self, input: &[u8], limits: &HeadLimits) -> Result<Option<usize>, Fault> {
        let window = &input[..input.len().min(limits.bytes_max)];
        while let Some(offset) = memchr::memchr3(b'\r', b'\n', 0, &window[self.at.min(window.len())..]) {
            let place = self.at + offset;
            match window[place..] {
                [b'\r', b'\n', ..] if place == self.line && place > 0 => return Ok(Some(place + 2)),
                [b'\r', b'\n', ..] => self.line = place + 2,
                [b'\r'] => {
                    self.at = place;
                    return self.unfinished(input, limits);
                }
                [b'\r', ..] => return Err(Fault::BareCr),
                [b'\n', ..] => return Err(Fault::BareLf),
                _ => return Err(Fault::Nul),
            }
            self.at = self.line;
        }
        self.at = window.len();
        self.unfinished(input, limits)
    }

    fn unfinished(&self, input: &[u8], limits: &HeadLimits) -> Result<Option<usize>, Fault> {
        if input.len() < limits.bytes_max {
            return Ok(None);
        }
        let in_first_line = self.line == 0 && limits.target_max < limits.bytes_max;
        Err(if in_first_line {
            Fault::TargetTooLong
        } else {
            Fault::HeadTooLarge
        })
    }
}
