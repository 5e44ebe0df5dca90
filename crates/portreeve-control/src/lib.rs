//! The one writer of the world: it holds the plan and the registry of backends, resolves names, probes, keeps what must
//! survive a restart, and publishes snapshots.
//!
//! One task owns everything that changes. Others ask it through a [`Door`] and read what it publishes: a snapshot goes
//! down to the data plane in one swap of a watch channel, and what happened goes out as numbered events. No HTTP, no
//! signals: those belong to others. The files of the store are written by a thread of their own.

mod clock;
mod controller;
mod credentials;
mod door;
mod lookup;
mod names;
mod naming;
mod own;
mod press;
mod prober;
mod refused;
mod store;
#[cfg(test)]
mod testing;
mod tokens;
mod world;
mod writer;

pub use controller::{ControlSettings, Controller, EventListener};
pub use credentials::Credentials;
pub use door::{Accepted, BackendState, Condition, Door, DrainReport};
pub use prober::{ProbeCounts, ProbeTotals};
pub use refused::{Refused, TokenFault};
pub use store::StoreError;
pub use tokens::{NewCertificateToken, NewToken, TokenState, TokenWish};
