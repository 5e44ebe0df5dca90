//! What survives a restart, behind an interface: an embedded store today, a distributed one some day.

mod embedded;
mod form;
mod keeper;
mod outbox;

use std::io;
use std::path::PathBuf;
use std::sync::Arc;

use portreeve_model::plan::Name;
use portreeve_model::{Change, Kept, MemberKey, Token, TokenId};

use crate::credentials::Digest;

pub(crate) use embedded::Embedded;
pub(crate) use keeper::{Keeper, Saved};

/// Keeps entries by their keys. It is called by one thread of its own, so it may wait for its disk.
pub(crate) trait Store: Send {
    /// All that it has, in no order.
    fn load(&mut self) -> Result<Vec<Entry>, StoreError>;

    /// Does all of this or nothing; when it returns, that survives a loss of power.
    fn commit(&mut self, writes: &[Write]) -> Result<(), StoreError>;
}

/// One thing to be kept in place of what was there, or not to be kept any longer.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Write {
    pub(crate) key: EntryKey,
    pub(crate) entry: Option<Entry>,
}

/// By what an entry is found.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub(crate) enum EntryKey {
    Member(MemberKey),
    /// Pool, and label of a backend of the file or id of one that registers.
    Drained(Name, Arc<str>),
    Token(TokenId),
}

/// One thing that is kept.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Entry {
    Member(Kept),
    /// That the backend of that name (pool; label of the file, or id) takes no new requests.
    Drained(Name, Arc<str>),
    Token(KeptToken),
}

/// What is kept of a token.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct KeptToken {
    pub(crate) token: Arc<Token>,
    /// Of its secret; `None`: it has none, and is for a certificate.
    pub(crate) digest: Option<Digest>,
    pub(crate) created_unix_ms: u64,
}

impl Entry {
    pub(crate) fn key(&self) -> EntryKey {
        match self {
            Self::Member(kept) => EntryKey::Member(kept.announcement.key.clone()),
            Self::Drained(pool, label) => EntryKey::Drained(Arc::clone(pool), Arc::clone(label)),
            Self::Token(kept) => EntryKey::Token(Arc::clone(&kept.token.id)),
        }
    }
}

impl Write {
    pub(crate) fn put(entry: Entry) -> Self {
        Self {
            key: entry.key(),
            entry: Some(entry),
        }
    }

    pub(crate) fn delete(key: EntryKey) -> Self {
        Self { key, entry: None }
    }
}

impl From<Change> for Write {
    fn from(change: Change) -> Self {
        match change {
            Change::Put(kept) => Self::put(Entry::Member(kept)),
            Change::Delete(key) => Self::delete(EntryKey::Member(key)),
            Change::DrainPut(pool, label) => Self::put(Entry::Drained(pool, label)),
            Change::DrainDelete(pool, label) => Self::delete(EntryKey::Drained(pool, label)),
        }
    }
}

/// Why the state cannot be kept.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum StoreError {
    /// Another process has it open.
    #[error(
        "another process keeps its state in {}; stop it, or give this one a folder of its own (--state DIR)",
        path.display()
    )]
    Locked {
        /// The store's file.
        path: PathBuf,
    },
    /// The system does not let us.
    #[error("cannot keep state in {}: {source}; is there room, and may this user write there?", path.display())]
    Io {
        /// The store's file, or its folder.
        path: PathBuf,
        /// What the system said.
        #[source]
        source: io::Error,
    },
    /// It is not what we wrote.
    #[error("{} cannot be read: {reason}", path.display())]
    Corrupt {
        /// The store's file.
        path: PathBuf,
        /// What is wrong with it.
        reason: String,
    },
}
