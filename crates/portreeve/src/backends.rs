//! `portreeve backends`: who is there, and who gets no more requests.

mod arguments;
mod drain;
mod list;
mod show;

use std::process::ExitCode;

use portreeve_api::Act;

use crate::caller::Call;
use crate::failure::Failure;
use crate::operator::Operator;
use crate::output;
pub(crate) use arguments::BackendsArguments;
use arguments::{BackendsAct, Named};

/// Does what was typed; without a word of what, lists.
pub(crate) fn backends(arguments: BackendsArguments) -> Result<ExitCode, Failure> {
    let operator = Operator::find(&arguments.operator)?;
    let json = arguments.operator.json;
    match arguments.act.unwrap_or(BackendsAct::List { pool: None }) {
        BackendsAct::List { pool } => list::list(&operator, pool.as_deref(), json),
        BackendsAct::Show { backend } => show::show(&operator, &backend, json),
        BackendsAct::Drain { backend, wait } => drain::drain(&operator, &backend, wait, json),
        BackendsAct::Undrain { backend } => undrain(&operator, &backend, json),
        BackendsAct::Remove { backend } => remove(&operator, &backend, json),
    }
}

fn undrain(operator: &Operator, backend: &Named, json: bool) -> Result<ExitCode, Failure> {
    operator.ask(&Call::new("POST", backend.path().to(Act::Undrain).to_string()))?;
    done(backend, "may get requests again", json)
}

fn remove(operator: &Operator, backend: &Named, json: bool) -> Result<ExitCode, Failure> {
    operator.ask(&Call::new("DELETE", backend.path().to_string()))?;
    done(backend, "is removed", json)
}

fn done(backend: &Named, what: &str, json: bool) -> Result<ExitCode, Failure> {
    match json {
        true => output::print(&"{}"),
        false => output::print(&format_args!("{backend} {what}")),
    }
}
