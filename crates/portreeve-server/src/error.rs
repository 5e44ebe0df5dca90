//! Why the proxy did not start, or did not take a new configuration over.

use std::io;

use portreeve_admin::AdminBindError;

use crate::ledger::LedgerError;
use crate::listeners::{NotBound, NotBoundReason, shown};
use crate::{AccessLogError, StateFolderError, TlsFaults};

/// Why the proxy did not start. Nothing of it runs then.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum StartError {
    /// The folder for state cannot be used.
    #[error(transparent)]
    StateFolder(#[from] StateFolderError),
    /// What must survive a restart cannot be kept.
    #[error(transparent)]
    Store(#[from] portreeve_control::StoreError),
    /// The ledger cannot be kept.
    #[error(transparent)]
    Ledger(#[from] LedgerError),
    /// There is no key for the admin listener.
    #[error(transparent)]
    AdminKey(#[from] portreeve_admin::AdminKeyError),
    /// The access log cannot be written.
    #[error(transparent)]
    AccessLog(#[from] AccessLogError),
    /// Certificates, keys or authorities cannot be used.
    #[error(transparent)]
    Tls(#[from] TlsFaults),
    /// The admin address cannot be listened on.
    #[error(transparent)]
    AdminBind(#[from] AdminBindError),
    /// The admin listener was bound but cannot be served.
    #[error("cannot serve the admin listener: {source}; is the limit of open files (ulimit -n) too low?")]
    Admin {
        /// What the runtime said.
        #[source]
        source: io::Error,
    },
    /// A listener's address cannot be listened on.
    #[error("listener {name}: {source}")]
    Bind {
        /// The listener's name.
        name: String,
        /// Why.
        #[source]
        source: portreeve_proxy::BindError,
    },
    /// The data plane did not start.
    #[error(transparent)]
    Proxy(#[from] portreeve_proxy::StartError),
    /// Signals cannot be received.
    #[error("cannot receive signals: {source}")]
    Signals {
        /// What the system said.
        #[source]
        source: io::Error,
    },
}

/// Why a new configuration was not taken over. The one before it runs on, untouched.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum ReloadError {
    /// Certificates, keys or authorities cannot be used.
    #[error(transparent)]
    Tls(#[from] TlsFaults),
    /// A new listener's address cannot be listened on.
    #[error("listener {name}: {source}")]
    Bind {
        /// The listener's name.
        name: String,
        /// Why.
        #[source]
        source: portreeve_proxy::BindError,
    },
    /// The address is that of a listener in force, which gives it up only when the new configuration is taken over.
    #[error(
        "listener {name}: cannot listen on {wanted}: listener {holder} of the configuration in force holds {held}, and \
         until this one is taken over; do it in two reloads, or restart"
    )]
    Held {
        /// The listener's name.
        name: String,
        /// Where it should listen.
        wanted: String,
        /// The listener that is there.
        holder: String,
        /// Where that one listens.
        held: String,
    },
}

impl From<NotBound> for StartError {
    fn from(NotBound { name, reason }: NotBound) -> Self {
        match reason {
            NotBoundReason::System(source) => Self::Bind {
                name: name.to_string(),
                source,
            },
            NotBoundReason::Held { .. } => unreachable!("nothing is open at the start"),
        }
    }
}

impl From<NotBound> for ReloadError {
    fn from(NotBound { name, reason }: NotBound) -> Self {
        let name = name.to_string();
        match reason {
            NotBoundReason::System(source) => Self::Bind { name, source },
            NotBoundReason::Held { wanted, holder, held } => Self::Held {
                name,
                wanted: shown(&wanted),
                holder: holder.to_string(),
                held: shown(&held),
            },
        }
    }
}
