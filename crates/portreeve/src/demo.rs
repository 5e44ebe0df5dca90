//! `portreeve demo`: a proxy, packet servers and HTTP apps of several policies in one process.

mod app;
mod http;
mod packet_client;
mod server;
mod state;
mod story;

use std::path::Path;
use std::process::{self, ExitCode};

use portreeve_config::{Config, Flags, LogFormat};
use portreeve_server::{Ended, Server, StartError, log_to_stderr, raise_open_files, report_panics, run};
use tokio::sync::oneshot;
use tracing::Level;

use crate::end_signals::EndSignals;
use crate::failure::Failure;
use crate::{output, runtime};
use state::StateFolder;
use story::{Cast, Stage};

/// Shows packets and requests that find who upholds their policy, then serves until Ctrl-C.
pub(crate) fn demo() -> Result<ExitCode, Failure> {
    let log = log_to_stderr(LogFormat::Text, Level::WARN).map_err(Failure::no_log)?;
    report_panics();
    raise_open_files();
    match runtime::block_on(play())?? {
        Ended::Drained(_) => output::print(&"\nEnded: every port is free again, and no file is left behind."),
        Ended::Hurried(signal) => {
            drop(log);
            process::exit(signal.exit_code().into())
        }
    }
}

async fn play() -> Result<Ended, Failure> {
    let state = StateFolder::new()?;
    let mut ports = Ports {
        proxy: 2100,
        admin: 9091,
    };
    loop {
        match serve(ports.config(state.path())?, &state).await {
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

/// Serves, and tells the story meanwhile. Those who play in it stay until the proxy has ended.
async fn serve(config: Config, state: &StateFolder) -> Result<Ended, Trouble> {
    let (tell, told) = oneshot::channel();
    let started = |server: &Server| {
        let _ = tell.send(Stage::of(server, state.path())); // the story listens as long as the server runs
    };
    let serving = async { run(config, None, started).await.map_err(Trouble::Start) };
    let telling = async {
        match told.await {
            Ok(stage) => tell_unless_ended(&stage).await.map_err(Trouble::Story),
            Err(_) => Ok(None), // the server did not start, and says so itself
        }
    };
    let (ended, _cast) = tokio::try_join!(serving, telling)?;
    Ok(ended)
}

/// The story breaks off when it is to end: from then on the proxy takes no more requests.
async fn tell_unless_ended(stage: &Stage) -> Result<Option<Cast>, Failure> {
    let mut signals = EndSignals::new()?;
    tokio::select! {
        biased;
        () = signals.one() => Ok(None),
        cast = story::tell(stage) => cast.map(Some),
    }
}

/// The ports to try; 0: any that is free.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Ports {
    proxy: u16,
    admin: u16,
}

impl Ports {
    /// Nothing is configured but places: who serves what, the servers say themselves.
    fn config(self, state: &Path) -> Result<Config, Failure> {
        let flags = Flags {
            listen: vec![format!("127.0.0.1:{}", self.proxy)],
            admin: Some(format!("127.0.0.1:{}", self.admin)),
            state: Some(state.to_owned()),
            threads: Some(1), // so that who answered one request is known to the worker that serves the next
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
