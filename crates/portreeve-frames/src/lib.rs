//! The frames of an HTTP/2 connection as they pass, by their headers alone (RFC 9113 section 4.1): what costs us work and
//! carries nothing is counted against what a client may do in a second.
//!
//! No I/O, no clock, no tasks, no unsafe: bytes and time are passed in. What the frames say, and whether they may stand
//! where they stand, is not judged here, but for their length and the very first.

mod form;
mod frame;

use std::time::{Duration, Instant};

use portreeve_model::EdgeEvent;
use portreeve_model::plan::Http2Plan;

use frame::{Frame, Frames};

/// What a client may not do.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Violation {
    /// It resets too many streams, or breaks the rules on too many of them (CVE-2023-44487, CVE-2025-8671).
    RapidReset,
    /// It sends too many frames that carry nothing (CVE-2019-9512 to 9518).
    IdleFrames,
    /// Fields without end (CVE-2024-27316).
    HeadersTooLarge,
    /// A frame that is not as long as its kind wants.
    FrameSize,
    /// It does not begin with its settings.
    NoSettings,
}

impl Violation {
    /// What it is counted as.
    #[must_use]
    pub fn event(self) -> EdgeEvent {
        match self {
            Self::RapidReset => EdgeEvent::Http2RapidReset,
            Self::IdleFrames => EdgeEvent::Http2IdleFrames,
            Self::HeadersTooLarge => EdgeEvent::Http2HeadersTooLarge,
            Self::FrameSize | Self::NoSettings => EdgeEvent::Http2ProtocolError,
        }
    }
}

/// Watches both directions of one connection.
#[derive(Debug)]
pub struct FrameWatch {
    from_client: Frames,
    to_client: Frames,
    has_begun: bool,
    /// Of the last bytes from the client: how many came before what was wrong.
    sound: usize,
    resets_max: u32,
    idle_frames_max: u32,
    /// Bytes that one block of fields may take on the wire.
    block_max: u32,
    /// Of the present second.
    resets: u32,
    idle_frames: u32,
    second: Option<Instant>,
    /// Idle frames that DATA has earned: who moves data has to grant windows, and measures the way.
    earned: u32,
    block: u32,
    continuations: u32,
    /// Blocks of fields that have begun.
    blocks: u32,
    /// Whether the last of them goes on in a further frame.
    goes_on: bool,
    /// Whether the last frame was of one.
    is_in_block: bool,
    has_pong: bool,
    /// Streams that were reset since the last look because the client broke the rules.
    faults: u32,
}

impl FrameWatch {
    /// One whose client has sent nothing yet. `block_max`: bytes that one block of fields may take on the wire.
    #[must_use]
    pub fn new(plan: &Http2Plan, block_max: u32) -> Self {
        Self {
            from_client: Frames::behind(PREFACE),
            to_client: Frames::behind(0),
            has_begun: false,
            sound: 0,
            resets_max: plan.resets_max,
            idle_frames_max: plan.idle_frames_max,
            block_max,
            resets: 0,
            idle_frames: 0,
            second: None,
            earned: 0,
            block: 0,
            continuations: 0,
            blocks: 0,
            goes_on: false,
            is_in_block: false,
            has_pong: false,
            faults: 0,
        }
    }

    /// Bytes came from the client. `now` is asked only where something has to be counted.
    ///
    /// # Errors
    /// What the client may not do; the rest of `bytes` was not looked at.
    pub fn came(&mut self, bytes: &[u8], now: impl Fn() -> Instant) -> Result<(), Violation> {
        let mut rest = bytes;
        while let Some(frame) = self.from_client.next(&mut rest) {
            if let Err(violation) = self.look_at(&frame, &now) {
                self.sound = (bytes.len() - rest.len()).saturating_sub(1);
                return Err(violation);
            }
        }
        Ok(())
    }

    /// How many of the bytes that came with a violation may be read on: the frame at fault is not whole in them.
    #[must_use]
    pub fn sound(&self) -> usize {
        self.sound
    }

    fn look_at(&mut self, frame: &Frame, now: &impl Fn() -> Instant) -> Result<(), Violation> {
        if !self.has_begun {
            form::begins(frame)?;
            self.has_begun = true;
        }
        form::fits(frame)?;
        self.is_in_block = matches!(frame.kind, HEADERS | CONTINUATION);
        self.has_pong |= frame.kind == form::PING && frame.has(form::ACK);
        match frame.kind {
            DATA if frame.length > 0 => self.earn(),
            DATA if frame.has(END_STREAM) => {}
            HEADERS => self.begin_block(frame)?,
            CONTINUATION => self.go_on_with_block(frame)?,
            RST_STREAM => self.count_reset(now)?,
            _ => self.count_idle(now)?,
        }
        Ok(())
    }

    /// Bytes go to the client.
    ///
    /// # Errors
    /// The same as of [`came`](Self::came).
    pub fn went(&mut self, mut bytes: &[u8], now: impl Fn() -> Instant) -> Result<(), Violation> {
        while let Some(frame) = self.to_client.next(&mut bytes) {
            match frame.kind {
                DATA if frame.length > 0 => self.earn(),
                RST_STREAM if is_fault(frame.code) => {
                    self.faults += 1;
                    self.count_reset(&now)?;
                }
                _ => {}
            }
        }
        Ok(())
    }

    /// Streams that were reset since the last call because the client broke the rules.
    pub fn take_faults(&mut self) -> u32 {
        std::mem::take(&mut self.faults)
    }

    /// Whether the client has reset streams within the present second.
    #[must_use]
    pub fn has_resets(&self) -> bool {
        self.resets > 0
    }

    /// The number of the block of fields that has begun and is not whole, if there is one.
    #[must_use]
    pub fn unfinished_block(&self) -> Option<u32> {
        let is_unfinished = self.goes_on || self.is_in_block && self.from_client.is_within();
        is_unfinished.then_some(self.blocks)
    }

    /// Whether the client has acknowledged a PING.
    #[must_use]
    pub fn has_pong(&self) -> bool {
        self.has_pong
    }

    /// Whether the client could go on with any frame it likes.
    #[must_use]
    pub fn is_between_messages(&self) -> bool {
        self.from_client.is_between() && !self.goes_on
    }

    fn earn(&mut self) {
        self.earned = (self.earned + EARNED_BY_DATA).min(EARNED_MAX);
    }

    fn begin_block(&mut self, frame: &Frame) -> Result<(), Violation> {
        (self.block, self.continuations) = (0, 0);
        self.blocks = self.blocks.wrapping_add(1);
        self.earned = (self.earned + EARNED_BY_HEADERS).min(EARNED_MAX);
        self.grow_block(frame)
    }

    fn go_on_with_block(&mut self, frame: &Frame) -> Result<(), Violation> {
        self.continuations += 1;
        if self.continuations > CONTINUATIONS_MAX {
            return Err(Violation::HeadersTooLarge);
        }
        self.grow_block(frame)
    }

    fn grow_block(&mut self, frame: &Frame) -> Result<(), Violation> {
        self.goes_on = !frame.has(END_HEADERS);
        self.block = self.block.saturating_add(frame.length);
        if self.block > self.block_max {
            return Err(Violation::HeadersTooLarge);
        }
        Ok(())
    }

    fn count_reset(&mut self, now: &impl Fn() -> Instant) -> Result<(), Violation> {
        self.look_at_clock(now());
        self.resets += 1;
        if self.resets > self.resets_max {
            return Err(Violation::RapidReset);
        }
        Ok(())
    }

    fn count_idle(&mut self, now: &impl Fn() -> Instant) -> Result<(), Violation> {
        if let Some(left) = self.earned.checked_sub(1) {
            self.earned = left;
            return Ok(());
        }
        self.look_at_clock(now());
        self.idle_frames += 1;
        if self.idle_frames > self.idle_frames_max {
            return Err(Violation::IdleFrames);
        }
        Ok(())
    }

    fn look_at_clock(&mut self, now: Instant) {
        if self
            .second
            .is_none_or(|began| now.saturating_duration_since(began) >= SECOND)
        {
            self.second = Some(now);
            (self.resets, self.idle_frames) = (0, 0);
        }
    }
}

/// Faults of the client, not of ours or of a backend (RFC 9113 section 7).
fn is_fault(code: u32) -> bool {
    const PROTOCOL_ERROR: u32 = 0x1;
    const FLOW_CONTROL_ERROR: u32 = 0x3;
    const STREAM_CLOSED: u32 = 0x5;
    const FRAME_SIZE_ERROR: u32 = 0x6;
    matches!(
        code,
        PROTOCOL_ERROR | FLOW_CONTROL_ERROR | STREAM_CLOSED | FRAME_SIZE_ERROR
    )
}

const DATA: u8 = 0x0;
const HEADERS: u8 = 0x1;
const RST_STREAM: u8 = 0x3;
const CONTINUATION: u8 = 0x9;
const END_STREAM: u8 = 0x1;
const END_HEADERS: u8 = 0x4;
/// `PRI * HTTP/2.0` and so on (RFC 9113 section 3.4).
const PREFACE: usize = 24;
/// A frame of data may be followed by two grants of window, and by a PING that measures the way.
const EARNED_BY_DATA: u32 = 3;
/// With a request come priorities.
const EARNED_BY_HEADERS: u32 = 2;
const EARNED_MAX: u32 = 10_000;
/// Frames in which one block of fields goes on; 16 KiB each are far more than a head may have.
const CONTINUATIONS_MAX: u32 = 5;
const SECOND: Duration = Duration::from_secs(1);

#[cfg(test)]
mod tests {
    use super::*;

    const PING: u8 = 0x6;
    const SETTINGS: u8 = 0x4;

    fn frame(kind: u8, flags: u8, payload: &[u8]) -> Vec<u8> {
        let length = u32::try_from(payload.len()).unwrap().to_be_bytes();
        let mut bytes = length[1..].to_vec();
        bytes.extend([kind, flags, 0, 0, 0, 1]);
        bytes.extend(payload);
        bytes
    }

    fn watch() -> FrameWatch {
        let plan = Http2Plan {
            resets_max: 10,
            idle_frames_max: 10,
            ..Http2Plan::default()
        };
        let mut watch = FrameWatch::new(&plan, 1_000);
        watch.came(&[0; PREFACE], Instant::now).unwrap();
        watch.has_begun = true;
        watch
    }

    fn repeated(frame: &[u8], times: usize) -> Vec<u8> {
        frame.repeat(times)
    }

    #[test]
    fn more_resets_than_may_be_in_a_second_are_a_violation() {
        let now = Instant::now();
        let reset = frame(RST_STREAM, 0, &[0, 0, 0, 8]);
        let mut watch = watch();
        assert_eq!(watch.came(&repeated(&reset, 10), || now), Ok(()));
        assert_eq!(watch.came(&reset, || now), Err(Violation::RapidReset));
    }

    #[test]
    fn the_next_second_begins_anew() {
        let now = Instant::now();
        let reset = frame(RST_STREAM, 0, &[0, 0, 0, 8]);
        let mut watch = watch();
        for second in 0..5 {
            let now = now + SECOND * second;
            assert_eq!(watch.came(&repeated(&reset, 10), || now), Ok(()));
        }
    }

    #[test]
    fn frames_that_carry_nothing_are_counted_together() {
        let now = Instant::now();
        let mut watch = watch();
        for (kind, length) in [(PING, 8), (SETTINGS, 0), (DATA, 0), (0x2, 5), (0x8, 4)] {
            let idle = frame(kind, 0, &vec![0; length]);
            assert_eq!(watch.came(&repeated(&idle, 2), || now), Ok(()));
        }
        assert_eq!(
            watch.came(&frame(PING, 0, &[0; 8]), || now),
            Err(Violation::IdleFrames)
        );
    }

    #[test]
    fn data_either_way_earns_grants_of_window() {
        let now = Instant::now();
        let mut watch = watch();
        for _ in 0..100 {
            assert_eq!(watch.went(&frame(DATA, 0, b"x"), || now), Ok(()));
            assert_eq!(watch.came(&frame(DATA, 0, b"x"), || now), Ok(()));
            assert_eq!(watch.came(&repeated(&frame(0x8, 0, &[0; 4]), 6), || now), Ok(()));
        }
    }

    #[test]
    fn a_block_of_fields_has_an_end() {
        let now = Instant::now();
        let mut short = watch();
        short.came(&frame(HEADERS, 0, b"x"), || now).unwrap();
        let more = frame(CONTINUATION, 0, b"x");
        assert_eq!(short.came(&repeated(&more, 5), || now), Ok(()));
        assert_eq!(short.came(&more, || now), Err(Violation::HeadersTooLarge));
        let mut long = watch();
        long.came(&frame(HEADERS, 0, &[0; 600]), || now).unwrap();
        let more = frame(CONTINUATION, 0, &[0; 600]);
        assert_eq!(long.came(&more, || now), Err(Violation::HeadersTooLarge));
    }

    #[test]
    fn a_block_of_fields_is_unfinished_until_its_last_byte() {
        let now = Instant::now();
        let mut watch = watch();
        assert!(watch.unfinished_block().is_none() && watch.is_between_messages());
        let bytes = [
            frame(HEADERS, 0, b"abc"),
            frame(CONTINUATION, END_HEADERS, b"def"),
        ]
        .concat();
        let (last, most) = bytes.split_last().unwrap();
        for byte in most {
            watch.came(&[*byte], || now).unwrap();
            let has_begun = watch.blocks == 1;
            assert_eq!(watch.unfinished_block(), has_begun.then_some(1));
            assert!(!watch.is_between_messages());
        }
        watch.came(&[*last], || now).unwrap();
        assert!(watch.unfinished_block().is_none() && watch.is_between_messages());
        watch.came(&frame(DATA, 0, b"abc")[..10], || now).unwrap();
        assert!(watch.unfinished_block().is_none() && !watch.is_between_messages());
        watch.came(b"bc", || now).unwrap();
        watch.came(&frame(HEADERS, 0, b"a"), || now).unwrap();
        assert_eq!(watch.unfinished_block(), Some(2));
    }

    #[test]
    fn resets_of_ours_count_if_the_client_brought_them_about() {
        let now = Instant::now();
        let mut watch = watch();
        let ours = frame(RST_STREAM, 0, &[0, 0, 0, 2]);
        assert_eq!(watch.went(&repeated(&ours, 50), || now), Ok(()));
        let theirs = frame(RST_STREAM, 0, &[0, 0, 0, 1]);
        assert_eq!(watch.went(&repeated(&theirs, 10), || now), Ok(()));
        assert_eq!(watch.take_faults(), 10);
        assert_eq!(watch.went(&theirs, || now), Err(Violation::RapidReset));
    }

    #[test]
    fn it_makes_no_difference_where_bytes_are_cut() {
        let now = Instant::now();
        let bytes = [
            frame(RST_STREAM, 0, &[0, 0, 0, 8]),
            frame(DATA, 0, b"hello"),
            frame(RST_STREAM, 0, &[0; 4]),
        ];
        let bytes = repeated(&bytes.concat(), 5);
        let mut watch = watch();
        for byte in &bytes {
            assert_eq!(watch.came(&[*byte], || now), Ok(()));
        }
        assert_eq!(watch.resets, 10);
    }

    #[test]
    fn a_frame_at_fault_is_not_read_on() {
        let good = frame(PING, 0, &[0; 8]);
        let bytes = [good.clone(), frame(SETTINGS, 0, &[0; 5])].concat();
        let mut watch = watch();
        assert_eq!(watch.came(&bytes, Instant::now), Err(Violation::FrameSize));
        assert_eq!(watch.sound(), good.len() + frame::HEADER - 1);
    }
}
