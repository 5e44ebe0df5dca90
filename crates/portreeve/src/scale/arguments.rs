//! What may be typed behind `portreeve scale`.

use clap::{Args, Subcommand};

use crate::operator::OperatorArguments;

#[derive(Debug, Args)]
#[command(after_help = EXAMPLES)]
pub(crate) struct ScaleArguments {
    #[command(subcommand)]
    pub(super) act: Option<ScaleAct>,
    #[command(flatten)]
    pub(super) operator: OperatorArguments,
}

#[derive(Debug, Subcommand)]
pub(super) enum ScaleAct {
    /// List all fleets, or those of one pool (the default).
    List {
        /// Only the fleets of this pool.
        #[arg(long, value_name = "POOL")]
        pool: Option<String>,
    },
    /// Say which rule wanted how many, what became of that, and how each instance is.
    Explain {
        /// The pool whose fleets are asked for.
        #[arg(value_name = "POOL")]
        pool: String,
    },
}

impl ScaleAct {
    /// Whose fleets; `None`: all.
    pub(super) fn pool(&self) -> Option<&str> {
        match self {
            Self::List { pool } => pool.as_deref(),
            Self::Explain { pool } => Some(pool),
        }
    }
}

const EXAMPLES: &str = "\
Examples:
  portreeve scale
  portreeve scale explain api
  portreeve scale explain api --json";
