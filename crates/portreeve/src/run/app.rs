//! The app: a child in a process group of its own.

use std::io::{self, IsTerminal};
use std::os::unix::process::ExitStatusExt;
use std::process::{ExitCode, ExitStatus, Stdio};
use std::time::Duration;

use rustix::process::{Pid, Signal, kill_process, kill_process_group, test_kill_process_group};
use tokio::process::{Child, Command};
use tokio::time::{sleep, timeout};

use super::signals::Signals;
use super::wish::{TOKEN_VARIABLE, Wish};
use crate::failure::Failure;
use crate::talk::say;

/// A running app. Whatever way we end, but for SIGKILL to ourselves, its group ends with it.
#[derive(Debug)]
pub(super) struct App {
    child: Child,
    /// Its first process, and so its group.
    group: Pid,
    ended: Option<Code>,
    /// Nobody is left in its group.
    is_over: bool,
    kill_timeout: Duration,
}

/// How the app ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Code {
    Exited(u8),
    Killed(u8),
}

impl App {
    /// Starts it with `PORT` in its environment and without the token.
    ///
    /// It is not in the terminal's foreground, so Ctrl-C reaches only us; reading from the terminal would stop it, so
    /// it gets no input from there.
    pub(super) fn start(wish: &Wish) -> Result<Self, Failure> {
        let mut command = Command::new(&wish.program);
        command
            .args(&wish.arguments)
            .env("PORT", wish.dialled.port().to_string())
            .env_remove(TOKEN_VARIABLE)
            .process_group(0)
            .kill_on_drop(true);
        if io::stdin().is_terminal() {
            command.stdin(Stdio::null());
        }
        let child = command.spawn().map_err(|error| not_started(wish, &error))?;
        let group = child
            .id()
            .and_then(|id| Pid::from_raw(id.cast_signed()))
            .expect("a child that was not waited for has a number");
        Ok(Self {
            child,
            group,
            ended: None,
            is_over: false,
            kill_timeout: wish.kill_timeout,
        })
    }

    /// Waits until its first process has ended.
    pub(super) async fn ended(&mut self) -> Code {
        if let Some(code) = self.ended {
            return code;
        }
        let code = Code::of(&self.child.wait().await);
        *self.ended.insert(code)
    }

    /// What passes signals to its first process; the others of its group know nothing of them, and might die of them.
    pub(super) fn forwarder(&self) -> Forwarder {
        Forwarder {
            process: self.group,
            is_running: self.ended.is_none(),
        }
    }

    /// SIGTERM to all of it; SIGKILL when the time for it is over or another signal comes to us. Waits for the end.
    pub(super) async fn end(&mut self, signals: &mut Signals) -> Code {
        self.signal(Signal::TERM);
        let kill_timeout = self.kill_timeout;
        let code = tokio::select! {
            ended = timeout(kill_timeout, self.ended()) => ended.ok(),
            () = signals.end_passing(|_| {}) => None,
        };
        let code = match code {
            Some(code) => code,
            None => {
                say("the app did not end on SIGTERM: killing it");
                self.signal(Signal::KILL);
                self.ended().await
            }
        };
        self.sweep(signals).await;
        code
    }

    /// Ends what the app's first process has left behind in its group.
    pub(super) async fn sweep(&mut self, signals: &mut Signals) {
        if !self.has_nobody() {
            self.signal(Signal::TERM);
            tokio::select! {
                _ = timeout(self.kill_timeout, self.until_nobody()) => {}
                () = signals.end_passing(|_| {}) => {}
            }
            self.signal(Signal::KILL);
        }
        self.is_over = true;
    }

    async fn until_nobody(&self) {
        while !self.has_nobody() {
            sleep(LOOK_EVERY).await;
        }
    }

    fn has_nobody(&self) -> bool {
        test_kill_process_group(self.group).is_err()
    }

    fn signal(&self, signal: Signal) {
        let _ = kill_process_group(self.group, signal); // nobody is left to get it
    }
}

/// A future that is dropped by a panic or an early return must not leave the group behind.
impl Drop for App {
    fn drop(&mut self) {
        if !self.is_over {
            self.signal(Signal::KILL);
        }
    }
}

/// Passes signals on while the app runs.
#[derive(Debug)]
pub(super) struct Forwarder {
    process: Pid,
    is_running: bool,
}

impl Forwarder {
    pub(super) fn pass(&self, signal: Signal) {
        if self.is_running {
            let _ = kill_process(self.process, signal); // it has just ended
        }
    }
}

impl Code {
    fn of(status: &io::Result<ExitStatus>) -> Self {
        let byte = |number: i32| u8::try_from(number).unwrap_or(u8::MAX);
        match status {
            Ok(status) => match status.signal() {
                Some(signal) => Self::Killed(byte(signal)),
                None => Self::Exited(byte(status.code().unwrap_or(1))),
            },
            Err(_) => Self::Exited(1),
        }
    }

    /// As shells tell it.
    pub(super) fn exit(self) -> ExitCode {
        match self {
            Self::Exited(code) => ExitCode::from(code),
            Self::Killed(signal) => ExitCode::from(128_u8.saturating_add(signal)),
        }
    }

    /// The same, after we sent SIGTERM: an app that dies of it did what was asked.
    pub(super) fn exit_as_asked(self) -> ExitCode {
        match self {
            Self::Killed(SIGTERM) => ExitCode::SUCCESS,
            other => other.exit(),
        }
    }
}

fn not_started(wish: &Wish, error: &io::Error) -> Failure {
    let name = wish.name();
    match error.kind() {
        io::ErrorKind::NotFound => Failure::failed(format_args!(
            "cannot start {name}: there is no such program; a path needs a slash, as in ./{name}"
        )),
        io::ErrorKind::PermissionDenied => Failure::failed(format_args!(
            "cannot start {name}: it is not executable for this user; chmod +x it, or name its interpreter first"
        )),
        _ => Failure::failed(format_args!("cannot start {name}: {error}")),
    }
}

const SIGTERM: u8 = 15;
const LOOK_EVERY: Duration = Duration::from_millis(10);

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_the_sigterm_that_was_asked_for_is_a_good_end() {
        assert_eq!(Code::Killed(15).exit_as_asked(), ExitCode::SUCCESS);
        assert_eq!(Code::Killed(15).exit(), ExitCode::from(143));
        assert_eq!(Code::Killed(9).exit_as_asked(), ExitCode::from(137));
        assert_eq!(Code::Exited(3).exit_as_asked(), ExitCode::from(3));
    }
}
