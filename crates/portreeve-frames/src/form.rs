//! What a frame's header alone shows to be wrong (RFC 9113 section 6). The `h2` crate sees it as well, but names a fault of
//! length as it does any other.

use crate::frame::Frame;
use crate::{END_STREAM, RST_STREAM, Violation};

/// Whether a frame that follows the preface at once may be the first (RFC 9113 section 3.4).
pub(crate) fn begins(frame: &Frame) -> Result<(), Violation> {
    if frame.kind == SETTINGS && !frame.has(ACK) {
        Ok(())
    } else {
        Err(Violation::NoSettings)
    }
}

/// Whether the frame is as long as its kind wants; those that may have any length are not looked at.
pub(crate) fn fits(frame: &Frame) -> Result<(), Violation> {
    let fits = match frame.kind {
        PRIORITY => frame.length == 5,
        RST_STREAM | WINDOW_UPDATE => frame.length == 4,
        SETTINGS if frame.has(ACK) => frame.length == 0,
        SETTINGS => frame.length.is_multiple_of(6),
        PING => frame.length == 8,
        GOAWAY => frame.length >= 8,
        _ => true,
    };
    if fits { Ok(()) } else { Err(Violation::FrameSize) }
}

const PRIORITY: u8 = 0x2;
const SETTINGS: u8 = 0x4;
pub(crate) const PING: u8 = 0x6;
const GOAWAY: u8 = 0x7;
const WINDOW_UPDATE: u8 = 0x8;
pub(crate) const ACK: u8 = END_STREAM;

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{DATA, HEADERS};

    fn frame(kind: u8, flags: u8, length: u32) -> Frame {
        Frame {
            length,
            kind,
            flags,
            code: 0,
        }
    }

    #[test]
    fn each_kind_has_its_length() {
        let right = [
            (DATA, 0, 0),
            (HEADERS, 0, 1),
            (PRIORITY, 0, 5),
            (RST_STREAM, 0, 4),
            (SETTINGS, 0, 12),
            (SETTINGS, ACK, 0),
            (PING, 0, 8),
            (GOAWAY, 0, 20),
            (WINDOW_UPDATE, 0, 4),
            (0xfe, 0, 3),
        ];
        for (kind, flags, length) in right {
            assert_eq!(fits(&frame(kind, flags, length)), Ok(()), "{kind} {length}");
        }
        let wrong = [
            (PRIORITY, 0, 4),
            (RST_STREAM, 0, 5),
            (SETTINGS, 0, 5),
            (SETTINGS, ACK, 6),
            (PING, 0, 7),
            (GOAWAY, 0, 7),
        ];
        for (kind, flags, length) in wrong {
            assert_eq!(
                fits(&frame(kind, flags, length)),
                Err(Violation::FrameSize),
                "{kind} {length}"
            );
        }
    }

    #[test]
    fn settings_come_first_and_are_no_acknowledgement() {
        assert_eq!(begins(&frame(SETTINGS, 0, 0)), Ok(()));
        assert_eq!(begins(&frame(SETTINGS, ACK, 0)), Err(Violation::NoSettings));
        assert_eq!(begins(&frame(PING, 0, 8)), Err(Violation::NoSettings));
    }
}
