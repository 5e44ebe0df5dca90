/// Which of objects and arrays we are in, outermost first: one bit each.
#[derive(Debug, Clone, Default)]
pub(super) struct Nesting {
    depth: usize,
    deepest: usize,
    /// The innermost, up to 64 of them, the last in the lowest bit; 1 is an object.
    last: u64,
    /// Those before, 64 each. Empty, and not allocated, for all that peers really send.
    before: Vec<u64>,
}

impl Nesting {
    pub(super) fn open(&mut self, is_object: bool) {
        if self.depth > 0 && self.depth.is_multiple_of(WORD) {
            self.before.push(self.last);
        }
        self.last = self.last << 1 | u64::from(is_object);
        self.depth += 1;
        self.deepest = self.deepest.max(self.depth);
    }

    /// Leaves the innermost; there must be one.
    pub(super) fn close(&mut self) {
        debug_assert!(self.depth > 0);
        self.depth -= 1;
        self.last >>= 1;
        if self.depth.is_multiple_of(WORD) {
            self.last = self.before.pop().unwrap_or_default();
        }
    }

    /// Whether the innermost is an object.
    pub(super) fn is_object(&self) -> bool {
        self.last & 1 == 1
    }

    /// Whether we are in none.
    pub(super) fn is_outside(&self) -> bool {
        self.depth == 0
    }

    /// The most there ever were at once.
    pub(super) fn deepest(&self) -> usize {
        self.deepest
    }
}

const WORD: usize = 64;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_level_is_remembered_however_deep() {
        let mut nesting = Nesting::default();
        let is_object = |level: usize| level.is_multiple_of(3) || level.is_multiple_of(7);
        for level in 0..1000 {
            nesting.open(is_object(level));
        }
        for level in (0..1000).rev() {
            assert_eq!(nesting.is_object(), is_object(level), "level {level}");
            nesting.close();
        }
        assert!(nesting.is_outside());
        assert_eq!(nesting.deepest(), 1000);
    }
}
