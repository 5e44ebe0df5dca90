//! What is to be kept, what of it the store lacks, and who waits for it. No I/O, no clock.

use std::collections::{HashMap, HashSet};

use tokio::sync::watch;

use super::{Entry, EntryKey, Write};

/// All that is to be kept, and which keys of it changed since the store was given them last.
///
/// A store that failed is *adrift*: nobody knows what it has, as a commit that failed may have been done all the same.
/// It is asked then, and given the difference. So however long a disk is full, no more is held than what is to be kept.
#[derive(Debug, Default)]
pub(super) struct Outbox {
    wanted: HashMap<EntryKey, Entry>,
    changed: HashSet<EntryKey>,
    waiters: Vec<Waiter>,
    /// Something was taken and its commit has not ended.
    is_underway: bool,
    is_adrift: bool,
    pub(super) is_closing: bool,
}

/// Is told whether something is stored; says `None` while nobody knows.
pub(super) type Waiter = watch::Sender<Option<bool>>;

impl Outbox {
    /// For a store that has just these.
    pub(super) fn new(stored: Vec<Entry>) -> Self {
        let wanted = stored.into_iter().map(|entry| (entry.key(), entry)).collect();
        Self {
            wanted,
            ..Self::default()
        }
    }

    /// Whether the store lacks something, or may.
    pub(super) fn is_due(&self) -> bool {
        self.is_adrift || !self.changed.is_empty()
    }

    /// Whether nobody knows what the store has.
    pub(super) fn is_adrift(&self) -> bool {
        self.is_adrift
    }

    pub(super) fn add(&mut self, write: Write) {
        self.note(write.key.clone());
        match write.entry {
            Some(entry) => self.wanted.insert(write.key, entry),
            None => self.wanted.remove(&write.key),
        };
    }

    /// Has `waiter` told when all that was added so far is stored, or is known not to be.
    pub(super) fn wait(&mut self, waiter: Waiter) {
        if self.is_adrift {
            waiter.send_replace(Some(false));
        } else if self.changed.is_empty() && !self.is_underway {
            waiter.send_replace(Some(true));
        } else {
            self.waiters.push(waiter);
        }
    }

    /// Takes what changed, and who waits for it; call [`done`](Self::done) with how it ended.
    pub(super) fn take(&mut self) -> (Vec<Write>, Vec<Waiter>) {
        let changed = std::mem::take(&mut self.changed);
        let writes = changed.into_iter().map(|key| Write {
            entry: self.wanted.get(&key).cloned(),
            key,
        });
        let writes = writes.collect();
        self.is_underway = true;
        (writes, std::mem::take(&mut self.waiters))
    }

    /// Takes all by which a store that has just these differs.
    pub(super) fn take_difference(&mut self, stored: Vec<Entry>) -> (Vec<Write>, Vec<Waiter>) {
        self.is_adrift = false;
        self.changed = self.wanted.keys().cloned().collect();
        for entry in stored {
            let key = entry.key();
            if self.wanted.get(&key) == Some(&entry) {
                self.changed.remove(&key);
            } else {
                self.changed.insert(key);
            }
        }
        self.take()
    }

    /// Notes how the commit of what was taken ended.
    pub(super) fn done(&mut self, is_stored: bool) {
        self.is_underway = false;
        if !is_stored {
            self.lose_track();
        }
    }

    fn note(&mut self, key: EntryKey) {
        if self.is_adrift {
            return; // the difference will tell
        }
        self.changed.insert(key);
        if self.changed.len() > CHANGED_MAX {
            self.lose_track();
        }
    }

    fn lose_track(&mut self) {
        self.is_adrift = true;
        self.changed = HashSet::new();
        for waiter in self.waiters.drain(..) {
            waiter.send_replace(Some(false));
        }
    }
}

/// Keys that may wait while one commit takes its time.
const CHANGED_MAX: usize = 100_000;

#[cfg(test)]
mod tests {
    use super::*;

    fn drained(label: &str) -> Entry {
        Entry::Drained("pool".into(), label.into())
    }

    fn put(label: &str) -> Write {
        Write::put(drained(label))
    }

    fn delete(label: &str) -> Write {
        Write::delete(drained(label).key())
    }

    fn waiter() -> (Waiter, watch::Receiver<Option<bool>>) {
        watch::channel(None)
    }

    fn wait(outbox: &mut Outbox) -> watch::Receiver<Option<bool>> {
        let (waiter, told) = waiter();
        outbox.wait(waiter);
        told
    }

    #[test]
    fn of_one_key_only_the_last_write_counts() {
        let mut outbox = Outbox::default();
        outbox.add(put("a"));
        outbox.add(delete("a"));
        outbox.add(put("b"));
        outbox.add(delete("b"));
        outbox.add(put("b"));

        let (mut writes, _) = outbox.take();

        writes.sort_by(|one, other| one.key.cmp(&other.key));
        assert_eq!(writes, [delete("a"), put("b")]);
        assert!(!outbox.is_due());
    }

    #[test]
    fn who_has_nothing_to_wait_for_is_told_at_once() {
        let mut outbox = Outbox::new(vec![drained("a")]);
        assert_eq!(*wait(&mut outbox).borrow(), Some(true));
    }

    #[test]
    fn who_repeats_what_is_under_way_waits_for_it() {
        let mut outbox = Outbox::default();
        outbox.add(put("a"));
        let _ = outbox.take();
        assert_eq!(*wait(&mut outbox).borrow(), None);
    }

    #[test]
    fn after_a_failure_the_difference_is_what_the_store_lacks() {
        let mut outbox = Outbox::new(vec![drained("old"), drained("kept")]);
        outbox.add(put("new"));
        let _ = outbox.take();
        outbox.done(false);
        outbox.add(delete("old"));
        outbox.add(put("later"));
        assert_eq!(*wait(&mut outbox).borrow(), Some(false));

        // "new" was stored although the commit said it was not.
        let (mut writes, _) = outbox.take_difference(vec![drained("old"), drained("kept"), drained("new")]);

        writes.sort_by(|one, other| one.key.cmp(&other.key));
        assert_eq!(writes, [put("later"), delete("old")]);
        outbox.done(true);
        assert!(!outbox.is_due());
    }

    #[test]
    fn while_the_store_fails_only_what_is_wanted_is_held() {
        let mut outbox = Outbox::default();
        outbox.add(put("a"));
        let _ = outbox.take();
        outbox.done(false);
        for round in 0..1_000 {
            outbox.add(put(&round.to_string()));
            outbox.add(delete(&round.to_string()));
        }
        assert!(outbox.changed.is_empty());
        assert_eq!(outbox.wanted.len(), 1);
    }

    #[test]
    fn a_commit_that_never_ends_holds_a_bounded_number_of_keys() {
        let mut outbox = Outbox::default();
        outbox.add(put("a"));
        let _ = outbox.take();
        let told = wait(&mut outbox);
        for round in 0..=CHANGED_MAX {
            outbox.add(put(&round.to_string()));
            outbox.add(delete(&round.to_string()));
        }
        assert!(outbox.is_adrift() && outbox.changed.is_empty());
        assert_eq!(*told.borrow(), Some(false));
    }
}
