//! TLS with clients and with backends, over real sockets: what is agreed on, what is refused, and how things end.

mod authority;
mod backends;
mod bounds;
mod clients;
mod edge;
mod endings;
mod trust;

pub(crate) use authority::Authority;
pub(crate) use edge::Edge;
