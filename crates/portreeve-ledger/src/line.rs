//! A line by its bytes: what is hashed, what is signed, and the members behind them.

use crate::{Hash, hex};

/// Bytes of a line without its line feed. A longer record is not taken; a longer line is not read.
pub const LINE_BYTES_MAX: usize = 64 * 1024;

/// Numbers beyond this are not believed: every JSON reader holds smaller ones exactly.
pub(crate) const N_MAX: u64 = 1 << 53;

/// Ends a line that begins at `start` of `out`: its link, and the line feed.
pub(crate) fn seal(previous: &Hash, start: usize, out: &mut Vec<u8>) -> Hash {
    let hash = previous.then(&out[start..]);
    out.extend_from_slice(CHAIN);
    hex::write(&hash.0, out);
    out.extend_from_slice(b"\"}\n");
    hash
}

/// Adds the signature member.
pub(crate) fn sign(signature: &[u8; 64], out: &mut Vec<u8>) {
    out.extend_from_slice(SIGNATURE);
    hex::write(signature, out);
    out.push(b'"');
}

/// What is hashed, and the link that was written; `None` if the line does not end in one.
pub(crate) fn split_chain(line: &[u8]) -> Option<(&[u8], Hash)> {
    let (hashed, digits) = split(line, CHAIN, 64, b"\"}")?;
    Some((hashed, Hash(hex::read(digits)?)))
}

/// What is signed, and the signature; `None` if what is hashed of a line does not end in one.
pub(crate) fn split_signature(hashed: &[u8]) -> Option<(&[u8], [u8; 64])> {
    let (signed, digits) = split(hashed, SIGNATURE, 128, b"\"")?;
    Some((signed, hex::read(digits)?))
}

fn split<'a>(bytes: &'a [u8], name: &[u8], digits: usize, end: &[u8]) -> Option<(&'a [u8], &'a [u8])> {
    let bytes = bytes.strip_suffix(end)?;
    let (rest, digits) = bytes.split_at_checked(bytes.len().checked_sub(digits)?)?;
    Some((rest.strip_suffix(name)?, digits))
}

const CHAIN: &[u8] = b",\"chain\":\"";
const SIGNATURE: &[u8] = b",\"signature\":\"";
