//! The task that stays with an instance: it passes on its output, sees its end, kills what it left behind, waits for it,
//! and tidies up.

use std::net::SocketAddr;
use std::sync::atomic::{AtomicBool, Ordering::Relaxed};
use std::sync::{Arc, Weak};
use std::time::Duration;

use rustix::process::{Signal, WaitIdStatus};
use tokio::sync::watch;
use tokio::time::sleep;

use super::birth::Birth;
use super::marks;
use super::note;
use super::output::{Output, Writer};
use super::pidfd::{Pidfd, reap_group};
use super::port::GivenPort;
use super::shared::Shared;
use crate::aside::aside;
use crate::{DriverFault, Ended, Secret, Stop};

/// An instance that is watched.
#[derive(Debug)]
pub(super) struct Watched {
    pub(super) id: Arc<str>,
    pub(super) birth: Birth,
    pub(super) address: Option<SocketAddr>,
    asked: AtomicBool,
    killed: AtomicBool,
    ended: watch::Receiver<Option<Ended>>,
}

impl Watched {
    pub(super) fn told(&self, how: Stop) {
        match how {
            Stop::Ask => self.asked.store(true, Relaxed),
            Stop::Kill => self.killed.store(true, Relaxed),
        }
    }

    pub(super) fn is_ending(&self) -> bool {
        self.asked.load(Relaxed) || self.killed.load(Relaxed)
    }

    /// Over and tidied up: its number may be another's.
    pub(super) fn is_over(&self) -> bool {
        self.ended.borrow().is_some()
    }

    /// Ready when it is over and tidied up.
    pub(super) async fn ended(&self) -> Ended {
        let mut ended = self.ended.clone();
        let is_told = ended.wait_for(Option::is_some).await;
        is_told
            .ok()
            .and_then(|ended| ended.clone())
            .unwrap_or_else(unknown)
    }
}

/// What is said of one that nobody knows.
pub(super) fn unknown() -> Ended {
    Ended {
        how: "it is not there any more".to_owned(),
        last_words: String::new(),
    }
}

/// Who is to be watched.
#[derive(Debug)]
pub(super) struct Newcomer {
    pub(super) id: Arc<str>,
    pub(super) birth: Birth,
    pub(super) address: Option<SocketAddr>,
    pub(super) token: Secret,
    /// Until it is over.
    pub(super) port: Option<GivenPort>,
}

impl Newcomer {
    /// Begins to watch it; `None`: it is over, and another waited for it. Needs a runtime.
    pub(super) fn watch(self, shared: &Arc<Shared>) -> Result<Option<Arc<Watched>>, DriverFault> {
        let Some(pidfd) = Pidfd::open(self.birth)? else {
            return Ok(None);
        };
        let (ended, ended_read) = watch::channel(None);
        let watched = Arc::new(Watched {
            id: self.id.clone(),
            birth: self.birth,
            address: self.address,
            asked: AtomicBool::new(false),
            killed: AtomicBool::new(false),
            ended: ended_read,
        });
        let writer = Writer {
            pool: shared.whose.pool.clone(),
            fleet: shared.whose.fleet.clone(),
            id: self.id,
            token: self.token,
        };
        let watch = Watch {
            watched: watched.clone(),
            output: Output::open(&note::output(&shared.folder, &watched.id), writer),
            pidfd,
            _port: self.port,
            ended,
        };
        tokio::spawn(watch.run(Arc::downgrade(shared), shared.alive()));
        Ok(Some(watched))
    }
}

struct Watch {
    watched: Arc<Watched>,
    output: Output,
    pidfd: Pidfd,
    _port: Option<GivenPort>,
    ended: watch::Sender<Option<Ended>>,
}

impl Watch {
    async fn run(mut self, shared: Weak<Shared>, mut alive: watch::Receiver<()>) {
        let mut pause = PAUSE_MIN;
        loop {
            tokio::select! {
                biased;
                () = self.pidfd.over() => break,
                _ = alive.changed() => return self.leave().await,
                () = sleep(pause) => {}
            }
            let Some((own, next)) = self.passed_on(pause).await else {
                return;
            };
            (self, pause) = (own, next);
        }
        match shared.upgrade() {
            Some(shared) => self.finish(&shared).await,
            None => self.leave().await,
        }
    }

    /// Reading may wait for a disk. Who is quiet is looked at less often.
    async fn passed_on(mut self, pause: Duration) -> Option<(Self, Duration)> {
        if !self.output.has_more() {
            return Some((self, (pause * 2).min(PAUSE_MAX)));
        }
        let read = aside(move || {
            let is_new = self.output.pass_on();
            (self, is_new)
        });
        let (own, is_new) = read.await?;
        Some((
            own,
            if is_new {
                PAUSE_MIN
            } else {
                (pause * 2).min(PAUSE_MAX)
            },
        ))
    }

    /// The driver is gone: another may have taken over, and is given the time to learn how it ended. A zombie does not
    /// stay in any case.
    async fn leave(self) {
        let Self {
            pidfd, output, _port, ..
        } = self;
        drop((output, _port));
        pidfd.over().await;
        sleep(HEIR_TIME).await;
        pidfd.reap();
    }

    /// The leader keeps the number of its group until it is waited for, so the group is killed first.
    async fn finish(self, shared: &Arc<Shared>) {
        let (birth, id) = (self.watched.birth, self.watched.id.clone());
        let left = birth.signal_group(Signal::KILL);
        if let Err(error) = left {
            tracing::warn!(instance = %id, %error, "cannot kill what it left behind");
        }
        let swept = shared.clone();
        let name = id.clone();
        // If it panicked nothing was left out but the sweep.
        let _ = aside(move || marks::sweep(&swept.whose, &name)).await;
        let status = self.pidfd.reap();
        group_is_over(birth).await;
        let was_killed = self.watched.killed.load(Relaxed);
        self.tidy(shared, how(status, was_killed)).await;
    }

    async fn tidy(mut self, shared: &Arc<Shared>, how: String) {
        let (folder, id) = (shared.folder.clone(), self.watched.id.clone());
        let read = aside(move || {
            let last_words = self.output.finish();
            note::remove(&folder, &id);
            (self, last_words)
        });
        let Some((own, last_words)) = read.await else {
            return;
        };
        let Self {
            watched,
            _port,
            ended,
            ..
        } = own;
        drop(_port);
        shared.table().is_over(&watched);
        ended.send_replace(Some(Ended { how, last_words }));
    }
}

const PAUSE_MIN: Duration = Duration::from_millis(25);
const PAUSE_MAX: Duration = Duration::from_millis(400);
const HEIR_TIME: Duration = Duration::from_secs(1);

/// A killed process needs a moment, in which it still has its ports.
async fn group_is_over(birth: Birth) {
    let mut pause = Duration::from_millis(1);
    while pause < GROUP_PAUSE_MAX {
        reap_group(birth.pid);
        if aside(move || birth.has_group()).await != Some(true) {
            return;
        }
        sleep(pause).await;
        pause *= 2;
    }
    tracing::warn!(
        pid = birth.raw(),
        "its process group does not end though it was killed"
    );
}

const GROUP_PAUSE_MAX: Duration = Duration::from_secs(1);

fn how(status: Option<WaitIdStatus>, was_killed: bool) -> String {
    let Some(status) = status else {
        return "ended, how is not known: it was started by another proxy".to_owned();
    };
    match (status.exit_status(), status.terminating_signal()) {
        (Some(code), _) => format!("exited with {code}"),
        (None, Some(KILL)) if !was_killed => {
            "killed by signal 9 (SIGKILL), not by us: perhaps out of memory".to_owned()
        }
        (None, Some(number)) => match signal_name(number) {
            Some(name) => format!("killed by signal {number} ({name})"),
            None => format!("killed by signal {number}"),
        },
        (None, None) => "ended, the system does not say how".to_owned(),
    }
}

const KILL: i32 = 9;

/// Those that end programs, by signal(7), where they are the same on all machines.
fn signal_name(number: i32) -> Option<&'static str> {
    Some(match number {
        1 => "SIGHUP",
        2 => "SIGINT",
        3 => "SIGQUIT",
        4 => "SIGILL",
        5 => "SIGTRAP",
        6 => "SIGABRT",
        8 => "SIGFPE",
        KILL => "SIGKILL",
        11 => "SIGSEGV",
        13 => "SIGPIPE",
        14 => "SIGALRM",
        15 => "SIGTERM",
        _ => return None,
    })
}
