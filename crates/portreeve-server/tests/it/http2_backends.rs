//! Duty: backends that speak HTTP/2 are asked over it, and clients see no difference.

pub(crate) mod backend;
mod bodies;
mod circles;
mod connections;
mod ends;
mod faults;
mod frames;
mod grpc;
mod heads;
mod misbehaving;
mod nghttpd;
mod raw;
mod secured;
mod storms;
mod tunnels;
mod windows;

use portreeve_testkit::{Proxy, Setup};

use self::backend::Backend;

/// A proxy before these backends.
fn before(backends: &[&Backend]) -> Setup {
    Proxy::before("app.test", &[]).backends(
        backends
            .iter()
            .map(|backend| format!("\"h2c://{}\"", backend.address())),
    )
}

async fn proxy(backends: &[&Backend]) -> Proxy {
    before(backends).start().await
}
