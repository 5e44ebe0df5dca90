//! Certificates and keys: read from files, chosen by the name that a client asks for, kept fresh; and what TLS with
//! clients and backends is configured with. No sockets: whoever has the connection does the handshake.

mod peek;

pub use peek::{HELLO_MAX, Peeked, peek_hello};
