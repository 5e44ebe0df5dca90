use std::io;
use std::os::fd::{AsFd, OwnedFd};
use std::time::Duration;

use rustix::buffer::spare_capacity;
use rustix::event::{Timespec, epoll};

/// An epoll instance, level-triggered: a socket is reported for as long as it is ready, so one read per report is
/// enough and no read ever has to find out that nothing is left.
pub struct Poller {
    epoll: OwnedFd,
    events: Vec<epoll::Event>,
}

/// What to wait for on a socket. Errors and a hang-up of both sides are reported in any case.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Interest {
    /// Nothing but errors.
    Nothing,
    /// Bytes to read, or the end of them.
    Read,
    /// Room to write.
    Write,
    /// Both.
    ReadWrite,
}

impl Poller {
    /// A poller that reports at most 256 sockets at a time.
    ///
    /// # Errors
    /// When the process is out of file descriptors.
    pub fn new() -> io::Result<Poller> {
        let epoll = epoll::create(epoll::CreateFlags::CLOEXEC)?;
        Ok(Poller {
            epoll,
            events: Vec::with_capacity(EVENTS_MAX),
        })
    }

    /// Starts to watch a socket; closing it ends that.
    ///
    /// # Errors
    /// When it is watched already, or the kernel is out of memory.
    pub fn add(&self, socket: impl AsFd, token: u64, interest: Interest) -> io::Result<()> {
        Ok(epoll::add(
            &self.epoll,
            socket,
            epoll::EventData::new_u64(token),
            interest.flags(),
        )?)
    }

    /// Changes what a watched socket is watched for.
    ///
    /// # Errors
    /// When it is not watched.
    pub fn change(&self, socket: impl AsFd, token: u64, interest: Interest) -> io::Result<()> {
        Ok(epoll::modify(
            &self.epoll,
            socket,
            epoll::EventData::new_u64(token),
            interest.flags(),
        )?)
    }

    /// Sleeps until a socket is ready; `tokens` then holds one token for each socket that is.
    ///
    /// # Errors
    /// What `epoll_wait` says, but for interruptions by signals.
    pub fn wait(&mut self, tokens: &mut Vec<u64>) -> io::Result<()> {
        self.wait_until(None, tokens)
    }

    /// As [`Poller::wait`], but at most this long; `tokens` is empty if no socket became ready.
    ///
    /// # Errors
    /// As [`Poller::wait`].
    pub fn wait_at_most(&mut self, longest: Duration, tokens: &mut Vec<u64>) -> io::Result<()> {
        let longest = Timespec::try_from(longest).expect("it is not billions of years");
        self.wait_until(Some(&longest), tokens)
    }

    fn wait_until(&mut self, longest: Option<&Timespec>, tokens: &mut Vec<u64>) -> io::Result<()> {
        tokens.clear();
        self.events.clear();
        match epoll::wait(&self.epoll, spare_capacity(&mut self.events), longest) {
            Ok(_) | Err(rustix::io::Errno::INTR) => {}
            Err(errno) => return Err(errno.into()),
        }
        tokens.extend(self.events.iter().map(|event| event.data.u64()));
        Ok(())
    }
}

impl Interest {
    fn flags(self) -> epoll::EventFlags {
        match self {
            Interest::Nothing => epoll::EventFlags::empty(),
            Interest::Read => epoll::EventFlags::IN,
            Interest::Write => epoll::EventFlags::OUT,
            Interest::ReadWrite => epoll::EventFlags::IN | epoll::EventFlags::OUT,
        }
    }
}

const EVENTS_MAX: usize = 256;
