//! Whose turn it is, over all threads.

use std::sync::atomic::{AtomicU64, Ordering::Relaxed};

use crate::padded::Padded;

/// Numbers the picks of a pool: 0, 1, 2… each given out once, to whichever thread asks first.
#[derive(Debug, Default)]
pub(crate) struct Cursor(Padded<AtomicU64>);

impl Cursor {
    /// The number that the next caller of [`turn`](Self::turn) will get.
    pub(crate) fn peek(&self) -> u64 {
        self.0.load(Relaxed)
    }

    /// The next number. It would take centuries to wrap.
    pub(crate) fn turn(&self) -> u64 {
        self.0.fetch_add(1, Relaxed)
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Barrier;

    use super::*;

    #[test]
    #[expect(clippy::disallowed_methods, reason = "the claim is about several threads")]
    fn each_turn_is_given_out_once_over_several_threads() {
        let (cursor, start) = (Cursor::default(), Barrier::new(4));
        let take_many = || {
            start.wait();
            (0..250_000).map(|_| cursor.turn()).collect::<Vec<_>>()
        };
        let mut turns: Vec<u64> = std::thread::scope(|threads| {
            let takers = [(); 4].map(|()| threads.spawn(take_many));
            takers
                .into_iter()
                .flat_map(|taker| taker.join().unwrap())
                .collect()
        });
        turns.sort_unstable();
        assert!(turns.into_iter().eq(0..1_000_000));
    }
}
