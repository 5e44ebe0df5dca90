//! `portreeve backends drain`

use std::process::ExitCode;
use std::time::{Duration, Instant};

use portreeve_api::{Act, DrainWish, Drained};

use super::arguments::Named;
use crate::caller::Call;
use crate::failure::{FAILED, Failure};
use crate::operator::Operator;
use crate::output;

/// Drains, and asks again and again while there is time to wait; one call waits a bounded time only.
pub(super) fn drain(
    operator: &Operator,
    backend: &Named,
    wait: Option<Duration>,
    json: bool,
) -> Result<ExitCode, Failure> {
    let begin = Instant::now();
    loop {
        let left = wait.map(|wait| wait.saturating_sub(begin.elapsed()));
        let drained = ask(operator, backend, left)?;
        let is_over = drained.in_flight == 0 || left.is_none_or(|left| left <= *DrainWish::WAIT.end());
        if is_over {
            tell(backend, drained, json)?;
            let is_late = wait.is_some() && drained.in_flight > 0;
            return Ok(if is_late {
                ExitCode::from(FAILED)
            } else {
                ExitCode::SUCCESS
            });
        }
    }
}

fn ask(operator: &Operator, backend: &Named, left: Option<Duration>) -> Result<Drained, Failure> {
    let wait = left.map(|left| left.min(*DrainWish::WAIT.end()));
    let call = Call::new("POST", backend.path().to(Act::Drain).to_string())
        .with(&DrainWish { wait })
        .waiting(wait.unwrap_or_default());
    let answer = operator.ask(&call)?;
    answer.read().map_err(|error| operator.failure(&error))
}

fn tell(backend: &Named, drained: Drained, json: bool) -> Result<ExitCode, Failure> {
    if json {
        return output::print(&format_args!("{{\"in_flight\":{}}}", drained.in_flight));
    }
    let still = match drained.in_flight {
        0 => "and none is running".to_owned(),
        1 => "1 request is still running".to_owned(),
        count => format!("{count} requests are still running"),
    };
    output::print(&format_args!("{backend} gets no new requests; {still}"))
}
