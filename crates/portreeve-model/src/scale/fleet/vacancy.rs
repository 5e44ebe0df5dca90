//! Places that were lost and are to be filled.

use std::sync::Arc;

use super::Instance;
use crate::tick::Tick;

/// The place of an instance that ended or hung, until another has it.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub(super) struct Vacancy {
    /// How often it was started anew, the next time included.
    pub(super) restarts: u32,
    /// The port that goes with it.
    pub(super) port: Option<u16>,
    /// How often the driver could not start one there.
    pub(super) refused: u8,
    /// Whose end frees the port, and how long that is waited for.
    pub(super) waits_for: Option<(Arc<str>, Tick)>,
}

impl Vacancy {
    /// Of one that ran.
    pub(super) fn of(lost: &Instance, keeps_port: bool) -> Self {
        let port = lost.address.map(|address| address.port());
        Self {
            restarts: lost.restarts.saturating_add(1),
            port: port.filter(|_| keeps_port),
            refused: 0,
            waits_for: None,
        }
    }

    /// Of one that the driver could not start at this port. Somebody else may have taken it, so it is not insisted on for
    /// ever.
    pub(super) fn not_started(ordered: &Instance, port: Option<u16>) -> Self {
        let refused = ordered.refused.saturating_add(1);
        Self {
            restarts: ordered.restarts,
            port: port.filter(|_| refused < REFUSED_MAX),
            refused,
            waits_for: None,
        }
    }

    /// The port is freed by this one's end, or by this time given up.
    pub(super) fn after(mut self, id: &Arc<str>, until: Tick) -> Self {
        if self.port.is_some() {
            self.waits_for = Some((Arc::clone(id), until));
        }
        self
    }
}

/// So many starts at a kept port may fail, one after the other.
const REFUSED_MAX: u8 = 3;
