//! A proxy's life as a process: serve, obey signals, reload, drain, end.

use portreeve_config::{Config, ReadError};
use portreeve_proxy::Drained;
use tokio::task::spawn_blocking;

use crate::config_file::ConfigFile;
use crate::signals::{EndSignal, Signals, Wish};
use crate::{Reloaded, Server, StartError, systemd};

/// How a proxy ended that had started.
#[derive(Debug)]
#[must_use]
pub enum Ended {
    /// A signal asked for it, and the drain came to its end.
    Drained(Drained),
    /// A second signal cut the drain short.
    Hurried(EndSignal),
}

/// Serves until SIGTERM or SIGINT, then drains; a second one ends at once.
///
/// SIGHUP and a change of `file` reload it; without a file there is nothing to reload. SIGUSR1 opens the access log
/// anew. `started` is called when every listener accepts.
///
/// # Errors
/// It could not start; nothing runs then.
pub async fn run(
    config: Config,
    file: Option<ConfigFile>,
    started: impl FnOnce(&Server),
) -> Result<Ended, StartError> {
    let mut signals = Signals::listen().map_err(|source| StartError::Signals { source })?;
    let server = tokio::select! {
        server = Server::start(config) => server?,
        signal = signals.end() => {
            tracing::info!(signal = signal.name(), "ended before everything had started");
            return Ok(Ended::Drained(Drained { cut: 0 }));
        }
    };
    started(&server);
    tracing::info!(version = env!("CARGO_PKG_VERSION"), "ready");
    systemd::ready();
    let mut process = Process { server, file };
    let signal = process.until_end(&mut signals).await;
    tracing::info!(
        signal = signal.name(),
        "draining: no new connections, running requests finish"
    );
    systemd::stopping();
    Ok(process.drain(&mut signals).await)
}

struct Process {
    server: Server,
    file: Option<ConfigFile>,
}

impl Process {
    async fn until_end(&mut self, signals: &mut Signals) -> EndSignal {
        loop {
            let outcome = tokio::select! {
                outcome = signals.next() => outcome,
                () = changed(self.file.as_ref()) => Ok(Wish::Reload),
            };
            let obeyed = match outcome {
                Ok(Wish::Reload) => self.reload_unless_ended(signals).await,
                Ok(Wish::ReopenAccessLog) => {
                    self.server.reopen_access_log();
                    Ok(())
                }
                Err(signal) => Err(signal),
            };
            if let Err(signal) = obeyed {
                return signal;
            }
        }
    }

    /// A reload may wait for names; a signal that ends the process does not wait for it.
    async fn reload_unless_ended(&mut self, signals: &mut Signals) -> Result<(), EndSignal> {
        tokio::select! {
            () = self.reload() => Ok(()),
            signal = signals.end() => Err(signal),
        }
    }

    async fn reload(&mut self) {
        let Some(file) = &mut self.file else {
            tracing::info!("nothing to reload: the configuration came from flags");
            return;
        };
        systemd::reloading();
        let is_taken = match read(file).await {
            Ok(config) => self.apply(config).await,
            Err(error) => {
                self.server.reload_refused();
                log_unread(&error);
                false
            }
        };
        match is_taken {
            true => systemd::ready(),
            false => systemd::reload_refused(),
        }
    }

    async fn apply(&mut self, config: Config) -> bool {
        let warnings = config.warnings();
        match self.server.reload(config).await {
            Ok(reloaded) => {
                log_reloaded(&reloaded);
                warnings.iter().for_each(|warning| tracing::warn!("{warning}"));
                true
            }
            Err(error) => {
                tracing::error!(%error, "{REFUSED}");
                false
            }
        }
    }

    async fn drain(self, signals: &mut Signals) -> Ended {
        let Self { server, .. } = self;
        tokio::select! {
            drained = server.drain() => {
                log_drained(&drained);
                Ended::Drained(drained)
            }
            signal = signals.end() => {
                tracing::warn!(signal = signal.name(), "a second signal: ending at once");
                Ended::Hurried(signal)
            }
        }
    }
}

async fn changed(file: Option<&ConfigFile>) {
    match file {
        Some(file) => file.changed().await,
        None => std::future::pending().await,
    }
}

/// Reads on a thread where a slow disk delays nothing else.
async fn read(file: &mut ConfigFile) -> Result<Config, ReadError> {
    let mut reader = file.clone();
    let (reader, outcome) = spawn_blocking(move || {
        let outcome = reader.read();
        (reader, outcome)
    })
    .await
    .expect("reading a configuration does not panic");
    *file = reader;
    outcome
}

fn log_unread(error: &ReadError) {
    match error {
        ReadError::Faulty { path, faults } => {
            for fault in faults {
                tracing::error!(file = %path.display(), line = fault.line, %fault, "a fault in the configuration");
            }
            tracing::error!(file = %path.display(), "{REFUSED}");
        }
        error => tracing::error!(%error, "{REFUSED}"),
    }
}

fn log_reloaded(reloaded: &Reloaded) {
    let Reloaded {
        sequence,
        opened,
        closed,
        needs_restart,
    } = reloaded;
    tracing::info!(sequence, ?opened, ?closed, "reloaded");
    for key in needs_restart {
        tracing::warn!(
            key,
            "this change takes effect at the next start: it needs a restart"
        );
    }
}

fn log_drained(drained: &Drained) {
    match drained.cut {
        0 => tracing::info!("drained: every request finished"),
        cut => tracing::warn!(cut, "drained: the time was up, connections were cut"),
    }
}

const REFUSED: &str = "the reload is refused; the configuration before stays in use";
