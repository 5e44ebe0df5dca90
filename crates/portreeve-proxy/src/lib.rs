//! The data plane: listen, read, route, admit, forward, respond.
//!
//! One worker per core, each a thread with a runtime, connections and counters of its own; connections never move.
//! Workers share nothing but the model: a snapshot comes down, atomics go up.
//!
//! A request's way, file by file: `listen` accepts, and `listen::handshake` secures, `serve::h1` waits,
//! `serve::inbound` reads the head, `serve::answer` routes, admits and turns every error into a response, `forward` picks and tries backends,
//! `forward::exchange` sends the request and waits for the head, `headers` writes both heads, `forward::download`
//! delivers, and the drop of `record` counts and writes it down.

mod body;
mod buffer;
mod conn;
mod date;
mod forward;
mod headers;
mod hold;
mod listen;
mod patience;
mod pipe;
mod proxy;
mod record;
mod refusal;
mod register;
mod relay;
mod request;
mod said;
mod serve;
mod slots;
mod socket;
mod stream;
mod timer;
mod worker;

pub use date::rfc3339;
pub use forward::sticky::StickySecret;
pub use proxy::{Drained, Proxy, ProxySettings, StartError};
pub use record::journal::RecordSink;
pub use record::ledger::{LedgerBatch, LedgerRoom, LedgerSink};
pub use register::{RegistrationAsk, RegistrationCall, RegistrationReply};
pub use socket::{BindError, BoundListener};
