//! A signed head, as it is kept apart from the file that it proves.

use crate::Hash;
use crate::claims::HeadClaims;
use crate::line::{self, N_MAX};

/// What a signed head says. Kept elsewhere, it proves later that a file still reaches as far as it did.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Head {
    /// Its number.
    pub n: u64,
    /// Records before it, since the ledger began.
    pub records: u64,
    /// When it was signed (RFC 3339).
    pub at: String,
    /// The hash of its line.
    pub hash: Hash,
}

impl Head {
    /// Reads the line of a head, with or without its line feed. Only its form is checked: whether the signature is good
    /// shows in the file, where the lines before it are.
    ///
    /// # Errors
    /// It is not the line of a head.
    pub fn read(text: &[u8]) -> Result<Self, NotAHead> {
        let text = text.strip_suffix(b"\n").unwrap_or(text);
        let (hashed, hash) = line::split_chain(text).ok_or(NotAHead)?;
        line::split_signature(hashed).ok_or(NotAHead)?;
        let claims: HeadClaims = serde_json::from_slice(text).map_err(|_| NotAHead)?;
        if !claims.head || claims.n > N_MAX {
            return Err(NotAHead);
        }
        Ok(Self {
            n: claims.n,
            records: claims.records,
            at: claims.at,
            hash,
        })
    }
}

/// Bytes that are no signed head.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("not one line {{\"n\":..,\"head\":true,..,\"signature\":\"..\",\"chain\":\"..\"}}")]
pub struct NotAHead;

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{Chain, SigningKey};
    use std::time::SystemTime;

    #[test]
    fn a_head_is_read_as_it_was_written() {
        let mut line = Vec::new();
        let head = Chain::default().head(
            &SigningKey::from_seed(&[1; 32]),
            SystemTime::UNIX_EPOCH,
            &mut line,
        );

        assert_eq!(Head::read(&line), Ok(head));
        for cut in 0..line.len() - 1 {
            assert_eq!(Head::read(&line[..cut]), Err(NotAHead));
        }
    }

    #[test]
    fn a_record_is_no_head() {
        let mut line = Vec::new();
        Chain::default().append(b"{\"head\":true}", &mut line).unwrap();
        assert_eq!(Head::read(&line), Err(NotAHead));
    }
}
