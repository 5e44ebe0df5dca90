//! A link of the chain.

use std::fmt;
use std::str::FromStr;

use sha2::{Digest as _, Sha256};

use crate::hex;

/// SHA-256 (FIPS 180-4) over all that came before, link by link. Shown as 64 lower-case hexadecimal digits.
#[derive(Clone, Copy, PartialEq, Eq)]
pub struct Hash(pub(crate) [u8; 32]);

impl Hash {
    /// What stands before the first line of the first file.
    pub const ZERO: Self = Self([0; 32]);

    /// The link that follows this one: SHA-256 over its 32 bytes and then `bytes`.
    #[must_use]
    pub fn then(&self, bytes: &[u8]) -> Self {
        let digest = Sha256::new().chain_update(self.0).chain_update(bytes);
        Self(digest.finalize().into())
    }

    /// The 32 bytes.
    #[must_use]
    pub fn as_bytes(&self) -> &[u8; 32] {
        &self.0
    }
}

impl FromStr for Hash {
    type Err = NotAHash;

    fn from_str(text: &str) -> Result<Self, NotAHash> {
        hex::read(text.as_bytes()).map(Self).ok_or(NotAHash)
    }
}

impl fmt::Display for Hash {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&hex::text(&self.0))
    }
}

impl fmt::Debug for Hash {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

/// Not 64 lower-case hexadecimal digits.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("not 64 lower-case hexadecimal digits")]
pub struct NotAHash;

#[cfg(test)]
mod tests {
    use super::*;

    /// The example of FIPS 180-4: "abc".
    #[test]
    fn the_hash_is_sha_256() {
        let digest: [u8; 32] = Sha256::digest(b"abc").into();
        assert_eq!(
            hex::text(&digest),
            "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad"
        );
    }

    #[test]
    fn a_link_hangs_on_the_one_before() {
        let link = Hash::ZERO.then(b"a");
        assert_ne!(link.then(b"b"), Hash::ZERO.then(b"b"));
        assert_eq!(link.to_string().parse(), Ok(link));
    }
}
