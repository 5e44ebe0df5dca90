//! The one writer of the world: it holds the plan, resolves the names of backends, and publishes snapshots.
//!
//! One task owns everything that changes; others send it commands and read what it publishes. A snapshot goes down to
//! the data plane in one swap of a watch channel. No HTTP, no files, no signals: those belong to the server.

mod controller;
mod lookup;
mod names;
mod writer;

pub use controller::Controller;
