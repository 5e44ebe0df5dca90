//! A door that a script waits at until the test opens it, so that no test has to guess a time.

use tokio::sync::watch;

/// Shut when made; once open it stays open. Clones are the same gate.
#[derive(Debug, Clone)]
pub struct Gate(watch::Sender<bool>);

impl Gate {
    /// A shut gate.
    pub fn new() -> Self {
        Self(watch::Sender::new(false))
    }

    /// Lets everybody through, now and later.
    pub fn open(&self) {
        self.0.send_replace(true);
    }

    /// Whether it is open.
    pub fn is_open(&self) -> bool {
        *self.0.borrow()
    }

    /// Returns when the gate is open.
    pub async fn passed(&self) {
        let mut receiver = self.0.subscribe();
        receiver
            .wait_for(|open| *open)
            .await
            .expect("this gate holds a sender");
    }
}

impl Default for Gate {
    fn default() -> Self {
        Self::new()
    }
}
