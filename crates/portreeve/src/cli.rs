//! The command line as it is typed.

use std::path::PathBuf;

use clap::{Args, Parser, Subcommand};

use crate::backend::BackendArguments;
use crate::backends::BackendsArguments;
use crate::packets::PacketsCommand;
use crate::run::RunArguments;
use crate::scale::ScaleArguments;
use crate::send::SendArguments;
use crate::token::TokenArguments;

/// A reverse proxy and load balancer: one command in front of a pool of servers.
#[derive(Debug, Parser)]
#[command(name = "portreeve", version, after_help = EXAMPLES)]
pub(crate) struct Cli {
    #[command(subcommand)]
    pub(crate) command: Option<Command>,
}

#[derive(Debug, Subcommand)]
pub(crate) enum Command {
    /// Serve until SIGTERM or Ctrl-C, by a file or by flags.
    Serve(ServeArguments),
    /// Say everything that is wrong with a configuration file, with line numbers.
    Check {
        /// The configuration file.
        file: PathBuf,
    },
    /// Check the ledger, or show who served what.
    #[command(subcommand)]
    Ledger(crate::ledger::LedgerCommand),
    /// Start an app, and have it registered with a proxy as long as it runs.
    Run(RunArguments),
    /// List backends; drain, undrain and remove them.
    Backends(BackendsArguments),
    /// Say how many instances the fleets have, and why.
    Scale(ScaleArguments),
    /// Make, list and revoke the tokens by which backends of other machines register.
    Token(TokenArguments),
    /// Start a proxy and servers of several policies, and show who is served by whom.
    Demo,
    /// Serve packets: register with a proxy and acknowledge each request.
    Backend(BackendArguments),
    /// Send a packet, and compare the acknowledgement with the SHA-1 of what was sent.
    Send(SendArguments),
    /// Packet files.
    #[command(subcommand)]
    Packets(PacketsCommand),
}

/// Either `--config`, or flags: with `--to` in front of these backends, without it for those that register.
#[derive(Debug, Default, Args)]
#[command(after_help = SERVE_NOTES)]
pub(crate) struct ServeArguments {
    /// Serve by this file, and reload it when it changes or on SIGHUP.
    #[arg(long, value_name = "FILE")]
    pub(crate) config: Option<PathBuf>,
    /// Listen here; may be given several times [default: :8080, with TLS :443].
    #[arg(long, value_name = "ADDR", help_heading = WITHOUT_A_FILE)]
    pub(crate) listen: Vec<String>,
    /// Speak TLS, and show this certificate with its chain, in PEM; may be given several times, for several names.
    #[arg(long, value_name = "FILE", requires = "tls_key", help_heading = WITHOUT_A_FILE)]
    pub(crate) tls_cert: Vec<PathBuf>,
    /// The key of the certificate; as often as --tls-cert, in the same order.
    #[arg(long, value_name = "FILE", requires = "tls_cert", help_heading = WITHOUT_A_FILE)]
    pub(crate) tls_key: Vec<PathBuf>,
    /// Speak TLS, with certificates for these names that are had by ACME [from: Let's Encrypt].
    #[arg(long, value_name = "NAME,NAME", help_heading = WITHOUT_A_FILE)]
    pub(crate) domain: Vec<String>,
    /// Have them from this authority instead; the URL of its ACME directory.
    #[arg(long, value_name = "URL", requires = "domain", help_heading = WITHOUT_A_FILE)]
    pub(crate) acme_directory: Option<String>,
    /// Who vouches for that authority's own certificate, in PEM [default: whom the machine trusts].
    #[arg(long, value_name = "FILE", requires = "domain", help_heading = WITHOUT_A_FILE)]
    pub(crate) acme_authorities: Option<PathBuf>,
    /// Send clients without TLS to https from here [default: :80 beside TLS without --listen].
    #[arg(long, value_name = "ADDR", help_heading = WITHOUT_A_FILE)]
    pub(crate) redirect: Vec<String>,
    /// The backends: addresses, names, unix:/paths; with http://, https://, h2c://, h2://, tcp:// or tls:// before them
    /// [default: those that register here].
    #[arg(long, value_name = "ADDR,ADDR", help_heading = WITHOUT_A_FILE)]
    pub(crate) to: Vec<String>,
    /// The pool of the backends for HTTP, as they name it when they register [default: default].
    #[arg(long, value_name = "NAME", help_heading = WITHOUT_A_FILE)]
    pub(crate) pool: Option<String>,
    /// How a backend is chosen [default: round-robin].
    #[arg(long, value_name = "NAME", help_heading = WITHOUT_A_FILE)]
    pub(crate) balance: Option<String>,
    /// How the backends for HTTP are probed: a path such as /healthz, connect, packet or grpc [default: off].
    #[arg(long, value_name = "PATH|KIND|off", help_heading = WITHOUT_A_FILE)]
    pub(crate) probe: Option<String>,
    /// How many requests each of them may have at once [default: auto].
    #[arg(long, value_name = "N|auto|unlimited", help_heading = WITHOUT_A_FILE)]
    pub(crate) in_flight: Option<String>,
    /// Keep each client with its backend, by a cookie.
    #[arg(long, help_heading = WITHOUT_A_FILE)]
    pub(crate) sticky: bool,
    /// Where /metrics, /healthz and /readyz are served [default: 127.0.0.1:9091].
    #[arg(long, value_name = "ADDR|off", help_heading = WITHOUT_A_FILE)]
    pub(crate) admin: Option<String>,
    /// The folder for what must survive a restart [default: the user's state folder].
    #[arg(long, value_name = "DIR", help_heading = WITHOUT_A_FILE)]
    pub(crate) state: Option<PathBuf>,
    /// Where access records go, - is stdout [default: off].
    #[arg(long, value_name = "FILE|-|off", help_heading = WITHOUT_A_FILE)]
    pub(crate) access_log: Option<String>,
    /// Data-plane threads [default: one per core].
    #[arg(long, value_name = "N", help_heading = WITHOUT_A_FILE)]
    pub(crate) threads: Option<usize>,
    /// How long running requests may take to finish at the end, such as 30s [default: 30s].
    #[arg(long, value_name = "TIME")]
    pub(crate) drain_timeout: Option<String>,
    /// Do not serve: print the configuration file that says the same.
    #[arg(long)]
    pub(crate) print_config: bool,
}

impl ServeArguments {
    /// The flags given that a file says instead, as they are typed.
    pub(crate) fn replacing_a_file(&self) -> Vec<&'static str> {
        let given = [
            ("--listen", !self.listen.is_empty()),
            ("--tls-cert", !self.tls_cert.is_empty()),
            ("--tls-key", !self.tls_key.is_empty()),
            ("--domain", !self.domain.is_empty()),
            ("--acme-directory", self.acme_directory.is_some()),
            ("--acme-authorities", self.acme_authorities.is_some()),
            ("--redirect", !self.redirect.is_empty()),
            ("--to", !self.to.is_empty()),
            ("--pool", self.pool.is_some()),
            ("--balance", self.balance.is_some()),
            ("--probe", self.probe.is_some()),
            ("--in-flight", self.in_flight.is_some()),
            ("--sticky", self.sticky),
            ("--admin", self.admin.is_some()),
            ("--state", self.state.is_some()),
            ("--access-log", self.access_log.is_some()),
            ("--threads", self.threads.is_some()),
        ];
        given
            .into_iter()
            .filter(|(_, is_given)| *is_given)
            .map(|(flag, _)| flag)
            .collect()
    }
}

const WITHOUT_A_FILE: &str = "Without a file";

const EXAMPLES: &str = "\
Examples:
  portreeve demo
  portreeve serve --listen :8080 --to localhost:8001,localhost:8002
  portreeve serve --to localhost:8001,localhost:8002 --probe /healthz
  portreeve serve --domain example.com --to localhost:8001
  portreeve serve --listen :8443 --tls-cert shop.pem --tls-key shop.key --to h2c://localhost:8001
  portreeve serve --config portreeve.toml
  portreeve check portreeve.toml";

const SERVE_NOTES: &str = "\
Without --to and without a file, backends register: each --listen takes HTTP, packets and, from
this machine, registrations. HTTP goes to the pool `default` (or --pool), to a backend that upholds
what the request asks for in Privacy-Policy; packets go to the pool `packets`.

With --tls-cert and --tls-key, or with --domain, every --listen speaks TLS; without any, :443 does,
and :80 sends clients there. With backends that begin with tcp:// or tls:// connections are carried
as they are.

Signals:
  SIGHUP           reload the file, all or nothing (a change of the file does the same)
  SIGUSR1          open the access log anew, after a rotation
  SIGTERM, SIGINT  drain: no new connections, running requests finish; a second one ends at once

PORTREEVE_LOG=debug makes the log on stderr say more, PORTREEVE_LOG=warn less.";

#[cfg(test)]
mod tests {
    use super::*;
    use clap::CommandFactory;

    #[test]
    fn the_definition_has_no_contradiction() {
        Cli::command().debug_assert();
    }
}
