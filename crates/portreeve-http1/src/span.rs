/// A stretch of bytes within a buffer, as offsets from its start; `start <= end`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default)]
pub struct Span {
    /// Offset of the first byte.
    pub start: u32,
    /// Offset behind the last byte.
    pub end: u32,
}

impl Span {
    /// The span from `start` to `end`, both within a head and so below 2^32.
    #[expect(
        clippy::cast_possible_truncation,
        reason = "heads are refused beyond u32::MAX bytes"
    )]
    pub(crate) fn new(start: usize, end: usize) -> Self {
        debug_assert!(start <= end && u32::try_from(end).is_ok());
        Self {
            start: start as u32,
            end: end as u32,
        }
    }

    /// The bytes of this span within `bytes`, the buffer it was made for.
    ///
    /// # Panics
    /// If `bytes` is another, shorter buffer.
    #[inline]
    pub fn of(self, bytes: &[u8]) -> &[u8] {
        &bytes[self.start as usize..self.end as usize]
    }

    /// Number of bytes.
    #[inline]
    pub fn len(self) -> usize {
        (self.end - self.start) as usize
    }

    /// Whether there is no byte in it.
    #[inline]
    pub fn is_empty(self) -> bool {
        self.start == self.end
    }
}
