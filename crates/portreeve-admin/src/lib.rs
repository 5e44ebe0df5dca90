//! The admin listener: `/metrics`, `/healthz`, `/readyz`, and below `/v1` the registry; and what a registration means
//! that came in elsewhere.
//!
//! By default it listens on a loopback address, where every program of the machine may read it. A web page that the
//! operator visits must not: by DNS rebinding it could make its own name point at 127.0.0.1. So a request is answered
//! only when its `Host` is an IP address or `localhost`, which no rebinding page can make a browser send; any other
//! name gets 421. Connections are bounded in number and in idle time. Whoever reaches it may look; whoever changes
//! something has to show the [`AdminKey`].

mod admin;
mod admin_key;
mod certificates;
mod events;
mod host;
mod listen;
mod metrics;
mod operator;
mod readiness;
mod registrar;
mod wire;

pub use admin::{Admin, View};
pub use admin_key::{AdminKey, AdminKeyError};
pub use certificates::CertificateFigures;
pub use events::{AcmeFigures, Events, LedgerFigures};
pub use listen::{AdminBindError, AdminListener};
pub use operator::Operator;
pub use readiness::Readiness;
pub use registrar::{Registrar, RegistrationRequest, SetupWish};
