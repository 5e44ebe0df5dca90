//! Which process is meant: a number is given again after a process is over, a number with the time of its birth is not.

use std::fmt;

use rustix::io::Errno;
use rustix::process::{Pid, Signal, kill_process, kill_process_group};

use super::procfs::{self, Stat};

/// A process, and no other that has its number later. Its text form, `PID:START`, is an instance's handle.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(super) struct Birth {
    pub(super) pid: Pid,
    /// In clock ticks since the machine began.
    pub(super) start: u64,
}

impl Birth {
    /// Of the process that has this number now.
    pub(super) fn of(pid: Pid) -> Option<Self> {
        let start = Stat::read(pid)?.start;
        Some(Self { pid, start })
    }

    pub(super) fn parse(handle: &str) -> Option<Self> {
        let (pid, start) = handle.split_once(':')?;
        Some(Self {
            pid: procfs::pid(pid)?,
            start: start.parse().ok()?,
        })
    }

    /// `None`: it is over and waited for, or its number is another's.
    pub(super) fn stat(&self) -> Option<Stat> {
        Stat::read(self.pid).filter(|stat| stat.start == self.start)
    }

    /// Signals all of the group that it leads or led. Nobody there is no fault.
    pub(super) fn signal_group(&self, signal: Signal) -> Result<(), Errno> {
        if !self.may_lead() {
            return Ok(());
        }
        match kill_process_group(self.pid, signal) {
            Err(Errno::SRCH) => self.signal_alone(signal),
            told => told,
        }
    }

    /// One that has joined another group, or is over.
    fn signal_alone(&self, signal: Signal) -> Result<(), Errno> {
        if self.stat().is_none() {
            return Ok(());
        }
        match kill_process(self.pid, signal) {
            Err(Errno::SRCH) => Ok(()),
            told => told,
        }
    }

    /// Whether the group of this number is its own, if there is one. While a member lives the kernel gives the number to
    /// nobody else.
    fn may_lead(&self) -> bool {
        Stat::read(self.pid).is_none_or(|stat| stat.start == self.start)
    }

    /// Whether somebody of its group runs.
    pub(super) fn has_group(&self) -> bool {
        let is_member = |pid| Stat::read(pid).is_some_and(|stat| stat.is_alive() && stat.group == self.raw());
        self.may_lead()
            && rustix::process::test_kill_process_group(self.pid) != Err(Errno::SRCH)
            && procfs::all().any(is_member)
    }

    pub(super) fn raw(&self) -> i32 {
        self.pid.as_raw_pid()
    }
}

impl fmt::Display for Birth {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(out, "{}:{}", self.pid, self.start)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn its_text_form_reads_back() {
        let own = Birth::of(rustix::process::getpid()).unwrap();
        assert_eq!(Birth::parse(&own.to_string()), Some(own));
        for text in ["", "7", "7:", ":7", "0:7", "-7:7", "7:x", "7:7:7"] {
            assert_eq!(Birth::parse(text), None, "{text:?}");
        }
    }

    #[test]
    fn another_that_got_the_number_is_not_it_and_gets_no_signal() {
        let mut child = std::process::Command::new("sleep");
        let mut child = std::os::unix::process::CommandExt::process_group(&mut child, 0)
            .arg("60")
            .spawn()
            .unwrap();
        let now = Birth::of(procfs::pid(&child.id().to_string()).unwrap()).unwrap();
        let before = Birth {
            start: now.start - 1,
            ..now
        };

        assert_eq!((before.stat(), before.has_group()), (None, false));
        before.signal_group(Signal::KILL).unwrap();
        assert!(now.stat().unwrap().is_alive() && now.has_group());

        now.signal_group(Signal::KILL).unwrap();
        child.wait().unwrap();
        assert!(now.stat().is_none() && !now.has_group());
    }
}
