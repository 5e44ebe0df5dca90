use std::sync::LazyLock;

use memchr::memchr3;
use memchr::memmem::Finder;

use crate::fault::Fault;
use crate::head::HeadLimits;

/// Looks for the end of a head while its bytes arrive; each byte is looked at a bounded number of times, however
/// they are split.
///
/// As long as the end is not there, bare LF, bare CR and NUL are refused at once, so that a peer who speaks something
/// else (TLS, say) is answered at once. In a head that is whole at the first call they are left to the parser, which
/// refuses it with the very same fault. One empty line before the head is let pass (RFC 9112 section 2.2).
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
        if self.at == 0
            && let Some(place) = HEAD_END.find(window)
        {
            return Ok(Some(place + 4));
        }
        match self.walk(window)? {
            None if input.len() >= limits.bytes_max => Err(self.overflow(limits)),
            length => Ok(length),
        }
    }

    /// Goes from line to line until the head's end, a fault, or a line that is not complete.
    fn walk(&mut self, window: &[u8]) -> Result<Option<usize>, Fault> {
        while let Some(offset) = memchr3(b'\r', b'\n', 0, &window[self.at..]) {
            self.at += offset;
            match window[self.at..] {
                [b'\r', b'\n', ..] if self.at == self.line && self.at > 0 => return Ok(Some(self.at + 2)),
                [b'\r', b'\n', ..] => self.line = self.at + 2,
                [b'\r'] => return Ok(None),
                [b'\r', ..] => return Err(Fault::BareCr),
                [b'\n', ..] => return Err(Fault::BareLf),
                _ => return Err(Fault::Nul),
            }
            self.at = self.line;
        }
        self.at = window.len();
        Ok(None)
    }

    fn overflow(&self, limits: &HeadLimits) -> Fault {
        let in_first_line = self.line == 0 && limits.target_max < limits.bytes_max;
        if in_first_line {
            Fault::TargetTooLong
        } else {
            Fault::HeadTooLarge
        }
    }
}

/// The fault of a head that a parser refused with `otherwise`: a scan that saw it arrive in pieces would have refused
/// it first, and how bytes are split must not matter.
#[cold]
pub(crate) fn earliest_fault(head: &[u8], otherwise: Fault) -> Fault {
    HeadScan::default().walk(head).err().unwrap_or(otherwise)
}

/// Finds the empty line, with the end of the line before it.
static HEAD_END: LazyLock<Finder<'static>> = LazyLock::new(|| Finder::new(b"\r\n\r\n"));
