//! `portreeve ledger verify` and `portreeve ledger show`

mod files;
mod show;
mod verify;

use std::path::PathBuf;
use std::process::ExitCode;

use clap::{Args, Subcommand};

use crate::failure::Failure;

/// What to do with a ledger.
#[derive(Debug, Subcommand)]
pub(crate) enum LedgerCommand {
    /// Check that nothing was changed in the record or cut out of it.
    Verify(VerifyArguments),
    /// Show who served what.
    Show(ShowArguments),
}

/// What to check, and against what.
#[derive(Debug, Args)]
#[command(after_help = VERIFY_NOTES)]
pub(crate) struct VerifyArguments {
    /// The files of one ledger, in any order.
    #[arg(required = true, value_name = "FILE")]
    files: Vec<PathBuf>,
    /// The public key that must have signed them; given several times: one of these.
    #[arg(long, value_name = "HEX")]
    key: Vec<String>,
    /// A signed head that was kept elsewhere, such as STATE/ledger.head, which the ledger must hold.
    #[arg(long, value_name = "FILE")]
    head: Option<PathBuf>,
}

/// What to show.
#[derive(Debug, Args)]
pub(crate) struct ShowArguments {
    /// The files of one ledger, in any order.
    #[arg(required = true, value_name = "FILE")]
    files: Vec<PathBuf>,
    /// Only records that speak of this policy.
    #[arg(long, value_name = "NAME")]
    policy: Option<String>,
    /// Only records of this backend, by its name or address.
    #[arg(long, value_name = "NAME|ADDR")]
    backend: Option<String>,
    /// The lines as they are in the file.
    #[arg(long)]
    json: bool,
}

/// Does it.
pub(crate) fn ledger(command: &LedgerCommand) -> Result<ExitCode, Failure> {
    match command {
        LedgerCommand::Verify(arguments) => verify::verify(arguments),
        LedgerCommand::Show(arguments) => show::show(arguments),
    }
}

const VERIFY_NOTES: &str = "\
Examples:
  portreeve ledger verify ledger.jsonl
  portreeve ledger verify --key 3b6a... --head ledger.head ledger-*.jsonl ledger.jsonl

Without --key the files prove that they belong together, not that they are yours; without --head a ledger whose end was
cut off passes as a shorter one. Exit code 1 names the first line that is not as it was written.";
