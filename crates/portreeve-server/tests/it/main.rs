//! The planes wired together, over real sockets: each module is a duty of the proxy. One binary, since each would link the
//! same again; nextest gives each test a process of its own, which some need.

mod access_log;
mod acme;
mod balancing;
mod certified;
mod chaos;
mod drain;
mod errors;
mod faults;
mod forwarded;
mod framing;
mod grpc;
mod hop_by_hop;
mod http2;
mod http2_backends;
mod http2_rules;
mod keep_alive;
mod limits;
mod mended;
mod metrics;
mod open_files;
mod packets;
mod pairs;
mod policies;
mod reload;
mod resilience;
mod routing;
mod scaling;
mod sockets;
mod streaming;
mod strict;
mod tcp;
mod tls;
mod transparency;
mod tunnels;
mod visible;
