//! Whether instances are still there: seen by one look every two seconds for all who wait, as long as somebody does.

use std::collections::BTreeSet;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use tokio::sync::watch;
use tokio::time::sleep;

use super::hook::Hooks;
use super::listed;

/// What was seen last; `None`: nothing yet.
type Seen = Option<Arc<BTreeSet<Arc<str>>>>;

#[derive(Clone)]
pub(super) struct Looking {
    hooks: Arc<Hooks>,
    seen: Arc<watch::Sender<Seen>>,
    is_looked: Arc<Mutex<bool>>,
}

impl Looking {
    pub(super) fn new(hooks: Arc<Hooks>) -> Self {
        Self {
            hooks,
            seen: Arc::new(watch::Sender::new(None)),
            is_looked: Arc::default(),
        }
    }

    /// Ready when two looks in a row did not find it: the first may have begun before it was there.
    pub(super) async fn missed(&self, id: &str) {
        let mut seen = self.follow();
        let mut misses = 0;
        while misses < MISSES {
            if seen.changed().await.is_err() {
                // Cannot be: we hold the sender.
                return;
            }
            let is_there = seen
                .borrow_and_update()
                .as_ref()
                .is_some_and(|ids| ids.contains(id));
            misses = if is_there { 0 } else { misses + 1 };
        }
    }

    /// From now on; begins to look if nobody does.
    fn follow(&self) -> watch::Receiver<Seen> {
        let mut is_looked = self.is_looked.lock().unwrap_or_else(PoisonError::into_inner);
        let seen = self.seen.subscribe();
        if !*is_looked {
            *is_looked = true;
            tokio::spawn(self.clone().look());
        }
        seen
    }

    /// A look that fails says nothing, neither good nor bad.
    async fn look(self) {
        let mut fails = false;
        while self.goes_on().await {
            match listed(&self.hooks).await {
                Ok(listed) => {
                    fails = false;
                    let ids = listed.into_iter().map(|one| one.id).collect();
                    self.seen.send_replace(Some(Arc::new(ids)));
                }
                Err(fault) => {
                    if !fails {
                        let (pool, fleet) = (self.hooks.pool(), self.hooks.fleet());
                        tracing::warn!(%pool, %fleet, %fault, "cannot see whether instances ended");
                    }
                    fails = true;
                }
            }
        }
    }

    /// Waits for the time of the next look; not if nobody waits for what it finds.
    async fn goes_on(&self) -> bool {
        sleep(EVERY).await;
        let mut is_looked = self.is_looked.lock().unwrap_or_else(PoisonError::into_inner);
        *is_looked = self.seen.receiver_count() > 0;
        *is_looked
    }
}

const EVERY: Duration = Duration::from_secs(2);
const MISSES: u32 = 2;
