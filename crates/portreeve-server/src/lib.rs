//! The composition root: wires the data plane, the control plane and the admin listener together, and runs them as a
//! process: start, reload, drain, signals, systemd, the process's own log.
//!
//! [`Server`] is the whole proxy as a value, for tests and for whoever embeds it. [`run()`] is what `portreeve serve`
//! does with one until a signal ends it.

mod access_log;
mod certificates;
mod config_file;
mod error;
mod ledger;
mod listeners;
mod open_files;
mod registrations;
mod run;
mod scaling;
mod server;
mod signals;
mod state_folder;
mod sticky_key;
mod systemd;
mod telemetry;
mod tls;

pub use access_log::AccessLogError;
pub use certificates::look_at_certificates;
pub use config_file::ConfigFile;
pub use error::{ReloadError, StartError};
pub use ledger::LedgerError;
pub use open_files::raise_open_files;
pub use run::{Ended, run};
pub use server::{Reloaded, Server};
pub use signals::EndSignal;
pub use state_folder::StateFolderError;
pub use telemetry::{LogGuard, log_to_stderr, report_panics};
pub use tls::TlsFaults;

pub use portreeve_model::plan::Bind;
pub use portreeve_proxy::Drained;
