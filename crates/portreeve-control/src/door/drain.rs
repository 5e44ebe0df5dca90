//! Draining: no new requests, and a wait for those that run.

use std::sync::Arc;
use std::time::Duration;

use portreeve_model::{Backend, MemberKey, Moment, Registry};
use tokio::time::{Instant, sleep};

/// How a drain ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct DrainReport {
    /// Requests that still run; they go on.
    pub in_flight_left: u32,
    /// Whether the store has it, so that it survives a restart.
    pub is_stored: bool,
}

/// Drains the member of that key and these backends of the file, or lifts that, also from a member that is away.
/// `None` if there is nothing of the kind.
pub(super) fn set(
    registry: &mut Registry,
    key: &MemberKey,
    of_file: Vec<Arc<Backend>>,
    is_drained: bool,
    at: Moment,
) -> Option<Vec<Arc<Backend>>> {
    // What requests found out about them is not to be hidden by a drain.
    registry.take_suspects(at);
    let member = match is_drained {
        true => registry.drain(key, at),
        false => registry.undrain(key, at),
    };
    let is_lifted = !is_drained && registry.is_drained(&key.pool, &key.id);
    if member.is_err() && of_file.is_empty() && !is_lifted {
        return None;
    }
    registry.set_drained(&key.pool, &key.id, is_drained);
    Some(member.into_iter().chain(of_file).collect())
}

/// Waits until nothing runs, at most for `wait`: how much still does.
///
/// Their standing is *draining* before this is called, and the data plane counts a request before it looks at the
/// standing, so nothing begins after a count of 0.
pub(super) async fn wait(backends: &[Arc<Backend>], wait: Duration) -> u32 {
    let end = Instant::now() + wait.min(WAIT_MAX);
    loop {
        let left = backends.iter().map(|backend| backend.in_flight()).sum();
        if left == 0 || Instant::now() >= end {
            return left;
        }
        sleep(LOOK_EVERY).await;
    }
}

const LOOK_EVERY: Duration = Duration::from_millis(5);
/// Longer than this nobody means it.
const WAIT_MAX: Duration = Duration::from_secs(24 * 3_600);
