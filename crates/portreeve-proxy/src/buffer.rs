//! Where bytes lie between a read and a write: one size, recycled per thread, held only while there is something in it.

use std::cell::RefCell;

/// Unread input with free room on both sides: a rewritten head is put in front of the body bytes that came with the
/// old one, so that both leave in one write.
pub(crate) struct Buffer {
    bytes: Vec<u8>,
    start: usize,
    end: usize,
}

impl Buffer {
    /// An empty buffer; the most recently used one of this thread if there is one, since it is still in the cache.
    pub(crate) fn take() -> Self {
        let bytes = FREE
            .with_borrow_mut(Vec::pop)
            .unwrap_or_else(|| vec![0; CAPACITY]);
        Self {
            bytes,
            start: HEADROOM,
            end: HEADROOM,
        }
    }

    /// What was read and not yet consumed.
    pub(crate) fn filled(&self) -> &[u8] {
        &self.bytes[self.start..self.end]
    }

    pub(crate) fn is_empty(&self) -> bool {
        self.start == self.end
    }

    /// Where the next read goes; empty only when `ROOM` bytes are unread.
    pub(crate) fn room(&mut self) -> &mut [u8] {
        if self.end + TAIL >= self.bytes.len() && self.bytes.len() < CAPACITY {
            self.grow();
        }
        let limit = self.bytes.len() - TAIL;
        if self.end == limit && self.start > HEADROOM {
            self.bytes.copy_within(self.start..self.end, HEADROOM);
            self.end -= self.start - HEADROOM;
            self.start = HEADROOM;
        }
        &mut self.bytes[self.end..limit]
    }

    /// Says that `count` bytes were read into `room`.
    pub(crate) fn extend(&mut self, count: usize) {
        self.end += count;
        debug_assert!(self.end <= self.bytes.len());
    }

    /// Drops the first `count` bytes.
    pub(crate) fn consume(&mut self, count: usize) {
        self.start += count;
        debug_assert!(self.start <= self.end);
    }

    /// Puts `bytes` in front; in place where there is room, which there is unless a head grew by more than `HEADROOM`.
    pub(crate) fn prepend(&mut self, bytes: &[u8]) {
        if bytes.len() > self.start {
            self.make_room_in_front(bytes.len());
        }
        self.start -= bytes.len();
        self.bytes[self.start..self.start + bytes.len()].copy_from_slice(bytes);
    }

    /// Adds at most `TAIL` bytes behind, for the end of a chunk.
    pub(crate) fn append(&mut self, bytes: &[u8]) {
        self.bytes[self.end..self.end + bytes.len()].copy_from_slice(bytes);
        self.end += bytes.len();
    }

    /// Gives the memory back that is not needed, where that is most of it: there is room again as soon as it is asked for.
    pub(crate) fn shrink(&mut self) {
        let filled = self.end - self.start;
        if self.bytes.len() < CAPACITY || filled > SHRUNK_MAX {
            return;
        }
        let mut bytes = vec![0; filled + TAIL];
        bytes[..filled].copy_from_slice(self.filled());
        *self = Self {
            bytes,
            start: 0,
            end: filled,
        };
    }

    /// Undoes `shrink`.
    fn grow(&mut self) {
        let filled = self.end - self.start;
        if filled <= SHRUNK_MAX {
            let mut grown = Self::take();
            grown.room()[..filled].copy_from_slice(self.filled());
            grown.extend(filled);
            *self = grown;
        }
    }

    fn make_room_in_front(&mut self, count: usize) {
        let filled = self.end - self.start;
        let mut bytes = vec![0; count + filled.max(ROOM) + TAIL];
        bytes[count..count + filled].copy_from_slice(self.filled());
        *self = Self {
            bytes,
            start: count,
            end: count + filled,
        };
    }
}

impl Drop for Buffer {
    fn drop(&mut self) {
        let bytes = std::mem::take(&mut self.bytes);
        if bytes.len() == CAPACITY {
            // The thread may be ending and its list already gone: then the bytes just go.
            let _ = FREE.try_with(|free| {
                let mut free = free.borrow_mut();
                if free.len() < FREE_MAX {
                    free.push(bytes);
                }
            });
        }
    }
}

thread_local! {
    static FREE: RefCell<Vec<Vec<u8>>> = const { RefCell::new(Vec::new()) };
}

/// How much can be unread at once; heads are bounded below this.
pub(crate) const ROOM: usize = 64 * 1024;
/// Free bytes before the first read, for what a rewritten head has more than the old one.
const HEADROOM: usize = 16 * 1024;
/// Free bytes behind the last read, for the CRLF that ends a chunk.
const TAIL: usize = 8;
const CAPACITY: usize = HEADROOM + ROOM + TAIL;
/// More than this is not worth copying for the memory that it saves.
const SHRUNK_MAX: usize = 32 * 1024;
/// Idle buffers a thread keeps: 64 x 80 KiB is 5 MiB.
const FREE_MAX: usize = 64;

#[cfg(test)]
mod tests {
    use super::*;

    fn filled_with(bytes: &[u8]) -> Buffer {
        let mut buffer = Buffer::take();
        buffer.room()[..bytes.len()].copy_from_slice(bytes);
        buffer.extend(bytes.len());
        buffer
    }

    #[test]
    fn a_longer_head_goes_in_front_of_the_body() {
        let mut buffer = filled_with(b"old head|body");
        buffer.consume(9);
        buffer.prepend(&[b'n'; 100]);
        assert_eq!(buffer.filled().len(), 104);
        assert!(buffer.filled().ends_with(b"nbody"));
    }

    #[test]
    fn a_head_beyond_the_headroom_still_fits() {
        let mut buffer = filled_with(b"body");
        let head = vec![b'h'; HEADROOM + 1];
        buffer.prepend(&head);
        assert_eq!(buffer.filled(), [&head[..], b"body"].concat());
        assert!(!buffer.room().is_empty());
    }

    #[test]
    fn a_consumed_front_becomes_room_again() {
        let mut buffer = Buffer::take();
        let room = buffer.room().len();
        assert_eq!(room, ROOM);
        buffer.extend(room);
        assert!(buffer.room().is_empty());
        buffer.consume(10);
        assert_eq!(buffer.room().len(), 10);
        assert_eq!(buffer.filled().len(), ROOM - 10);
    }

    #[test]
    fn a_shrunk_buffer_is_small_and_has_all_its_room_when_that_is_asked_for() {
        let mut buffer = filled_with(b"some");
        buffer.shrink();
        assert_eq!((buffer.filled(), buffer.bytes.len()), (&b"some"[..], 4 + TAIL));
        assert_eq!(buffer.room().len(), ROOM - 4);
        assert_eq!(buffer.filled(), b"some");
        buffer.shrink();
        buffer.append(b"\r\n");
        buffer.prepend(b"4\r\n");
        assert_eq!(buffer.filled(), b"4\r\nsome\r\n");
        buffer.consume(buffer.filled().len() - 1);
        assert!(!buffer.room().is_empty());
        assert_eq!(buffer.filled(), b"\n");
    }

    #[test]
    fn a_buffer_with_much_in_it_stays_as_it_is() {
        let mut buffer = filled_with(&[b'x'; SHRUNK_MAX + 1]);
        buffer.shrink();
        assert_eq!(buffer.bytes.len(), CAPACITY);
    }

    #[test]
    fn the_last_used_buffer_is_taken_first() {
        let first = Buffer::take();
        let place = first.bytes.as_ptr();
        drop(first);
        assert_eq!(Buffer::take().bytes.as_ptr(), place);
    }
}
