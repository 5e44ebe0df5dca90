//! The process's own log, on stderr: stdout is for data.

mod backlog;

use std::env;
use std::io::{self, IsTerminal};
use std::panic::{self, PanicHookInfo};
use std::thread;

use portreeve_config::LogFormat;
use tracing::Level;
use tracing_subscriber::EnvFilter;

use backlog::Backlog;

/// Sends every event from `least` up to stderr. The variable `PORTREEVE_LOG` overrides the level, by the syntax of
/// `tracing`: `debug`, or `warn,portreeve_control=trace`. Called once; a second call changes nothing.
///
/// Events wait for a thread of their own, so a stderr that nobody reads holds up nobody: beyond two megabytes they are
/// dropped, and the log says how many when it goes on.
///
/// # Errors
///
/// The system gives no thread.
pub fn log_to_stderr(format: LogFormat, least: Level) -> io::Result<LogGuard> {
    let backlog = Backlog::default();
    let writer = backlog.clone();
    let log = tracing_subscriber::fmt()
        .with_env_filter(filter(&env::var(LOG_VARIABLE).unwrap_or_default(), least))
        .with_writer(move || writer.clone())
        .log_internal_errors(false); // by default it panics when stderr is closed
    let started = match format {
        LogFormat::Text => log.with_ansi(wants_colour()).with_target(false).try_init(),
        LogFormat::Json => log.json().flatten_event(true).try_init(),
    };
    if started.is_ok() {
        backlog.write_to(io::stderr(), tell_of_dropped)?;
    }
    Ok(LogGuard(backlog))
}

/// Held until the process ends: when it is dropped, the last lines are written. If nobody reads them, that is given up
/// after a second.
#[derive(Debug)]
#[must_use = "without it the last lines are lost"]
pub struct LogGuard(Backlog);

impl Drop for LogGuard {
    fn drop(&mut self) {
        self.0.flush();
    }
}

/// `asked`: what the variable says. The library that frames HTTP/2 warns of single frames that clients send: those are
/// counted, and would be lines without end, so they are written only if they are asked for.
fn filter(asked: &str, least: Level) -> EnvFilter {
    let filter = EnvFilter::builder()
        .with_default_directive(least.into())
        .parse_lossy(asked);
    if asked.contains(HTTP2_LIBRARY) {
        return filter;
    }
    let quiet = (HTTP2_LIBRARY.to_owned() + "=error").parse();
    filter.add_directive(quiet.expect("the name of a crate and a level"))
}

fn tell_of_dropped(lines: u64) {
    tracing::warn!(
        lines,
        "stderr was not read for a while, and lines of the log were dropped"
    );
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
const HTTP2_LIBRARY: &str = "h2";

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_clients_do_with_frames_is_logged_only_if_that_is_asked_for() {
        for (asked, is_quiet) in [("", true), ("debug", true), ("info,h2=trace", false)] {
            let filter = filter(asked, Level::INFO).to_string();
            assert_eq!(filter.contains("h2=error"), is_quiet, "{asked}: {filter}");
        }
    }
}
