//! Duty: HTTP/2 from clients, without TLS, by prior knowledge. The client is the `h2` crate, or bytes written by hand.

mod counts;
mod endings;
mod farewell;
mod faults;
mod floods;
mod heads;
mod limits;
mod messages;
pub(crate) mod peer;
mod raw;
mod resets;
mod slow;
mod tunnels;
