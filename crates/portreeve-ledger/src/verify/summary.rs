//! What a good ledger holds.

use crate::{Head, PublicKey};

/// What was read and found good.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Summary {
    /// Files begun.
    pub files: u64,
    /// The `n` with which the first of them begins; 0 if none does.
    pub first: u64,
    /// Records, heads not counted.
    pub records: u64,
    /// Signed heads.
    pub heads: u64,
    /// Records after the last signed head: each follows from the one before, but no key proves that they are all, or that
    /// they were not written anew.
    pub unsigned: u64,
    /// The last signed head.
    pub last_head: Option<Head>,
    /// The key that signs the last file.
    pub key: Option<PublicKey>,
    /// Bytes of the last file up to the end of its last good line.
    pub whole_bytes: u64,
}
