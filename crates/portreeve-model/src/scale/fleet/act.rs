//! What a fleet wants done, and what it is told of its backends.

use std::sync::Arc;

use crate::standing::Standing;

/// What the registry says of an instance's backend.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Look {
    /// Whether it may be given requests.
    pub standing: Standing,
    /// How many it has.
    pub in_flight: u32,
}

/// One thing that is to be done for an instance. Whoever does it tells of failures; what succeeded shows by itself, but
/// for [`Start`](Self::Start).
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Act {
    /// Make a token for it, and have the driver start it: then [`Fleet::started`](super::Fleet::started) or
    /// [`Fleet::start_failed`](super::Fleet::start_failed).
    Start {
        /// The backend's id, and the driver's order.
        id: Arc<str>,
        /// Where it must listen; `None`: where the driver says.
        port: Option<u16>,
    },
    /// Register its backend as soon as something listens at its address. Only where the scaler registers.
    Register {
        /// Whose.
        id: Arc<str>,
    },
    /// Let it have no new requests.
    Drain {
        /// Who.
        id: Arc<str>,
    },
    /// Let it have requests again: it stays.
    Undrain {
        /// Who.
        id: Arc<str>,
    },
    /// End its registration: it is being stopped and did not drain.
    Deregister {
        /// Whose.
        id: Arc<str>,
    },
    /// Ask it to end, by SIGTERM or what the driver has instead.
    Stop {
        /// Who.
        id: Arc<str>,
    },
    /// End it at once, by SIGKILL or what the driver has instead.
    Kill {
        /// Who.
        id: Arc<str>,
    },
    /// It is over: its token and its registration go, and what else is kept of it.
    Forget {
        /// Who.
        id: Arc<str>,
    },
}

impl Act {
    /// For whom.
    #[must_use]
    pub fn id(&self) -> &Arc<str> {
        match self {
            Self::Start { id, .. }
            | Self::Register { id }
            | Self::Drain { id }
            | Self::Undrain { id }
            | Self::Deregister { id }
            | Self::Stop { id }
            | Self::Kill { id }
            | Self::Forget { id } => id,
        }
    }

    /// Its name in records.
    #[must_use]
    pub fn code(&self) -> &'static str {
        match self {
            Self::Start { .. } => "start",
            Self::Register { .. } => "register",
            Self::Drain { .. } => "drain",
            Self::Undrain { .. } => "undrain",
            Self::Deregister { .. } => "deregister",
            Self::Stop { .. } => "stop",
            Self::Kill { .. } => "kill",
            Self::Forget { .. } => "forget",
        }
    }
}
