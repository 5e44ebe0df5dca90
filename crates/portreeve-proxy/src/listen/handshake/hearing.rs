//! What a client says first, put together from the pieces that it comes in: they are few, or nobody goes on listening.

use std::sync::Arc;

use portreeve_tls::{HelloScan, HelloStep};
use rustls::ServerConfig;
use rustls::server::{Accepted, AcceptedAlert, Acceptor, ServerConnection};

use super::{Fault, crumbled, refused};
use crate::stream::wire::Wire;

/// What was heard of a client that says its first message.
pub(super) struct Hearing {
    acceptor: Acceptor,
    scan: HelloScan,
    is_kept: bool,
    /// Its bytes, if they are kept.
    pub(super) heard: Vec<u8>,
}

impl Hearing {
    pub(super) fn new(is_kept: bool) -> Self {
        Self {
            acceptor: Acceptor::default(),
            scan: HelloScan::within(HELLO_MAX),
            is_kept,
            heard: Vec::new(),
        }
    }

    /// The message, once it is whole. It is looked at when a record has come to its end, of which there are few.
    pub(super) fn hear(&mut self, fresh: &[u8], wire: &mut Wire) -> Result<Option<Accepted>, Fault> {
        if self.is_kept {
            self.heard.extend_from_slice(fresh);
        }
        let mut rest = fresh;
        while !rest.is_empty() {
            self.acceptor.read_tls(&mut rest).map_err(Fault::Broken)?;
        }
        let step = self.scan.advance(fresh);
        match step {
            HelloStep::NeedMore => return Ok(None),
            HelloStep::TooMuch => return Err(crumbled(wire)),
            HelloStep::Record | HelloStep::Whole | HelloStep::NotHello => {}
        }
        match self.acceptor.accept() {
            Ok(None) if step != HelloStep::Record => Err(crumbled(wire)),
            Ok(accepted) => Ok(accepted),
            Err((error, alert)) => Err(refused(wire, error, alert)),
        }
    }
}

/// The same message, taken for the first of another handshake; `None`: it is not whole.
pub(super) fn again(
    mut heard: &[u8],
    config: Arc<ServerConfig>,
) -> Option<Result<ServerConnection, (rustls::Error, AcceptedAlert)>> {
    let mut acceptor = Acceptor::default();
    while !heard.is_empty() {
        acceptor.read_tls(&mut heard).ok()?;
        match acceptor.accept() {
            Ok(None) => {}
            Ok(Some(accepted)) => return Some(accepted.into_connection(config)),
            Err(refused) => return Some(Err(refused)),
        }
    }
    None
}

/// Bytes of the message, as many as rustls takes: a ticket for a session may have a long chain of certificates in it.
pub(super) const HELLO_MAX: usize = 0xffff - 4;
