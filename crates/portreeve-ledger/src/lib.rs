//! The ledger on bytes: records chained by SHA-256, signed heads by Ed25519, and the verification of both.
//!
//! No I/O, no clock, no tasks, no unsafe, no randomness: whoever keeps a ledger hands in records, times and the key's
//! seed, and writes the lines that come out. The format, to the byte, is told in `docs/LEDGER.md`.
//!
//! Writing: a [`Chain`] makes the lines of a file: [`Chain::header`] its first, [`Chain::append`] one for each record,
//! [`Chain::head`] a signature over all before it. Reading: a [`Verifier`] is fed the bytes of one file or of several
//! in their order, and names the first line that is not as it was written: see [`Bad`].

mod chain;
mod claims;
mod hash;
mod head;
mod hex;
mod key;
mod line;
mod stamp;
mod verify;

pub use chain::{Chain, NotARecord};
pub use hash::{Hash, NotAHash};
pub use head::{Head, NotAHead};
pub use key::{NotAKey, PublicKey, SigningKey};
pub use line::LINE_BYTES_MAX;
pub use stamp::rfc3339;
pub use verify::{Bad, Reason, Summary, Verifier};
