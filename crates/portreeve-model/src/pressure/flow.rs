//! How many requests come and go in a second.

use std::time::Duration;

use super::Crowd;

/// Requests in each second, as of one interval after the other.
#[derive(Debug, Default)]
pub(super) struct Flow {
    came: f32,
    /// A mean that follows what is more quicker than what is less: a machine that is short of CPU has moments in which
    /// nothing is served. 0 before the first.
    served: f32,
    is_leaving: bool,
    is_known: bool,
}

impl Flow {
    /// Ends an interval, which lasted for `passed`; `None`: what was before says nothing of it.
    pub(super) fn look(&mut self, before: &Crowd, crowd: &Crowd, passed: Option<Duration>) {
        let Some(passed) = passed.filter(|passed| !passed.is_zero()) else {
            *self = Self::default();
            return;
        };
        let seconds = passed.as_secs_f32();
        let served = crowd.served.saturating_sub(before.served);
        let serving = count(served) / seconds;
        let unserved = crowd.unserved.saturating_sub(before.unserved);
        let came = (crowd.waiting + served + unserved).saturating_sub(before.waiting);
        self.came = count(came) / seconds;
        self.is_leaving = unserved * 10 > served;
        self.served = match self.is_known {
            true if serving > self.served => self.served + (serving - self.served) * RISING,
            true => self.served + (serving - self.served) * FALLING,
            false => serving,
        };
        self.is_known = true;
    }

    /// How many came, whatever became of them.
    pub(super) fn came(&self) -> f32 {
        self.came
    }

    /// Whether more than a tenth of those that were served came to nothing beside them.
    pub(super) fn is_leaving(&self) -> bool {
        self.is_leaving
    }

    /// How long it takes to serve so many; nothing, as long as nobody knows.
    pub(super) fn wait(&self, held: u64) -> Duration {
        if !self.is_known || held == 0 {
            return Duration::ZERO;
        }
        Duration::from_secs_f32((count(held) / self.served.max(SERVED_MIN)).min(WAIT_MAX))
    }
}

#[expect(clippy::cast_precision_loss, reason = "24 bits are enough")]
fn count(number: u64) -> f32 {
    number as f32
}

const RISING: f32 = 0.5;
const FALLING: f32 = 0.125;
const SERVED_MIN: f32 = 1e-3;
/// In seconds: more is all the same.
const WAIT_MAX: f32 = 3_600.0;
