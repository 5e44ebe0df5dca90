use std::path::PathBuf;
use std::time::Duration;

use clap::Args;

use crate::peer_address::PeerAddress;
use crate::time::time;

/// Send a packet, and compare the acknowledgement with the SHA-1 of what was sent.
#[derive(Debug, Args)]
#[command(after_help = NOTES)]
pub(crate) struct SendArguments {
    /// The file that holds the packet, - is stdin.
    pub(crate) file: PathBuf,
    /// The proxy to send it to.
    #[arg(long, value_name = "ADDR:PORT")]
    pub(crate) proxy: PeerAddress,
    /// How long connecting and the answer may take, each time.
    #[arg(long, value_name = "TIME", default_value = "10s", value_parser = time)]
    pub(crate) timeout: Duration,
    /// Send it again up to N times if the server received something else [default: ask, if this is a terminal].
    #[arg(long, value_name = "N")]
    pub(crate) retry: Option<u32>,
}

const NOTES: &str = "\
Exit code: 0 the server received the payload whole; 1 it did not, or an error packet came, which is printed; 2 usage.

Example:
  portreeve packets generate --clients 1 --policies 111
  portreeve send packets/client-1.json --proxy 127.0.0.1:2100";
