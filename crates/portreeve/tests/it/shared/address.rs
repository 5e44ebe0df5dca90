//! The addresses that the binary says it listens on.

use std::net::SocketAddr;

use super::program::Program;

impl Program {
    /// The next address that it says a proxy listener listens on.
    pub(crate) fn address(&mut self) -> SocketAddr {
        self.address_told(" listening listener=")
    }

    /// The address in the next line on stderr that holds `text`.
    pub(crate) fn address_told(&mut self, text: &str) -> SocketAddr {
        let line = self.told(text);
        let address = line.split("address=").nth(1).unwrap_or_default();
        let address = address.split_whitespace().next().unwrap_or_default();
        address.parse().unwrap_or_else(|_| panic!("no address in {line}"))
    }
}
