//! `portreeve token create`

use std::process::ExitCode;

use portreeve_api::{MadeToken, TOKENS, TokenWish};

use super::arguments::CreateArguments;
use super::list;
use crate::caller::Call;
use crate::failure::Failure;
use crate::operator::Operator;
use crate::output;

/// The token alone goes to stdout, so that a script can take it; what it allows is told beside.
pub(super) fn create(operator: &Operator, typed: CreateArguments, json: bool) -> Result<ExitCode, Failure> {
    let answer = operator.ask(&Call::new("POST", TOKENS).with(&TokenWish::from(typed)))?;
    if json {
        return output::print(&answer.text());
    }
    let made: MadeToken = answer.read().map_err(|error| operator.failure(&error))?;
    output::hint(format_args!(
        "{}\nThis is the only time that it is shown. An app gets it as PORTREEVE_TOKEN for portreeve run, or sends\n\
         Authorization: Bearer with it.",
        list::sentence(&made.state)
    ))?;
    if !made.stored {
        output::hint("The proxy could not write it down: it would not survive a restart. Its log says why.")?;
    }
    output::print(&made.token)
}
