//! Where what is told goes: to the reader, and what does not fit to a place where it waits for the next read.

/// Free room of a reader. Small things are put whole; what does not fit spills over.
pub(super) struct Room<'a> {
    room: &'a mut [u8],
    filled: usize,
    spilled: &'a mut Vec<u8>,
}

impl<'a> Room<'a> {
    /// What spilled before goes first.
    pub(super) fn new(room: &'a mut [u8], spilled: &'a mut Vec<u8>) -> Self {
        let mut filled = 0;
        if !spilled.is_empty() {
            filled = spilled.len().min(room.len());
            room[..filled].copy_from_slice(&spilled[..filled]);
            spilled.drain(..filled);
        }
        Self {
            room,
            filled,
            spilled,
        }
    }

    /// Bytes that the reader has now.
    pub(super) fn filled(&self) -> usize {
        self.filled
    }

    pub(super) fn is_full(&self) -> bool {
        self.filled == self.room.len() || !self.spilled.is_empty()
    }

    /// Puts all of it.
    pub(super) fn put(&mut self, bytes: &[u8]) {
        let count = self.put_some(bytes);
        self.spilled.extend_from_slice(&bytes[count..]);
    }

    /// Puts what fits; how much that was.
    pub(super) fn put_some(&mut self, bytes: &[u8]) -> usize {
        if !self.spilled.is_empty() {
            return 0;
        }
        let count = bytes.len().min(self.room.len() - self.filled);
        self.room[self.filled..self.filled + count].copy_from_slice(&bytes[..count]);
        self.filled += count;
        count
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_does_not_fit_is_there_at_the_next_read_before_all_else() {
        let (mut bytes, mut spilled) = ([0; 4], Vec::new());
        let mut room = Room::new(&mut bytes, &mut spilled);
        room.put(b"abc");
        room.put(b"def");
        assert_eq!(room.put_some(b"x"), 0);
        assert!(room.is_full());
        assert_eq!(&bytes, b"abcd");
        let mut room = Room::new(&mut bytes, &mut spilled);
        assert_eq!(room.put_some(b"xyz"), 2);
        assert_eq!(&bytes, b"efxy");
        assert!(spilled.is_empty());
    }
}
