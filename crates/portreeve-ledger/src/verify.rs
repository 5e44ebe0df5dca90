//! Reads ledgers and names the first line that is not as it was written.

mod bad;
mod files;
mod summary;

pub use bad::{Bad, Reason};
pub use summary::Summary;

use std::mem;

use crate::claims::{HeadClaims, LineClaims};
use crate::line::{self, LINE_BYTES_MAX};
use crate::{Chain, Hash, Head, PublicKey};
use files::Files;

/// Checks one ledger, from one file or from several in their order. Memory is bounded whatever it is fed:
///
/// ```text
/// new ──► file ──► feed … ──► file ──► feed … ──► finish
/// ```
///
/// After an error nothing more is checked; [`so_far`](Self::so_far) tells what was good before.
#[derive(Debug)]
pub struct Verifier {
    files: Files,
    expected: Option<Head>,
    /// The beginning of a line whose end is still to come.
    partial: Vec<u8>,
    /// Where the ledger stands; `None` before the first header.
    chain: Option<Chain>,
    summary: Summary,
}

impl Verifier {
    /// With no key named, that of the first file must be that of all.
    #[must_use]
    pub fn new() -> Self {
        Self {
            files: Files::default(),
            expected: None,
            partial: Vec::new(),
            chain: None,
            summary: Summary::default(),
        }
    }

    /// Demands that each file is signed by one of `keys`. Without this, whoever can write the files can write them anew
    /// under a key of their own.
    #[must_use]
    pub fn trusting(mut self, keys: Vec<PublicKey>) -> Self {
        self.files.trusted = keys;
        self
    }

    /// Demands that the ledger holds this head, which was kept elsewhere. Without this, a ledger that is cut off at its
    /// end is a good one that is shorter.
    #[must_use]
    pub fn expecting(mut self, head: Head) -> Self {
        self.expected = Some(head);
        self
    }

    /// Begins a file; `name` is for messages.
    ///
    /// # Errors
    /// The file before it does not end properly.
    pub fn file(&mut self, name: &str) -> Result<(), Bad> {
        if self.summary.files > 0 {
            self.end_file()?;
        }
        self.files.begin(name);
        self.summary.files += 1;
        self.summary.whole_bytes = 0;
        Ok(())
    }

    /// Takes the next bytes of the file, split anywhere.
    ///
    /// # Errors
    /// The first bad line.
    pub fn feed(&mut self, bytes: &[u8]) -> Result<(), Bad> {
        let mut rest = bytes;
        while let Some(end) = memchr::memchr(b'\n', rest) {
            self.end_line(&rest[..end])?;
            rest = &rest[end + 1..];
        }
        self.partial.extend_from_slice(within_a_line(rest));
        match self.partial.len() > LINE_BYTES_MAX {
            true => Err(self.bad(Reason::TooLong)),
            false => Ok(()),
        }
    }

    /// Whether the file, as far as it came, ends in the midst of a line: as one does that is being written.
    #[must_use]
    pub fn is_mid_line(&self) -> bool {
        !self.partial.is_empty()
    }

    /// What is good so far.
    #[must_use]
    pub fn so_far(&self) -> &Summary {
        &self.summary
    }

    /// Where the ledger stands after the last good line; `None` if there is no good header.
    #[must_use]
    pub fn chain(&self) -> Option<Chain> {
        self.chain
    }

    /// Nothing more comes.
    ///
    /// # Errors
    /// The last file does not end properly, or the ledger ends before the head that it should hold.
    pub fn finish(mut self) -> Result<Summary, Bad> {
        self.end_file()?;
        let end = self.chain.map_or(0, |chain| chain.next() - 1);
        match &self.expected {
            Some(head) if head.n > end => {
                let kept = Box::new(head.clone());
                Err(self.bad(Reason::EndsBeforeKept { kept, end }))
            }
            _ => Ok(self.summary),
        }
    }

    fn end_file(&mut self) -> Result<(), Bad> {
        match (self.partial.len(), self.files.line) {
            (0, 1) => Err(self.bad(Reason::NoHeader)),
            (0, _) => Ok(()),
            (bytes, _) => Err(self.bad(Reason::Torn { bytes })),
        }
    }

    /// A line whose last bytes are `end`.
    fn end_line(&mut self, end: &[u8]) -> Result<(), Bad> {
        if self.partial.is_empty() {
            return self.line(end);
        }
        self.partial.extend_from_slice(within_a_line(end));
        let whole = mem::take(&mut self.partial);
        let outcome = self.line(&whole);
        self.partial = whole; // its memory serves the next one
        self.partial.clear();
        outcome
    }

    fn line(&mut self, line: &[u8]) -> Result<(), Bad> {
        self.checked(line).map_err(|reason| self.bad(reason))?;
        self.summary.whole_bytes += line.len() as u64 + 1;
        self.files.line += 1;
        Ok(())
    }

    fn checked(&mut self, line: &[u8]) -> Result<(), Reason> {
        if line.len() > LINE_BYTES_MAX {
            return Err(Reason::TooLong);
        }
        match (self.files.line, self.chain) {
            (1, before) => self.header(line, before),
            (_, Some(chain)) => self.numbered(line, chain),
            (_, None) => Err(Reason::NoHeader),
        }
    }

    fn header(&mut self, line: &[u8], before: Option<Chain>) -> Result<(), Reason> {
        let header = self.files.header(line, before)?;
        if before.is_none() {
            self.begins_in_time(&header)?;
            self.summary.first = header.next();
        }
        self.summary.key = self.files.key;
        self.chain = Some(header);
        Ok(())
    }

    /// A kept head that lies before the first file cannot be looked for.
    fn begins_in_time(&self, header: &Chain) -> Result<(), Reason> {
        match &self.expected {
            Some(head) if head.n + 1 < header.next() => Err(Reason::StartsAfterKept {
                kept: Box::new(head.clone()),
            }),
            Some(head) if head.n + 1 == header.next() => self.files.follows(head),
            _ => Ok(()),
        }
    }

    /// A record or a head.
    fn numbered(&mut self, line: &[u8], chain: Chain) -> Result<(), Reason> {
        let claims: LineClaims = serde_json::from_slice(line).map_err(|error| Reason::not_json(&error))?;
        if !line.starts_with(format!("{{\"n\":{},", claims.n).as_bytes()) {
            return Err(Reason::Shape("`n` is not its first member"));
        }
        in_order(chain.next(), claims.n)?;
        let (hashed, hash) = line::split_chain(line).ok_or(Reason::NO_CHAIN)?;
        if chain.hash().then(hashed) != hash {
            return Err(Reason::Chain);
        }
        match claims.head {
            Some(_) => self.head(line, hashed, chain, hash)?,
            None => self.record(chain, hash),
        }
        self.is_as_kept(claims.n, hash)
    }

    fn record(&mut self, chain: Chain, hash: Hash) {
        self.chain = Some(Chain::at(chain.next() + 1, chain.records() + 1, hash));
        self.summary.records += 1;
        self.summary.unsigned += 1;
    }

    fn head(&mut self, line: &[u8], hashed: &[u8], chain: Chain, hash: Hash) -> Result<(), Reason> {
        let claims: HeadClaims = serde_json::from_slice(line).map_err(|error| Reason::not_json(&error))?;
        if !claims.head {
            return Err(Reason::Shape("`head` is not true"));
        }
        let (signed, signature) = line::split_signature(hashed).ok_or(Reason::NO_SIGNATURE)?;
        self.files.prove(&chain.hash().then(signed), &signature)?;
        if claims.records != chain.records() {
            return Err(Reason::Count {
                said: claims.records,
                counted: chain.records(),
            });
        }
        self.chain = Some(Chain::at(chain.next() + 1, chain.records(), hash));
        self.summary.heads += 1;
        self.summary.unsigned = 0;
        self.summary.last_head = Some(Head {
            n: claims.n,
            records: claims.records,
            at: claims.at,
            hash,
        });
        Ok(())
    }

    fn is_as_kept(&self, n: u64, hash: Hash) -> Result<(), Reason> {
        match &self.expected {
            Some(head) if head.n == n && head.hash != hash => Err(Reason::NotTheKept {
                kept: Box::new(head.clone()),
            }),
            _ => Ok(()),
        }
    }

    fn bad(&self, reason: Reason) -> Bad {
        Bad {
            file: self.files.name.clone(),
            line: self.files.line,
            n: self.chain.map(|chain| chain.next()),
            reason,
        }
    }
}

impl Default for Verifier {
    fn default() -> Self {
        Self::new()
    }
}

/// As much as is needed to see that a line is too long.
fn within_a_line(bytes: &[u8]) -> &[u8] {
    &bytes[..bytes.len().min(LINE_BYTES_MAX + 1)]
}

fn in_order(expected: u64, found: u64) -> Result<(), Reason> {
    match found.cmp(&expected) {
        std::cmp::Ordering::Equal => Ok(()),
        std::cmp::Ordering::Greater => Err(Reason::Missing { expected, found }),
        std::cmp::Ordering::Less => Err(Reason::Repeated { expected, found }),
    }
}
