//! Clients that people use, against the real binary: curl, wrk, h2load, Python and a browser.
//!
//! A client that is not installed is told loudly and left out; where `CI` is set that is a failure.

mod acme;
mod browser;
mod curl;
mod http2;
mod load;
mod python;
mod run;
mod tls;

use portreeve_testkit::{Origin, Scratch};

use crate::shared::Portreeve;

/// The binary on a TCP port in front of one backend.
fn before(backend: &str, folder: &Scratch) -> Portreeve {
    let state = folder.file("state").display().to_string();
    Portreeve::serve(&["--listen", "127.0.0.1:0", "--to", backend, "--state", &state])
}

/// The same before an origin of the test's own.
fn before_origin(origin: &Origin, folder: &Scratch) -> Portreeve {
    before(&origin.address().to_string(), folder)
}

/// The URL of `target` there.
fn url(portreeve: &Portreeve, target: &str) -> String {
    format!("http://{}{target}", portreeve.address())
}
