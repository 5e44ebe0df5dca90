//! What the benchmark's programs share: listening, and a level-triggered epoll loop.
//!
//! The programs: `portreeve-bench` runs the contenders and measures them; `bench-origin` is the backend behind all of
//! them; `bench-relay` copies bytes and understands nothing, which is the floor for any proxy; `bench-idle` holds idle
//! connections. No product code, no unsafe.

mod listen;
mod poller;

pub use listen::listen;
pub use poller::{Interest, Poller};
