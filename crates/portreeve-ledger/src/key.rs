//! The keys that sign heads and prove them: Ed25519 (RFC 8032).

use std::fmt;
use std::str::FromStr;

use ed25519_dalek::{Signature, Signer as _, VerifyingKey};

use crate::Hash;
use crate::hex;

/// Signs heads. Its text is a secret; `Debug` shows the public half only, and its memory is wiped when it goes.
pub struct SigningKey(ed25519_dalek::SigningKey);

impl SigningKey {
    /// The key that grows from 32 random bytes.
    #[must_use]
    pub fn from_seed(seed: &[u8; 32]) -> Self {
        Self(ed25519_dalek::SigningKey::from_bytes(seed))
    }

    /// Reads what [`to_text`](Self::to_text) wrote.
    ///
    /// # Errors
    /// The text is not that of a key, or its public half is not that of its secret: it was damaged.
    pub fn parse(text: &str) -> Result<Self, NotAKey> {
        let mut lines = text.lines();
        let secret = lines.next().and_then(|line| line.strip_prefix(SECRET));
        let public = lines.next().and_then(|line| line.strip_prefix(PUBLIC));
        let (Some(secret), Some(public), None) = (secret, public, lines.next()) else {
            return Err(NotAKey::Shape);
        };
        let key = Self::from_seed(&hex::read(secret.as_bytes()).ok_or(NotAKey::Shape)?);
        match key.public().to_string() == public {
            true => Ok(key),
            false => Err(NotAKey::Halves),
        }
    }

    /// The key as two lines of text, `secret` and `public` with 64 hexadecimal digits each.
    #[must_use]
    pub fn to_text(&self) -> String {
        format!(
            "{SECRET}{}\n{PUBLIC}{}\n",
            hex::text(self.0.as_bytes()),
            self.public()
        )
    }

    /// Its public half.
    #[must_use]
    pub fn public(&self) -> PublicKey {
        PublicKey(self.0.verifying_key())
    }

    pub(crate) fn sign(&self, hash: &Hash) -> [u8; 64] {
        self.0.sign(hash.as_bytes()).to_bytes()
    }
}

impl fmt::Debug for SigningKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "SigningKey(public {})", self.public())
    }
}

/// Proves what its [`SigningKey`] signed. Shown as 64 lower-case hexadecimal digits.
#[derive(Clone, Copy, PartialEq, Eq)]
pub struct PublicKey(VerifyingKey);

impl PublicKey {
    /// Whether `signature` is of this key, by the strict rules of RFC 8032, which leave it one spelling.
    pub(crate) fn proves(&self, hash: &Hash, signature: &[u8; 64]) -> bool {
        let signature = Signature::from_bytes(signature);
        self.0.verify_strict(hash.as_bytes(), &signature).is_ok()
    }
}

impl FromStr for PublicKey {
    type Err = NotAKey;

    fn from_str(text: &str) -> Result<Self, NotAKey> {
        let bytes = hex::read(text.as_bytes()).ok_or(NotAKey::Digits)?;
        VerifyingKey::from_bytes(&bytes)
            .map(Self)
            .map_err(|_| NotAKey::Point)
    }
}

impl fmt::Display for PublicKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&hex::text(self.0.as_bytes()))
    }
}

impl fmt::Debug for PublicKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

/// A text that is no key. It never shows the text: that might be a secret.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum NotAKey {
    /// Not the two lines of a signing key.
    #[error("it is not the two lines `secret` and `public` with 64 lower-case hexadecimal digits each")]
    Shape,
    /// The public half is that of another secret.
    #[error("its public half does not belong to its secret: it was damaged or edited")]
    Halves,
    /// Not the digits of a public key.
    #[error("a public key is 64 lower-case hexadecimal digits")]
    Digits,
    /// The digits are no point of the curve.
    #[error("these digits are no Ed25519 public key")]
    Point,
}

const SECRET: &str = "secret ";
const PUBLIC: &str = "public ";

#[cfg(test)]
mod tests {
    use super::*;

    /// RFC 8032, section 7.1, test 1.
    #[test]
    fn the_keys_are_ed25519() {
        let seed = hex::read(b"9d61b19deffd5a60ba844af492ec2cc44449c5697b326919703bac031cae7f60").unwrap();
        assert_eq!(
            SigningKey::from_seed(&seed).public().to_string(),
            "d75a980182b10ab7d54bfed3c964073a0ee172f3daa62325af021a68f707511a"
        );
    }

    #[test]
    fn a_key_is_read_as_it_was_written() {
        let key = SigningKey::from_seed(&[7; 32]);
        assert_eq!(SigningKey::parse(&key.to_text()).unwrap().public(), key.public());
    }

    #[test]
    fn a_damaged_key_is_refused() {
        let text = SigningKey::from_seed(&[7; 32]).to_text();
        let other = SigningKey::from_seed(&[8; 32]).to_text();
        let mixed = [text.lines().next().unwrap(), other.lines().nth(1).unwrap()].join("\n");

        assert_eq!(SigningKey::parse(&mixed).unwrap_err(), NotAKey::Halves);
        for wrong in [
            "",
            "secret 12\npublic 34\n",
            &text[1..],
            &format!("{text}x"),
            &text[..80],
        ] {
            assert!(SigningKey::parse(wrong).is_err(), "{wrong}");
        }
    }

    #[test]
    fn the_secret_is_not_shown() {
        let key = SigningKey::from_seed(&[7; 32]);
        assert!(!format!("{key:?}").contains(&"07".repeat(32)));
    }

    #[test]
    fn a_signature_proves_one_thing_by_one_key() {
        let (key, hash) = (SigningKey::from_seed(&[7; 32]), Hash::ZERO.then(b"all"));
        let signature = key.sign(&hash);

        assert!(key.public().proves(&hash, &signature));
        assert!(!key.public().proves(&Hash::ZERO, &signature));
        assert!(!SigningKey::from_seed(&[8; 32]).public().proves(&hash, &signature));
    }
}
