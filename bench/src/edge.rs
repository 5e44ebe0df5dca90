//! The suite edge: TLS, HTTP/2 and raw connections, beside nginx and HAProxy.

mod handshakes;
mod idle;
mod requests;
mod scene;

use crate::trial::Trial;

/// In the order of the report.
pub(crate) static TRIALS: [&Trial; 5] = [
    &requests::TLS_HTTP1,
    &requests::TLS_HTTP2,
    &handshakes::HANDSHAKES,
    &idle::TLS_IDLE,
    &requests::TCP,
];
