//! The one owner of all certificates and keys of the process.

mod kept;
mod listener_parts;
mod pool_parts;
mod state;
mod warned;

use std::fmt;
use std::path::PathBuf;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::SystemTime;

use portreeve_model::plan::Plan;
use tokio::sync::watch;

use self::listener_parts::ListenerParts;
use self::pool_parts::{MachineTrust, PoolParts};
use self::state::State;
use crate::certificate::{CertificateFacts, Managed};
use crate::fault::{Place, TlsFault, TlsWarning};
use crate::table::TlsTable;
use crate::trust::Trusts;

/// Reads certificates and keys, keeps them fresh, and tells all who subscribe.
///
/// What was read by [`load`](Self::load) is nowhere in use until it is [`publish`](Self::publish)ed, so that a reload
/// that fails elsewhere changes nothing.
#[derive(Debug)]
pub struct TlsStore {
    state: Mutex<State>,
    table: watch::Sender<Arc<TlsTable>>,
}

impl Default for TlsStore {
    fn default() -> Self {
        Self::new()
    }
}

impl TlsStore {
    /// One that has nothing yet.
    #[must_use]
    pub fn new() -> Self {
        Self {
            state: Mutex::default(),
            table: watch::Sender::default(),
        }
    }

    /// What is configured, now and from now on.
    #[must_use]
    pub fn subscribe(&self) -> watch::Receiver<Arc<TlsTable>> {
        self.table.subscribe()
    }

    /// Reads all files that the plan names.
    ///
    /// # Errors
    /// Every fault at once.
    pub fn load(&self, plan: &Plan) -> Result<Loaded, Vec<TlsFault>> {
        let mut faults = Vec::new();
        let listeners = plan.listeners.iter().filter_map(ListenerParts::read);
        let listeners = sorted(listeners, &mut faults);
        let mut machine = MachineTrust::default();
        let pools = plan
            .pools
            .iter()
            .filter_map(|pool| PoolParts::read(pool, &mut machine));
        let pools = sorted(pools, &mut faults);
        if faults.is_empty() {
            Ok(Loaded { listeners, pools })
        } else {
            Err(faults)
        }
    }

    /// Puts it in the place of what there was. What ACME gave stays, and so do trust and the keys of tickets of listeners
    /// that ask their clients for the same as before.
    ///
    /// Nobody goes by what is new before a snapshot does whose plan says its numbers; until then, what the plan before
    /// needs is there too, and its connections last. [`settle`](Self::settle) comes after that snapshot.
    pub fn publish(&self, loaded: Loaded) -> Trusts {
        let mut state = self.state();
        state.take(loaded);
        self.tell(&state);
        state.trusts()
    }

    /// The snapshot that needs what was published last is there: connections that stand on what there was before are kept
    /// no longer.
    pub fn settle(&self) {
        let mut state = self.state();
        state.settle();
        self.tell(&state);
    }

    /// Reads again what has changed since; to be called each second, since it only looks at the dates of the files.
    /// What is wrong now leaves in place what there was. Tells each change once, and what should be looked at once a
    /// day, the first time at the first call.
    pub fn refresh(&self) -> Vec<Refreshed> {
        self.refresh_at(SystemTime::now())
    }

    fn refresh_at(&self, now: SystemTime) -> Vec<Refreshed> {
        let mut state = self.state();
        let mut refreshed = state.look_again();
        if refreshed.iter().any(Refreshed::is_taken) {
            self.tell(&state);
        }
        refreshed.extend(state.warnings_due(now).into_iter().map(Refreshed::Warned));
        refreshed
    }

    /// A certificate by ACME, for listeners that have any of these names among their `domains`.
    ///
    /// # Errors
    /// It is not for one of the names, or is not to be used; nothing has changed then.
    pub fn set_managed(&self, names: &[String], managed: Managed) -> Result<(), TlsFault> {
        let mut state = self.state();
        state.set_managed(names, managed)?;
        self.tell(&state);
        Ok(())
    }

    /// What is known of the certificate by ACME for this name, if there is one.
    #[must_use]
    pub fn managed(&self, name: &str) -> Option<CertificateFacts> {
        self.state().managed(name)
    }

    /// What is shown to an ACME server that asks by a handshake (RFC 8737) whether this name is ours; `None`: nothing
    /// any more.
    ///
    /// # Errors
    /// It is not to be used; nothing has changed then.
    pub fn set_alpn_challenge(&self, name: &str, shown: Option<Managed>) -> Result<(), TlsFault> {
        let mut state = self.state();
        state.set_alpn_challenge(name, shown)?;
        self.tell(&state);
        Ok(())
    }

    /// What is answered to an ACME server that asks by a request (RFC 8555 section 8.3); `None`: nothing any more.
    pub fn set_http_challenge(&self, token: &str, answer: Option<String>) {
        let mut state = self.state();
        state.set_http_challenge(token, answer);
        self.tell(&state);
    }

    fn tell(&self, state: &State) {
        self.table.send_replace(Arc::new(state.table()));
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// All that a plan needs, read and found right.
#[derive(Debug, Default)]
pub struct Loaded {
    listeners: Vec<ListenerParts>,
    pools: Vec<PoolParts>,
}

impl Loaded {
    /// What should be looked at.
    #[must_use]
    pub fn warnings(&self) -> Vec<TlsWarning> {
        let now = SystemTime::now();
        let listeners = self.listeners.iter().flat_map(|parts| parts.warnings(now));
        let pools = self.pools.iter().flat_map(|parts| parts.warnings(now));
        listeners.chain(pools).collect()
    }
}

/// What a [`TlsStore::refresh`] has to say.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Refreshed {
    /// Files have changed, and are in use.
    Taken {
        /// Whose.
        place: Place,
        /// Which.
        files: Vec<PathBuf>,
    },
    /// Files have changed, and what there was before stays.
    Kept(TlsFault),
    /// Something should be looked at.
    Warned(TlsWarning),
}

impl Refreshed {
    /// Whether something else is in use now.
    #[must_use]
    pub fn is_taken(&self) -> bool {
        matches!(self, Self::Taken { .. })
    }
}

impl fmt::Display for Refreshed {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Taken { place, files } => {
                let files: Vec<_> = files.iter().map(|file| file.display().to_string()).collect();
                write!(out, "{place}: took {}", files.join(", "))
            }
            Self::Kept(fault) => write!(out, "{fault}; what there was before stays in use"),
            Self::Warned(warning) => warning.fmt(out),
        }
    }
}

fn sorted<T>(read: impl Iterator<Item = Result<T, Vec<TlsFault>>>, faults: &mut Vec<TlsFault>) -> Vec<T> {
    let mut good = Vec::new();
    for parts in read {
        match parts {
            Ok(parts) => good.push(parts),
            Err(found) => faults.extend(found),
        }
    }
    good
}

#[cfg(test)]
mod tests;
