//! Deadlines for many connections at next to no cost: one lazy timer wheel per worker.
//!
//! Almost every deadline of a proxy is moved or dropped before it passes. So moving one later only stores a number; the
//! wheel looks at that number when the entry's old place comes round, and links it anew. Only a deadline earlier than
//! the entry's place costs a relink. (Varghese and Lauck, "Hashed and Hierarchical Timing Wheels", 1987, scheme 6,
//! with lazy moves.)

use std::cell::{Cell, RefCell};
use std::rc::Rc;
use std::task::{Context, Waker};
use std::time::{Duration, Instant};

use slab::Slab;
use tokio::sync::Notify;

/// One connection's deadline in one direction. Costs nothing until it is first armed.
pub(crate) struct Timer {
    wheel: Rc<Wheel>,
    key: Option<u32>,
}

impl Timer {
    pub(crate) fn new(wheel: &Rc<Wheel>) -> Self {
        Self {
            wheel: wheel.clone(),
            key: None,
        }
    }

    /// Whether `deadline` has passed; if not, the task is woken when it has, at most one `TICK` late.
    pub(crate) fn poll_expired(&mut self, context: &Context<'_>, deadline: Instant) -> bool {
        let due = self.wheel.tick_after(deadline);
        if due <= self.wheel.now.get() {
            return true;
        }
        let key = *self.key.get_or_insert_with(|| self.wheel.insert());
        self.wheel.arm(key, due, context.waker());
        false
    }

    /// Forgets the deadline, so that an idle pooled connection wakes nobody.
    pub(crate) fn disarm(&mut self) {
        if let Some(key) = self.key {
            self.wheel.disarm(key);
        }
    }
}

impl Drop for Timer {
    fn drop(&mut self) {
        if let Some(key) = self.key {
            self.wheel.remove(key);
        }
    }
}

/// All deadlines of a worker.
pub(crate) struct Wheel {
    started: Instant,
    /// Ticks that have passed, as far as the wheel was turned.
    now: Cell<u64>,
    /// The tick for which `turn` sleeps; an earlier deadline has to wake it.
    sleeps_until: Cell<u64>,
    earlier: Notify,
    slots: RefCell<Slots>,
}

struct Slots {
    entries: Slab<Entry>,
    /// Heads of doubly linked lists.
    buckets: Vec<u32>,
}

struct Entry {
    /// `NEVER` while disarmed.
    due: u64,
    /// The tick at which the wheel looks at it; `NEVER` while it is linked nowhere.
    visit: u64,
    before: u32,
    after: u32,
    waker: Option<Waker>,
}

impl Wheel {
    pub(crate) fn new() -> Rc<Self> {
        let slots = Slots {
            entries: Slab::new(),
            buckets: vec![NONE; BUCKET_COUNT],
        };
        Rc::new(Self {
            started: Instant::now(),
            now: Cell::new(0),
            sleeps_until: Cell::new(NEVER),
            earlier: Notify::new(),
            slots: RefCell::new(slots),
        })
    }

    /// Turns the wheel for ever; sleeps while nothing is due. Run as one task of the worker.
    pub(crate) async fn turn(self: Rc<Self>) {
        loop {
            let next = self.next_visit();
            self.sleeps_until.set(next);
            if next == NEVER {
                self.earlier.notified().await;
                continue;
            }
            let at = self.started + Duration::from_millis(next.saturating_mul(TICK_MS));
            tokio::select! {
                () = tokio::time::sleep_until(at.into()) => self.advance(Instant::now()),
                () = self.earlier.notified() => {}
            }
        }
    }

    /// Wakes every task that waits for a deadline, so that it looks whether it should end.
    pub(crate) fn wake_all(&self) {
        for (_, entry) in &self.slots.borrow().entries {
            if let Some(waker) = &entry.waker {
                waker.wake_by_ref();
            }
        }
    }

    fn advance(&self, now: Instant) {
        let reached = self.tick_at(now);
        let mut due = Vec::new();
        let mut tick = self.now.get();
        let last = reached.min(tick + BUCKETS);
        self.now.set(reached);
        while tick < last {
            tick += 1;
            self.slots.borrow_mut().visit(tick, reached, &mut due);
        }
        for waker in due {
            waker.wake();
        }
    }

    fn insert(&self) -> u32 {
        let entry = Entry {
            due: NEVER,
            visit: NEVER,
            before: NONE,
            after: NONE,
            waker: None,
        };
        u32::try_from(self.slots.borrow_mut().entries.insert(entry))
            .expect("connections are bounded far below 2^32")
    }

    fn arm(&self, key: u32, due: u64, waker: &Waker) {
        let mut slots = self.slots.borrow_mut();
        let entry = slots.at(key);
        entry.due = due;
        if !entry.waker.as_ref().is_some_and(|known| known.will_wake(waker)) {
            entry.waker = Some(waker.clone());
        }
        if entry.visit > due {
            slots.unlink(key);
            let visit = due.min(self.now.get() + BUCKETS - 1);
            slots.link(key, visit);
            if visit < self.sleeps_until.get() {
                self.sleeps_until.set(visit);
                self.earlier.notify_one();
            }
        }
    }

    fn disarm(&self, key: u32) {
        let mut slots = self.slots.borrow_mut();
        let entry = slots.at(key);
        entry.due = NEVER;
        entry.waker = None;
    }

    fn remove(&self, key: u32) {
        let mut slots = self.slots.borrow_mut();
        slots.unlink(key);
        slots.entries.remove(key as usize);
    }

    /// The next tick whose bucket holds anything. O(BUCKETS) once per wake-up of the wheel.
    fn next_visit(&self) -> u64 {
        let (slots, now) = (self.slots.borrow(), self.now.get());
        (now + 1..=now + BUCKETS)
            .find(|tick| slots.buckets[bucket(*tick)] != NONE)
            .unwrap_or(NEVER)
    }

    fn tick_at(&self, at: Instant) -> u64 {
        let passed = at.saturating_duration_since(self.started).as_micros() / TICK.as_micros();
        u64::try_from(passed).unwrap_or(NEVER - 1)
    }

    fn tick_after(&self, at: Instant) -> u64 {
        self.tick_at(at) + 1
    }
}

impl Slots {
    fn at(&mut self, key: u32) -> &mut Entry {
        &mut self.entries[key as usize]
    }

    fn link(&mut self, key: u32, visit: u64) {
        let first = std::mem::replace(&mut self.buckets[bucket(visit)], key);
        let entry = self.at(key);
        (entry.visit, entry.before, entry.after) = (visit, NONE, first);
        if first != NONE {
            self.at(first).before = key;
        }
    }

    fn unlink(&mut self, key: u32) {
        let entry = self.at(key);
        if entry.visit == NEVER {
            return;
        }
        let (visit, before, after) = (entry.visit, entry.before, entry.after);
        entry.visit = NEVER;
        match before {
            NONE => self.buckets[bucket(visit)] = after,
            before => self.at(before).after = after,
        }
        if after != NONE {
            self.at(after).before = before;
        }
    }

    /// Looks at everything in the bucket of `tick`: what is due goes to `woken`, the rest moves to its own place.
    fn visit(&mut self, tick: u64, now: u64, woken: &mut Vec<Waker>) {
        let mut key = self.buckets[bucket(tick)];
        while key != NONE {
            let entry = self.at(key);
            let (after, due) = (entry.after, entry.due);
            if entry.visit <= now {
                self.unlink(key);
                if due <= now {
                    woken.extend(self.at(key).waker.clone());
                } else if due != NEVER {
                    self.link(key, due.min(now + BUCKETS - 1));
                }
            }
            key = after;
        }
    }
}

fn bucket(tick: u64) -> usize {
    usize::try_from(tick % BUCKETS).expect("smaller than BUCKETS")
}

/// How exact deadlines are.
pub(crate) const TICK: Duration = Duration::from_millis(TICK_MS);
const TICK_MS: u64 = 10;
/// One turn of the wheel is 10.24 s; later deadlines are looked at once a turn.
const BUCKETS: u64 = BUCKET_COUNT as u64;
const BUCKET_COUNT: usize = 1_024;
const NEVER: u64 = u64::MAX;
const NONE: u32 = u32::MAX;

#[cfg(test)]
mod tests {
    use std::sync::Arc;
    use std::sync::atomic::{AtomicUsize, Ordering};
    use std::task::Wake;

    use super::*;

    #[derive(Default)]
    struct Woken(AtomicUsize);

    impl Wake for Woken {
        fn wake(self: Arc<Self>) {
            self.0.fetch_add(1, Ordering::Relaxed);
        }
    }

    struct Bench {
        wheel: Rc<Wheel>,
        woken: Arc<Woken>,
        waker: Waker,
    }

    impl Bench {
        fn new() -> Self {
            let woken = Arc::new(Woken::default());
            Self {
                wheel: Wheel::new(),
                waker: woken.clone().into(),
                woken,
            }
        }

        fn poll(&self, timer: &mut Timer, after: Duration) -> bool {
            timer.poll_expired(&Context::from_waker(&self.waker), self.wheel.started + after)
        }

        fn wakes_by(&self, after: Duration) -> usize {
            self.wheel.advance(self.wheel.started + after);
            self.woken.0.load(Ordering::Relaxed)
        }
    }

    const SECOND: Duration = Duration::from_secs(1);

    #[test]
    fn a_deadline_wakes_once_and_not_before_its_time() {
        let bench = Bench::new();
        let mut timer = Timer::new(&bench.wheel);
        assert!(!bench.poll(&mut timer, SECOND));
        assert_eq!(bench.wakes_by(SECOND - TICK), 0);
        assert_eq!(bench.wakes_by(SECOND + TICK * 2), 1);
        assert!(bench.poll(&mut timer, SECOND));
        assert_eq!(bench.wakes_by(SECOND * 60), 1);
    }

    #[test]
    fn a_deadline_moved_later_wakes_only_at_the_later_time() {
        let bench = Bench::new();
        let mut timer = Timer::new(&bench.wheel);
        assert!(!bench.poll(&mut timer, SECOND));
        assert!(!bench.poll(&mut timer, SECOND * 3));
        assert_eq!(bench.wakes_by(SECOND * 2), 0);
        assert_eq!(bench.wakes_by(SECOND * 3 + TICK * 2), 1);
    }

    #[test]
    fn a_deadline_moved_earlier_wakes_at_the_earlier_time() {
        let bench = Bench::new();
        let mut timer = Timer::new(&bench.wheel);
        assert!(!bench.poll(&mut timer, SECOND * 50));
        assert!(!bench.poll(&mut timer, SECOND));
        assert_eq!(bench.wakes_by(SECOND + TICK * 2), 1);
    }

    #[test]
    fn a_deadline_beyond_one_turn_is_kept_over_the_turns() {
        let bench = Bench::new();
        let mut timer = Timer::new(&bench.wheel);
        assert!(!bench.poll(&mut timer, SECOND * 100));
        for second in (5..100).step_by(5) {
            assert_eq!(bench.wakes_by(SECOND * second), 0, "at {second} s");
        }
        assert_eq!(bench.wakes_by(SECOND * 100 + TICK * 2), 1);
    }

    #[test]
    fn disarmed_and_dropped_timers_wake_nobody_and_leave_nothing() {
        let bench = Bench::new();
        let (mut first, mut second) = (Timer::new(&bench.wheel), Timer::new(&bench.wheel));
        assert!(!bench.poll(&mut first, SECOND));
        assert!(!bench.poll(&mut second, SECOND));
        first.disarm();
        drop(second);
        assert_eq!(bench.wakes_by(SECOND * 2), 0);
        drop(first);
        assert!(bench.wheel.slots.borrow().entries.is_empty());
        assert_eq!(bench.wheel.next_visit(), NEVER);
    }

    #[test]
    fn a_wheel_that_was_not_turned_for_long_still_finds_everything() {
        let bench = Bench::new();
        let mut timers: Vec<_> = (0..100).map(|_| Timer::new(&bench.wheel)).collect();
        for (number, timer) in timers.iter_mut().enumerate() {
            assert!(!bench.poll(timer, SECOND / 10 * u32::try_from(number + 1).unwrap()));
        }
        assert_eq!(bench.wakes_by(SECOND * 500), 100);
    }
}
