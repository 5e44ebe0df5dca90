//! Requests that wait for room, in the order in which they are let go.

use std::collections::BTreeMap;

/// Things that wait: the lowest priority number first, and within one first come first served. They stand in lanes, by
/// what serves them, so that looking for the first that somebody suits does not pass by all whom he does not. It knows
/// of no time and no thread; whoever shares it guards it.
#[derive(Debug)]
pub struct HoldQueue<K, T> {
    /// None of them empty.
    lanes: BTreeMap<K, BTreeMap<Ticket, T>>,
    len: usize,
    next: u64,
}

/// One place in a queue; never given out twice by the same queue.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Ticket {
    priority: u8,
    number: u64,
}

impl<K: Ord + Clone, T> HoldQueue<K, T> {
    /// Nobody waits.
    #[must_use]
    pub const fn new() -> Self {
        Self {
            lanes: BTreeMap::new(),
            len: 0,
            next: 0,
        }
    }

    /// Puts it behind all of its priority in any lane; 0 goes first. O(log n).
    ///
    /// # Errors
    /// `max` wait already: here it is back.
    pub fn push(&mut self, max: u32, lane: &K, priority: u8, thing: T) -> Result<Ticket, T> {
        if self.len >= max as usize {
            return Err(thing);
        }
        let ticket = Ticket {
            priority,
            number: self.next,
        };
        self.next += 1;
        self.len += 1;
        match self.lanes.get_mut(lane) {
            Some(waiting) => waiting.insert(ticket, thing),
            None => self.lanes.entry(lane.clone()).or_default().insert(ticket, thing),
        };
        Ok(ticket)
    }

    /// The first that `suits` in a lane that `fits`, wherever it stands. One call of `fits` for each lane, and one of
    /// `suits` for each before it in those that fit.
    pub fn first(
        &self,
        mut fits: impl FnMut(&K) -> bool,
        mut suits: impl FnMut(&T) -> bool,
    ) -> Option<(Ticket, &T)> {
        let fitting = self.lanes.iter().filter(|(lane, _)| fits(lane));
        let firsts = fitting.filter_map(|(_, waiting)| waiting.iter().find(|(_, thing)| suits(thing)));
        let first = firsts.min_by_key(|(ticket, _)| **ticket);
        first.map(|(ticket, thing)| (*ticket, thing))
    }

    /// Takes out one that waits no longer; `None` if it was taken already. O(log n).
    pub fn take(&mut self, lane: &K, ticket: Ticket) -> Option<T> {
        let waiting = self.lanes.get_mut(lane)?;
        let thing = waiting.remove(&ticket)?;
        self.len -= 1;
        if waiting.is_empty() {
            self.lanes.remove(lane);
        }
        Some(thing)
    }

    /// How many wait.
    #[must_use]
    pub fn len(&self) -> usize {
        self.len
    }

    /// Whether nobody waits.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.len == 0
    }
}

impl<K: Ord + Clone, T> Default for HoldQueue<K, T> {
    fn default() -> Self {
        Self::new()
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    impl<T: Clone> HoldQueue<u8, T> {
        /// The first of lanes that fit.
        fn take_first(&mut self, fits: impl Fn(u8) -> bool, suits: impl Fn(&T) -> bool) -> Option<T> {
            let (ticket, _) = self.first(|lane| fits(*lane), suits)?;
            let lanes: Vec<u8> = self.lanes.keys().copied().collect();
            lanes.iter().find_map(|lane| self.take(lane, ticket))
        }
    }

    /// All that are left, in their order.
    fn rest<T: Clone>(mut queue: HoldQueue<u8, T>) -> Vec<T> {
        std::iter::from_fn(|| queue.take_first(|_| true, |_| true)).collect()
    }

    #[test]
    fn who_came_first_goes_first() {
        let mut queue = HoldQueue::new();
        for name in ["a", "b", "c"] {
            queue.push(9, &0, 3, name).unwrap();
        }
        assert_eq!(queue.take_first(|_| true, |_| true), Some("a"));
        queue.push(9, &0, 3, "d").unwrap();
        assert_eq!(rest(queue), ["b", "c", "d"]);
    }

    #[test]
    fn lanes_do_not_change_the_order() {
        let mut queue = HoldQueue::new();
        for (lane, priority, name) in [(1, 3, "b"), (0, 3, "c"), (1, 3, "d"), (0, 2, "a")] {
            queue.push(9, &lane, priority, name).unwrap();
        }
        assert_eq!(rest(queue), ["a", "b", "c", "d"]);
    }

    #[test]
    fn a_lower_number_goes_before_whoever_came_earlier() {
        let mut queue = HoldQueue::new();
        for (priority, name) in [
            (3, "late"),
            (7, "last"),
            (0, "first"),
            (3, "later"),
            (0, "second"),
        ] {
            queue.push(9, &0, priority, name).unwrap();
        }
        assert_eq!(rest(queue), ["first", "second", "late", "later", "last"]);
    }

    #[test]
    fn whom_the_room_does_not_suit_keeps_the_place() {
        let mut queue = HoldQueue::new();
        for number in 1..=4 {
            queue.push(9, &0, 3, number).unwrap();
        }
        assert_eq!(queue.take_first(|_| true, |number| number % 2 == 0), Some(2));
        assert_eq!(queue.take_first(|_| true, |number| *number > 9), None);
        assert_eq!(queue.take_first(|_| true, |_| true), Some(1));
    }

    #[test]
    fn who_waits_in_another_lane_is_not_looked_at() {
        let mut queue = HoldQueue::new();
        for number in 0..1_000 {
            queue.push(9_999, &0, 3, number).unwrap();
        }
        queue.push(9_999, &1, 3, 1_000).unwrap();
        let mut looks = 0;
        let mut counted = |_: &i32| {
            looks += 1;
            true
        };
        let found = queue.first(|lane| *lane == 1, &mut counted);
        assert_eq!(found.map(|(_, number)| *number), Some(1_000));
        assert_eq!(looks, 1);
    }

    #[test]
    fn no_more_wait_than_may() {
        let mut queue = HoldQueue::new();
        assert_eq!(queue.push(0, &0, 3, "never"), Err("never"));
        let first = queue.push(2, &0, 3, "a").unwrap();
        queue.push(2, &1, 3, "b").unwrap();
        assert_eq!(queue.push(2, &0, 0, "c"), Err("c"));
        assert_eq!((queue.len(), queue.take(&0, first)), (2, Some("a")));
        assert!(queue.push(2, &0, 3, "d").is_ok());
    }

    #[test]
    fn a_ticket_is_good_once() {
        let mut queue = HoldQueue::new();
        let first = queue.push(9, &0, 3, 1).unwrap();
        let second = queue.push(9, &0, 3, 2).unwrap();
        assert_eq!(queue.take_first(|_| true, |_| true), Some(1));
        assert_eq!((queue.take(&0, first), queue.len()), (None, 1));
        assert_eq!((queue.take(&0, second), queue.is_empty()), (Some(2), true));
        assert!(queue.push(9, &0, 3, 3).is_ok_and(|ticket| ticket != first));
    }

    #[derive(Debug, Clone)]
    enum Step {
        Push(u8, u8),
        TakeMultipleOf(u8, usize),
        Remove(usize),
    }

    fn steps() -> impl Strategy<Value = Vec<Step>> {
        let step = prop_oneof![
            3 => (0_u8..3, 0_u8..8).prop_map(|(lane, priority)| Step::Push(lane, priority)),
            2 => (0_u8..3, 1_usize..5).prop_map(|(lane, divisor)| Step::TakeMultipleOf(lane, divisor)),
            1 => (0_usize..100).prop_map(Step::Remove),
        ];
        proptest::collection::vec(step, 1..200)
    }

    proptest! {
        #[test]
        fn it_does_what_a_list_searched_from_its_beginning_does(steps in steps()) {
            let (mut queue, mut list, mut tickets) =
                (HoldQueue::new(), Vec::<(u8, usize, u8)>::new(), Vec::new());
            for (number, step) in steps.into_iter().enumerate() {
                match step {
                    Step::Push(lane, priority) => {
                        let pushed = queue.push(20, &lane, priority, number);
                        prop_assert_eq!(pushed.is_ok(), list.len() < 20);
                        if let Ok(ticket) = pushed {
                            list.push((priority, number, lane));
                            tickets.push((ticket, number, lane));
                        }
                    }
                    // Lane 2 stands for one that is suited by all.
                    Step::TakeMultipleOf(from, divisor) => {
                        let fits = |lane: u8| from == 2 || lane == from;
                        let fitting = list.iter().filter(|(_, number, lane)| number % divisor == 0 && fits(*lane));
                        let expected = fitting.min().map(|(_, number, _)| *number);
                        prop_assert_eq!(queue.take_first(fits, |number| number % divisor == 0), expected);
                        list.retain(|(_, number, _)| Some(*number) != expected);
                    }
                    Step::Remove(nth) if !tickets.is_empty() => {
                        let (ticket, number, lane) = tickets[nth % tickets.len()];
                        let expected = list.iter().any(|(_, waiting, _)| *waiting == number);
                        prop_assert_eq!(queue.take(&lane, ticket), expected.then_some(number));
                        list.retain(|(_, waiting, _)| *waiting != number);
                    }
                    Step::Remove(_) => {}
                }
                prop_assert_eq!(queue.len(), list.len());
                prop_assert!(queue.lanes.values().all(|waiting| !waiting.is_empty()));
            }
        }
    }
}
