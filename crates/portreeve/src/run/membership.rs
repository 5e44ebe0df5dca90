//! The app's place in the pool: taken when it answers, kept by heartbeats, given back at the end.

use std::net::SocketAddr;
use std::time::Duration;

use portreeve_api::{Act, BackendPath, BackendState, Heartbeat, Registered, Registration, Renewed};
use tokio::time::{Instant, sleep, timeout};

use super::answering::until_answers;
use super::asking::Asking;
use super::trouble::Trouble;
use super::wish::Wish;
use crate::caller::{Call, CallError};
use crate::talk::say;

/// One app's registration.
#[derive(Debug)]
pub(super) struct Membership {
    asking: Asking,
    path: BackendPath,
    registration: Registration,
    dialled: SocketAddr,
    standing: Standing,
    trouble: Trouble,
}

/// What the proxy knows of us, as far as we know.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Standing {
    /// It was never told of us.
    Stranger,
    /// It was told, and may have understood, or has forgotten since.
    Doubtful {
        /// Whether it ever said yes.
        was_member: bool,
        failures: u32,
    },
    /// It counts on us for so long.
    Member { ttl: Duration },
}

impl Membership {
    pub(super) fn new(wish: &Wish) -> Self {
        Self {
            asking: Asking::new(wish.caller.clone()),
            path: wish.path.clone(),
            registration: wish.registration.clone(),
            dialled: wish.dialled,
            standing: Standing::Stranger,
            trouble: Trouble::default(),
        }
    }

    /// Registers when the app answers, and renews for ever. Returns only if the first registration is refused for a
    /// reason that waiting does not mend.
    pub(super) async fn keep(&mut self) -> CallError {
        until_answers(self.dialled).await;
        loop {
            let outcome = match self.standing {
                Standing::Member { .. } => self.renew(Heartbeat::default()).await,
                Standing::Stranger | Standing::Doubtful { .. } => self.register().await,
            };
            match outcome {
                Err(error) if self.is_final(&error) => return error,
                outcome => sleep(self.after(outcome)).await,
            }
        }
    }

    async fn register(&mut self) -> Result<Duration, CallError> {
        let call = Call::new("PUT", self.path.to_string()).with(&self.registration);
        self.doubt();
        let answer = self.asking.ask(call).await?;
        let registered: Registered = answer.read()?;
        say(format_args!(
            "registered as {}/{} at {}{}",
            registered.pool,
            registered.id,
            registered.address,
            upholding(&registered.policies)
        ));
        Ok(Duration::from_millis(registered.ttl_ms))
    }

    async fn renew(&mut self, beat: Heartbeat) -> Result<Duration, CallError> {
        let call = Call::new("POST", self.path.to(Act::Heartbeat).to_string()).with(&beat);
        let renewed: Renewed = self.asking.ask(call).await?.read()?;
        Ok(Duration::from_millis(renewed.ttl_ms))
    }

    /// Takes note of how a call ended; says how long to wait before the next.
    fn after(&mut self, outcome: Result<Duration, CallError>) -> Duration {
        match outcome {
            Ok(ttl) => {
                self.trouble.is_over();
                self.standing = Standing::Member { ttl };
                (ttl / 3).max(SHORTEST)
            }
            Err(error) if error.cause() == Some(FORGOTTEN) => {
                say("the proxy has forgotten the app; registering it again");
                self.doubt();
                SHORTEST
            }
            Err(error) => {
                self.trouble.is(&error);
                self.pause()
            }
        }
    }

    /// A member goes on renewing, for it may still be one; who is none waits longer each time.
    fn pause(&mut self) -> Duration {
        match &mut self.standing {
            Standing::Member { ttl } => (*ttl / 3).clamp(SHORTEST, LONGEST),
            Standing::Doubtful { failures, .. } => {
                *failures = failures.saturating_add(1);
                (FIRST * 2_u32.saturating_pow(*failures - 1)).min(LONGEST)
            }
            Standing::Stranger => FIRST,
        }
    }

    fn doubt(&mut self) {
        self.standing = match self.standing {
            Standing::Stranger => Standing::Doubtful {
                was_member: false,
                failures: 0,
            },
            Standing::Member { .. } => Standing::Doubtful {
                was_member: true,
                failures: 0,
            },
            doubtful @ Standing::Doubtful { .. } => doubtful,
        };
    }

    /// Whether the proxy says no to what was typed: that is told at once. An app that once was a member is not ended
    /// because somebody changes the proxy's configuration.
    fn is_final(&self, error: &CallError) -> bool {
        let was_member = match self.standing {
            Standing::Stranger => false,
            Standing::Doubtful { was_member, .. } => was_member,
            Standing::Member { .. } => true,
        };
        let says_no = match error {
            CallError::Refused(problem) => {
                (400..500).contains(&problem.status) && !MENDS.contains(&problem.status)
            }
            CallError::Unreachable { .. } | CallError::Garbled(_) => false,
        };
        says_no && !was_member
    }

    /// Has the proxy send no new requests, and waits until none is running or `most` is over.
    pub(super) async fn drain(&mut self, most: Duration) {
        if self.standing == Standing::Stranger {
            return;
        }
        say(format_args!(
            "draining: no new requests; running ones have {} to finish",
            portreeve_api::show(most)
        ));
        match timeout(most, self.until_idle()).await {
            Ok(Ok(())) => {}
            Ok(Err(error)) if error.cause() == Some(FORGOTTEN) => {}
            Ok(Err(error)) => say(format_args!("cannot drain: {error}")),
            Err(_) => say("requests are still running, and are not waited for any longer"),
        }
    }

    async fn until_idle(&mut self) -> Result<(), CallError> {
        let beat = Heartbeat {
            draining: Some(true),
            ..Heartbeat::default()
        };
        let mut ttl = self.renew(beat.clone()).await?;
        let mut renewed = Instant::now();
        while self.in_flight().await? > 0 {
            sleep(LOOK_EVERY).await;
            if renewed.elapsed() >= ttl / 3 {
                ttl = self.renew(beat.clone()).await?;
                renewed = Instant::now();
            }
        }
        Ok(())
    }

    async fn in_flight(&mut self) -> Result<u32, CallError> {
        let answer = self.asking.ask(Call::new("GET", self.path.to_string())).await?;
        let state: BackendState = answer.read()?;
        Ok(state.in_flight)
    }

    /// Ends the registration, if there may be one.
    pub(super) async fn leave(&mut self) {
        if std::mem::replace(&mut self.standing, Standing::Stranger) == Standing::Stranger {
            return;
        }
        match self.asking.ask(Call::new("DELETE", self.path.to_string())).await {
            Ok(_) => say(format_args!("deregistered {}/{}", self.path.pool, self.path.id)),
            Err(error) if error.cause() == Some(FORGOTTEN) => {}
            Err(error) => say(format_args!(
                "cannot deregister: {error}; the registration ends by itself"
            )),
        }
    }
}

fn upholding(policies: &[String]) -> String {
    match policies {
        [] => String::new(),
        policies => format!(" for {}", policies.join(", ")),
    }
}

/// The cause by which the proxy says that it does not know us.
const FORGOTTEN: &str = "not_registered";

/// Refusals that waiting may mend: another holds the place (409), there are too many (429).
const MENDS: [u16; 2] = [409, 429];

/// How long to wait between two calls: at least, at first when there is trouble, and at most then.
const SHORTEST: Duration = Duration::from_millis(20);
const FIRST: Duration = Duration::from_millis(200);
const LONGEST: Duration = Duration::from_secs(5);

/// How often to look whether requests are still running.
const LOOK_EVERY: Duration = Duration::from_millis(50);
