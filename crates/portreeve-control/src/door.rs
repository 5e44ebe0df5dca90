//! The door to the writer: everything that others may ask of it.

mod call;
mod condition;
mod drain;
mod state;

use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use portreeve_model::plan::SanPattern;
use portreeve_model::{Announcement, Backend, Beat, Event, MemberKey, Snapshot, Standing, TokenId};
use tokio::sync::{broadcast, watch};

pub(crate) use call::{Answer, Calls, Command, Settled};
pub use condition::Condition;
pub use drain::DrainReport;
pub use state::BackendState;

use crate::credentials::Credentials;
use crate::own::Own;
use crate::prober::ProbeCounts;
use crate::refused::Refused;
use crate::tokens::{NewCertificateToken, NewToken, TokenState, TokenWish};
use state::Seen;

/// Everything that others may ask of the writer. Cheap to clone.
///
/// An answer comes when the snapshot with the change is published and the store has it, or has failed, or has taken
/// more than two seconds. Thousands may ask at once and are taken many at a time; beyond that they wait their turn for
/// up to five seconds and are refused as [`Refused::Overloaded`] then. Of a call that is dropped nobody knows whether
/// it is done.
#[derive(Debug, Clone)]
pub struct Door {
    calls: Calls,
    snapshots: watch::Receiver<Arc<Snapshot>>,
    events: broadcast::WeakSender<Arc<Event>>,
    own: Arc<watch::Sender<Own>>,
    probes: Arc<ProbeCounts>,
}

/// What became of a registration.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Accepted {
    /// Whether nobody was registered under that key.
    pub is_new: bool,
    /// How long it counts without another word; of one that is kept by probes, without one that passes.
    pub ttl: Duration,
    /// What it may be given as of now; a new one is unproved until a probe has passed.
    pub standing: Standing,
    /// Whether the store has it, so that it survives a restart.
    pub is_stored: bool,
    /// The number of the snapshot that has it, or of a later one.
    pub sequence: u64,
}

impl Door {
    pub(crate) fn new(
        calls: Calls,
        snapshots: watch::Receiver<Arc<Snapshot>>,
        events: broadcast::WeakSender<Arc<Event>>,
        own: Own,
        probes: Arc<ProbeCounts>,
    ) -> Self {
        let own = Arc::new(watch::Sender::new(own));
        Self {
            calls,
            snapshots,
            events,
            own,
            probes,
        }
    }

    /// A backend says what it is: it joins, renews its lease, or changes.
    ///
    /// # Errors
    /// It may not.
    pub async fn register(&self, announcement: Announcement, by: Credentials) -> Result<Accepted, Refused> {
        let address = announcement.address;
        if self.own.borrow().has(address) {
            return Err(Refused::AddressIsOurs { address });
        }
        let act = move |world: &mut crate::world::World, at| world.register(&announcement, &by, at);
        let done = self.calls.ask(act).await?;
        let registered = done.value?;
        Ok(Accepted {
            is_new: registered.is_new,
            ttl: registered.ttl,
            is_stored: done.saved.wait().await,
            standing: registered.backend.standing(),
            sequence: done.sequence,
        })
    }

    /// A heartbeat: how long the lease counts from now on.
    ///
    /// # Errors
    /// Nobody is registered under that key, or not by the sender.
    pub async fn renew(&self, key: &MemberKey, beat: Beat, by: Credentials) -> Result<Duration, Refused> {
        let key = key.clone();
        let done = self.calls.ask(move |world, at| world.renew(&key, &beat, &by, at));
        done.await?.value
    }

    /// A backend looks at its own registration, which that does not renew.
    ///
    /// # Errors
    /// As [`renew`](Self::renew).
    pub async fn look(&self, key: &MemberKey, by: Credentials) -> Result<BackendState, Refused> {
        let (key, snapshot) = (key.clone(), self.snapshot());
        let done = self.calls.ask(move |world, at| {
            let member = world.look(&key, &by, at)?;
            let snapshot = &snapshot;
            Ok(BackendState::of_member(member, &Seen { at, snapshot }))
        });
        done.await?.value
    }

    /// A backend leaves; it gets no new requests from now on.
    ///
    /// # Errors
    /// As [`renew`](Self::renew).
    pub async fn deregister(&self, key: &MemberKey, by: Credentials) -> Result<(), Refused> {
        let key = key.clone();
        let done = self.calls.ask(move |world, at| world.deregister(&key, &by, at));
        let done = done.await?;
        done.value?;
        done.saved.wait().await;
        Ok(())
    }

    /// The operator has a backend get no new requests, registered or of the file (whose id is its label), and waits
    /// for those it has: until none is left, but no longer than `wait`.
    ///
    /// # Errors
    /// There is none of that name.
    pub async fn drain(&self, key: &MemberKey, wait: Option<Duration>) -> Result<DrainReport, Refused> {
        let (backends, is_stored) = self.set_drained(key, true).await?;
        let in_flight_left = drain::wait(&backends, wait.unwrap_or_default()).await;
        Ok(DrainReport {
            in_flight_left,
            is_stored,
        })
    }

    /// The operator lets a backend have requests again. It gets them if it serves and does not drain by its own word.
    ///
    /// # Errors
    /// There is none of that name.
    pub async fn undrain(&self, key: &MemberKey) -> Result<(), Refused> {
        self.set_drained(key, false).await.map(|_| ())
    }

    /// The operator removes a backend that registered. It may register again.
    ///
    /// # Errors
    /// There is none of that name, or it stands in the file.
    pub async fn remove(&self, key: &MemberKey) -> Result<(), Refused> {
        let wanted = key.clone();
        let done = self
            .calls
            .ask(move |world, at| world.registry.remove(&wanted, at));
        let done = done.await?;
        match done.value {
            Ok(_) => done.saved.wait().await,
            Err(_) if !self.of_file(key).is_empty() => return Err(Refused::InTheFile(key.clone())),
            Err(fault) => return Err(fault.into()),
        };
        Ok(())
    }

    /// All backends, pool by pool: first those of the file, then those that registered, in the order they joined.
    ///
    /// # Errors
    /// The writer has too much to do, or is gone.
    pub async fn backends(&self) -> Result<Vec<BackendState>, Refused> {
        let snapshot = self.snapshot();
        let done = self.calls.ask(move |world, at| {
            let snapshot = &snapshot;
            let members = state::members(&world.registry, &Seen { at, snapshot });
            (members, state::reasons(&world.registry), at)
        });
        let (members, reasons, at) = done.await?.value;
        let snapshot = &self.snapshot();
        Ok(state::all(&Seen { at, snapshot }, members, reasons))
    }

    /// The backends of that name: one, but for a backend of the file that stands there several times.
    ///
    /// # Errors
    /// There is none.
    pub async fn backend(&self, key: &MemberKey) -> Result<Vec<BackendState>, Refused> {
        let (wanted, snapshot) = (key.clone(), self.snapshot());
        let done = self.calls.ask(move |world, at| {
            let snapshot = &snapshot;
            let member = state::member(&world.registry, &wanted, &Seen { at, snapshot });
            (member, state::reasons(&world.registry), at)
        });
        let (member, mut reasons, at) = done.await?.value;
        if let Some(state) = member {
            return Ok(vec![state]);
        }
        let backends = self.of_file(key);
        if backends.is_empty() {
            return Err(Refused::NoSuchBackend(key.clone()));
        }
        let snapshot = &self.snapshot();
        let of_file = |backend: &Arc<Backend>| {
            let reason = reasons.remove(&backend.id);
            BackendState::of_file(&key.pool, backend, reason, &Seen { at, snapshot })
        };
        Ok(backends.iter().map(of_file).collect())
    }

    /// Makes a token with a secret. What it returns is the only place where its secret is.
    ///
    /// # Errors
    /// No such token can be made.
    pub async fn create_token(&self, wish: TokenWish) -> Result<NewToken, Refused> {
        let done = self
            .calls
            .ask(move |world, at| world.create_token(wish, at))
            .await?;
        let (token, shown) = done.value?;
        Ok(NewToken {
            token,
            shown,
            is_stored: done.saved.wait().await,
        })
    }

    /// Makes a token for clients that show a certificate with such a name, which a handshake has verified. It has no
    /// secret.
    ///
    /// # Errors
    /// No such token can be made.
    pub async fn create_token_for(
        &self,
        certificate: SanPattern,
        wish: TokenWish,
    ) -> Result<NewCertificateToken, Refused> {
        let act = move |world: &mut crate::world::World, at| world.create_token_for(certificate, wish, at);
        let done = self.calls.ask(act).await?;
        Ok(NewCertificateToken {
            token: done.value?,
            is_stored: done.saved.wait().await,
        })
    }

    /// All tokens, by their ids.
    ///
    /// # Errors
    /// The writer has too much to do, or is gone.
    pub async fn tokens(&self) -> Result<Vec<TokenState>, Refused> {
        let done = self.calls.ask(|world, at| world.tokens.states(at));
        Ok(done.await?.value)
    }

    /// Ends a token, and at once what was registered by it: how many registrations.
    ///
    /// # Errors
    /// There is none of that id.
    pub async fn revoke_token(&self, id: &TokenId) -> Result<usize, Refused> {
        let id = Arc::clone(id);
        let done = self
            .calls
            .ask(move |world, at| world.revoke_token(&id, at))
            .await?;
        let ended = done.value?;
        done.saved.wait().await;
        Ok(ended)
    }

    /// All that happens from now on, in order. Who falls more than 4,096 events behind is told how many it missed. It
    /// ends with the writer.
    #[must_use]
    pub fn events(&self) -> broadcast::Receiver<Arc<Event>> {
        match self.events.upgrade() {
            Some(events) => events.subscribe(),
            None => broadcast::channel(1).1,
        }
    }

    /// How many probes passed and failed so far.
    #[must_use]
    pub fn probes(&self) -> &ProbeCounts {
        &self.probes
    }

    /// Our listeners are these from now on, as they are bound; wildcard addresses mean any address of this machine.
    pub fn own(&self, listeners: Vec<SocketAddr>) {
        self.own.send_replace(Own::new(listeners));
    }

    /// Which backends that changed, and whether the store has it.
    async fn set_drained(
        &self,
        key: &MemberKey,
        is_drained: bool,
    ) -> Result<(Vec<Arc<Backend>>, bool), Refused> {
        let (wanted, of_file) = (key.clone(), self.of_file(key));
        let done = self
            .calls
            .ask(move |world, at| drain::set(&mut world.registry, &wanted, of_file, is_drained, at));
        let done = done.await?;
        let backends = done.value.ok_or_else(|| Refused::NoSuchBackend(key.clone()))?;
        Ok((backends, done.saved.wait().await))
    }

    fn snapshot(&self) -> Arc<Snapshot> {
        Arc::clone(&self.snapshots.borrow())
    }

    /// The backends of the file that have this label.
    fn of_file(&self, key: &MemberKey) -> Vec<Arc<Backend>> {
        let snapshot = self.snapshots.borrow();
        let backends = snapshot.pool(&key.pool).map(|pool| &pool.backends);
        let of_label = backends
            .into_iter()
            .flatten()
            .filter(|backend| !backend.is_registered && backend.label == key.id);
        of_label.map(Arc::clone).collect()
    }
}

#[cfg(test)]
mod tests;
