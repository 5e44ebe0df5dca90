//! The lines of the ledger on their way to the disk: linked, signed, and kept until they are written.

use std::time::SystemTime;

use portreeve_ledger::{Chain, NotARecord, SigningKey, rfc3339};

/// Lines that are linked but not written yet. They can be neither dropped nor put in another order.
#[derive(Debug)]
pub(super) struct Lines {
    chain: Chain,
    key: SigningKey,
    pending: Vec<u8>,
    /// Bytes of `pending` that are written.
    written: usize,
    /// Records that no head signs yet.
    unsigned: u64,
    /// The last head, as a line.
    last_head: Vec<u8>,
}

impl Lines {
    /// Goes on with a file of which `unsigned` records follow its last head.
    pub(super) fn new(chain: Chain, key: SigningKey, unsigned: u64) -> Self {
        Self {
            chain,
            key,
            pending: Vec::new(),
            written: 0,
            unsigned,
            last_head: Vec::new(),
        }
    }

    /// Adds one record, and a head when it is time for one.
    pub(super) fn add(&mut self, body: &[u8]) -> Result<(), NotARecord> {
        self.chain.append(body, &mut self.pending)?;
        self.unsigned += 1;
        if self.unsigned >= HEAD_RECORDS {
            self.sign();
        }
        Ok(())
    }

    /// Adds an event of the writer's own. `facts`: further members, each with a comma before it.
    pub(super) fn add_event(&mut self, event: &str, facts: &str) {
        let at = rfc3339(SystemTime::now());
        let body = format!("{{\"at\":\"{at}\",\"event\":\"{event}\"{facts}}}");
        self.add(body.as_bytes()).expect("what we write is a record");
    }

    /// Adds a head if records have come since the last.
    pub(super) fn sign_if_new(&mut self) {
        if self.unsigned > 0 {
            self.sign();
        }
    }

    /// The last head, if there was one since the start.
    pub(super) fn last_head(&self) -> Option<&[u8]> {
        (!self.last_head.is_empty()).then_some(&self.last_head)
    }

    /// What is still to be written.
    pub(super) fn rest(&self) -> &[u8] {
        &self.pending[self.written..]
    }

    /// So many more bytes are written.
    pub(super) fn wrote(&mut self, count: usize) {
        self.written += count;
        if self.written == self.pending.len() {
            self.pending.clear();
            self.written = 0;
        }
    }

    /// The first lines of a new file: a header, and a head that signs it. They count once [`began`](Self::began) says so.
    pub(super) fn beginning(&self) -> Beginning {
        let (mut chain, mut lines, now) = (self.chain, Vec::new(), SystemTime::now());
        chain.header(&self.key.public(), now, &mut lines);
        let head_from = lines.len();
        chain.head(&self.key, now, &mut lines);
        Beginning {
            first: self.chain.next(),
            chain,
            lines,
            head_from,
        }
    }

    /// A new file was begun.
    pub(super) fn began(&mut self, beginning: &Beginning) {
        self.chain = beginning.chain;
        self.unsigned = 0;
        self.last_head.clear();
        self.last_head
            .extend_from_slice(&beginning.lines[beginning.head_from..]);
    }

    fn sign(&mut self) {
        let from = self.pending.len();
        self.chain.head(&self.key, SystemTime::now(), &mut self.pending);
        self.unsigned = 0;
        self.last_head.clear();
        self.last_head.extend_from_slice(&self.pending[from..]);
    }
}

/// The first lines of a file.
#[derive(Debug)]
pub(super) struct Beginning {
    /// The number of the first line that has one.
    pub(super) first: u64,
    pub(super) lines: Vec<u8>,
    chain: Chain,
    head_from: usize,
}

/// A head signs at most so many records.
const HEAD_RECORDS: u64 = 1000;
