//! What a driver and the scaler tell each other about instances.

use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use portreeve_model::plan::Name;

use crate::secret::Secret;

/// One instance that is to be started.
#[derive(Debug, Clone)]
pub struct Order {
    /// Unique among all that ever were: 1 to 64 of `a-z 0-9 -`. The backend's id, and the name under which the driver
    /// knows it. A driver whose instances are named by others gives them names of its own.
    pub id: Arc<str>,
    /// Which pool it is for.
    pub pool: Name,
    /// Which fleet of it.
    pub fleet: Name,
    /// Where it must listen, as the one did that it replaces; `None`: where the driver says.
    pub port: Option<u16>,
    /// For its environment, beside what the plan says: where and as whom it registers.
    pub env: Vec<(String, String)>,
    /// The token by which it registers, for `PORTREEVE_TOKEN`.
    pub token: Secret,
}

/// What came of an order.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Started {
    /// What the driver itself calls it, such as a process id or a container's id; for people, and for its `stop`.
    pub handle: String,
    /// Where it will listen; `None`: only it knows, and it registers itself.
    pub address: Option<SocketAddr>,
}

/// An instance as the driver finds it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Found {
    /// As in its [`Order`]; that of the driver where others name it.
    pub id: Arc<str>,
    /// As in [`Started`].
    pub handle: String,
    /// Where it listens, if the driver knows.
    pub address: Option<SocketAddr>,
    /// Whether it runs.
    pub state: FoundState,
    /// For how long it has been there; `None`: unknown.
    pub age: Option<Duration>,
}

/// Whether an instance runs.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum FoundState {
    /// It is being started, and does not run yet.
    Starting,
    /// It runs.
    Running,
    /// It is on its way out.
    Ending,
}

/// How an instance is ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Stop {
    /// It is asked to: SIGTERM, or what the driver has instead.
    Ask,
    /// At once: SIGKILL, or what the driver has instead.
    Kill,
}

/// How an instance ended.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Ended {
    /// As in `exited with 1`, `killed by signal 9`, `out of memory`.
    pub how: String,
    /// The last lines that it wrote, at most 2 KiB; empty if there are none or the driver does not know.
    pub last_words: String,
}

/// What an instance uses.
#[derive(Debug, Clone, Copy, PartialEq, Default)]
pub struct Usage {
    /// CPU time used since its start.
    pub cpu_total: Option<Duration>,
    /// CPUs that it may use; `None`: all.
    pub cpus_max: Option<f64>,
    /// Bytes of memory in use.
    pub memory_bytes: Option<u64>,
    /// Bytes that it may use; `None`: no bound of its own.
    pub memory_max: Option<u64>,
    /// Since its start.
    pub uptime: Option<Duration>,
}

/// Who scales where several proxies could.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Leadership {
    /// We do, until the next time that we ask.
    Ours,
    /// Another does, as its name says.
    Theirs(String),
}
