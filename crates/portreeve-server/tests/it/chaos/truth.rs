//! What was true of each backend and when, written by whoever makes it so.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, MutexGuard};
use std::time::SystemTime;

/// Microseconds since 1970, the same in all processes of the machine.
pub(crate) type Micros = u64;

pub(crate) fn now() -> Micros {
    let since = SystemTime::now().duration_since(SystemTime::UNIX_EPOCH);
    u64::try_from(since.expect("it is later than 1970").as_micros()).expect("it is before the year 500,000")
}

/// Shared by all who take part in a storm.
#[derive(Clone, Default)]
pub(crate) struct Truth(Arc<Mutex<State>>);

#[derive(Default)]
pub(crate) struct State {
    pub(crate) backends: BTreeMap<&'static str, History>,
    /// When this very process got no CPU for long: nobody can be blamed then.
    pub(crate) stalls: Vec<Span<()>>,
    pub(crate) log: Vec<String>,
}

/// All that happened to one backend.
#[derive(Default)]
pub(crate) struct History {
    pub(crate) claims: Vec<Span<Vec<&'static str>>>,
    pub(crate) troubles: Vec<Span<Trouble>>,
    /// When the proxy had been told, or could find out, that it serves nobody.
    pub(crate) shut: Vec<Span<Trouble>>,
}

#[derive(Debug, Clone)]
pub(crate) struct Span<T> {
    pub(crate) what: T,
    pub(crate) from: Micros,
    pub(crate) until: Micros,
}

/// What can be the matter with a backend.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Trouble {
    /// Its process is gone.
    Killed,
    /// Its process stands still: connections are made, and silent.
    Stopped,
    Slow,
    /// Every connection ends with RST once a request came.
    Resets,
    /// Every request and probe is answered with 5xx.
    Errors,
    /// It serves well and says to probes that it must not be asked.
    Sick,
    /// The operator said so.
    Drained,
    /// It deregistered.
    Away,
    /// The file does not name it any more.
    Unlisted,
    /// It says other policies.
    Changed,
}

impl<T> Span<T> {
    pub(crate) fn meets(&self, from: Micros, until: Micros) -> bool {
        self.from <= until && from <= self.until
    }
}

impl Truth {
    pub(crate) fn new() -> Self {
        Self::default()
    }

    pub(crate) fn state(&self) -> MutexGuard<'_, State> {
        self.0.lock().expect("no holder panics")
    }

    pub(crate) fn note(&self, what: &str) {
        self.state().log.push(format!("{} {what}", now()));
    }

    /// From now on it may uphold these.
    pub(crate) fn claims(&self, name: &'static str, policies: &[&'static str]) {
        self.of(name, |history| begin(&mut history.claims, policies.to_vec()));
    }

    /// All that it claimed before the `kept` last ones is over.
    pub(crate) fn disclaims(&self, name: &'static str, kept: usize) {
        self.of(name, |history| {
            let over = history.claims.len() - kept;
            history.claims[..over].iter_mut().for_each(end);
        });
    }

    /// It is not well from now on.
    pub(crate) fn harms(&self, name: &'static str, trouble: Trouble) {
        self.note(&format!("{name}: {trouble:?}"));
        self.of(name, |history| begin(&mut history.troubles, trouble));
    }

    /// No request begun after now may come to it, if need be after the time that it takes to find out.
    pub(crate) fn shuts(&self, name: &'static str, trouble: Trouble) {
        self.of(name, |history| begin(&mut history.shut, trouble));
    }

    /// It may be asked again from now on.
    pub(crate) fn opens(&self, name: &'static str) {
        self.of(name, |history| history.shut.iter_mut().for_each(end));
    }

    /// All that was done to it is undone.
    pub(crate) fn heals(&self, name: &'static str) {
        self.note(&format!("{name}: well"));
        self.of(name, |history| history.troubles.iter_mut().for_each(end));
    }

    fn of(&self, name: &'static str, change: impl FnOnce(&mut History)) {
        change(self.state().backends.entry(name).or_default());
    }
}

fn begin<T>(spans: &mut Vec<Span<T>>, what: T) {
    let (from, until) = (now(), Micros::MAX);
    spans.push(Span { what, from, until });
}

fn end<T>(span: &mut Span<T>) {
    span.until = span.until.min(now());
}
