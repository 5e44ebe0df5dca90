//! Blocking calls from tasks: one at a time, none cut in the middle.

use tokio::task::{JoinHandle, spawn_blocking};

use crate::caller::{Answer, Call, CallError, Caller};

/// Asks the proxy. A call that nobody waits for any more goes on to its end, and the next one waits for that: else a
/// registration that was given up might arrive after the deregistration.
#[derive(Debug)]
pub(super) struct Asking {
    caller: Caller,
    under_way: Option<JoinHandle<Result<Answer, CallError>>>,
}

impl Asking {
    pub(super) fn new(caller: Caller) -> Self {
        Self {
            caller,
            under_way: None,
        }
    }

    pub(super) async fn ask(&mut self, call: Call) -> Result<Answer, CallError> {
        if let Some(earlier) = &mut self.under_way {
            let _ = earlier.await; // nobody waits for what it says
        }
        let caller = self.caller.clone();
        let call = self.under_way.insert(spawn_blocking(move || caller.ask(&call)));
        let outcome = call.await;
        self.under_way = None;
        outcome.unwrap_or_else(|_| Err(CallError::Garbled("the call was given up".to_owned())))
    }
}
