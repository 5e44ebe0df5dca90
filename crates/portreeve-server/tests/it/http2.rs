//! Duty: HTTP/2 from clients, without TLS, by prior knowledge. The client is the `h2` crate, or bytes written by hand.

mod messages;
mod peer;
