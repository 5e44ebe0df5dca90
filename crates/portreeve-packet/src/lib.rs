//! The packet protocol on bytes: small JSON objects over TCP between clients, the proxy and the servers of its pools.
//!
//! No I/O, no clock, no tasks, no unsafe. There is no delimiter and no length: a packet ends where its JSON value
//! ends, however the bytes were split on their way. [`Scan`] finds that end while bytes arrive, [`parse`] reads what
//! lies before it into a [`Packet`], and the writers append one whole packet to a buffer that is then sent in one
//! write. Peers speak several dialects (numbers or strings, two names for the policy): all are read, each peer is
//! answered in its own, and what we do not know is passed on unchanged and in order.
//!
//! What is refused, and why, is a [`Fault`]: it names the field, what was found and what is allowed.

mod fault;
mod fields;
mod key;
mod limits;
mod members;
mod packet;
mod scan;
mod spelling;
mod text;
mod value;
mod write;

pub use fault::{Code, Fault};
pub use limits::Limits;
pub use packet::{Ack, Packet, Refused, Request, Setup, SetupAnswer, parse, parse_setup_answer};
pub use scan::{Scan, skippable};
pub use spelling::Spelling;
pub use write::{
    NewSetup, payload_sha1, write_ack, write_answer, write_error, write_registered, write_request,
    write_setup,
};
