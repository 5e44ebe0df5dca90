//! A quick hash of bytes that is the same on every machine and in every run.
//!
//! Not keyed, so a peer can make collisions. It is used only where that gains nothing: to spread requests, and to look
//! names up in tables that only the configuration fills.

use std::hash::{BuildHasher, Hasher};

/// Hashes bytes to 64 well mixed bits.
pub(crate) fn digest(bytes: &[u8]) -> u64 {
    let (words, rest) = bytes.as_chunks::<8>();
    let state = words
        .iter()
        .fold(SEED ^ bytes.len() as u64, |state, word| fold(state, *word));
    mix(if rest.is_empty() {
        state
    } else {
        fold(state, last_word(bytes))
    })
}

/// The last eight bytes, though some of them went before; of fewer, all.
fn last_word(bytes: &[u8]) -> [u8; 8] {
    bytes.last_chunk().copied().unwrap_or_else(|| {
        let mut word = [0; 8];
        word.iter_mut().zip(bytes).for_each(|(to, from)| *to = *from);
        word
    })
}

/// Spreads every bit over all others (the finaliser of SplitMix64, Steele and others, 2014).
pub(crate) fn mix(number: u64) -> u64 {
    let number = (number ^ (number >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    let number = (number ^ (number >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    number ^ (number >> 31)
}

/// Both halves of the product of word and state, so that no bit is lost.
fn fold(state: u64, word: [u8; 8]) -> u64 {
    let (low, high) = (state ^ u64::from_le_bytes(word)).carrying_mul(MULTIPLIER, state.rotate_left(32));
    low ^ high
}

/// Builds hash tables over [`digest`].
#[derive(Debug, Clone, Copy, Default)]
pub(crate) struct Digests;

impl BuildHasher for Digests {
    type Hasher = DigestHasher;

    fn build_hasher(&self) -> DigestHasher {
        DigestHasher(0)
    }
}

/// One running hash.
pub(crate) struct DigestHasher(u64);

impl Hasher for DigestHasher {
    fn write(&mut self, bytes: &[u8]) {
        self.0 ^= digest(bytes);
    }

    /// The length that goes before the bytes of a slice; [`digest`] has it already.
    fn write_usize(&mut self, _length: usize) {}

    fn finish(&self) -> u64 {
        self.0
    }
}

const SEED: u64 = 0x243f_6a88_85a3_08d3; // digits of pi
const MULTIPLIER: u64 = 0x9e37_79b9_7f4a_7c15; // 2^64 over the golden ratio, odd

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;

    #[test]
    fn the_same_bytes_give_the_same_number_for_ever() {
        assert_eq!(digest(b"portreeve"), digest(b"portreeve"));
        assert_ne!(digest(b"portreeve"), digest(b"portreevf"));
        assert_ne!(digest(b"a"), digest(b"a\0"));
        assert_ne!(digest(b""), digest(b"\0"));
    }

    #[test]
    fn every_byte_counts_at_every_length() {
        let mut seen = BTreeSet::new();
        for len in 1..40 {
            let bytes = vec![b'a'; len];
            seen.insert(digest(&bytes));
            for place in 0..len {
                let mut changed = bytes.clone();
                changed[place] = b'b';
                seen.insert(digest(&changed));
            }
        }
        assert_eq!(seen.len(), (1..40).map(|len| len + 1).sum::<usize>());
    }

    #[test]
    fn neighbours_spread_over_the_high_bits() {
        let tops: BTreeSet<u64> = (0..4096_u32)
            .map(|number| digest(number.to_string().as_bytes()) >> 52)
            .collect();
        assert!(
            tops.len() > 2400,
            "{} of 4096 places hit; chance alone gives about 2589",
            tops.len()
        );
    }
}
