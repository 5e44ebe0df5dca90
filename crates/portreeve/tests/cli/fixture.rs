//! The real binary as a child process, a backend to stand behind it, and just enough HTTP to talk to them.

mod backend;
mod folder;
mod http;
mod portreeve;

pub(crate) use backend::Backend;
pub(crate) use folder::Folder;
pub(crate) use http::Connection;
pub(crate) use portreeve::{Outcome, Portreeve, run};

use std::time::Duration;

/// How long anything may take before the test fails; far more than it ever needs.
pub(crate) const PATIENCE: Duration = Duration::from_secs(20);
