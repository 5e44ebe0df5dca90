//! `portreeve serve`

mod drain_timeout;

use std::process::{self, ExitCode};

use portreeve_config::{Config, Flags};
use portreeve_server::{ConfigFile, Ended, log_to_stderr, raise_open_files, report_panics, run};
use tracing::{Level, warn};

use crate::cli::ServeArguments;
use crate::failure::Failure;
use crate::{output, runtime};

/// Serves until a signal ends it, or prints the configuration that it would serve by.
pub(crate) fn serve(arguments: ServeArguments) -> Result<ExitCode, Failure> {
    let Resolved {
        config,
        file,
        print_only,
    } = Resolved::from_arguments(arguments)?;
    if print_only {
        return output::print(&portreeve_config::print(&config));
    }
    let log = log_to_stderr(config.log, Level::INFO).map_err(Failure::no_log)?;
    for warning in config.warnings() {
        warn!(warning, "sound, but mind this");
    }
    report_panics();
    raise_open_files();
    match runtime::block_on(run(config, file, |_| {}))? {
        Ok(Ended::Drained(_)) => Ok(ExitCode::SUCCESS),
        Ok(Ended::Hurried(signal)) => {
            drop(log);
            process::exit(signal.exit_code().into())
        }
        Err(error) => Err(Failure::failed(error)),
    }
}

/// What was typed, understood.
struct Resolved {
    config: Config,
    file: Option<ConfigFile>,
    print_only: bool,
}

impl Resolved {
    fn from_arguments(arguments: ServeArguments) -> Result<Self, Failure> {
        let instead = arguments.replacing_a_file();
        match (arguments.config.is_some(), instead.is_empty()) {
            (true, true) => Self::from_file(arguments),
            (false, false) => Self::from_flags(arguments),
            (true, false) => Err(Failure::usage(format_args!(
                "serve takes either --config FILE or flags, not both: leave out {}, or say it in the file",
                instead.join(", ")
            ))),
            (false, true) => Err(Failure::usage(
                "serve needs to know what: --listen ADDR for backends that register, --to ADDR,ADDR for those that \
                 you name, or --config FILE (see portreeve serve --help)",
            )),
        }
    }

    fn from_file(arguments: ServeArguments) -> Result<Self, Failure> {
        let path = arguments.config.unwrap_or_default();
        let drain_timeout = arguments
            .drain_timeout
            .as_deref()
            .map(drain_timeout::parse)
            .transpose()?;
        let mut file = ConfigFile::new(path, drain_timeout);
        let config = file.read().map_err(Failure::failed)?;
        Ok(Self {
            config,
            file: Some(file),
            print_only: arguments.print_config,
        })
    }

    fn from_flags(arguments: ServeArguments) -> Result<Self, Failure> {
        let drain_timeout = arguments
            .drain_timeout
            .as_deref()
            .map(drain_timeout::parse)
            .transpose()?;
        let flags = Flags {
            listen: arguments.listen,
            redirect: arguments.redirect,
            tls_cert: arguments.tls_cert,
            tls_key: arguments.tls_key,
            domain: arguments.domain,
            acme_directory: arguments.acme_directory,
            acme_authorities: arguments.acme_authorities,
            to: arguments.to,
            pool: arguments.pool,
            balance: arguments.balance,
            probe: arguments.probe,
            in_flight: arguments.in_flight,
            sticky: arguments.sticky,
            admin: arguments.admin,
            state: arguments.state,
            access_log: arguments.access_log,
            threads: arguments.threads,
        };
        let mut config = portreeve_config::from_flags(&flags).map_err(Failure::usage)?;
        config.drain_timeout = drain_timeout.unwrap_or(config.drain_timeout);
        Ok(Self {
            config,
            file: None,
            print_only: arguments.print_config,
        })
    }
}
