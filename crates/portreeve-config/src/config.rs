//! What a file or the flags say, checked.

use std::net::SocketAddr;
use std::path::PathBuf;
use std::time::Duration;

use portreeve_model::plan::{Plan, RecordFormat};

use crate::LedgerConfig;

/// All that the operator decided, with every default filled in.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Config {
    /// Listeners and pools, at least one of each; routes, unless packets alone are served.
    pub plan: Plan,
    /// Where `/metrics`, `/healthz` and `/readyz` are served; `None`: nowhere. Default `127.0.0.1:9091`.
    pub admin: Option<SocketAddr>,
    /// The folder for what must survive a restart.
    pub state: PathBuf,
    /// Where access records go, and in which form.
    pub access_log: AccessLog,
    /// Where the ledger is, if anything is to be written to it.
    pub ledger: Option<LedgerConfig>,
    /// Data-plane threads, 1 to 1,024; default one per core.
    pub threads: usize,
    /// How long running requests may take to finish after SIGTERM, 0 to 24 h; default 30 s.
    pub drain_timeout: Duration,
    /// How the process talks on stderr.
    pub log: LogFormat,
}

/// Where access records go, and in which form.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct AccessLog {
    /// Where they go.
    pub to: AccessLogTo,
    /// How a record is written.
    pub format: RecordFormat,
}

/// Where access records go.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub enum AccessLogTo {
    /// None are written. `off`, the default: as with Caddy, HAProxy, Traefik and Envoy nobody's address is
    /// recorded, and no disk fills, before the operator asks for it.
    #[default]
    Off,
    /// Standard output. `-`
    Stdout,
    /// A file, opened for appending.
    File(PathBuf),
}

/// How the process writes its own log to stderr.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum LogFormat {
    /// For people. `text`
    #[default]
    Text,
    /// One JSON object a line. `json`
    Json,
}
