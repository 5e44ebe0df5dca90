//! Why the proxy did not start, or did not take a new configuration over.

use std::io;

use portreeve_admin::AdminBindError;

use crate::{AccessLogError, StateFolderError};

/// Why the proxy did not start. Nothing of it runs then.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum StartError {
    /// The folder for state cannot be used.
    #[error(transparent)]
    StateFolder(#[from] StateFolderError),
    /// The access log cannot be written.
    #[error(transparent)]
    AccessLog(#[from] AccessLogError),
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
    /// A new listener's address cannot be listened on.
    #[error("listener {name}: {source}")]
    Bind {
        /// The listener's name.
        name: String,
        /// Why.
        #[source]
        source: portreeve_proxy::BindError,
    },
}
