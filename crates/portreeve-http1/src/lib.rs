//! HTTP/1.1 on bytes: heads, framing, chunked coding (RFC 9112).
//!
//! No I/O, no clock, no tasks, no unsafe. Whoever reads a connection hands in the bytes that came so far and is
//! told how far a message reaches and what it says. Where two readers of the same bytes could disagree about
//! where a message ends or whom it is for, the bytes are refused: see [`Fault`].
//!
//! A request, in order: [`HeadScan`] finds the head's end, [`parse_request`] reads it into a [`Head`],
//! [`request_framing`] says how the body is delimited, [`Chunked`] follows a chunked body and
//! [`parse_trailers`] reads what comes after it. A response takes the same way.

mod authority;
mod chars;
mod chunked;
mod fault;
mod field;
mod fields;
mod framing;
mod head;
mod request;
mod response;
mod scan;
mod span;
mod target;
mod trailers;

pub use chunked::{ChunkEvent, Chunked, LAST_CHUNK, Passed, SizeLine};
pub use fault::{Fault, FaultKind};
pub use field::{Field, Known};
pub use framing::{Framing, connection_names, keeps_alive, request_framing, response_framing};
pub use head::{Head, HeadLimits, Version};
pub use request::{RequestLine, parse_request};
pub use response::{StatusLine, parse_response};
pub use scan::HeadScan;
pub use span::Span;
pub use target::TargetForm;
pub use trailers::parse_trailers;
