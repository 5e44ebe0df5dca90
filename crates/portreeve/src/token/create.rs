//! `portreeve token create`

use std::process::ExitCode;

use portreeve_api::{MadeToken, TOKENS, TokenWish};

use super::arguments::CreateArguments;
use super::list;
use crate::caller::Call;
use crate::failure::Failure;
use crate::operator::Operator;
use crate::output;

/// The token alone goes to stdout, so that a script can take it, or the name of one that has no secret; what it allows is
/// told beside.
pub(super) fn create(operator: &Operator, typed: CreateArguments, json: bool) -> Result<ExitCode, Failure> {
    let answer = operator.ask(&Call::new("POST", TOKENS).with(&TokenWish::from(typed)))?;
    if json {
        return output::print(&answer.text());
    }
    let made: MadeToken = answer.read().map_err(|error| operator.failure(&error))?;
    let how = made.token.as_ref().map_or(BY_CERTIFICATE, |_| BY_SECRET);
    output::hint(format_args!("{}\n{how}", list::sentence(&made.state)))?;
    if !made.stored {
        output::hint("The proxy could not write it down: it would not survive a restart. Its log says why.")?;
    }
    output::print(&made.token.unwrap_or(made.state.id))
}

const BY_SECRET: &str = "This is the only time that it is shown. An app gets it as PORTREEVE_TOKEN for portreeve run, or \
    sends\nAuthorization: Bearer with it.";
const BY_CERTIFICATE: &str = "There is no secret: an app shows its certificate to a listener that takes registrations and \
    has [tls.clients].\nWhoever such a listener's authorities vouch for is believed to be who the certificate says.";
