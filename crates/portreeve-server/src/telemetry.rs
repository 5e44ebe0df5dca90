//! The process's own log, on stderr: stdout is for data.

use std::env;
use std::io::{self, IsTerminal};
use std::panic::{self, PanicHookInfo};
use std::thread;

use portreeve_config::LogFormat;
use tracing::Level;
use tracing_subscriber::EnvFilter;

/// Sends every event from `least` up to stderr. The variable `PORTREEVE_LOG` overrides the level, by the syntax of
/// `tracing`: `debug`, or `warn,portreeve_control=trace`. Called once; a second call changes nothing.
pub fn log_to_stderr(format: LogFormat, least: Level) {
    let filter = EnvFilter::builder()
        .with_default_directive(least.into())
        .with_env_var(LOG_VARIABLE);
    let log = tracing_subscriber::fmt()
        .with_env_filter(filter.from_env_lossy())
        .with_writer(io::stderr)
        .log_internal_errors(false); // by default it panics when stderr is closed
    let _ = match format {
        LogFormat::Text => log.with_ansi(wants_colour()).with_target(false).try_init(),
        LogFormat::Json => log.json().flatten_event(true).try_init(),
    };
}

/// From now on a panic is an event of level error instead of lines of its own. Panics are bugs; each ends only the
/// task it happens in.
pub fn report_panics() {
    panic::set_hook(Box::new(report));
}

fn report(info: &PanicHookInfo<'_>) {
    let place = info.location().map(ToString::to_string).unwrap_or_default();
    let thread = thread::current().name().unwrap_or("unnamed").to_owned();
    let message = info.payload_as_str().unwrap_or("no message");
    tracing::error!(place, thread, message, "a bug: panicked");
}

fn wants_colour() -> bool {
    io::stderr().is_terminal() && env::var_os("NO_COLOR").is_none_or(|value| value.is_empty())
}

const LOG_VARIABLE: &str = "PORTREEVE_LOG";
