//! The signals a running proxy listens to.

use std::io;

use tokio::signal::unix::{Signal, SignalKind, signal};

/// All of them, from the moment it is made: none is lost or kills the process after that.
pub(crate) struct Signals {
    hangup: Signal,
    user1: Signal,
    interrupt: Signal,
    terminate: Signal,
}

/// A wish that does not end the process.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Wish {
    /// SIGHUP
    Reload,
    /// SIGUSR1
    ReopenAccessLog,
}

/// A signal that ends the process.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum EndSignal {
    /// SIGINT, as Ctrl-C sends it.
    Interrupt,
    /// SIGTERM, as service managers send it.
    Terminate,
}

impl Signals {
    pub(crate) fn listen() -> io::Result<Self> {
        Ok(Self {
            hangup: signal(SignalKind::hangup())?,
            user1: signal(SignalKind::user_defined1())?,
            interrupt: signal(SignalKind::interrupt())?,
            terminate: signal(SignalKind::terminate())?,
        })
    }

    /// The next wish or the next end, whichever comes first.
    pub(crate) async fn next(&mut self) -> Result<Wish, EndSignal> {
        tokio::select! {
            _ = self.interrupt.recv() => Err(EndSignal::Interrupt),
            _ = self.terminate.recv() => Err(EndSignal::Terminate),
            _ = self.hangup.recv() => Ok(Wish::Reload),
            _ = self.user1.recv() => Ok(Wish::ReopenAccessLog),
        }
    }

    /// The next signal that ends the process; wishes wait meanwhile.
    pub(crate) async fn end(&mut self) -> EndSignal {
        tokio::select! {
            _ = self.interrupt.recv() => EndSignal::Interrupt,
            _ = self.terminate.recv() => EndSignal::Terminate,
        }
    }
}

impl EndSignal {
    /// As in signal(7).
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Interrupt => "SIGINT",
            Self::Terminate => "SIGTERM",
        }
    }

    /// 128 and the signal's number, as shells report a process that a signal ended.
    #[must_use]
    pub fn exit_code(self) -> u8 {
        match self {
            Self::Interrupt => 130,
            Self::Terminate => 143,
        }
    }
}
