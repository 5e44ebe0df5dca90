//! What a connection's handshake stands on, and for how long.

use std::sync::atomic::{AtomicU8, Ordering::Relaxed};

use portreeve_model::plan::Plan;

/// Whom to believe, as it was read once: of a listener, which certificates of clients count; of a pool, which of
/// backends, and which is shown to them. Whoever has done a handshake keeps it beside the connection, and looks at it
/// before each use.
///
/// ```text
///   lasting ──► former   a reload has brought another: requests of the plan before are still for its connections
///      └──────► over     its files have changed: nothing is for its connections any more
/// ```
#[derive(Debug)]
pub struct Trust {
    number: u64,
    state: AtomicU8,
}

impl Trust {
    pub(crate) fn new(number: u64) -> Self {
        Self {
            number,
            state: AtomicU8::new(LASTING),
        }
    }

    /// Which reading it is; later ones have higher numbers. The plans that go with it say the same
    /// ([`Trusts::stamp`]).
    #[must_use]
    pub fn number(&self) -> u64 {
        self.number
    }

    /// Whether its connections are for the plan that says this number. Costs a comparison and a look at memory that is
    /// hardly ever written.
    #[must_use]
    pub fn holds_for(&self, number: u64) -> bool {
        self.number == number && self.state.load(Relaxed) != OVER
    }

    /// Whether no other has taken its place: else its connections are not worth keeping.
    #[must_use]
    pub fn lasts(&self) -> bool {
        self.state.load(Relaxed) == LASTING
    }

    /// A reload has brought another one.
    pub(crate) fn pass(&self) {
        self.state.fetch_max(FORMER, Relaxed);
    }

    /// The files that it was read from say something else.
    pub(crate) fn end(&self) {
        self.state.store(OVER, Relaxed);
    }
}

/// The numbers of what was published, for the plan that it was read for.
#[derive(Debug, Clone, PartialEq, Eq)]
#[must_use = "a snapshot whose plan does not say them finds no connection good enough"]
pub struct Trusts {
    pub(crate) listeners: Vec<(portreeve_model::plan::Name, u64)>,
    pub(crate) pools: Vec<(portreeve_model::plan::Name, u64)>,
}

impl Trusts {
    /// Has the plan say with which of them it goes.
    pub fn stamp(&self, plan: &mut Plan) {
        for listener in &mut plan.listeners {
            let found = self.listeners.iter().find(|(name, _)| *name == listener.name);
            if let (Some(tls), Some((_, number))) = (&mut listener.tls, found) {
                tls.trust = *number;
            }
        }
        for pool in &mut plan.pools {
            let found = self.pools.iter().find(|(name, _)| *name == pool.name);
            pool.tls.trust = found.map_or(0, |(_, number)| *number);
        }
    }
}

const LASTING: u8 = 0;
const FORMER: u8 = 1;
const OVER: u8 = 2;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_former_holds_for_its_own_plan_and_is_not_kept() {
        let trust = Trust::new(3);
        assert!(trust.holds_for(3) && !trust.holds_for(4) && trust.lasts());
        trust.pass();
        assert!(trust.holds_for(3) && !trust.lasts());
    }

    #[test]
    fn what_is_over_holds_for_nobody_whatever_follows() {
        let trust = Trust::new(3);
        trust.end();
        trust.pass();
        assert!(!trust.holds_for(3) && !trust.lasts());
    }
}
