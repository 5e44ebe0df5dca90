//! Ledgers to do things to.

use std::time::{Duration, SystemTime};

use portreeve_ledger::{Bad, Chain, Head, Reason, SigningKey, Summary, Verifier};

pub(crate) fn key(seed: u8) -> SigningKey {
    SigningKey::from_seed(&[seed; 32])
}

pub(crate) fn noon() -> SystemTime {
    SystemTime::UNIX_EPOCH + Duration::from_secs(43_200)
}

/// A ledger in the making.
pub(crate) struct Ledger {
    pub(crate) chain: Chain,
    pub(crate) key: SigningKey,
    pub(crate) files: Vec<Vec<u8>>,
    pub(crate) heads: Vec<Head>,
}

impl Ledger {
    /// With one file that has a header only.
    pub(crate) fn new() -> Self {
        let mut ledger = Self {
            chain: Chain::default(),
            key: key(1),
            files: Vec::new(),
            heads: Vec::new(),
        };
        ledger.rotate();
        ledger
    }

    /// One file: `records` records, a signed head after every third.
    pub(crate) fn of(records: u64) -> Self {
        let mut ledger = Self::new();
        for number in 1..=records {
            ledger.record();
            if number % 3 == 0 {
                ledger.sign();
            }
        }
        ledger
    }

    pub(crate) fn record(&mut self) {
        let body = format!(
            "{{\"at\":\"x\",\"policy\":[\"eu\"],\"number\":{}}}",
            self.chain.records()
        );
        let file = self.files.last_mut().unwrap();
        self.chain.append(body.as_bytes(), file).unwrap();
    }

    pub(crate) fn sign(&mut self) {
        let file = self.files.last_mut().unwrap();
        self.heads.push(self.chain.head(&self.key, noon(), file));
    }

    pub(crate) fn rotate(&mut self) {
        let mut file = Vec::new();
        self.chain.header(&self.key.public(), noon(), &mut file);
        self.files.push(file);
    }

    /// The lines of the only file, each with its line feed.
    pub(crate) fn lines(&self) -> Vec<Vec<u8>> {
        let [file] = &self.files[..] else {
            panic!("one file, not {}", self.files.len())
        };
        file.split_inclusive(|byte| *byte == b'\n')
            .map(<[u8]>::to_vec)
            .collect()
    }
}

pub(crate) fn verify(files: &[Vec<u8>]) -> Result<Summary, Bad> {
    verify_by(Verifier::new(), files)
}

pub(crate) fn verify_by(mut verifier: Verifier, files: &[Vec<u8>]) -> Result<Summary, Bad> {
    for (number, file) in files.iter().enumerate() {
        verifier.file(&format!("file{number}"))?;
        verifier.feed(file)?;
    }
    verifier.finish()
}

/// What is wrong with one file of these lines: the line's number, its `n`, and why.
pub(crate) fn bad(lines: &[Vec<u8>]) -> (u64, Option<u64>, Reason) {
    let bad = verify(&[lines.concat()]).unwrap_err();
    assert_eq!(bad.file, "file0");
    (bad.line, bad.n, bad.reason)
}
