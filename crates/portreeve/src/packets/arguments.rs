use std::path::PathBuf;

use clap::{Args, Subcommand};

/// Packet files.
#[derive(Debug, Subcommand)]
pub(crate) enum PacketsCommand {
    /// Write one request packet for each of some clients, which ask for the policies in turn.
    Generate(GenerateArguments),
}

/// Files `client-1.json` and so on; those of the same name are replaced.
#[derive(Debug, Args)]
pub(crate) struct GenerateArguments {
    /// How many clients.
    #[arg(long, value_name = "K", value_parser = clap::value_parser!(u32).range(1..=CLIENTS_MAX))]
    pub(crate) clients: u32,
    /// The policies that they ask for.
    #[arg(long, value_name = "P,P", required = true, value_delimiter = ',')]
    pub(crate) policies: Vec<String>,
    /// The folder to write to; it is made if it is not there.
    #[arg(long, value_name = "DIR", default_value = "packets")]
    pub(crate) out: PathBuf,
    /// Bytes of each payload; most proxies take up to 1024.
    #[arg(long, value_name = "N", default_value_t = 64, value_parser = payload_bytes)]
    pub(crate) payload_bytes: usize,
}

fn payload_bytes(text: &str) -> Result<usize, String> {
    let bytes = text.parse().ok().filter(|&bytes| bytes <= PAYLOAD_BYTES_MAX);
    bytes.ok_or_else(|| format!("allowed is a whole number from 0 to {PAYLOAD_BYTES_MAX}"))
}

const CLIENTS_MAX: i64 = 100_000;
const PAYLOAD_BYTES_MAX: usize = 1 << 20;
