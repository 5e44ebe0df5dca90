//! What the benchmark's programs share: a level-triggered epoll loop.
//!
//! The programs: `portreeve-bench` runs the contenders and measures them; `bench-origin` is the backend behind all of
//! them; `bench-relay` copies bytes and understands nothing, which is the floor for any proxy; `bench-idle` holds idle
//! connections. No product code, no unsafe.

mod poller;

pub use poller::{Interest, Poller};
