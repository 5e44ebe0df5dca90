//! A connection as routing, limits and hashing look at it.

use std::net::IpAddr;

use portreeve_model::RequestView;

use crate::serve::client::Peer;

/// A connection, before anything of it is passed on.
pub(crate) struct Passing<'a> {
    /// As the client named it in its TLS handshake (SNI); empty if it named none, or nobody asked.
    pub(crate) host: &'a str,
    peer: &'a Peer,
}

impl<'a> Passing<'a> {
    pub(super) fn new(host: &'a str, peer: &'a Peer) -> Self {
        Self { host, peer }
    }
}

impl RequestView for Passing<'_> {
    fn method(&self) -> &[u8] {
        b""
    }

    fn host(&self) -> &[u8] {
        self.host.as_bytes()
    }

    fn path(&self) -> &[u8] {
        b""
    }

    fn query(&self) -> &[u8] {
        b""
    }

    fn any_field(&self, _: &str, _: &mut dyn FnMut(&[u8]) -> bool) -> bool {
        false
    }

    fn any_certificate_name(&self, test: &mut dyn FnMut(&str) -> bool) -> bool {
        self.peer.certificate_names().iter().any(|name| test(name))
    }

    fn client(&self) -> Option<IpAddr> {
        self.peer.ip
    }
}
