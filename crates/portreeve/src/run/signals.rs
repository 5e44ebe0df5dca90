//! Signals that come to `portreeve run`.

use std::io;

use rustix::process::Signal;
use tokio::signal::unix::{self, SignalKind};

use super::app::Forwarder;
use crate::failure::Failure;

/// What has been sent since the start; nothing is lost between two looks but how often.
#[derive(Debug)]
pub(super) struct Signals {
    term: unix::Signal,
    int: unix::Signal,
    quit: unix::Signal,
    hup: unix::Signal,
    usr1: unix::Signal,
    usr2: unix::Signal,
}

impl Signals {
    pub(super) fn listen() -> Result<Self, Failure> {
        Self::try_listen()
            .map_err(|error| Failure::failed(format_args!("cannot start: no signals are to be had: {error}")))
    }

    fn try_listen() -> io::Result<Self> {
        Ok(Self {
            term: unix::signal(SignalKind::terminate())?,
            int: unix::signal(SignalKind::interrupt())?,
            quit: unix::signal(SignalKind::quit())?,
            hup: unix::signal(SignalKind::hangup())?,
            usr1: unix::signal(SignalKind::user_defined1())?,
            usr2: unix::signal(SignalKind::user_defined2())?,
        })
    }

    /// Waits for one that asks for the end; passes the others on to the app meanwhile.
    pub(super) async fn end(&mut self, forwarder: &Forwarder) {
        self.end_passing(|signal| forwarder.pass(signal)).await;
    }

    pub(super) async fn end_passing(&mut self, pass: impl Fn(Signal)) {
        loop {
            let signal = tokio::select! {
                _ = self.term.recv() => return,
                _ = self.int.recv() => return,
                _ = self.quit.recv() => return,
                _ = self.hup.recv() => Signal::HUP,
                _ = self.usr1.recv() => Signal::USR1,
                _ = self.usr2.recv() => Signal::USR2,
            };
            pass(signal);
        }
    }
}
