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
