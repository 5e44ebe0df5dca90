//! Why a request goes to the backend it goes to.

/// Why a backend was chosen, for access records and metrics.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Why {
    /// It was its turn.
    Turn,
    /// It had the fewest requests in flight for its weight, of all or of those drawn.
    Load,
    /// Its answer was expected first of those drawn.
    Latency,
    /// The key of a hash.
    Key,
    /// The client has been there before.
    Sticky,
    /// By chance: so it is balanced, or whoever was chosen first could not have it.
    Chance,
    /// It is the first that is available.
    First,
    /// It was ejected, and this request is to show how it does now.
    Trial,
    /// Nobody who upholds what is demanded is healthy, and the pool says to use all then.
    UseAll,
    /// The request was held until there was room.
    Held,
    /// Those of the nearer zone, or all that are no backups, could not have it.
    Spill,
}

impl Why {
    /// All of them, in their order.
    pub const ALL: [Self; 11] = [
        Self::Turn,
        Self::Load,
        Self::Latency,
        Self::Key,
        Self::Sticky,
        Self::Chance,
        Self::First,
        Self::Trial,
        Self::UseAll,
        Self::Held,
        Self::Spill,
    ];

    /// Its name in records and metrics.
    #[must_use]
    pub fn code(self) -> &'static str {
        match self {
            Self::Turn => "turn",
            Self::Load => "load",
            Self::Latency => "latency",
            Self::Key => "key",
            Self::Sticky => "sticky",
            Self::Chance => "chance",
            Self::First => "first",
            Self::Trial => "trial",
            Self::UseAll => "use_all",
            Self::Held => "held",
            Self::Spill => "spill",
        }
    }
}
