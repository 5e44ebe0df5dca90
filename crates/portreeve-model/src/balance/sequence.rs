//! The order in which weighted backends take turns, worked out once.
//!
//! The order is that of nginx's smooth weighted round robin: in each step everybody gains its weight, the richest
//! (the earliest among equals) is chosen and pays the sum of all weights. Weights 5, 1, 1 give `a a b a c a a`.
//!
//! Backends of the same weight gain alike, so the richest of them is always the one that was chosen least, then the
//! earliest: they take turns. It is enough to compare one candidate per distinct weight, and a thousand backends of
//! three weights cost no more per step than three.

use std::cmp::Reverse;
use std::collections::BTreeMap;
use std::sync::Arc;

/// Places that are visited in turn, for ever.
#[derive(Debug, Clone)]
pub(super) struct Sequence {
    /// `None`: all weights are equal, so it is just 0, 1, 2…
    places: Option<Arc<[u32]>>,
    /// After how many turns it starts again.
    len: u64,
    is_rounded: bool,
}

impl Sequence {
    /// The smooth order for these weights, of which a weight of 0 counts as 1, rounded if it would be longer than
    /// `turns_max`.
    pub(super) fn smooth(weights: &[u16], turns_max: u64) -> Self {
        let weights: Vec<u64> = weights.iter().map(|weight| u64::from(*weight).max(1)).collect();
        let reduced = reduce(&weights);
        let is_rounded = reduced.iter().sum::<u64>() > turns_max && reduced.iter().any(|weight| *weight > 1);
        let fitting = if is_rounded {
            reduce(&round(&reduced, turns_max))
        } else {
            reduced
        };
        let len = fitting.iter().sum();
        let places = fitting
            .iter()
            .any(|weight| *weight > 1)
            .then(|| smooth_places(&fitting).into());
        Self {
            places,
            len,
            is_rounded,
        }
    }

    /// Who has this turn; `None` only if there is nobody.
    pub(super) fn at(&self, turn: u64) -> Option<usize> {
        let step = usize::try_from(turn.checked_rem(self.len)?).ok()?;
        Some(match &self.places {
            None => step,
            Some(places) => places[step] as usize,
        })
    }

    /// What has to be added to `turn` for it to be the first turn, from then on, of `place`; 0 if it has none.
    pub(super) fn distance(&self, turn: u64, place: usize) -> u64 {
        let Some(now) = turn.checked_rem(self.len) else {
            return 0;
        };
        let steps = 0..self.len;
        let found = match &self.places {
            None => u64::try_from(place).ok().filter(|place| steps.contains(place)),
            Some(_) => steps.into_iter().find(|step| self.at(*step) == Some(place)),
        };
        found.map_or(0, |step| (step + self.len - now) % self.len)
    }

    /// After how many turns it starts again.
    #[cfg(test)]
    pub(super) fn len(&self) -> u64 {
        self.len
    }

    /// Whether the weights were rounded so that the sequence keeps to its bound.
    pub(super) fn is_rounded(&self) -> bool {
        self.is_rounded
    }
}

/// Divides by the greatest common divisor.
fn reduce(weights: &[u64]) -> Vec<u64> {
    let divisor = weights.iter().copied().fold(0, gcd).max(1);
    weights.iter().map(|weight| weight / divisor).collect()
}

/// The greatest common divisor; that of 0 and `a` is `a`.
pub(super) fn gcd(a: u64, b: u64) -> u64 {
    if b == 0 { a } else { gcd(b, a % b) }
}

/// Scales weights so that they sum up to at most `turns_max`, none below 1 (hence longer only if there are more
/// backends than that).
fn round(weights: &[u64], turns_max: u64) -> Vec<u64> {
    let sum: u64 = weights.iter().sum();
    let room = turns_max.saturating_sub(weights.len() as u64);
    weights
        .iter()
        .map(|weight| (weight * room / sum).max(1))
        .collect()
}

fn smooth_places(weights: &[u64]) -> Vec<u32> {
    let sum: u64 = weights.iter().sum();
    let mut groups = group(weights);
    (0..sum).map(|_| step(&mut groups, sum)).collect()
}

fn group(weights: &[u64]) -> Vec<Group> {
    let mut members: BTreeMap<u64, Vec<u32>> = BTreeMap::new();
    for (place, weight) in (0_u32..).zip(weights) {
        members.entry(*weight).or_default().push(place);
    }
    members
        .into_iter()
        .map(|(weight, places)| Group::new(weight, places))
        .collect()
}

/// One step of the algorithm: all gain, one is chosen and pays.
fn step(groups: &mut [Group], sum: u64) -> u32 {
    groups.iter_mut().for_each(Group::gain);
    let richest = groups
        .iter_mut()
        .max_by_key(|group| (group.credit, Reverse(group.next_place())));
    richest
        .expect("a sequence of one step or more has members")
        .choose(sum)
}

/// Backends of one weight, who take turns among themselves.
struct Group {
    weight: i64,
    /// Of the member whose turn is next.
    credit: i64,
    places: Vec<u32>,
    next: usize,
}

impl Group {
    fn new(weight: u64, places: Vec<u32>) -> Self {
        Self {
            weight: weight.cast_signed(),
            credit: 0,
            places,
            next: 0,
        }
    }

    fn next_place(&self) -> u32 {
        self.places[self.next]
    }

    fn gain(&mut self) {
        self.credit += self.weight;
    }

    /// After the last member has paid, all of them have: only then is the next candidate that much poorer.
    fn choose(&mut self, price: u64) -> u32 {
        let place = self.next_place();
        self.next = (self.next + 1) % self.places.len();
        if self.next == 0 {
            self.credit -= price.cast_signed();
        }
        place
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    const LENGTH_MAX: u64 = 65_536;

    fn turns(weights: &[u16]) -> Vec<usize> {
        let sequence = Sequence::smooth(weights, LENGTH_MAX);
        (0..sequence.len).map(|turn| sequence.at(turn).unwrap()).collect()
    }

    /// The algorithm as nginx words it: everybody gains, the first of the richest is chosen and pays.
    fn turns_by_definition(weights: &[u16]) -> Vec<usize> {
        let sum: i64 = weights.iter().map(|weight| i64::from(*weight)).sum();
        let mut credits = vec![0_i64; weights.len()];
        let mut turns = Vec::new();
        for _ in 0..sum {
            for (credit, weight) in credits.iter_mut().zip(weights) {
                *credit += i64::from(*weight);
            }
            let most = *credits.iter().max().unwrap();
            let chosen = credits.iter().position(|credit| *credit == most).unwrap();
            credits[chosen] -= sum;
            turns.push(chosen);
        }
        turns
    }

    #[test]
    fn five_one_one_is_spread_as_nginx_spreads_it() {
        assert_eq!(turns(&[5, 1, 1]), [0, 0, 1, 0, 2, 0, 0]);
    }

    #[test]
    fn equal_weights_are_plain_turns_however_large() {
        assert_eq!(turns(&[1, 1]), [0, 1]);
        assert_eq!(turns(&[1000, 1000, 1000]), [0, 1, 2]);
    }

    #[test]
    fn a_common_divisor_makes_no_longer_sequence() {
        assert_eq!(turns(&[200, 100]), turns(&[2, 1]));
    }

    #[test]
    fn nobody_has_a_turn_in_an_empty_pool() {
        assert_eq!(Sequence::smooth(&[], LENGTH_MAX).at(0), None);
        assert_eq!(Sequence::smooth(&[], LENGTH_MAX).len, 0);
    }

    #[test]
    fn it_starts_again_at_the_end() {
        let sequence = Sequence::smooth(&[3, 1], LENGTH_MAX);
        assert!((0..40).all(|turn| sequence.at(turn) == sequence.at(turn + 4)));
    }

    #[test]
    fn weights_that_need_too_long_a_sequence_are_rounded_and_say_so() {
        let weights: Vec<u16> = (1..=1000).collect();
        let sequence = Sequence::smooth(&weights, LENGTH_MAX);
        assert!(sequence.is_rounded());
        assert!(sequence.len <= LENGTH_MAX);
        let mut counts = vec![0_u32; 1000];
        (0..sequence.len).for_each(|turn| counts[sequence.at(turn).unwrap()] += 1);
        let (exact, turns) = (1000.0 / 500_500.0, sequence.len as f64);
        assert!(
            (f64::from(counts[999]) / turns / exact - 1.0).abs() < 0.02,
            "the heaviest keeps its share"
        );
        assert!(counts.iter().all(|count| *count > 0), "the lightest keeps a turn");
        assert!(counts.is_sorted());
    }

    #[test]
    fn more_backends_than_the_longest_sequence_still_all_have_a_turn() {
        let weights: Vec<u16> = (0..70_000_u32)
            .map(|place| if place == 0 { 2 } else { 1 })
            .collect();
        let sequence = Sequence::smooth(&weights, LENGTH_MAX);
        assert!(sequence.is_rounded());
        assert_eq!(sequence.len, 70_000);
    }

    #[test]
    fn small_weights_are_never_rounded() {
        assert!(!Sequence::smooth(&[1000, 999, 1], LENGTH_MAX).is_rounded());
        assert!(!Sequence::smooth(&[1000; 1000], LENGTH_MAX).is_rounded());
    }

    proptest! {
        #[test]
        fn the_order_is_that_of_the_definition(weights in prop::collection::vec(1_u16..30, 1..9)) {
            let divisor = weights.iter().fold(0, |sum, weight| gcd(sum, u64::from(*weight)));
            let reduced: Vec<u16> =
                weights.iter().map(|weight| weight / u16::try_from(divisor).unwrap()).collect();
            prop_assert_eq!(turns(&weights), turns_by_definition(&reduced));
        }

        #[test]
        fn of_two_neither_is_ever_a_whole_turn_ahead(one in 1_u16..=1000, other in 1_u16..=1000) {
            let share = f64::from(one) / f64::from(one + other);
            let mut had = 0_u32;
            for (turn, place) in (1_u32..).zip(turns(&[one, other])) {
                had += u32::from(place == 0);
                prop_assert!((f64::from(had) - share * f64::from(turn)).abs() < 1.0);
            }
        }

        #[test]
        fn in_one_round_each_has_as_many_turns_as_its_weight(
            weights in prop::collection::vec(1_u16..=300, 1..12),
        ) {
            let turns = turns(&weights);
            let mut had = vec![0; weights.len()];
            turns.iter().for_each(|place| had[*place] += 1);
            let sum: usize = weights.iter().map(|weight| usize::from(*weight)).sum();
            for (had, weight) in had.into_iter().zip(&weights) {
                prop_assert_eq!(had * sum, usize::from(*weight) * turns.len());
            }
        }
    }
}
