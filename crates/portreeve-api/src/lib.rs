//! What the registration and admin API say on the wire, version 1: the bodies, the paths, the problems, the file that
//! tells the command line where the admin listener is.
//!
//! No I/O, no clock, none of our other crates. What comes from outside (`read`) is read strictly: a body is bounded, a
//! key that is unknown or there twice is refused, nothing is coerced, and a [`Fault`] names the field, what was found
//! and what is allowed. What we ourselves answer may gain fields, so whoever reads answers ignores what it does not
//! know. Whether a sender *may* say what it says is decided elsewhere.

mod admin_file;
mod backend;
mod body;
mod certificate;
mod condition;
mod drain;
mod duration;
mod event;
mod fault;
mod fleet;
mod found;
mod heartbeat;
mod instant;
mod path;
mod problem;
mod registration;
mod token;

pub use admin_file::AdminFile;
pub use backend::{BackendList, BackendState};
pub use body::BODY_BYTES_MAX;
pub use certificate::{CertificateList, CertificateState};
pub use condition::{Condition, Ejection};
pub use drain::{DrainWish, Drained};
pub use duration::{duration, show};
pub use event::EventLine;
pub use fault::{Fault, FaultKind};
pub use fleet::{FleetBound, FleetDecision, FleetFault, FleetList, FleetState, FleetWish, InstanceState};
pub use heartbeat::{Heartbeat, Renewed};
pub use instant::rfc3339;
pub use path::{Act, BACKENDS, BackendPath, CERTIFICATES, EVENTS, FLEETS, TOKENS, escaped, pool_asked};
pub use problem::Problem;
pub use registration::{Registered, Registration, Whereabouts};
pub use token::{MadeToken, TokenList, TokenState, TokenWish};
