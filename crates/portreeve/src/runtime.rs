//! The runtime of everything that is not the data plane: signals, names, admin, reloads.

use std::future::Future;

use tokio::runtime::Builder;

use crate::failure::Failure;

/// Runs `work` on this thread. What is still under way elsewhere when it ends (a slow name lookup, say) is left behind.
pub(crate) fn block_on<T>(work: impl Future<Output = T>) -> Result<T, Failure> {
    let runtime = Builder::new_current_thread()
        .enable_all()
        .max_blocking_threads(BLOCKING_THREADS_MAX)
        .build();
    let runtime = runtime.map_err(|error| {
        Failure::failed(format_args!(
            "cannot start: the system gives no event queue: {error}"
        ))
    })?;
    let outcome = runtime.block_on(work);
    runtime.shutdown_background();
    Ok(outcome)
}

/// Threads for name lookups and file reads.
const BLOCKING_THREADS_MAX: usize = 32;
