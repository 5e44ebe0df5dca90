//! Work that may wait for a disk or the kernel, on a thread of its own.
//!
//! Not the runtime's pool: that one panics when the machine has no thread left, and just then it is our task to say so.

use std::sync::{Arc, Mutex, PoisonError};
use std::thread;

use tokio::runtime::Handle;
use tokio::sync::{Semaphore, oneshot};

/// Does it elsewhere, or here if no thread can be had; `None`: it panicked. It goes on though nobody waits any more.
pub(crate) async fn aside<T: Send + 'static>(work: impl FnOnce() -> T + Send + 'static) -> Option<T> {
    let place = PLACES.acquire().await.ok()?;
    let (done, result) = oneshot::channel();
    let runtime = Handle::current();
    let work = Arc::new(Mutex::new(Some(move || {
        let _runtime = runtime.enter();
        let _place = place;
        // Nobody may wait any more.
        let _ = done.send(work());
    })));
    let elsewhere = work.clone();
    let begun = thread::Builder::new()
        .name("driver".to_owned())
        .spawn(move || run(&elsewhere));
    if begun.is_err() {
        run(&work);
    }
    result.await.ok()
}

/// Threads that one process has for this at once, since what hangs never comes back.
static PLACES: Semaphore = Semaphore::const_new(64);

fn run(work: &Mutex<Option<impl FnOnce()>>) {
    let work = work.lock().unwrap_or_else(PoisonError::into_inner).take();
    if let Some(work) = work {
        work();
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn what_was_done_comes_back_and_a_panic_does_not_spread() {
        let here = thread::current().id();
        assert_ne!(aside(|| thread::current().id()).await, Some(here));
        assert_eq!(aside(|| -> u8 { panic!("on purpose") }).await, None);
    }

    #[tokio::test]
    async fn work_may_begin_tasks() {
        let task = aside(|| tokio::spawn(async { 7 })).await.unwrap();
        assert_eq!(task.await.unwrap(), 7);
    }
}
