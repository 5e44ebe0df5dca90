//! Keeping apart in memory what different threads write.

use std::ops::Deref;

/// A value alone on its cache lines: 128 bytes, since processors fetch lines of 64 in pairs.
#[derive(Debug, Default)]
#[repr(align(128))]
pub struct Padded<T>(T);

impl<T> Deref for Padded<T> {
    type Target = T;

    fn deref(&self) -> &T {
        &self.0
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn neighbours_share_no_cache_line() {
        assert_eq!(size_of::<[Padded<u8>; 2]>(), 256);
        assert_eq!(align_of::<Padded<u8>>(), 128);
    }
}
