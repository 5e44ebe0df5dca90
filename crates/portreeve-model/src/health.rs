//! Whether a backend passes its probes, and when the next one is due.

use std::time::Duration;

use crate::digest::mix;
use crate::plan::ProbePlan;
use crate::standing::Standing;

/// What probes, and requests that could not reach it, say of one backend. Members of pools and backends of the file have
/// the same.
///
/// ```text
///                  passes once                    fails `fall` times in a row, or a request could not reach it
///     Unproved -------------------------> Proved -----------------------------------------------------------> Down
///      |    ^                             |  ^  ^                                                              |
///      +----+                             +--+  +--------------------------------------------------------------+
///       fails                 passes: earlier fails                      passes `rise` times in a row;
///                             are forgiven                               a fail between begins anew
/// ```
/// When the next probe is due:
///
/// | it is | after |
/// |---|---|
/// | new | nothing: at once |
/// | `Proved` | `every`, give or take a tenth; the first time less, so that many do not go in step |
/// | `Proved`, and failed since | `every_unhealthy`, give or take a tenth |
/// | `Unproved` or `Down` | 100 ms, 200, 400… up to `every_unhealthy`, and so on |
/// | `Down`, and passed since | `every_unhealthy` |
///
/// There is never more than one probe of a backend on its way. One that was begun before a request failed to reach the
/// backend, or by another check than the present, says nothing when it comes back.
#[derive(Debug, PartialEq)]
pub(crate) struct Health {
    verdict: Verdict,
    /// Fails in a row of a proved one, passes in a row of one that is down.
    streak: u8,
    /// Short waits that were used up since it passed last.
    retries: u8,
    /// Probes that were answered: stirs the jitter.
    answers: u64,
    probe: Probe,
    reason: Option<String>,
}

/// What probes say.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Verdict {
    /// None has passed yet.
    Unproved,
    /// It passes; or nobody asked, and it stands in the file.
    Proved,
    /// It had passed, and does not any more.
    Down,
}

/// Where its probe is; times are since the start.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Probe {
    /// None is due.
    Idle,
    /// At this time.
    Due(Duration),
    /// On its way since then.
    Out(Duration),
    /// On its way, but what it finds is old. The next is due then.
    Outdated(Duration),
}

/// What has changed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Turn {
    /// It is proved now and was not.
    Up,
    /// It is down now and was proved.
    Down,
}

/// How one backend is probed as things are.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Rhythm {
    /// Between two probes while it passes; `None`: none is needed.
    pub(crate) every: Option<Duration>,
    pub(crate) every_unhealthy: Duration,
    pub(crate) rise: u8,
    pub(crate) fall: u8,
    /// Its own, so that two backends do not keep in step.
    pub(crate) seed: u64,
}

impl Health {
    /// Of one that may not serve before it has passed: a probe is due now.
    pub(crate) fn unproved(now: Duration) -> Self {
        Self {
            verdict: Verdict::Unproved,
            streak: 0,
            retries: 0,
            answers: 0,
            probe: Probe::Due(now),
            reason: None,
        }
    }

    /// Of one that serves though nobody asked whether it can.
    pub(crate) fn trusted() -> Self {
        Self {
            verdict: Verdict::Proved,
            probe: Probe::Idle,
            ..Self::unproved(Duration::ZERO)
        }
    }

    pub(crate) fn is_proved(&self) -> bool {
        self.verdict == Verdict::Proved
    }

    /// Why the last probe failed; `None` once one has passed and it is proved.
    pub(crate) fn reason(&self) -> Option<&str> {
        self.reason.as_deref()
    }

    /// As what its backend stands if nothing else speaks against it.
    pub(crate) fn standing(&self) -> Standing {
        match self.verdict {
            Verdict::Unproved => Standing::Unproved,
            Verdict::Proved => Standing::Serving,
            Verdict::Down => Standing::Down,
        }
    }

    /// Whether the data plane could not reach a backend that stands so, and this does not know it yet.
    pub(crate) fn is_suspected(&self, standing: Standing) -> bool {
        self.is_proved() && standing == Standing::Down
    }

    /// When a probe is due.
    pub(crate) fn due(&self) -> Option<Duration> {
        match self.probe {
            Probe::Due(due) => Some(due),
            Probe::Idle | Probe::Out(_) | Probe::Outdated(_) => None,
        }
    }

    /// No more probes.
    pub(crate) fn end(&mut self) {
        self.probe = Probe::Idle;
    }

    /// Its probe sets out.
    pub(crate) fn set_out(&mut self, now: Duration) {
        self.probe = Probe::Out(now);
    }

    /// A request could not reach it.
    pub(crate) fn suspect(&mut self, now: Duration) {
        (self.verdict, self.streak, self.retries) = (Verdict::Down, 0, 1);
        self.reason = Some(SUSPECTED.to_owned());
        self.wait_until(now.saturating_add(FIRST_RETRY));
    }

    /// What its probe found: that it passes, or why not.
    pub(crate) fn answer(
        &mut self,
        outcome: Result<(), String>,
        rhythm: &Rhythm,
        now: Duration,
    ) -> Option<Turn> {
        self.answers += 1;
        let since = match self.probe {
            Probe::Outdated(next) => {
                self.probe = Probe::Due(next.max(now));
                return None;
            }
            Probe::Out(since) => since,
            Probe::Idle | Probe::Due(_) => now,
        };
        let turn = match outcome {
            Ok(()) => self.pass(rhythm.rise),
            Err(reason) => self.fail(reason, rhythm.fall),
        };
        self.probe = match (turn, rhythm.every) {
            (Some(Turn::Up), Some(every)) => Probe::Due(since.saturating_add(self.part_of(every, rhythm))),
            _ => self.next(rhythm, since, now),
        };
        turn
    }

    /// How it is probed has changed. By another check than before, it is asked at once, and serves meanwhile if it did.
    pub(crate) fn follow(&mut self, rhythm: &Rhythm, is_other_check: bool, now: Duration) {
        let is_asked = rhythm.every.is_some() || !self.is_proved();
        match self.probe {
            Probe::Out(_) | Probe::Outdated(_) if is_other_check => self.probe = Probe::Outdated(now),
            Probe::Out(_) | Probe::Outdated(_) => {}
            _ if is_other_check && is_asked => self.probe = Probe::Due(now),
            _ => self.probe = self.next(rhythm, now, now),
        }
    }

    /// Nobody asks any more: one that never passed serves. Whether that is news.
    pub(crate) fn trust(&mut self) -> Option<Turn> {
        if self.verdict != Verdict::Unproved {
            return None;
        }
        let out = match self.probe {
            Probe::Out(since) => Probe::Out(since),
            _ => Probe::Idle,
        };
        *self = Self {
            probe: out,
            ..Self::trusted()
        };
        Some(Turn::Up)
    }

    /// As what another backend at the same address begins: what is known of the address is known of it.
    pub(crate) fn handed_on(&self, rhythm: &Rhythm, now: Duration) -> Self {
        let mut heir = Self {
            verdict: self.verdict,
            reason: self.reason.clone(),
            answers: self.answers,
            ..Self::unproved(now)
        };
        if heir.is_proved() {
            heir.probe = heir.next(rhythm, now, now);
        }
        heir
    }

    fn pass(&mut self, rise: u8) -> Option<Turn> {
        self.streak = match self.verdict {
            Verdict::Down => self.streak.saturating_add(1),
            Verdict::Proved | Verdict::Unproved => 0,
        };
        if self.verdict == Verdict::Down && self.streak < rise {
            return None;
        }
        let was = self.verdict;
        (self.verdict, self.streak, self.retries) = (Verdict::Proved, 0, 0);
        self.reason = None;
        (was != Verdict::Proved).then_some(Turn::Up)
    }

    fn fail(&mut self, reason: String, fall: u8) -> Option<Turn> {
        self.reason = Some(reason);
        self.streak = match self.verdict {
            Verdict::Proved => self.streak.saturating_add(1),
            Verdict::Down | Verdict::Unproved => 0,
        };
        if self.verdict != Verdict::Proved || self.streak < fall {
            return None;
        }
        (self.verdict, self.streak, self.retries) = (Verdict::Down, 0, 0);
        Some(Turn::Down)
    }

    /// When it is asked next, if it was asked at `since` and answered now.
    fn next(&mut self, rhythm: &Rhythm, since: Duration, now: Duration) -> Probe {
        let wait = match (self.verdict, self.streak) {
            (Verdict::Proved, 0) => match rhythm.every {
                Some(every) => every,
                None => return Probe::Idle,
            },
            (Verdict::Proved, _) | (Verdict::Down, 1..) => rhythm.every_unhealthy,
            (Verdict::Unproved | Verdict::Down, _) => {
                let wait = FIRST_RETRY * 2_u32.pow(u32::from(self.retries.min(RETRIES_MAX)));
                if wait < rhythm.every_unhealthy {
                    self.retries = self.retries.saturating_add(1);
                    return Probe::Due(now.saturating_add(wait));
                }
                rhythm.every_unhealthy
            }
        };
        let wait = jittered(wait, rhythm.seed, self.answers);
        Probe::Due(since.saturating_add(wait).max(now))
    }

    /// A tenth of it to all of it.
    fn part_of(&self, every: Duration, rhythm: &Rhythm) -> Duration {
        every * (100 + throw(rhythm.seed, self.answers) % 901) / 1_000
    }

    fn wait_until(&mut self, due: Duration) {
        self.probe = match self.probe {
            Probe::Out(_) | Probe::Outdated(_) => Probe::Outdated(due),
            Probe::Idle | Probe::Due(_) => Probe::Due(due),
        };
    }
}

impl Rhythm {
    /// As the plan has it; while it passes, `every` so long, if at all.
    pub(crate) fn of(plan: &ProbePlan, every: Option<Duration>, seed: u64) -> Self {
        Self {
            every,
            every_unhealthy: plan.every_unhealthy,
            rise: plan.rise,
            fall: plan.fall,
            seed,
        }
    }
}

/// Give or take a tenth.
pub(crate) fn jittered(wait: Duration, seed: u64, turn: u64) -> Duration {
    wait * (900 + throw(seed, turn) % 201) / 1_000
}

/// The same for the same seed and turn, and otherwise anything.
pub(crate) fn throw(seed: u64, turn: u64) -> u32 {
    let top = mix(seed ^ mix(turn)) >> 32;
    u32::try_from(top).expect("half of 64 bits")
}

const SUSPECTED: &str = "a request could not reach it";
/// The first wait after a failure; each further one is twice as long.
pub(crate) const FIRST_RETRY: Duration = Duration::from_millis(100);
/// By then a wait is longer than any interval may be.
const RETRIES_MAX: u8 = 16;

#[cfg(test)]
mod tests;
