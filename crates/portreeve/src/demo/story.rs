//! What the demo tells.

use std::fmt::Write as _;
use std::net::SocketAddr;

use portreeve_server::{Bind, Server};

use super::client::{self, Answer};
use super::sample::Sample;
use crate::failure::Failure;
use crate::output;

/// Where everything listens.
#[derive(Debug, Clone)]
pub(super) struct Addresses {
    proxy: SocketAddr,
    admin: Option<SocketAddr>,
    backends: [(&'static str, SocketAddr); 2],
}

impl Addresses {
    pub(super) fn of(server: &Server, samples: &[Sample; 2]) -> Self {
        let proxy = match server.listeners().next() {
            Some(Bind::Tcp(address)) => *address,
            _ => unreachable!("the demo's configuration has one TCP listener"),
        };
        let backends = samples.each_ref().map(|sample| (sample.name(), sample.address()));
        Self {
            proxy,
            admin: server.admin(),
            backends,
        }
    }
}

/// Prints where things are, six requests with their answers, and what to try next.
pub(super) async fn tell(addresses: &Addresses) -> Result<(), Failure> {
    output::print(&beginning(addresses))?;
    for number in 1..=6 {
        let path = format!("/hello/{number}");
        let answer = client::get(addresses.proxy, &path).await.map_err(|error| {
            Failure::failed(format_args!(
                "the proxy at {} does not answer: {error}",
                addresses.proxy
            ))
        })?;
        output::print(&told(&path, &answer))?;
    }
    output::print(&ending(addresses)).map(drop)
}

fn beginning(addresses: &Addresses) -> String {
    let mut text = format!(
        "Portreeve {} in front of two sample backends:\n\n",
        env!("CARGO_PKG_VERSION")
    );
    push(&mut text, "proxy", addresses.proxy, "");
    for (name, address) in addresses.backends {
        push(&mut text, &format!("backend {name}"), address, "");
    }
    if let Some(admin) = addresses.admin {
        push(&mut text, "metrics", admin, "metrics");
    }
    text + "\nSix requests to the proxy go to the backends in turn:\n"
}

fn push(text: &mut String, what: &str, address: SocketAddr, path: &str) {
    writeln!(text, "  {what:<12} http://{address}/{path}").expect("a string takes text");
}

fn told(path: &str, answer: &Answer) -> String {
    let ms = answer.took.as_secs_f64() * 1_000.0;
    format!(
        "  GET {path}  {}  {ms:>5.1} ms  {}",
        answer.status, answer.first_line
    )
}

fn ending(addresses: &Addresses) -> String {
    let proxy = addresses.proxy;
    format!(
        "\nYour turn: open http://{proxy}/ in a browser and reload it, or\n\n  \
         curl http://{proxy}/anything\n\n\
         Ctrl-C ends the demo."
    )
}
