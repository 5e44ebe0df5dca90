//! From a [`Config`] to the file that says the same.

mod acme;
mod demand;
mod ledger;
mod limits;
mod listener;
mod packets;
mod pool;
mod probe;
mod registration;
mod resilience;
mod route;
mod said;
mod scale;
mod tls;
mod traffic;

use std::fmt::Display;
use std::path::Path;

use portreeve_model::plan::RecordFormat;

use crate::place::{quoted, written};
use crate::{AccessLog, AccessLogTo, Config, LogFormat, defaults, duration};

/// The shortest file that [`parse()`](crate::parse()) reads back to an equal [`Config`] on this machine: what is as by
/// default is left out, but for what a reader looks for first.
pub fn print(config: &Config) -> String {
    let mut file = Text::default();
    top(&mut file, config);
    admin(&mut file, config);
    access_log(&mut file, &config.access_log);
    ledger::section(&mut file, config);
    registration::section(&mut file, &config.plan.registration);
    acme::section(&mut file, config.plan.acme.as_ref(), &config.plan.listeners);
    file.comment("Where clients connect");
    for listener in &config.plan.listeners {
        listener::section(&mut file, listener);
    }
    if !config.plan.routes.is_empty() {
        file.comment("Which requests go where");
    }
    for route in &config.plan.routes {
        route::section(&mut file, route);
    }
    file.comment("Backends that serve the same thing");
    for pool in &config.plan.pools {
        pool::section(&mut file, pool);
    }
    ledger::policies(&mut file, &config.plan.policies);
    file.0
}

/// The file as far as it is written.
#[derive(Debug, Default)]
pub(crate) struct Text(String);

impl Text {
    /// A line as it is.
    fn line(&mut self, line: impl Display) {
        self.0.push_str(&format!("{line}\n"));
    }

    /// A comment, a blank line before it.
    fn comment(&mut self, text: &str) {
        self.line(format_args!("\n# {text}"));
    }

    fn is_after_comment(&self) -> bool {
        self.0
            .lines()
            .next_back()
            .is_some_and(|line| line.starts_with('#'))
    }

    /// `[a.b]`, after a comment or a blank line.
    fn section(&mut self, keys: &[&str]) {
        let keys: Vec<String> = keys.iter().map(|key| written(key)).collect();
        if !self.is_after_comment() {
            self.line("");
        }
        self.line(format_args!("[{}]", keys.join(".")));
    }

    /// A key with a value that is TOML already.
    fn value(&mut self, key: &str, value: impl Display) {
        self.line(format_args!("{key} = {value}"));
    }

    /// A key with a text.
    fn text(&mut self, key: &str, text: &str) {
        self.value(key, quoted(text));
    }

    /// A key with one value or a list of them; nothing if there are none.
    fn many(&mut self, key: &str, values: &[String]) {
        match values {
            [] => {}
            [only] => self.value(key, only),
            more => self.value(key, format_args!("[{}]", more.join(", "))),
        }
    }
}

fn top(file: &mut Text, config: &Config) {
    file.line("# The whole of what Portreeve does; docs/CONFIGURATION.md explains each key.");
    let threads = format!("threads = {}", config.threads);
    file.line(unless(
        config.threads == defaults::threads(),
        threads,
        "one per core",
    ));
    let state = format!("state = {}", quoted(&text_of(&config.state)));
    file.line(unless(
        config.state == defaults::state(),
        state,
        "this user's folder for state",
    ));
    if config.drain_timeout != defaults::DRAIN_TIMEOUT {
        file.text("drain_timeout", &duration::show(config.drain_timeout));
    }
    if config.log == LogFormat::Json {
        file.text("log", "json");
    }
    if let Some(zone) = &config.plan.zone {
        file.text("zone", zone);
    }
}

/// The line, as a comment if the machine gives the same by default.
fn unless(is_default: bool, line: String, why: &str) -> String {
    match is_default {
        true => format!("# {line}  (the default here: {why})"),
        false => line,
    }
}

fn admin(file: &mut Text, config: &Config) {
    file.comment("/metrics, /healthz and /readyz");
    file.section(&["admin"]);
    file.text(
        "bind",
        &config
            .admin
            .map_or_else(|| "off".to_owned(), |address| address.to_string()),
    );
}

fn access_log(file: &mut Text, log: &AccessLog) {
    if *log == AccessLog::default() {
        return;
    }
    file.comment("One record per request, at its end");
    file.section(&["access_log"]);
    match &log.to {
        AccessLogTo::Off => file.text("to", "off"),
        AccessLogTo::Stdout => file.text("to", "-"),
        AccessLogTo::File(path) => file.text("to", &text_of(path)),
    }
    if log.format == RecordFormat::Combined {
        file.text("format", "combined");
    }
}

fn text_of(path: &Path) -> String {
    path.to_string_lossy().into_owned()
}
