//! Packets through the crate's public face. One binary of tests, since each would link the same again.

mod any_packet;
mod dialects;
mod faults;
mod scans;
mod writers;
