//! What was typed, understood.

use std::ffi::OsString;
use std::net::SocketAddr;
use std::path::Path;
use std::time::Duration;

use portreeve_api::{BackendPath, Registration, Whereabouts};

use super::arguments::RunArguments;
use super::port;
use crate::caller::Caller;
use crate::failure::Failure;
use crate::peer_address::PeerAddress;

/// An app to run and what to say of it.
#[derive(Debug)]
pub(super) struct Wish {
    pub(super) program: OsString,
    pub(super) arguments: Vec<OsString>,
    pub(super) path: BackendPath,
    pub(super) registration: Registration,
    /// Where the proxy will reach the app, as far as this machine can tell.
    pub(super) dialled: SocketAddr,
    pub(super) caller: Caller,
    pub(super) drain_timeout: Duration,
    pub(super) kill_timeout: Duration,
}

impl Wish {
    pub(super) fn from_arguments(typed: RunArguments) -> Result<Self, Failure> {
        let dialled = match typed.address {
            Some(address) => address,
            None => dialled(&typed.to, typed.port)?,
        };
        let mut command = typed.command.into_iter();
        let program = command.next().unwrap_or_default();
        let id = typed.id.unwrap_or_else(|| default_id(dialled.port()));
        let registration = Registration {
            at: match typed.address {
                Some(address) => Whereabouts::Address(address),
                None => Whereabouts::Port(dialled.port()),
            },
            policies: typed.policy,
            weight: typed.weight,
            ttl: typed.ttl,
            zone: None,
            backup: false,
        };
        Ok(Self {
            program,
            arguments: command.collect(),
            path: BackendPath::new(&typed.pool, &id),
            registration,
            dialled,
            caller: Caller::new(typed.to, typed.token.or_else(token)),
            drain_timeout: typed.drain_timeout,
            kill_timeout: typed.kill_timeout,
        })
    }

    /// The program's name without its folders.
    pub(super) fn name(&self) -> String {
        let name = Path::new(&self.program).file_name().unwrap_or(&self.program);
        name.to_string_lossy().into_owned()
    }
}

fn dialled(to: &PeerAddress, port: Option<u16>) -> Result<SocketAddr, Failure> {
    let own = port::own_address(to);
    match port {
        Some(port) => Ok(SocketAddr::new(own, port)),
        None => port::free(own).map_err(|error| {
            Failure::failed(format_args!(
                "no free port is to be had at {own}: {error}; name one with --port"
            ))
        }),
    }
}

/// The same at each start, so that the app takes its old place in the pool; no two on this machine have one port.
fn default_id(port: u16) -> String {
    let uname = rustix::system::uname();
    let name = uname.nodename().to_string_lossy().replace(['/', '@'], "-");
    format!("{}-{port}", name.replace(char::is_control, "-"))
}

fn token() -> Option<String> {
    std::env::var(TOKEN_VARIABLE)
        .ok()
        .filter(|token| !token.is_empty())
}

/// The app does not get to see it.
pub(super) const TOKEN_VARIABLE: &str = "PORTREEVE_TOKEN";
