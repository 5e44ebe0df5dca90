//! What more than one of these modules needs: the binary as a child process, other programs, folders that stay.

mod address;
mod binary;
mod left_folder;
mod lines;
mod program;
pub(crate) mod tool;

pub(crate) use binary::{Portreeve, end_child};
pub(crate) use left_folder::left_folder;
pub(crate) use program::{BINARY, Outcome, Program, command};

use std::time::Duration;

/// How long anything may take before the test fails; far more than it ever needs.
pub(crate) const PATIENCE: Duration = Duration::from_secs(30);
