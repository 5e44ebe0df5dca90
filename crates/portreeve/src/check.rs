//! `portreeve check FILE`

use std::path::Path;
use std::process::ExitCode;

use portreeve_config::{Config, ReadError};
use portreeve_server::look_at_certificates;

use crate::failure::Failure;
use crate::output;

/// Prints every fault of the file, and of the certificates that it names, on stdout, one a line; or every warning, and one
/// line that says what is in it.
pub(crate) fn check(file: &Path) -> Result<ExitCode, Failure> {
    match portreeve_config::read(file) {
        Ok(config) => match look_at_certificates(&config) {
            Ok(warnings) => output::print(&sound(file, &config, warnings)),
            Err(faults) => {
                output::print(&lines(file, "", &faults))?;
                Err(failed(file, faults.len()))
            }
        },
        Err(ReadError::Faulty { path, faults }) => {
            output::print(&faults.in_file(&path))?;
            Err(failed(file, faults.iter().count()))
        }
        Err(error) => Err(Failure::failed(error)),
    }
}

fn sound(file: &Path, config: &Config, of_certificates: Vec<String>) -> String {
    let mut warnings = config.warnings();
    warnings.extend(of_certificates);
    let warnings = lines(file, "warning: ", &warnings);
    format!("{warnings}{}: ok: {}", file.display(), contents(config))
}

fn failed(file: &Path, faults: usize) -> Failure {
    let count = counted(faults, "fault");
    Failure::failed(format_args!("{count} in {}", file.display()))
}

/// A line for each, which begins with the file.
fn lines(file: &Path, kind: &str, said: &[String]) -> String {
    let file = file.display();
    let lines = said.iter().map(|one| format!("{file}: {kind}{one}\n"));
    lines.collect()
}

fn contents(config: &Config) -> String {
    let plan = &config.plan;
    let backends = plan.pools.iter().map(|pool| pool.targets.len()).sum();
    [
        counted(plan.listeners.len(), "listener"),
        counted(plan.routes.len(), "route"),
        counted(plan.pools.len(), "pool"),
        counted(backends, "backend"),
    ]
    .join(", ")
}

fn counted(count: usize, noun: &str) -> String {
    match count {
        1 => format!("1 {noun}"),
        _ => format!("{count} {noun}s"),
    }
}
