//! The suite failover: backends that die, stand still, are slow, full or broken, behind Portreeve, nginx and HAProxy.

mod backends;
mod failing;
mod killed;
mod overload;
mod probed;
mod slow;
mod watch;

use crate::trial::Trial;

/// In the order of the report.
pub(crate) static TRIALS: [&Trial; 9] = [
    &killed::KILLED,
    &killed::STOPPED,
    &slow::SLOW,
    &slow::EQUAL,
    &overload::OVERLOAD,
    &overload::IMPATIENT,
    &failing::FAILING,
    &failing::RESETTING,
    &probed::PROBED,
];
