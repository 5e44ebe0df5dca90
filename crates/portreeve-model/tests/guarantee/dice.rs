//! Chance that is the same in every run of the same seed.

/// SplitMix64 (Steele and others, 2014).
#[derive(Debug, Clone)]
pub(crate) struct Dice {
    pub(crate) seed: u64,
    state: u64,
}

impl Dice {
    pub(crate) fn new(seed: u64) -> Self {
        Self {
            seed,
            state: seed.wrapping_mul(0xd134_2543_de82_ef95),
        }
    }

    pub(crate) fn roll(&mut self) -> u64 {
        self.state = self.state.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let number = (self.state ^ (self.state >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        let number = (number ^ (number >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        number ^ (number >> 31)
    }

    /// From 0 up to, not including, `end`.
    pub(crate) fn below(&mut self, end: usize) -> usize {
        usize::try_from(self.roll() % end as u64).expect("the remainder is below a usize")
    }

    /// True once in so many times.
    pub(crate) fn once_in(&mut self, times: usize) -> bool {
        self.below(times) == 0
    }

    pub(crate) fn one_of<'a, T>(&mut self, things: &'a [T]) -> &'a T {
        &things[self.below(things.len())]
    }

    /// Fewer than `end` of these, in their order.
    pub(crate) fn some_of<'a>(&mut self, things: &[&'a str], end: usize) -> Vec<&'a str> {
        let wanted = self.below(end);
        let mut left: Vec<&str> = things.to_vec();
        while left.len() > wanted {
            left.remove(self.below(left.len()));
        }
        left
    }
}
