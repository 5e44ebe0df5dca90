//! The files of a ledger: where we are in them, who signs them, and how each follows the one before.

use super::bad::Reason;
use super::in_order;
use crate::claims::HeaderClaims;
use crate::line::{self, N_MAX};
use crate::{Chain, Hash, Head, PublicKey};

#[derive(Debug, Default)]
pub(super) struct Files {
    /// Of the present file.
    pub(super) name: String,
    /// The line that comes next, from 1.
    pub(super) line: u64,
    /// Of the present file.
    pub(super) key: Option<PublicKey>,
    /// Empty: the key of the first file.
    pub(super) trusted: Vec<PublicKey>,
    /// What the header of the present file says that stands before it.
    previous: Option<Hash>,
}

impl Files {
    pub(super) fn begin(&mut self, name: &str) {
        name.clone_into(&mut self.name);
        self.line = 1;
    }

    /// Reads the first line of a file, which follows `before`, and says where the ledger stands after it.
    pub(super) fn header(&mut self, line: &[u8], before: Option<Chain>) -> Result<Chain, Reason> {
        if !line.starts_with(b"{\"ledger\":") {
            return Err(Reason::NoHeader);
        }
        let claims: HeaderClaims = serde_json::from_slice(line).map_err(|error| Reason::not_json(&error))?;
        let claimed = claimed(&claims)?;
        let (hashed, hash) = line::split_chain(line).ok_or(Reason::NO_CHAIN)?;
        if let Some(before) = before {
            in_order(before.next(), claimed.next())?;
            follows(&before, &claimed)?;
        }
        if claimed.hash().then(hashed) != hash {
            return Err(Reason::Chain);
        }
        self.take_key(&claims.key)?;
        self.previous = Some(claimed.hash());
        Ok(Chain::at(claimed.next(), claimed.records(), hash))
    }

    /// Whether the present file goes on right after a head that was kept.
    pub(super) fn follows(&self, head: &Head) -> Result<(), Reason> {
        match self.previous == Some(head.hash) {
            true => Ok(()),
            false => Err(Reason::NotTheKept {
                kept: Box::new(head.clone()),
            }),
        }
    }

    /// Whether the key of the present file signed `hash`.
    pub(super) fn prove(&self, hash: &Hash, signature: &[u8; 64]) -> Result<(), Reason> {
        match &self.key {
            Some(key) if key.proves(hash, signature) => Ok(()),
            _ => Err(Reason::Signature),
        }
    }

    fn take_key(&mut self, text: &str) -> Result<(), Reason> {
        let key: PublicKey = text
            .parse()
            .map_err(|_| Reason::Shape("`key` is no public key"))?;
        let is_known = match (self.trusted.is_empty(), self.key) {
            (true, None) => true,
            (true, Some(first)) => first == key,
            (false, _) => self.trusted.contains(&key),
        };
        if !is_known {
            return Err(Reason::OtherKey { found: Box::new(key) });
        }
        self.key = Some(key);
        Ok(())
    }
}

/// Where a file says that it begins.
fn claimed(claims: &HeaderClaims) -> Result<Chain, Reason> {
    if claims.ledger != 1 {
        return Err(Reason::Version(claims.ledger));
    }
    let previous: Hash = claims
        .previous
        .parse()
        .map_err(|_| Reason::Shape("`previous` is not 64 lower-case hexadecimal digits"))?;
    if claims.first == 0 || claims.first > N_MAX || claims.records >= claims.first {
        return Err(Reason::Shape("`first` or `records` is no count that can be"));
    }
    Ok(Chain::at(claims.first, claims.records, previous))
}

fn follows(before: &Chain, claimed: &Chain) -> Result<(), Reason> {
    if before.hash() != claimed.hash() {
        return Err(Reason::NotLinked);
    }
    match before.records() == claimed.records() {
        true => Ok(()),
        false => Err(Reason::Count {
            said: claimed.records(),
            counted: before.records(),
        }),
    }
}
