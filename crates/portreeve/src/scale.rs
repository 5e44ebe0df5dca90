//! `portreeve scale`: how many instances the fleets have, and why.

mod arguments;
mod explain;
mod list;

use std::process::ExitCode;

use portreeve_api::{FLEETS, FleetList, escaped};

use crate::caller::Call;
use crate::failure::Failure;
use crate::operator::Operator;
use crate::output;
use arguments::ScaleAct;
pub(crate) use arguments::ScaleArguments;

/// Does what was typed; without a word of what, lists.
pub(crate) fn scale(arguments: ScaleArguments) -> Result<ExitCode, Failure> {
    let operator = Operator::find(&arguments.operator)?;
    let json = arguments.operator.json;
    let act = arguments.act.unwrap_or(ScaleAct::List { pool: None });
    let path = match act.pool() {
        Some(pool) => format!("{FLEETS}?pool={}", escaped(pool)),
        None => FLEETS.to_owned(),
    };
    let answer = operator.ask(&Call::new("GET", path))?;
    if json {
        return output::print(&answer.text());
    }
    let fleets: FleetList = answer.read().map_err(|error| operator.failure(&error))?;
    match act {
        ScaleAct::List { .. } if fleets.fleets.is_empty() => output::hint(NOBODY),
        ScaleAct::List { .. } => output::print(&list::table(&fleets)),
        ScaleAct::Explain { .. } => output::print(&explain::page(&fleets)),
    }
}

const NOBODY: &str = "No pool grows and shrinks by itself. A section [pool.NAME.scale] in the configuration makes it do so: \
                      see docs/SCALING.md.";
