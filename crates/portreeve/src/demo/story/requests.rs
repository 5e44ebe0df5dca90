//! Requests that name a policy, and who answers them.

use super::{Stage, lines, no_answer};
use crate::demo::http::Ask;
use crate::failure::Failure;
use crate::output;

/// Sends them, and prints a line for each.
pub(super) async fn tell(stage: &Stage) -> Result<(), Failure> {
    output::print(&"\nRequests name a policy in the header field Privacy-Policy, and meet nobody else:")?;
    for policy in DEMANDED {
        let answer = Ask::get("/hello", Some(policy)).send(stage.proxy).await;
        let answer = answer.map_err(|error| no_answer(stage, &error))?;
        output::print(&lines::request(policy, &answer))?;
    }
    Ok(())
}

/// The last is upheld by nobody.
const DEMANDED: [&str; 5] = ["eu", "eu", "eu", "us", "mars"];
