//! The admin listener: `/metrics`, `/healthz`, `/readyz`. It only reads; it changes nothing.
//!
//! By default it listens on a loopback address, where every program of the machine may read it. A web page that the
//! operator visits must not: by DNS rebinding it could make its own name point at 127.0.0.1. So a request is answered
//! only when its `Host` is an IP address or `localhost`, which no rebinding page can make a browser send; any other
//! name gets 421. Connections are bounded in number and in idle time.

mod admin;
mod events;
mod host;
mod listen;
mod metrics;
mod readiness;

pub use admin::{Admin, View};
pub use events::Events;
pub use listen::{AdminBindError, AdminListener};
pub use readiness::Readiness;
