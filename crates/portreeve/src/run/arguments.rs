//! What may be typed behind `portreeve run`.

use std::ffi::OsString;
use std::net::SocketAddr;
use std::time::Duration;

use clap::Args;

use crate::peer_address::PeerAddress;
use crate::time::time;

#[derive(Debug, Args)]
#[command(after_help = NOTES)]
pub(crate) struct RunArguments {
    /// The pool to join.
    #[arg(long, value_name = "POOL")]
    pub(super) pool: String,
    /// A policy that the app upholds; may be given several times.
    #[arg(long, value_name = "POLICY", value_delimiter = ',')]
    pub(super) policy: Vec<String>,
    /// The port that the app listens on; it is told as PORT [default: a free one].
    #[arg(long, value_name = "PORT", value_parser = clap::value_parser!(u16).range(1..))]
    pub(super) port: Option<u16>,
    /// Where the proxy reaches the app, if not on the port and the address that this machine speaks to the proxy from.
    #[arg(long, value_name = "IP:PORT", conflicts_with = "port")]
    pub(super) address: Option<SocketAddr>,
    /// The app's name in the pool [default: this machine's name and the port].
    #[arg(long, value_name = "NAME")]
    pub(super) id: Option<String>,
    /// The app's share under weighted balancing, 1 to 1000 [default: 1].
    #[arg(long, value_name = "N")]
    pub(super) weight: Option<u16>,
    /// How long the proxy counts on the app without a heartbeat [default: as the pool says].
    #[arg(long, value_name = "TIME", value_parser = time)]
    pub(super) ttl: Option<Duration>,
    /// The proxy's registration listener.
    #[arg(long, value_name = "ADDR", default_value = "127.0.0.1:8080")]
    pub(super) to: PeerAddress,
    /// The token to register by; better given as PORTREEVE_TOKEN, which other users of this machine cannot see.
    #[arg(long, value_name = "TOKEN")]
    pub(super) token: Option<String>,
    /// How long running requests may take to finish at the end.
    #[arg(long, value_name = "TIME", value_parser = time, default_value = "30s")]
    pub(super) drain_timeout: Duration,
    /// How long the app may take to end after SIGTERM before it is killed.
    #[arg(long, value_name = "TIME", value_parser = time, default_value = "10s")]
    pub(super) kill_timeout: Duration,
    /// The app and its arguments.
    #[arg(
        value_name = "COMMAND",
        required = true,
        trailing_var_arg = true,
        allow_hyphen_values = true
    )]
    pub(super) command: Vec<OsString>,
}

const NOTES: &str = "\
Examples:
  portreeve run --pool api --port 8001 -- ./my-app
  portreeve run --pool api --policy eu --to proxy.test:8080 -- python3 app.py

Signals:
  SIGTERM, SIGINT, SIGQUIT  no new requests, running ones finish, then the app is ended;
                            a second one does not wait for them, a third one kills the app
  SIGHUP, SIGUSR1, SIGUSR2  go to the app

The exit code is the app's, or 128 and the signal's number if one ended it that we did not
send; 1 if the app could not be started or the proxy refuses it.";
