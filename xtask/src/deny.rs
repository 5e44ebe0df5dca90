//! What outside crates may bring along: licences, bans, sources (`deny.toml`).
//!
//! Advisories are left out: their database lives in a repository that the machines of this project cannot reach.

use crate::program::{Failure, Program};
use crate::tools;

/// Runs cargo-deny, which is installed first if need be.
pub(crate) fn check() -> Result<(), Failure> {
    tools::DENY.ensure()?;
    Program::cargo()
        .words("deny --log-level error check --hide-inclusion-graph bans licenses sources")
        .run()
}
