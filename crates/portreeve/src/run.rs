//! `portreeve run`: starts an app, and has it registered as long as it lives.
//!
//! ```text
//! start the app -> it answers on its port -> register -> a heartbeat every third of the ttl
//!   SIGTERM, SIGINT: say "draining" -> wait until nothing is in flight -> deregister -> SIGTERM to the app -> SIGKILL
//!   the app ends:    deregister -> end with its code
//! ```
//! The app has a process group of its own, all of which is ended with it.

mod answering;
mod app;
mod arguments;
mod asking;
mod membership;
mod port;
mod signals;
mod trouble;
mod wish;

use std::process::ExitCode;

pub(crate) use arguments::RunArguments;

use crate::failure::Failure;
use crate::runtime;
use crate::talk::say;
use app::App;
use membership::Membership;
use signals::Signals;
use wish::Wish;

/// Runs the app until it ends or a signal asks for it.
pub(crate) fn run(arguments: RunArguments) -> Result<ExitCode, Failure> {
    let wish = Wish::from_arguments(arguments)?;
    runtime::block_on(supervise(wish))?
}

async fn supervise(wish: Wish) -> Result<ExitCode, Failure> {
    answering::refuse_if_taken(wish.dialled).await?;
    let mut signals = Signals::listen()?;
    let mut app = App::start(&wish)?;
    let forwarder = app.forwarder();
    let mut membership = Membership::new(&wish);
    let turn = tokio::select! {
        code = app.ended() => Turn::Ended(code),
        () = signals.end(&forwarder) => Turn::Asked,
        refusal = membership.keep() => Turn::Refused(refusal),
    };
    match turn {
        Turn::Ended(code) => {
            membership.leave().await;
            app.sweep(&mut signals).await;
            Ok(code.exit())
        }
        Turn::Asked => {
            drain(&mut membership, &mut app, &mut signals, &wish).await;
            membership.leave().await;
            Ok(app.end(&mut signals).await.exit_as_asked())
        }
        Turn::Refused(refusal) => {
            let _ = app.end(&mut signals).await; // it ends because of us, not of itself
            Err(Failure::failed(format_args!(
                "the proxy refuses {}: {refusal}",
                wish.path
            )))
        }
    }
}

/// What ends the ordinary course of things.
enum Turn {
    Ended(app::Code),
    Asked,
    Refused(crate::caller::CallError),
}

/// No new requests, and those under way end; or the time is over, the app ends by itself, or a second signal comes.
async fn drain(membership: &mut Membership, app: &mut App, signals: &mut Signals, wish: &Wish) {
    let forwarder = app.forwarder();
    tokio::select! {
        () = membership.drain(wish.drain_timeout) => {}
        _ = app.ended() => say("the app ended before it was asked to"),
        () = signals.end(&forwarder) => say("a second signal: not waiting for running requests"),
    }
}
