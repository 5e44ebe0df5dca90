//! The lines of a ledger, made one after the other.

use std::io::Write as _;
use std::time::SystemTime;

use crate::{Hash, Head, LINE_BYTES_MAX, PublicKey, SigningKey, line, rfc3339};

/// Where a ledger stands: the number that comes next, and the hash of all before it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Chain {
    next: u64,
    records: u64,
    hash: Hash,
}

impl Default for Chain {
    /// A ledger that begins.
    fn default() -> Self {
        Self {
            next: 1,
            records: 0,
            hash: Hash::ZERO,
        }
    }
}

impl Chain {
    /// Goes on after a head that was signed earlier.
    #[must_use]
    pub fn after(head: &Head) -> Self {
        Self {
            next: head.n + 1,
            records: head.records,
            hash: head.hash,
        }
    }

    pub(crate) fn at(next: u64, records: u64, hash: Hash) -> Self {
        Self { next, records, hash }
    }

    /// The `n` of the next record or head.
    #[must_use]
    pub fn next(&self) -> u64 {
        self.next
    }

    /// Records since the ledger began. Heads have an `n` too but are no records.
    #[must_use]
    pub fn records(&self) -> u64 {
        self.records
    }

    /// The hash of the last line.
    #[must_use]
    pub fn hash(&self) -> Hash {
        self.hash
    }

    /// Appends the first line of a file. It has no `n`.
    pub fn header(&mut self, key: &PublicKey, at: SystemTime, out: &mut Vec<u8>) {
        let start = out.len();
        let _ = write!(
            out,
            "{{\"ledger\":1,\"first\":{},\"records\":{},\"previous\":\"{}\",\"key\":\"{key}\",\"at\":\"{}\"",
            self.next,
            self.records,
            self.hash,
            rfc3339(at)
        ); // writing to memory does not fail
        self.hash = line::seal(&self.hash, start, out);
    }

    /// Appends one record: `body` with `n` put first and `chain` put last.
    ///
    /// # Errors
    /// `body` cannot be a record; nothing is appended then. It should be one JSON object on one line, with at least one
    /// member and none that is called `n`, `head` or `chain`; only what costs little is checked here.
    pub fn append(&mut self, body: &[u8], out: &mut Vec<u8>) -> Result<(), NotARecord> {
        let members = members(body)?;
        let start = out.len();
        out.reserve(body.len() + ADDED_MAX);
        out.extend_from_slice(b"{\"n\":");
        decimal(self.next, out);
        out.push(b',');
        out.extend_from_slice(members);
        self.hash = line::seal(&self.hash, start, out);
        self.next += 1;
        self.records += 1;
        Ok(())
    }

    /// Appends a signed head: it proves every line before it, and its own `n`, time and count.
    pub fn head(&mut self, key: &SigningKey, at: SystemTime, out: &mut Vec<u8>) -> Head {
        let start = out.len();
        let (n, records, at) = (self.next, self.records, rfc3339(at));
        let _ = write!(
            out,
            "{{\"n\":{n},\"head\":true,\"at\":\"{at}\",\"records\":{records}"
        ); // writing to memory does not fail
        let signature = key.sign(&self.hash.then(&out[start..]));
        line::sign(&signature, out);
        self.hash = line::seal(&self.hash, start, out);
        self.next += 1;
        Head {
            n,
            records,
            at,
            hash: self.hash,
        }
    }
}

/// What stands between the braces of an object.
fn members(body: &[u8]) -> Result<&[u8], NotARecord> {
    if body.len() > LINE_BYTES_MAX - ADDED_MAX {
        return Err(NotARecord::TooLong);
    }
    let members = body.strip_prefix(b"{").and_then(|rest| rest.strip_suffix(b"}"));
    match members {
        Some(members) if members.first() == Some(&b'"') => {}
        _ => return Err(NotARecord::NoObject),
    }
    if memchr::memchr(b'\n', body).is_some() || std::str::from_utf8(body).is_err() {
        return Err(NotARecord::NoLine);
    }
    Ok(members.unwrap_or_default())
}

fn decimal(number: u64, out: &mut Vec<u8>) {
    let mut digits = [0; 20];
    let mut from = digits.len();
    let mut rest = number;
    loop {
        from -= 1;
        digits[from] = b"0123456789"[(rest % 10) as usize];
        rest /= 10;
        if rest == 0 {
            break out.extend_from_slice(&digits[from..]);
        }
    }
}

/// Why bytes are not taken for a record.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum NotARecord {
    /// Longer than a line may get.
    #[error("a record of more than {} bytes", LINE_BYTES_MAX - ADDED_MAX)]
    TooLong,
    /// Not an object with a member.
    #[error("a record that is no JSON object with at least one member")]
    NoObject,
    /// Not one line of text.
    #[error("a record that is not one line of UTF-8")]
    NoLine,
}

/// More than what is put before and behind a body.
const ADDED_MAX: usize = 128;

#[cfg(test)]
mod tests {
    use super::*;

    fn appended(chain: &mut Chain, body: &str) -> String {
        let mut out = Vec::new();
        chain.append(body.as_bytes(), &mut out).unwrap();
        String::from_utf8(out).unwrap()
    }

    #[test]
    fn a_record_gets_its_number_first_and_its_link_last() {
        let mut chain = Chain::default();
        let line = appended(&mut chain, "{\"at\":\"x\",\"a\":{}}");

        let hashed = "{\"n\":1,\"at\":\"x\",\"a\":{}";
        let link = Hash::ZERO.then(hashed.as_bytes());
        assert_eq!(line, format!("{hashed},\"chain\":\"{link}\"}}\n"));
        assert_eq!((chain.next(), chain.records(), chain.hash()), (2, 1, link));
    }

    #[test]
    fn numbers_of_any_length_are_decimal() {
        for number in [0, 9, 10, 1_234_567_890, u64::MAX] {
            let mut out = Vec::new();
            decimal(number, &mut out);
            assert_eq!(out, number.to_string().into_bytes());
        }
    }

    #[test]
    fn a_ledger_goes_on_after_a_head() {
        let mut chain = Chain::default();
        appended(&mut chain, "{\"a\":1}");
        let head = chain.head(
            &SigningKey::from_seed(&[1; 32]),
            SystemTime::UNIX_EPOCH,
            &mut Vec::new(),
        );

        assert_eq!(Chain::after(&head), chain);
        assert_eq!((head.n, head.records), (2, 1));
    }

    #[test]
    fn what_is_no_record_leaves_no_trace() {
        let long = format!("{{\"a\":\"{}\"}}", "x".repeat(LINE_BYTES_MAX));
        let mut chain = Chain::default();
        let mut out = Vec::new();
        for (body, why) in [
            (&b""[..], NotARecord::NoObject),
            (b"{}", NotARecord::NoObject),
            (b"{", NotARecord::NoObject),
            (b"[1]", NotARecord::NoObject),
            (b"{\"a\":1", NotARecord::NoObject),
            (b"{\"a\":\n1}", NotARecord::NoLine),
            (b"{\"a\":\"\xff\"}", NotARecord::NoLine),
            (long.as_bytes(), NotARecord::TooLong),
        ] {
            assert_eq!(chain.append(body, &mut out), Err(why));
        }
        assert_eq!((chain, out.len()), (Chain::default(), 0));
    }
}
