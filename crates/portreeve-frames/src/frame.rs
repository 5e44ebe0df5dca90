//! Bytes of one direction as the headers of frames (RFC 9113 section 4.1).

use super::RST_STREAM;

/// The frames of one direction, cut at any place.
#[derive(Debug)]
pub(crate) struct Frames {
    /// A frame's header, and the error code of RST_STREAM.
    header: [u8; HEADER + CODE],
    have: usize,
    /// Bytes of a payload, or of the preface, that are still to come.
    skip: usize,
}

/// The header of a frame.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Frame {
    pub(crate) length: u32,
    pub(crate) kind: u8,
    pub(crate) flags: u8,
    /// Of RST_STREAM.
    pub(crate) code: u32,
}

impl Frame {
    pub(crate) fn has(&self, flag: u8) -> bool {
        self.flags & flag != 0
    }
}

impl Frames {
    pub(crate) fn behind(skip: usize) -> Self {
        Self {
            header: [0; HEADER + CODE],
            have: 0,
            skip,
        }
    }

    /// The next frame whose header is whole. Takes from `bytes` what it has looked at.
    pub(crate) fn next(&mut self, bytes: &mut &[u8]) -> Option<Frame> {
        let skipped = self.skip.min(bytes.len());
        self.skip -= skipped;
        *bytes = &bytes[skipped..];
        loop {
            let missing = self.wanted() - self.have;
            if missing == 0 {
                return Some(self.take());
            }
            let count = missing.min(bytes.len());
            if count == 0 {
                return None;
            }
            self.header[self.have..self.have + count].copy_from_slice(&bytes[..count]);
            self.have += count;
            *bytes = &bytes[count..];
        }
    }

    /// Whether the last frame that has begun is whole.
    pub(crate) fn is_between(&self) -> bool {
        self.have == 0 && self.skip == 0
    }

    /// Whether the payload of the last frame is not all there.
    pub(crate) fn is_within(&self) -> bool {
        self.skip > 0
    }

    fn wanted(&self) -> usize {
        let is_reset = self.have >= HEADER && self.header[3] == RST_STREAM && self.length() as usize >= CODE;
        if is_reset { HEADER + CODE } else { HEADER }
    }

    fn length(&self) -> u32 {
        let [high, middle, low, ..] = self.header;
        u32::from_be_bytes([0, high, middle, low])
    }

    fn take(&mut self) -> Frame {
        let [.., a, b, c, d] = self.header;
        let has_code = self.have > HEADER;
        self.skip = self.length() as usize - (self.have - HEADER);
        self.have = 0;
        Frame {
            length: self.length(),
            kind: self.header[3],
            flags: self.header[4],
            code: if has_code {
                u32::from_be_bytes([a, b, c, d])
            } else {
                0
            },
        }
    }
}

pub(crate) const HEADER: usize = 9;
const CODE: usize = 4;
