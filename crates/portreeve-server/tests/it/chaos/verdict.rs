//! What clients, backends and records have seen, against what was true.

use std::collections::{BTreeMap, HashMap};

use portreeve_model::Cause;

use crate::chaos::fleet::{Arrival, Seen, is_member};
use crate::chaos::load::{End, Outcome};
use crate::chaos::truth::{History, Micros, Span, State, Trouble, Truth};

/// The storm in a line.
///
/// # Panics
/// If something was seen that must not be.
pub(crate) fn judge(truth: &Truth, outcomes: &[Outcome], seen: &Seen) -> String {
    let state = truth.state();
    let records = records(&seen.records);
    let judge = Judge {
        state: &state,
        records,
    };
    let mut faults: Vec<String> = outcomes
        .iter()
        .filter_map(|outcome| judge.outcome(outcome))
        .collect();
    faults.extend(seen.arrivals.iter().filter_map(|arrival| judge.arrival(arrival)));
    let summary = judge.summary(outcomes, &seen.arrivals);
    let shown = faults
        .iter()
        .take(SHOWN_MAX)
        .cloned()
        .collect::<Vec<_>>()
        .join("\n");
    assert!(
        faults.is_empty(),
        "{}\n{summary}\n{} faults, the first:\n{shown}",
        state.log.join("\n"),
        faults.len()
    );
    assert!(
        judge.count(outcomes, |end| matches!(end, End::Served)) > SERVED_MIN,
        "{summary}"
    );
    summary
}

struct Judge<'a> {
    state: &'a State,
    /// How often each target is recorded, and the last line of it.
    records: HashMap<&'a str, (u32, &'a str)>,
}

impl Judge<'_> {
    fn outcome(&self, outcome: &Outcome) -> Option<String> {
        let record = self.records.get(outcome.target.as_str());
        let is_recorded = match (&outcome.end, record) {
            // What comes before a head is whole is no request.
            (End::Left, None) => true,
            (_, record) => record.is_some_and(|(count, _)| *count == 1),
        };
        if !is_recorded {
            return Some(format!("recorded {record:?}: {outcome:?}"));
        }
        let cause = record.and_then(|(_, line)| word(line, "cause"));
        let wrong = match &outcome.end {
            End::Served => cause.is_some_and(|cause| cause != "client_left"),
            End::Failed => cause.is_some() || self.must_be_served(outcome),
            End::Refused(status, said) => {
                let known = Cause::ALL.iter().find(|cause| cause.code() == said);
                known.is_none_or(|known| known.status() != *status || *known == Cause::InternalError)
                    || cause != Some(said)
                    || self.must_be_served(outcome)
            }
            End::Aborted => {
                !cause.is_some_and(|cause| Cause::ALL.iter().any(|known| known.code() == cause))
                    || !self.was_anybody_harmed(outcome)
            }
            End::Left => false,
            End::Untyped(what) => return Some(format!("{what}: {outcome:?}")),
        };
        wrong.then(|| format!("{outcome:?}, recorded {record:?}"))
    }

    /// Whether it may be repeated and somebody who may serve it was well all the time, and for long enough before.
    fn must_be_served(&self, outcome: &Outcome) -> bool {
        outcome.method != "POST"
            && !meets(&self.state.stalls, outcome.sent, outcome.done)
            && self.state.backends.iter().any(|(name, history)| {
                let is_there = is_member(name) == outcome.target.starts_with("/api/");
                is_there && is_well(history, outcome)
            })
    }

    fn was_anybody_harmed(&self, outcome: &Outcome) -> bool {
        let mut all = self.state.backends.values();
        all.any(|history| {
            meets(
                &history.troubles,
                outcome.sent.saturating_sub(RECOVERY),
                outcome.done,
            )
        }) || meets(&self.state.stalls, outcome.sent, outcome.done)
    }

    fn arrival(&self, arrival: &Arrival) -> Option<String> {
        let history = &self.state.backends[arrival.backend];
        let upheld = history.claims.iter().any(|claim| {
            claim.meets(arrival.sent, arrival.at) && claim.what.contains(&arrival.policy.as_str())
        });
        let shut = history.shut.iter().find(|shut| self.is_too_late(arrival, shut));
        let (target, sent, at) = (&arrival.target, arrival.sent, arrival.at);
        let backend = arrival.backend;
        if !upheld {
            let policy = &arrival.policy;
            return Some(format!(
                "{target} with {policy}, sent {sent}, came to {backend} at {at}"
            ));
        }
        shut.map(|shut| format!("{target}, sent {sent}, came to {backend} at {at}: {shut:?}"))
    }

    /// Whether the proxy knew for sure, when the client sent it, that it must not go there. Clients' times, since what
    /// came before may be on its way.
    fn is_too_late(&self, arrival: &Arrival, shut: &Span<Trouble>) -> bool {
        let known_after = match shut.what {
            // Whoever has the answer knows that it holds: the standing is seen by all threads at once.
            Trouble::Drained | Trouble::Away | Trouble::Unlisted => 0,
            Trouble::Sick | Trouble::Stopped | Trouble::Errors => DETECTED_AFTER,
            _ => return false,
        };
        // What it finds when it goes on may have come before or after.
        let is_over = if shut.what == Trouble::Stopped {
            arrival.sent.saturating_add(OLDEST) >= shut.until
        } else {
            arrival.at >= shut.until
        };
        arrival.sent > shut.from + known_after
            && !is_over
            && !meets(&self.state.stalls, shut.from, arrival.at)
            || known_after == 0 && arrival.sent > shut.from && !is_over
    }

    fn count(&self, outcomes: &[Outcome], is_it: impl Fn(&End) -> bool) -> usize {
        outcomes.iter().filter(|outcome| is_it(&outcome.end)).count()
    }

    fn summary(&self, outcomes: &[Outcome], arrivals: &[Arrival]) -> String {
        let mut refused: BTreeMap<&str, u32> = BTreeMap::new();
        for outcome in outcomes {
            if let End::Refused(_, cause) = &outcome.end {
                *refused.entry(cause).or_default() += 1;
            }
        }
        let mut troubles: BTreeMap<String, u32> = BTreeMap::new();
        for trouble in self.state.backends.values().flat_map(|history| &history.troubles) {
            *troubles.entry(format!("{:?}", trouble.what)).or_default() += 1;
        }
        let sure = outcomes
            .iter()
            .filter(|outcome| self.must_be_served(outcome))
            .count();
        format!(
            "{} requests: {} served, {} failed, {} aborted, {} left, refused {refused:?}; {sure} had to be served; \
             {} arrivals; {} stalls; {troubles:?}",
            outcomes.len(),
            self.count(outcomes, |end| matches!(end, End::Served)),
            self.count(outcomes, |end| matches!(end, End::Failed)),
            self.count(outcomes, |end| matches!(end, End::Aborted)),
            self.count(outcomes, |end| matches!(end, End::Left)),
            arrivals.len(),
            self.state.stalls.len(),
        )
    }
}

fn is_well(history: &History, outcome: &Outcome) -> bool {
    let from = outcome.sent.saturating_sub(RECOVERY);
    let since = |claim: &Span<Vec<&str>>| claim.from <= outcome.sent && claim.until >= outcome.done;
    history
        .claims
        .iter()
        .any(|claim| since(claim) && claim.what.contains(&outcome.policy))
        && !meets(&history.troubles, from, outcome.done)
}

fn meets<T>(spans: &[Span<T>], from: Micros, until: Micros) -> bool {
    spans.iter().any(|span| span.meets(from, until))
}

fn records(text: &str) -> HashMap<&str, (u32, &str)> {
    let mut records = HashMap::new();
    for line in text.lines() {
        if let Some(target) = word(line, "target") {
            let record = records.entry(target).or_insert((0, line));
            *record = (record.0 + 1, line);
        }
    }
    records
}

/// The text of this name in a record; none of ours has anything that is escaped.
fn word<'a>(line: &'a str, name: &str) -> Option<&'a str> {
    let (_, rest) = line.split_once(&format!("\"{name}\":\""))?;
    rest.split_once('"').map(|(word, _)| word)
}

/// Two probes in a row must fail: each begins 550 ms after the one before at the latest and takes 500 ms at most, which
/// is 1.6 s; the rest is for a busy machine.
const DETECTED_AFTER: Micros = 3_000_000;
/// Six attempts of a second, and a hold after each but the last.
const OLDEST: Micros = 4_000_000;
/// After which a backend that is well again must serve: an ejection of 2 s, a probe, a trial, and some more.
const RECOVERY: Micros = 4_000_000;
const SERVED_MIN: usize = 1_000;
const SHOWN_MAX: usize = 12;
