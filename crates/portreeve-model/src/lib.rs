//! What exists and what to decide: listeners, routes, pools, backends, balancing and the counts of them.
//!
//! Pure: no I/O, no clock, no tasks, no randomness of its own. Whoever calls passes in what names resolve to, random
//! numbers and durations. What is decided once, at [`Snapshot::build`], is laid out so that deciding for one request
//! ([`Listener::route`], [`Group::pick`]) takes no lock and, in the common case, no allocation.

pub mod plan;
pub mod scale;

mod address;
mod ask;
mod backend;
mod balance;
mod budget;
mod cause;
mod cursor;
mod deadline;
mod demand;
mod digest;
mod edge;
mod ejection;
mod gate;
mod group;
mod health;
mod hold_queue;
mod latencies;
mod lease;
mod limiter;
mod listener;
mod network;
mod outliers;
mod padded;
mod pairs;
mod path;
mod policy;
mod pool;
mod pressure;
mod priority;
mod rates;
mod registration;
mod registry;
mod report;
mod report_field;
mod resolved;
mod route;
mod router;
#[cfg(test)]
mod samples;
mod several;
mod snapshot;
mod split;
mod spoken_version;
mod standing;
mod stats;
mod suspicions;
mod tick;
mod tried;
mod vitals;
mod warmth;
mod why;

pub use address::BackendAddress;
pub use ask::{Ask, NotPicked};
pub use backend::{Backend, BackendId};
pub use budget::RetryBudget;
pub use cause::{Cause, Fault};
pub use deadline::spell_deadline;
pub use demand::{Demanded, Unmet};
pub use edge::EdgeEvent;
pub use ejection::{AttemptOutcome, Ejected, EjectedBy};
pub use gate::Room;
pub use group::Group;
pub use hold_queue::{HoldQueue, Ticket};
pub use latencies::Latencies;
pub use lease::Lease;
pub use listener::{Listener, Packets, Redirect};
pub use network::Networks;
pub use outliers::OutlierWatch;
pub use padded::Padded;
pub use pairs::cookies;
pub use path::normalise;
pub use policy::{NotAPolicy, Policies, Policy};
pub use pool::{FleetShared, Pool, PoolShared};
pub use pressure::{Crowd, Pressure};
pub use rates::{RateExceeded, RateLimits};
pub use registration::{
    Announcement, Beat, MemberKey, Moment, PolicyScope, Sender, ShownCertificate, Term, Token, TokenId,
};
pub use registry::{
    AddressFault, Bound, Change, Event, EventKind, Kept, Member, NotRegistered, ProbeOrder, Registered,
    RegistrationFault, Registry,
};
pub use report::Report;
pub use resolved::Resolved;
pub use route::{Mirror, RequestView, Route};
pub use router::Routed;
pub use snapshot::Snapshot;
pub use spoken_version::SpokenVersion;
pub use standing::Standing;
pub use stats::{
    DURATION_BOUNDS, Durations, ListenerStats, ListenerTotals, RequestOutcome, RouteStats, RouteTotals,
};
pub use suspicions::Suspicions;
pub use tick::Tick;
pub use tried::Tried;
pub use vitals::Vitals;
pub use why::Why;
