//! What may be typed behind `portreeve backends`.

use std::fmt;
use std::time::Duration;

use clap::{Args, Subcommand};
use portreeve_api::BackendPath;

use crate::operator::OperatorArguments;
use crate::time::time;

#[derive(Debug, Args)]
#[command(after_help = EXAMPLES)]
pub(crate) struct BackendsArguments {
    #[command(subcommand)]
    pub(super) act: Option<BackendsAct>,
    #[command(flatten)]
    pub(super) operator: OperatorArguments,
}

#[derive(Debug, Subcommand)]
pub(super) enum BackendsAct {
    /// List all backends, or those of one pool (the default).
    List {
        /// Only the backends of this pool.
        #[arg(long, value_name = "POOL")]
        pool: Option<String>,
    },
    /// Say everything that is known of one backend.
    Show {
        /// Which one, as `backends list` names it.
        #[arg(value_name = "POOL/ID", value_parser = named)]
        backend: Named,
    },
    /// Give a backend no new requests; the ones it has may finish.
    Drain {
        /// Which one, as `backends list` names it.
        #[arg(value_name = "POOL/ID", value_parser = named)]
        backend: Named,
        /// Wait so long for its requests to finish, such as 30s; exit with 1 if some still run then.
        #[arg(long, value_name = "TIME", value_parser = time)]
        wait: Option<Duration>,
    },
    /// Give it requests again.
    Undrain {
        /// Which one, as `backends list` names it.
        #[arg(value_name = "POOL/ID", value_parser = named)]
        backend: Named,
    },
    /// End a registration at once. An app that goes on sending heartbeats registers again.
    Remove {
        /// Which one, as `backends list` names it.
        #[arg(value_name = "POOL/ID", value_parser = named)]
        backend: Named,
    },
}

/// A backend as it is typed: `POOL/ID`.
#[derive(Debug, Clone)]
pub(super) struct Named {
    pool: String,
    id: String,
}

impl Named {
    pub(super) fn path(&self) -> BackendPath {
        BackendPath::new(&self.pool, &self.id)
    }
}

impl fmt::Display for Named {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(out, "{}/{}", self.pool, self.id)
    }
}

/// An id may hold a `/` (that of a Unix socket does), a pool's name may not.
fn named(text: &str) -> Result<Named, String> {
    match text.split_once('/') {
        Some((pool, id)) if !pool.is_empty() && !id.is_empty() => Ok(Named {
            pool: pool.to_owned(),
            id: id.to_owned(),
        }),
        _ => Err("allowed is POOL/ID, such as api/a1; `portreeve backends list` shows them".to_owned()),
    }
}

const EXAMPLES: &str = "\
Examples:
  portreeve backends
  portreeve backends list --pool api --json
  portreeve backends drain api/a1 --wait 30s
  portreeve backends undrain api/a1";
