//! Requests that wait for room, in the order in which they are let go.

use std::collections::BTreeMap;

/// Things that wait: the lowest priority number first, and within one first come first served. It knows of no time and
/// no thread; whoever shares it guards it.
#[derive(Debug)]
pub struct HoldQueue<T> {
    waiting: BTreeMap<Ticket, T>,
    next: u64,
}

/// One place in a queue; never given out twice by the same queue.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Ticket {
    priority: u8,
    number: u64,
}

impl<T> HoldQueue<T> {
    /// Nobody waits.
    #[must_use]
    pub const fn new() -> Self {
        Self {
            waiting: BTreeMap::new(),
            next: 0,
        }
    }

    /// Puts it behind all of its priority; 0 goes first. O(log n).
    ///
    /// # Errors
    /// `max` wait already: here it is back.
    pub fn push(&mut self, max: u32, priority: u8, thing: T) -> Result<Ticket, T> {
        if self.waiting.len() >= max as usize {
            return Err(thing);
        }
        let ticket = Ticket {
            priority,
            number: self.next,
        };
        self.next += 1;
        self.waiting.insert(ticket, thing);
        Ok(ticket)
    }

    /// Takes the first that `suits`, wherever it stands. O(log n), and one call of `suits` for each before it.
    pub fn take_first(&mut self, mut suits: impl FnMut(&T) -> bool) -> Option<T> {
        let first = self.waiting.iter().find(|(_, thing)| suits(thing));
        let ticket = first.map(|(ticket, _)| *ticket)?;
        self.waiting.remove(&ticket)
    }

    /// Takes out one that waits no longer; `None` if it was taken already. O(log n).
    pub fn remove(&mut self, ticket: Ticket) -> Option<T> {
        self.waiting.remove(&ticket)
    }

    /// How many wait.
    #[must_use]
    pub fn len(&self) -> usize {
        self.waiting.len()
    }

    /// Whether nobody waits.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.waiting.is_empty()
    }
}

impl<T> Default for HoldQueue<T> {
    fn default() -> Self {
        Self::new()
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn who_came_first_goes_first() {
        let mut queue = HoldQueue::new();
        for name in ["a", "b", "c"] {
            queue.push(9, 3, name).unwrap();
        }
        assert_eq!(queue.take_first(|_| true), Some("a"));
        queue.push(9, 3, "d").unwrap();
        let rest: Vec<_> = std::iter::from_fn(|| queue.take_first(|_| true)).collect();
        assert_eq!(rest, ["b", "c", "d"]);
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
            queue.push(9, priority, name).unwrap();
        }
        let order: Vec<_> = std::iter::from_fn(|| queue.take_first(|_| true)).collect();
        assert_eq!(order, ["first", "second", "late", "later", "last"]);
    }

    #[test]
    fn whom_the_room_does_not_suit_keeps_the_place() {
        let mut queue = HoldQueue::new();
        for number in 1..=4 {
            queue.push(9, 3, number).unwrap();
        }
        assert_eq!(queue.take_first(|number| number % 2 == 0), Some(2));
        assert_eq!(queue.take_first(|number| *number > 9), None);
        assert_eq!(queue.take_first(|_| true), Some(1));
    }

    #[test]
    fn no_more_wait_than_may() {
        let mut queue = HoldQueue::new();
        assert_eq!(queue.push(0, 0, 1), Err(1));
        let ticket = queue.push(1, 3, 1).unwrap();
        assert_eq!(queue.push(1, 0, 2), Err(2), "not even of a higher priority");
        assert_eq!(queue.remove(ticket), Some(1));
        assert!(queue.push(1, 0, 2).is_ok());
    }

    #[test]
    fn a_ticket_is_good_once() {
        let mut queue = HoldQueue::new();
        let first = queue.push(9, 3, 1).unwrap();
        let second = queue.push(9, 3, 2).unwrap();
        assert_eq!(queue.take_first(|_| true), Some(1));
        assert_eq!((queue.remove(first), queue.len()), (None, 1));
        assert_eq!((queue.remove(second), queue.is_empty()), (Some(2), true));
        assert!(queue.push(9, 3, 3).is_ok_and(|ticket| ticket != first));
    }

    #[derive(Debug, Clone)]
    enum Step {
        Push(u8),
        TakeMultipleOf(usize),
        Remove(usize),
    }

    fn steps() -> impl Strategy<Value = Vec<Step>> {
        let step = prop_oneof![
            3 => (0_u8..8).prop_map(Step::Push),
            2 => (1_usize..5).prop_map(Step::TakeMultipleOf),
            1 => (0_usize..100).prop_map(Step::Remove),
        ];
        proptest::collection::vec(step, 1..200)
    }

    proptest! {
        #[test]
        fn it_does_what_a_list_searched_from_its_beginning_does(steps in steps()) {
            let (mut queue, mut list, mut tickets) = (HoldQueue::new(), Vec::<(u8, usize)>::new(), Vec::new());
            for (number, step) in steps.into_iter().enumerate() {
                match step {
                    Step::Push(priority) => {
                        let pushed = queue.push(20, priority, number);
                        prop_assert_eq!(pushed.is_ok(), list.len() < 20);
                        if let Ok(ticket) = pushed {
                            list.push((priority, number));
                            tickets.push((ticket, number));
                        }
                    }
                    Step::TakeMultipleOf(divisor) => {
                        let fitting = list.iter().filter(|(_, number)| number % divisor == 0);
                        let expected = fitting.min().map(|(_, number)| *number);
                        prop_assert_eq!(queue.take_first(|number| number % divisor == 0), expected);
                        list.retain(|(_, number)| Some(*number) != expected);
                    }
                    Step::Remove(nth) if !tickets.is_empty() => {
                        let (ticket, number) = tickets[nth % tickets.len()];
                        let expected = list.iter().any(|(_, waiting)| *waiting == number);
                        prop_assert_eq!(queue.remove(ticket), expected.then_some(number));
                        list.retain(|(_, waiting)| *waiting != number);
                    }
                    Step::Remove(_) => {}
                }
                prop_assert_eq!(queue.len(), list.len());
            }
        }
    }
}
