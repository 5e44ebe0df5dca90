//! From a running container to its last words.

use std::pin::pin;
use std::time::Duration;

use bollard::errors::Error;
use bollard::models::{ContainerState, ContainerStateStatusEnum as Status};
use bollard::query_parameters::{KillContainerOptionsBuilder, WaitContainerOptionsBuilder};
use portreeve_driver::{DriverFault, Ended, Found, Stop};
use tokio::time::{Instant, sleep, timeout};

use crate::driver::DockerDriver;
use crate::engine::{ANSWER, next};
use crate::fault::Trouble;
use crate::output::Follower;

impl DockerDriver {
    /// Sends the signal. A container that never ran is removed; one that is over needs nothing.
    pub(crate) async fn end(&self, handle: &str, how: Stop) -> Result<(), Trouble> {
        match self.signal(handle, how).await {
            Ok(()) => {
                self.notes.asked(handle);
                Ok(())
            }
            Err(trouble) if trouble.is_missing() => Ok(()),
            Err(trouble) if trouble.is_refusal() => self.end_otherwise(handle, how, trouble).await,
            Err(trouble) => Err(trouble),
        }
    }

    async fn signal(&self, handle: &str, how: Stop) -> Result<(), Trouble> {
        let client = self.engine.client().await?;
        let signal = match how {
            Stop::Ask => "SIGTERM",
            Stop::Kill => "SIGKILL",
        };
        let options = KillContainerOptionsBuilder::new().signal(signal).build();
        let act = format!("sending {signal} to container `{handle}`");
        let killing = client.kill_container(handle, Some(options));
        self.engine.ask(&act, ANSWER, killing).await
    }

    /// One that does not run takes no signal.
    async fn end_otherwise(&self, handle: &str, how: Stop, refused: Trouble) -> Result<(), Trouble> {
        match self.look(handle).await? {
            Look::Gone | Look::Over(_) => Ok(()),
            Look::There(Status::CREATED) => self.remove(handle, true).await,
            Look::There(Status::PAUSED) => {
                self.unpause(handle).await?;
                self.signal(handle, how).await
            }
            Look::There(_) => Err(refused),
        }
    }

    async fn unpause(&self, handle: &str) -> Result<(), Trouble> {
        let client = self.engine.client().await?;
        let act = format!("waking container `{handle}`, which is paused");
        self.engine
            .ask(&act, ANSWER, client.unpause_container(handle))
            .await
    }

    /// Waits for the end, passes on its output meanwhile, and tidies up.
    pub(crate) async fn watched_to_its_end(&self, instance: &Found) -> Ended {
        let handle = instance.handle.as_str();
        let _watched = self.notes.watch(handle);
        if let Some(ended) = self.notes.take_told(handle) {
            return ended;
        }
        self.over_and_heard(instance).await;
        match self.notes.take_told(handle) {
            Some(ended) => ended,
            None => self.bury(handle).await,
        }
    }

    /// Its output is followed to its end, and anew when the engine was away.
    async fn over_and_heard(&self, instance: &Found) {
        let mut over = pin!(self.over(&instance.handle));
        let mut follower = Follower::of(self, instance);
        loop {
            {
                let mut following = pin!(follower.follow());
                tokio::select! {
                    () = &mut over => {
                        let _ = timeout(LAST_LINES, following).await;
                        return;
                    }
                    () = &mut following => {}
                }
            }
            tokio::select! {
                () = &mut over => return,
                () = sleep(follower.pause()) => {}
            }
        }
    }

    /// Ready when the container is over or gone. An engine that is away is waited for.
    async fn over(&self, handle: &str) {
        let mut pause = PAUSE_MIN;
        loop {
            let runs = match self.look(handle).await {
                Ok(Look::Over(_) | Look::Gone) => return,
                Ok(Look::There(status)) => status != Status::CREATED,
                Err(_) => false,
            };
            let began = Instant::now();
            let is_told = runs && self.runs_no_more(handle).await;
            let has_waited = began.elapsed() > PAUSE_MIN;
            if has_waited {
                pause = PAUSE_MIN;
            }
            if !(is_told && has_waited) {
                sleep(pause).await;
                pause = (pause * 2).min(PAUSE_MAX);
            }
        }
    }

    /// Whether the engine said so. It is asked again now and then, should its word be lost.
    async fn runs_no_more(&self, handle: &str) -> bool {
        let Ok(client) = self.engine.client().await else {
            return false;
        };
        let options = WaitContainerOptionsBuilder::new()
            .condition("not-running")
            .build();
        let mut waiting = pin!(client.wait_container(handle, Some(options)));
        let told = timeout(ASK_AGAIN, next(waiting.as_mut())).await;
        matches!(
            told,
            Ok(Some(Ok(_) | Err(Error::DockerContainerWaitError { .. })))
        )
    }

    /// How it ended and what it said; then it is removed. What cannot be read is left out.
    pub(crate) async fn bury(&self, handle: &str) -> Ended {
        let ended = match self.look(handle).await {
            Ok(Look::Over(state)) => Ended {
                how: how(&state),
                last_words: self.last_words(handle).await,
            },
            Ok(Look::Gone) => unseen("removed by somebody else"),
            Ok(Look::There(_)) => unseen("ended, and was started again by somebody else"),
            Err(trouble) => unseen(&format!("ended; {}", DriverFault::from(trouble))),
        };
        if let Err(trouble) = self.remove(handle, false).await {
            tracing::warn!(container = handle, fault = %DriverFault::from(trouble), "could not remove a container that is over");
        }
        self.notes.forget(handle);
        ended
    }

    async fn look(&self, handle: &str) -> Result<Look, Trouble> {
        let container = match self.inspect(handle).await {
            Err(trouble) if trouble.is_missing() => return Ok(Look::Gone),
            container => container?,
        };
        let state = container.state.unwrap_or_default();
        Ok(match state.status {
            Some(Status::EXITED | Status::DEAD) => Look::Over(Box::new(state)),
            status => Look::There(status.unwrap_or(Status::EMPTY)),
        })
    }
}

/// What a container is at.
enum Look {
    Over(Box<ContainerState>),
    There(Status),
    Gone,
}

fn unseen(how: &str) -> Ended {
    Ended {
        how: how.to_owned(),
        last_words: String::new(),
    }
}

fn how(state: &ContainerState) -> String {
    let code = state.exit_code.unwrap_or_default();
    let how = match code {
        _ if state.oom_killed == Some(true) => "out of memory".to_owned(),
        129..=192 => format!("killed by signal {}", code - 128),
        _ => format!("exited with {code}"),
    };
    match state.error.as_deref() {
        Some(error) if !error.is_empty() => {
            format!("{how}: {}", &error[..error.floor_char_boundary(ERROR_MAX)])
        }
        _ => how,
    }
}

/// Between two tries.
const PAUSE_MIN: Duration = Duration::from_millis(50);
const PAUSE_MAX: Duration = Duration::from_secs(5);

/// How long one wait may go on.
const ASK_AGAIN: Duration = Duration::from_secs(60);

/// How long what was written last may take to arrive after the end.
const LAST_LINES: Duration = Duration::from_millis(200);

/// Bytes of what the engine says of an end.
const ERROR_MAX: usize = 512;

#[cfg(test)]
mod tests {
    use super::*;

    fn state(exit_code: i64, oom_killed: bool, error: &str) -> ContainerState {
        ContainerState {
            exit_code: Some(exit_code),
            oom_killed: Some(oom_killed),
            error: Some(error.to_owned()),
            ..ContainerState::default()
        }
    }

    #[test]
    fn an_end_is_told_in_words() {
        assert_eq!(how(&state(0, false, "")), "exited with 0");
        assert_eq!(how(&state(1, false, "")), "exited with 1");
        assert_eq!(how(&state(137, false, "")), "killed by signal 9");
        assert_eq!(how(&state(143, false, "")), "killed by signal 15");
        assert_eq!(how(&state(137, true, "")), "out of memory");
        assert_eq!(how(&state(255, false, "shim died")), "exited with 255: shim died");
    }
}
