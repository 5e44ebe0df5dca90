//! What the driver remembers of its containers. None of it is needed: after a restart it is empty.

use std::collections::{HashMap, HashSet, VecDeque};
use std::sync::{Mutex, MutexGuard, PoisonError};

use portreeve_driver::Ended;

/// Handles of containers, and what there is to know of them.
#[derive(Debug, Default)]
pub(crate) struct Notes(Mutex<Pages>);

#[derive(Debug, Default)]
struct Pages {
    /// Started by us, so that all that they ever wrote is new.
    fresh: HashSet<String>,
    /// Asked to end.
    asked: HashSet<String>,
    /// Somebody waits for the end, and tidies up then.
    watched: HashMap<String, u32>,
    /// Tidied up while nobody waited.
    told: VecDeque<(String, Ended)>,
    /// What it may use, since when: it does not change.
    bounds: HashMap<String, Bounds>,
}

/// What a container may use.
#[derive(Debug, Clone, Copy, Default, PartialEq)]
pub(crate) struct Bounds {
    pub(crate) cpus_max: Option<f64>,
    pub(crate) memory_max: Option<u64>,
    pub(crate) since: Option<std::time::SystemTime>,
}

impl Notes {
    pub(crate) fn started(&self, handle: &str) {
        self.pages().fresh.insert(handle.to_owned());
    }

    /// Whether it was started by us; true once.
    pub(crate) fn take_fresh(&self, handle: &str) -> bool {
        self.pages().fresh.remove(handle)
    }

    pub(crate) fn asked(&self, handle: &str) {
        self.pages().asked.insert(handle.to_owned());
    }

    pub(crate) fn was_asked(&self, handle: &str) -> bool {
        self.pages().asked.contains(handle)
    }

    /// While the guard lives, whoever lists leaves it alone.
    pub(crate) fn watch(&self, handle: &str) -> Watched<'_> {
        *self.pages().watched.entry(handle.to_owned()).or_default() += 1;
        Watched {
            notes: self,
            handle: handle.to_owned(),
        }
    }

    pub(crate) fn is_watched(&self, handle: &str) -> bool {
        self.pages().watched.contains_key(handle)
    }

    /// Is over, and tidied up without anybody who waited for it.
    pub(crate) fn tell(&self, handle: &str, ended: Ended) {
        let mut pages = self.pages();
        pages.told.push_back((handle.to_owned(), ended));
        if pages.told.len() > TOLD_MAX {
            pages.told.pop_front();
        }
    }

    pub(crate) fn take_told(&self, handle: &str) -> Option<Ended> {
        let mut pages = self.pages();
        let at = pages.told.iter().position(|(of, _)| of == handle)?;
        pages.told.remove(at).map(|(_, ended)| ended)
    }

    pub(crate) fn bounds(&self, handle: &str) -> Option<Bounds> {
        self.pages().bounds.get(handle).copied()
    }

    pub(crate) fn bounded(&self, handle: &str, bounds: Bounds) {
        self.pages().bounds.insert(handle.to_owned(), bounds);
    }

    /// It is over: nothing more to know.
    pub(crate) fn forget(&self, handle: &str) {
        let mut pages = self.pages();
        pages.fresh.remove(handle);
        pages.asked.remove(handle);
        pages.bounds.remove(handle);
    }

    /// Only these are there.
    pub(crate) fn keep_only(&self, there: &HashSet<&str>) {
        let mut pages = self.pages();
        pages.asked.retain(|handle| there.contains(handle.as_str()));
        pages.bounds.retain(|handle, _| there.contains(handle.as_str()));
    }

    fn pages(&self) -> MutexGuard<'_, Pages> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Somebody waits for the end of a container.
#[derive(Debug)]
pub(crate) struct Watched<'a> {
    notes: &'a Notes,
    handle: String,
}

impl Drop for Watched<'_> {
    fn drop(&mut self) {
        let mut pages = self.notes.pages();
        let left = pages.watched.get(&self.handle).map_or(0, |count| count - 1);
        match left {
            0 => pages.watched.remove(&self.handle),
            _ => pages.watched.insert(self.handle.clone(), left),
        };
    }
}

/// How many ends are remembered that nobody waited for.
const TOLD_MAX: usize = 64;

#[cfg(test)]
mod tests {
    use super::*;

    fn ended(how: &str) -> Ended {
        Ended {
            how: how.to_owned(),
            last_words: String::new(),
        }
    }

    #[test]
    fn it_is_watched_until_the_last_one_leaves() {
        let notes = Notes::default();
        let first = notes.watch("a");
        let second = notes.watch("a");
        drop(first);
        assert!(notes.is_watched("a"));
        drop(second);
        assert!(!notes.is_watched("a"));
    }

    #[test]
    fn an_end_is_told_once_and_few_are_kept() {
        let notes = Notes::default();
        for number in 0..=TOLD_MAX {
            notes.tell(&number.to_string(), ended("exited with 1"));
        }
        assert_eq!(notes.take_told("0"), None);
        assert_eq!(notes.take_told("1"), Some(ended("exited with 1")));
        assert_eq!(notes.take_told("1"), None);
    }
}
