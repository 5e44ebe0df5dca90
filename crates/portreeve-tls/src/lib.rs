//! Certificates and keys: read from files, chosen by the name that a client asks for, kept fresh; and what TLS with
//! clients and backends is configured with.
//!
//! No sockets: whoever has the connection does the handshake. No tasks: [`TlsStore::refresh`] is called by whoever owns
//! the store.

mod certificate;
mod event;
mod fault;
mod file;
mod listener;
mod names;
mod peek;
mod pool;
mod provider;
mod store;
mod table;
#[cfg(test)]
mod testing;
mod tickets;
mod trust;

pub use certificate::{CertificateFacts, CertificateSource, KeyKind, Managed, pem_fault};
pub use event::{backend_cause, client_event};
pub use fault::{Place, TlsFault, TlsWarning, Warning, Wrong};
pub use listener::{Chosen, ListenerTls};
pub use names::{end_of, shown_by};
pub use peek::{HELLO_MAX, HelloScan, HelloStep, Peeked, RECORDS_MAX, peek_hello};
pub use pool::PoolTls;
pub use provider::provider;
pub use store::{Loaded, Refreshed, TlsStore};
pub use table::TlsTable;
pub use trust::{Trust, Trusts};
