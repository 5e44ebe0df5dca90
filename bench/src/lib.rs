//! What the benchmark's programs share: listening, a level-triggered epoll loop, a small HTTP client, and percentiles.
//!
//! The programs: `portreeve-bench` runs the contenders and measures them; `bench-origin` is the backend behind all of
//! them; `bench-relay` copies bytes and understands nothing, which is the floor for any proxy; `bench-idle` holds idle
//! connections; `bench-packet-server` and `bench-packet-load` speak packets (PACKETS.md) on either side of a proxy;
//! `bench-registry` registers backends and times how soon they serve; `bench-backend` is a backend that can be made slow,
//! full or broken, and `bench-open-load` asks at a given rate, whatever becomes of it; `bench-handshakes` makes TLS
//! handshakes. No product code, no unsafe.

mod arrivals;
mod backend;
mod client;
mod listen;
mod packet;
mod percentile;
mod phase;
mod poller;
pub mod tls;

pub use arrivals::Arrivals;
pub use backend::{Behaviour, Counts, Outcome};
pub use client::{Answer, Client};
pub use listen::{listen, listen_at, listen_silently};
pub use packet::{POLICIES, policy_of, server_id, sha1_hex};
pub use percentile::percentile;
pub use phase::Phase;
pub use poller::{Interest, Poller};
