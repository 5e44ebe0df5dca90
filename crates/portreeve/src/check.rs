//! `portreeve check FILE`

use std::path::Path;
use std::process::ExitCode;

use portreeve_config::{Config, ReadError};

use crate::failure::Failure;
use crate::output;

/// Prints every fault of the file on stdout, one a line; or every warning, and one line that says what is in it.
pub(crate) fn check(file: &Path) -> Result<ExitCode, Failure> {
    match portreeve_config::read(file) {
        Ok(config) => output::print(&sound(file, &config)),
        Err(ReadError::Faulty { path, faults }) => {
            output::print(&faults.in_file(&path))?;
            let count = counted(faults.iter().count(), "fault");
            Err(Failure::failed(format_args!("{count} in {}", file.display())))
        }
        Err(error) => Err(Failure::failed(error)),
    }
}

fn sound(file: &Path, config: &Config) -> String {
    let file = file.display();
    let warnings = config.warnings().into_iter();
    let warnings: String = warnings
        .map(|warning| format!("{file}: warning: {warning}\n"))
        .collect();
    format!("{warnings}{file}: ok: {}", contents(config))
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
