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
    len: u64,
    is_rounded: bool,
}

impl Sequence {
    /// The smooth order for these weights; a weight of 0 counts as 1.
    pub(super) fn smooth(weights: &[u16]) -> Self {
        let weights: Vec<u64> = weights.iter().map(|weight| u64::from(*weight).max(1)).collect();
        let reduced = reduce(&weights);
        let is_rounded = reduced.iter().sum::<u64>() > LENGTH_MAX && reduced.iter().any(|weight| *weight > 1);
        let fitting = if is_rounded {
            reduce(&round(&reduced))
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

    /// After how many turns it starts again.
    pub(super) fn len(&self) -> u64 {
        self.len
    }

    /// Whether the weights were rounded so that the sequence keeps to [`LENGTH_MAX`].
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

/// Scales weights so that they sum up to at most [`LENGTH_MAX`], none below 1 (hence longer only if there are more
/// backends than that).
fn round(weights: &[u64]) -> Vec<u64> {
    let sum: u64 = weights.iter().sum();
    let room = LENGTH_MAX.saturating_sub(weights.len() as u64);
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

const LENGTH_MAX: u64 = 65_536;
