//! How long things take at most.

use std::time::Duration;

/// All times of a driver; tests use shorter ones.
#[derive(Debug, Clone)]
pub(crate) struct Pace {
    /// Of anything that a driver is asked for.
    pub(crate) call_max: Duration,
    /// Of one call to AWS, all tries together.
    pub(crate) operation_max: Duration,
    /// Of one try.
    pub(crate) attempt_max: Duration,
    /// Between two looks for what has ended.
    pub(crate) look_every: Duration,
    /// How long a lease counts that is not renewed.
    pub(crate) lease_max: Duration,
    /// From the reading of a lease to the end of its writing.
    pub(crate) write_max: Duration,
    /// Longer than the above: who took a lease waits so long before it believes that it has it.
    pub(crate) settle: Duration,
}

impl Default for Pace {
    fn default() -> Self {
        Self {
            call_max: Duration::from_secs(10),
            operation_max: Duration::from_secs(9),
            attempt_max: Duration::from_secs(4),
            look_every: Duration::from_secs(4),
            lease_max: Duration::from_secs(30),
            write_max: Duration::from_secs(2),
            settle: Duration::from_secs(3),
        }
    }
}
