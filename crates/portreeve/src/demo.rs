//! `portreeve demo`: two sample backends and a proxy in one process.

mod client;
mod sample;
mod story;

use std::process::{self, ExitCode};

use portreeve_config::{Config, Flags, LogFormat};
use portreeve_server::{Ended, Server, StartError, log_to_stderr, raise_open_files, report_panics, run};
use tokio::sync::oneshot;
use tracing::Level;

use crate::failure::Failure;
use crate::{output, runtime};
use sample::Sample;
use story::Addresses;

/// Shows six requests, then serves until Ctrl-C.
pub(crate) fn demo() -> Result<ExitCode, Failure> {
    log_to_stderr(LogFormat::Text, Level::WARN);
    report_panics();
    raise_open_files();
    match runtime::block_on(play())?? {
        Ended::Drained(_) => output::print(&"\nEnded: every request was answered, every port is free again."),
        Ended::Hurried(signal) => process::exit(signal.exit_code().into()),
    }
}

async fn play() -> Result<Ended, Failure> {
    let samples = [Sample::start("one").await?, Sample::start("two").await?];
    let mut ports = Ports {
        proxy: 8080,
        admin: 9091,
    };
    loop {
        match serve(ports.config(&samples)?, &samples).await {
            Err(Trouble::Start(error)) => {
                ports = ports.instead(&error).ok_or_else(|| Failure::failed(error))?;
            }
            Err(Trouble::Story(failure)) => return Err(failure),
            Ok(ended) => return Ok(ended),
        }
    }
}

enum Trouble {
    Start(StartError),
    Story(Failure),
}

async fn serve(config: Config, samples: &[Sample; 2]) -> Result<Ended, Trouble> {
    let (tell, told) = oneshot::channel();
    let started = |server: &Server| {
        let _ = tell.send(Addresses::of(server, samples)); // the story listens as long as the server runs
    };
    let serving = async { run(config, None, started).await.map_err(Trouble::Start) };
    let telling = async {
        match told.await {
            Ok(addresses) => story::tell(&addresses).await.map_err(Trouble::Story),
            Err(_) => Ok(()), // the server did not start, and says so itself
        }
    };
    let (ended, ()) = tokio::try_join!(serving, telling)?;
    Ok(ended)
}

/// The ports to try; 0: any that is free.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Ports {
    proxy: u16,
    admin: u16,
}

impl Ports {
    fn config(self, samples: &[Sample; 2]) -> Result<Config, Failure> {
        let flags = Flags {
            listen: vec![format!("127.0.0.1:{}", self.proxy)],
            to: samples
                .iter()
                .map(|sample| sample.address().to_string())
                .collect(),
            admin: Some(format!("127.0.0.1:{}", self.admin)),
            ..Flags::default()
        };
        portreeve_config::from_flags(&flags).map_err(Failure::failed)
    }

    /// What to try next when these are taken; `None` if that is not what went wrong.
    fn instead(self, error: &StartError) -> Option<Self> {
        match error {
            StartError::Bind { .. } if self.proxy != 0 => Some(Self { proxy: 0, ..self }),
            StartError::AdminBind(_) if self.admin != 0 => Some(Self { admin: 0, ..self }),
            _ => None,
        }
    }
}
