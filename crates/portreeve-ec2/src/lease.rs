//! Which proxy scales the group: a tag of the group says so.
//!
//! Tags know no "only if nobody else": the last writer wins. So whoever takes the lease waits after writing until every
//! other that saw it free has written too, and believes it is theirs only if their name is still there. That is Fischer's
//! algorithm (L. Lamport, A Fast Mutual Exclusion Algorithm, 1987, section 2); it holds as long as nobody's writing takes
//! longer than they wait. A writing that AWS carries out later than that is noticed at the next renewal.
//!
//! Clocks are not compared: who sees the same serial for long enough, by its own clock, may take the lease.

use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use aws_sdk_autoscaling::types::Tag;
use portreeve_driver::{DriverFault, Leadership};
use tokio::time::{Instant, sleep, timeout_at};

use crate::account::{Account, once};
use crate::fault;
use crate::group::{Group, LEASE_TAG};
use crate::pace::Pace;

/// What we know of the lease.
#[derive(Debug)]
pub(crate) struct Lease {
    /// Of which fleet: two of one proxy must not scale one group.
    fleet: String,
    memory: Mutex<Memory>,
}

#[derive(Debug, Default)]
struct Memory {
    /// What the tag said, and since when it has said so.
    seen: Option<(String, Instant)>,
    /// When we last wrote it and it was ours.
    renewed: Option<Instant>,
}

impl Lease {
    pub(crate) fn new(pool: &str, fleet: &str) -> Self {
        Self {
            fleet: format!("{pool}/{fleet}"),
            memory: Mutex::default(),
        }
    }

    /// Asks for it, or renews it.
    pub(crate) async fn ask(
        &self,
        account: &Account,
        pace: &Pace,
        owner: &str,
    ) -> Result<Leadership, DriverFault> {
        let began = Instant::now();
        let mark = Mark::told(Group::read(account).await?.lease.as_deref());
        let us = self.holder(owner);
        let verdict = self.memory().judge(mark.as_ref(), &us, pace.lease_max, began);
        if let (Verdict::Theirs, Some(mark)) = (&verdict, &mark) {
            return Ok(Leadership::Theirs(mark.holder.clone()));
        }
        let ours = Mark::after(mark.as_ref(), us);
        write(account, &ours, began + pace.write_max).await?;
        if verdict == Verdict::Take {
            sleep(pace.settle).await;
        }
        let answer = self.confirm(account, mark, &ours).await?;
        self.memory().renewed = (answer == Leadership::Ours).then_some(began);
        Ok(answer)
    }

    /// Gives it up, if it is ours.
    pub(crate) async fn leave(&self, account: &Account, owner: &str) -> Result<(), DriverFault> {
        self.memory().renewed = None;
        let mark = Mark::told(Group::read(account).await?.lease.as_deref());
        match mark.filter(|mark| mark.holder == self.holder(owner)) {
            Some(mark) => erase(account, &mark).await,
            None => Ok(()),
        }
    }

    /// What the tag says now. A description may lag, and still say what it said before.
    async fn confirm(
        &self,
        account: &Account,
        before: Option<Mark>,
        ours: &Mark,
    ) -> Result<Leadership, DriverFault> {
        for _ in 0..READINGS_MAX {
            let mark = Mark::told(Group::read(account).await?.lease.as_deref());
            match mark {
                Some(mark) if mark == *ours => return Ok(Leadership::Ours),
                mark if mark == before => sleep(READ_AGAIN).await,
                Some(mark) => return Ok(Leadership::Theirs(mark.holder)),
                None => break,
            }
        }
        Err(fault::failed(
            "taking the lease",
            format!(
                "the tag {LEASE_TAG} of the Auto Scaling group `{}` does not say what was written",
                account.group()
            ),
        ))
    }

    fn holder(&self, owner: &str) -> String {
        let mut owner: String = owner.chars().map(allowed).collect();
        owner.truncate(OWNER_MAX);
        let mut holder = format!("{owner} {}", self.fleet.chars().map(allowed).collect::<String>());
        holder.truncate(HOLDER_MAX);
        holder
    }

    fn memory(&self) -> MutexGuard<'_, Memory> {
        self.memory.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Memory {
    fn judge(&mut self, mark: Option<&Mark>, us: &str, lease_max: Duration, now: Instant) -> Verdict {
        let Some(mark) = mark else {
            self.seen = None;
            return Verdict::Take;
        };
        if mark.holder == us {
            let is_fresh = self.renewed.is_some_and(|renewed| now < renewed + lease_max / 2);
            return if is_fresh { Verdict::Renew } else { Verdict::Take };
        }
        let text = mark.to_string();
        let since = match &self.seen {
            Some((seen, since)) if *seen == text => *since,
            _ => self.seen.insert((text, now)).1,
        };
        if now >= since + lease_max {
            Verdict::Take
        } else {
            Verdict::Theirs
        }
    }
}

#[derive(Debug, PartialEq, Eq)]
enum Verdict {
    /// It is ours, and others know.
    Renew,
    /// It may be ours, if nobody else takes it now.
    Take,
    Theirs,
}

/// What the tag says: `SERIAL HOLDER`.
#[derive(Debug, Clone, PartialEq, Eq)]
struct Mark {
    /// Grows with each renewal.
    serial: u64,
    holder: String,
}

impl Mark {
    /// What is not by us is somebody's too.
    fn told(text: Option<&str>) -> Option<Self> {
        let text = text?;
        let read = text.split_once(' ').and_then(|(serial, holder)| {
            let serial = serial.parse().ok()?;
            Some((serial, holder))
        });
        let (serial, holder) = read.unwrap_or((0, text));
        Some(Self {
            serial,
            holder: holder.to_owned(),
        })
    }

    fn after(before: Option<&Self>, holder: String) -> Self {
        let serial = before.map_or(1, |before| before.serial.wrapping_add(1));
        Self { serial, holder }
    }
}

impl std::fmt::Display for Mark {
    fn fmt(&self, out: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(out, "{} {}", self.serial, self.holder)
    }
}

/// In one try: a second one could come too late.
async fn write(account: &Account, mark: &Mark, until: Instant) -> Result<(), DriverFault> {
    let client = account.client().await?;
    let writing = client
        .create_or_update_tags()
        .tags(tag(account, mark))
        .customize()
        .config_override(once())
        .send();
    match timeout_at(until, writing).await {
        Ok(Ok(_)) => Ok(()),
        Ok(Err(error)) => Err(fault::of(WRITING, account, &error)),
        Err(_) => Err(fault::failed(
            WRITING,
            "AWS is too slow at present for a lease to be taken safely".to_owned(),
        )),
    }
}

async fn erase(account: &Account, mark: &Mark) -> Result<(), DriverFault> {
    let client = account.client().await?;
    let erased = client.delete_tags().tags(tag(account, mark)).send().await;
    erased
        .map(drop)
        .map_err(|error| fault::of("giving up the lease", account, &error))
}

fn tag(account: &Account, mark: &Mark) -> Tag {
    Tag::builder()
        .resource_id(account.group())
        .resource_type("auto-scaling-group")
        .key(LEASE_TAG)
        .value(mark.to_string())
        .propagate_at_launch(false)
        .build()
}

/// What AWS takes in the value of a tag.
fn allowed(told: char) -> char {
    let is_allowed = told.is_ascii_alphanumeric() || "+-=._:/@ ".contains(told);
    if is_allowed { told } else { '_' }
}

const WRITING: &str = "writing the lease";
/// Characters, of which AWS takes 256 with the serial.
const HOLDER_MAX: usize = 230;
const OWNER_MAX: usize = 120;
const READINGS_MAX: u32 = 10;
const READ_AGAIN: Duration = Duration::from_millis(200);

#[cfg(test)]
mod tests {
    use super::*;

    const LONG: Duration = Duration::from_secs(30);

    fn mark(text: &str) -> Option<Mark> {
        Mark::told(Some(text))
    }

    #[test]
    fn what_is_written_is_read() {
        let ours = Mark::after(mark("41 b api/default").as_ref(), "a api/default".to_owned());
        assert_eq!(ours.to_string(), "42 a api/default");
        assert_eq!(mark(&ours.to_string()), Some(ours));
    }

    #[test]
    fn what_others_wrote_there_is_somebodys() {
        let theirs = mark("production").expect("there is something");
        assert_eq!((theirs.serial, &*theirs.holder), (0, "production"));
    }

    #[test]
    fn a_serial_that_grows_keeps_the_lease() {
        let (mut memory, start) = (Memory::default(), Instant::now());
        for serial in 0..20 {
            let theirs = mark(&format!("{serial} b"));
            let now = start + LONG / 2 * serial;
            assert_eq!(memory.judge(theirs.as_ref(), "a", LONG, now), Verdict::Theirs);
        }
    }

    #[test]
    fn a_serial_that_stands_still_loses_it() {
        let (mut memory, start) = (Memory::default(), Instant::now());
        let theirs = mark("7 b");
        let mut judge = |after| memory.judge(theirs.as_ref(), "a", LONG, start + after);
        assert_eq!(judge(Duration::ZERO), Verdict::Theirs);
        assert_eq!(judge(LONG - Duration::from_millis(1)), Verdict::Theirs);
        assert_eq!(judge(LONG), Verdict::Take);
    }

    #[test]
    fn our_own_name_alone_is_not_enough_after_a_silence() {
        let (mut memory, start) = (Memory::default(), Instant::now());
        let ours = mark("7 a");
        assert_eq!(memory.judge(ours.as_ref(), "a", LONG, start), Verdict::Take);
        memory.renewed = Some(start);
        assert_eq!(
            memory.judge(ours.as_ref(), "a", LONG, start + LONG / 3),
            Verdict::Renew
        );
        assert_eq!(
            memory.judge(ours.as_ref(), "a", LONG, start + LONG),
            Verdict::Take
        );
    }

    #[test]
    fn a_name_has_only_what_a_tag_may_have() {
        let lease = Lease::new("käse", "default");
        let holder = lease.holder("host;1\n");
        assert_eq!(holder, "host_1_ k_se/default");
        assert!(lease.holder(&"ü".repeat(500)).len() <= HOLDER_MAX);
    }
}
