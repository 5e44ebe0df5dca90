//! `portreeve token`: by what right backends register from other machines.

mod arguments;
mod create;
mod list;

use std::process::ExitCode;

use portreeve_api::{TOKENS, escaped};

use crate::caller::Call;
use crate::failure::Failure;
use crate::operator::Operator;
use crate::output;
use arguments::TokenAct;
pub(crate) use arguments::TokenArguments;

/// Does what was typed; without a word of what, lists.
pub(crate) fn token(arguments: TokenArguments) -> Result<ExitCode, Failure> {
    let operator = Operator::find(&arguments.operator)?;
    let json = arguments.operator.json;
    match arguments.act.unwrap_or(TokenAct::List) {
        TokenAct::Create(wish) => create::create(&operator, wish, json),
        TokenAct::List => list::list(&operator, json),
        TokenAct::Revoke { id } => revoke(&operator, &id, json),
    }
}

fn revoke(operator: &Operator, id: &str, json: bool) -> Result<ExitCode, Failure> {
    operator.ask(&Call::new("DELETE", format!("{TOKENS}/{}", escaped(id))))?;
    match json {
        true => output::print(&"{}"),
        false => output::print(&format_args!(
            "the token {id} is revoked, and every registration by it has ended"
        )),
    }
}
