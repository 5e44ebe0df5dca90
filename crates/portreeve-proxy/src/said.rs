//! What is logged once per cause and interval, however often it happens.

use std::collections::HashMap;
use std::sync::{Mutex, PoisonError};
use std::time::{Duration, Instant};

use portreeve_model::plan::Name;
use portreeve_model::{BackendId, Cause, EdgeEvent};

/// What was said lately; shared by the workers.
#[derive(Default)]
pub(crate) struct Said(Mutex<HashMap<Subject, Told>>);

/// What something is said about.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub(crate) enum Subject {
    Listener(Name, EdgeEvent),
    Backend(BackendId, Cause),
}

struct Told {
    at: Instant,
    unsaid: u64,
}

impl Said {
    /// Whether it is said now, and then how often it was not since it was said last.
    pub(crate) fn may_say(&self, subject: Subject, now: Instant) -> Option<u64> {
        let mut said = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if said.len() >= SUBJECTS_MAX {
            said.retain(|_, told| now.saturating_duration_since(told.at) < INTERVAL);
        }
        let is_full = said.len() >= SUBJECTS_MAX;
        match said.get_mut(&subject) {
            Some(told) if now.saturating_duration_since(told.at) < INTERVAL => {
                told.unsaid += 1;
                None
            }
            Some(told) => {
                told.at = now;
                Some(std::mem::take(&mut told.unsaid))
            }
            None if is_full => None,
            None => {
                said.insert(subject, Told { at: now, unsaid: 0 });
                Some(0)
            }
        }
    }
}

const INTERVAL: Duration = Duration::from_secs(60);
/// So many at once are remembered; what is beyond is not said.
const SUBJECTS_MAX: usize = 1_024;

#[cfg(test)]
mod tests {
    use super::*;

    fn subject(name: &str) -> Subject {
        Subject::Listener(name.into(), EdgeEvent::TlsClosed)
    }

    #[test]
    fn the_same_is_said_once_an_interval_with_the_count_of_the_others() {
        let (said, now) = (Said::default(), Instant::now());
        assert_eq!(said.may_say(subject("a"), now), Some(0));
        assert_eq!(said.may_say(subject("a"), now), None);
        assert_eq!(said.may_say(subject("a"), now), None);
        assert_eq!(said.may_say(subject("b"), now), Some(0));
        assert_eq!(said.may_say(subject("a"), now + INTERVAL), Some(2));
        assert_eq!(said.may_say(subject("a"), now + INTERVAL * 2), Some(0));
    }

    #[test]
    fn no_more_is_remembered_than_may_be() {
        let (said, now) = (Said::default(), Instant::now());
        for number in 0..SUBJECTS_MAX {
            assert!(said.may_say(subject(&number.to_string()), now).is_some());
        }
        assert_eq!(said.may_say(subject("one more"), now), None);
        assert_eq!(said.may_say(subject("one more"), now + INTERVAL), Some(0));
    }
}
