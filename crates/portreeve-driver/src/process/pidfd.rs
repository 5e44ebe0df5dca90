//! The end of a process as an event, also of one that is not our child: pidfd_open(2).

use std::io;
use std::os::fd::{AsFd, OwnedFd};

use rustix::io::Errno;
use rustix::process::{Pid, PidfdFlags, WaitId, WaitIdOptions, WaitIdStatus, pidfd_open, waitid};
use tokio::io::Interest;
use tokio::io::unix::AsyncFd;

use super::birth::Birth;
use crate::DriverFault;
use crate::system_fault::{limit, plain};

/// Holds on to one process, whose number may be another's later.
#[derive(Debug)]
pub(super) struct Pidfd(AsyncFd<OwnedFd>);

impl Pidfd {
    /// `None`: it is over and waited for. Needs a runtime.
    pub(super) fn open(birth: Birth) -> Result<Option<Self>, DriverFault> {
        let held = match pidfd_open(birth.pid, PidfdFlags::empty()) {
            Ok(held) => held,
            Err(Errno::SRCH) => return Ok(None),
            Err(error) => return Err(fault(&error.into())),
        };
        if birth.stat().is_none() {
            return Ok(None);
        }
        registered(held)
            .map(|held| Some(Self(held)))
            .map_err(|error| fault(&error))
    }

    /// Ready when it is over, whoever has to wait for it.
    pub(super) async fn over(&self) {
        if self.0.readable().await.is_err() {
            // The runtime is ending, and this task with it.
            std::future::pending::<()>().await;
        }
    }

    /// How it ended, if it is over, is our child, and nobody has asked before. Then it is no zombie any more.
    pub(super) fn reap(&self) -> Option<WaitIdStatus> {
        reap(WaitId::PidFd(self.0.as_fd()))
    }
}

#[expect(
    deprecated,
    reason = "what replaces it is unsafe, since it trusts any descriptor to stay the same; an `OwnedFd` does"
)]
fn registered(held: OwnedFd) -> io::Result<AsyncFd<OwnedFd>> {
    AsyncFd::with_interest(held, Interest::READABLE)
}

/// Waits for all of a group that are over and came to be our children, as those do whose parents died if we are the
/// first process of a container.
pub(super) fn reap_group(leader: Pid) {
    for _ in 0..GROUP_MAX {
        if reap(WaitId::Pgid(Some(leader))).is_none() {
            return;
        }
    }
}

const GROUP_MAX: u32 = 10_000;

fn reap(who: WaitId<'_>) -> Option<WaitIdStatus> {
    waitid(who, WaitIdOptions::EXITED | WaitIdOptions::NOHANG).ok()?
}

fn fault(error: &io::Error) -> DriverFault {
    limit(error).unwrap_or_else(|| DriverFault::Failed {
        what: "watching a process".to_owned(),
        reason: format!("{}; Linux 5.4 or later is needed", plain(error)),
    })
}
