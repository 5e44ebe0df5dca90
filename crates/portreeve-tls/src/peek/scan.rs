//! Where a ClientHello ends, in whatever crumbs it comes.

use super::RECORDS_MAX;

/// Finds the end of a ClientHello (RFC 8446 sections 4 and 5.1) without keeping or reading any of it: each byte is looked
/// at once, whatever it comes in, so that nobody has a reader begin anew thousands of times.
///
/// ```text
///   header (5) ──► fragment ──► header ──► fragment ... until the message is whole and its last record ends
/// ```
#[derive(Debug)]
pub struct HelloScan {
    bytes_max: usize,
    seen: usize,
    /// Records begun.
    records: u32,
    /// Records that were followed to their ends.
    ended: u32,
    header: Few<5>,
    /// Bytes that the record still has.
    left: usize,
    message: Few<4>,
    /// Bytes that the message still has; known once its header is there.
    message_left: usize,
    verdict: Option<HelloStep>,
}

/// How far it has come.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum HelloStep {
    /// It may become one.
    NeedMore,
    /// The same, and a record has come to its end since.
    Record,
    /// It is whole; whether it is right is for others to say.
    Whole,
    /// It is none.
    NotHello,
    /// It is longer than it may be, or comes in more records than [`RECORDS_MAX`].
    TooMuch,
}

/// Some bytes that come one after the other.
#[derive(Debug)]
struct Few<const N: usize> {
    bytes: [u8; N],
    count: usize,
}

impl HelloScan {
    /// Of a message with so many bytes at most.
    #[must_use]
    pub fn within(bytes_max: usize) -> Self {
        Self {
            bytes_max,
            seen: 0,
            records: 0,
            ended: 0,
            header: Few::none(),
            left: 0,
            message: Few::none(),
            message_left: 0,
            verdict: None,
        }
    }

    /// Looks at what has come since; beyond a verdict, at nothing.
    pub fn advance(&mut self, mut fresh: &[u8]) -> HelloStep {
        let ended = self.ended;
        while self.verdict.is_none() && !fresh.is_empty() {
            let before = fresh.len();
            self.verdict = if self.left > 0 {
                self.fragment(&mut fresh)
            } else {
                self.record(&mut fresh)
            };
            self.seen += before - fresh.len();
        }
        self.verdict.unwrap_or(match self.ended > ended {
            true => HelloStep::Record,
            false => HelloStep::NeedMore,
        })
    }

    /// How many bytes were looked at; once it is whole, up to the end of its last record.
    #[must_use]
    pub fn seen(&self) -> usize {
        self.seen
    }

    /// The header of a record.
    fn record(&mut self, fresh: &mut &[u8]) -> Option<HelloStep> {
        self.header.take(fresh);
        if self.header.bytes[..self.header.count.min(2)]
            .iter()
            .zip(HANDSHAKE)
            .any(|(byte, wanted)| *byte != wanted)
        {
            return Some(HelloStep::NotHello);
        }
        let [_, _, _, high, low] = *self.header.whole()?;
        self.header = Few::none();
        self.records += 1;
        self.left = usize::from(u16::from_be_bytes([high, low]));
        match self.left {
            _ if self.records > RECORDS_MAX => Some(HelloStep::TooMuch),
            1..=FRAGMENT_MAX => None,
            _ => Some(HelloStep::NotHello),
        }
    }

    /// Some of what a record holds.
    fn fragment(&mut self, fresh: &mut &[u8]) -> Option<HelloStep> {
        let (mut here, rest) = fresh.split_at(fresh.len().min(self.left));
        (*fresh, self.left) = (rest, self.left - here.len());
        self.ended += u32::from(self.left == 0);
        if self.message.whole().is_none() {
            self.message.take(&mut here);
            if self.message.bytes[0] != CLIENT_HELLO {
                return Some(HelloStep::NotHello);
            }
            let [_, high, middle, low] = *self.message.whole()?;
            self.message_left = u32::from_be_bytes([0, high, middle, low]) as usize;
            if self.message_left > self.bytes_max {
                return Some(HelloStep::TooMuch);
            }
        }
        self.message_left = self.message_left.saturating_sub(here.len());
        (self.message_left == 0 && self.left == 0).then_some(HelloStep::Whole)
    }
}

impl<const N: usize> Few<N> {
    fn none() -> Self {
        Self {
            bytes: [0; N],
            count: 0,
        }
    }

    fn take(&mut self, fresh: &mut &[u8]) {
        let (here, rest) = fresh.split_at(fresh.len().min(N - self.count));
        self.bytes[self.count..self.count + here.len()].copy_from_slice(here);
        (*fresh, self.count) = (rest, self.count + here.len());
    }

    fn whole(&self) -> Option<&[u8; N]> {
        (self.count == N).then_some(&self.bytes)
    }
}

/// How the records of a handshake begin: their type, and the first byte of a version that means nothing.
const HANDSHAKE: [u8; 2] = [22, 3];
const CLIENT_HELLO: u8 = 1;
/// RFC 8446 section 5.1.
const FRAGMENT_MAX: usize = 16 * 1024;

#[cfg(test)]
mod tests {
    use super::*;

    /// A message of so many bytes behind its header, in records of so many each.
    fn hello(bytes: usize, each: usize) -> Vec<u8> {
        let [_, high, middle, low] = u32::try_from(bytes).unwrap().to_be_bytes();
        let message = [vec![1, high, middle, low], vec![7; bytes]].concat();
        let record = |part: &[u8]| {
            let length = u16::try_from(part.len()).unwrap().to_be_bytes();
            [&[22, 3, 1][..], &length, part].concat()
        };
        message.chunks(each).flat_map(record).collect()
    }

    #[test]
    fn it_ends_where_its_last_record_does_however_it_is_cut() {
        let bytes = [hello(500, 60), vec![20, 3, 3, 0, 1, 1]].concat();
        let end = bytes.len() - 6;
        for step in 1..=bytes.len() {
            let mut scan = HelloScan::within(500);
            let last = bytes.chunks(step).map(|part| scan.advance(part)).last();
            assert_eq!((last, scan.seen()), (Some(HelloStep::Whole), end), "by {step}");
        }
    }

    #[test]
    fn the_end_of_each_record_is_said_once() {
        let bytes = hello(500, 60);
        let mut scan = HelloScan::within(500);
        let steps = bytes.iter().map(|byte| scan.advance(&[*byte]));
        let ended = steps.filter(|step| *step == HelloStep::Record).count();
        assert_eq!(ended, 504_usize.div_ceil(60) - 1);
    }

    #[test]
    fn no_byte_is_looked_at_twice_and_none_after_the_verdict() {
        let crumbs = hello(16_000, 1);
        let mut scan = HelloScan::within(16_000);
        let mut steps = Vec::new();
        for byte in &crumbs {
            steps.push(scan.advance(&[*byte]));
        }
        assert_eq!(steps.last(), Some(&HelloStep::TooMuch));
        let most = RECORDS_MAX as usize;
        assert_eq!(scan.seen(), most * 6 + 5);
        let ended = steps.iter().filter(|step| **step == HelloStep::Record).count();
        assert_eq!(ended, most, "whoever reads at each reads that often and no more");
    }

    #[test]
    fn what_is_none_is_said_as_soon_as_it_shows() {
        let first = |bytes: &[u8]| {
            let mut scan = HelloScan::within(500);
            let steps: Vec<_> = bytes.iter().map(|byte| scan.advance(&[*byte])).collect();
            let verdict = steps.iter().position(|step| *step == HelloStep::NotHello);
            verdict.map(|at| at + 1)
        };
        assert_eq!(first(b"GET / HTTP/1.1"), Some(1));
        assert_eq!(first(&[22, 2, 1, 0, 1, 1]), Some(2));
        assert_eq!(first(&[22, 3, 1, 0, 0, 22, 3, 1]), Some(5), "a record of nothing");
        assert_eq!(
            first(&[22, 3, 1, 0x40, 1, 1]),
            Some(5),
            "a record that is too long"
        );
        assert_eq!(first(&[22, 3, 1, 0, 9, 2, 0]), Some(6), "another message");
        assert_eq!(first(&hello(100, 100)), None);
    }
}
