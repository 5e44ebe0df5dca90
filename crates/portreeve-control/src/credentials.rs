//! What whoever speaks to the door shows of itself, and the secrets of tokens.

use std::fmt;
use std::net::IpAddr;

use portreeve_model::{ShownCertificate, TokenId};
use sha2::{Digest as _, Sha256};
use subtle::ConstantTimeEq as _;

/// Who speaks. Its debug form does not show the token.
#[derive(Clone, Default)]
pub struct Credentials {
    /// The other end of the connection; `None` over a Unix socket.
    pub source: Option<IpAddr>,
    /// The token as it was shown when it was made: `ptv_<id>_<secret>`.
    pub token: Option<String>,
    /// The certificate that it has shown, verified by the handshake of the very connection that it speaks over. It
    /// counts where no token is shown.
    pub certificate: Option<ShownCertificate>,
}

impl fmt::Debug for Credentials {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.debug_struct("Credentials")
            .field("source", &self.source)
            .field("token", &self.token.as_ref().map(|_| "…"))
            .field("certificate", &self.certificate)
            .finish()
    }
}

/// 256 random bits, known to whoever holds the token and to nobody else.
pub(crate) struct Secret([u8; 32]);

impl Secret {
    /// A new one.
    pub(crate) fn random() -> Result<Self, getrandom::Error> {
        let mut bits = [0; 32];
        getrandom::fill(&mut bits)?;
        Ok(Self(bits))
    }

    /// What may be kept of it.
    pub(crate) fn digest(&self) -> Digest {
        Digest(Sha256::digest(self.0).into())
    }

    /// The token as it is shown, once, to whoever asked for it.
    pub(crate) fn shown(&self, id: &str) -> String {
        format!("{PREFIX}{id}_{}", hex(&self.0))
    }
}

/// A new public name of a token: 12 lower-case hex digits.
pub(crate) fn random_id() -> Result<TokenId, getrandom::Error> {
    let mut bits = [0; 6];
    getrandom::fill(&mut bits)?;
    Ok(hex(&bits).into())
}

/// Takes a shown token apart; `None` if it has not the form of one.
pub(crate) fn parse(shown: &str) -> Option<(&str, Secret)> {
    let (id, secret) = shown.strip_prefix(PREFIX)?.split_once('_')?;
    let is_id = (1..=ID_BYTES_MAX).contains(&id.len()) && id.bytes().all(|byte| byte.is_ascii_alphanumeric());
    if !is_id {
        return None;
    }
    Some((id, Secret(from_hex(secret)?)))
}

/// SHA-256 of a secret: tells the right one, and does not help to find it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Digest(pub(crate) [u8; 32]);

impl Digest {
    /// Whether it is that of this secret, in a time that does not depend on how much of it is right.
    pub(crate) fn is_of(&self, secret: &Secret) -> bool {
        secret.digest().0.ct_eq(&self.0).into()
    }

    /// 64 lower-case hex digits.
    pub(crate) fn to_hex(&self) -> String {
        hex(&self.0)
    }

    /// From 64 lower-case hex digits.
    pub(crate) fn from_hex(text: &str) -> Option<Self> {
        from_hex(text).map(Self)
    }
}

fn hex(bytes: &[u8]) -> String {
    let digits = bytes.iter().flat_map(|byte| [byte >> 4, byte & 15]);
    digits
        .map(|digit| char::from(DIGITS[usize::from(digit)]))
        .collect()
}

fn from_hex(text: &str) -> Option<[u8; 32]> {
    let digit = |digit: u8| match digit {
        b'0'..=b'9' => Some(digit - b'0'),
        b'a'..=b'f' => Some(digit - b'a' + 10),
        _ => None,
    };
    let digits: &[u8; 64] = text.as_bytes().try_into().ok()?;
    let mut bytes = [0; 32];
    for (byte, pair) in bytes.iter_mut().zip(digits.chunks_exact(2)) {
        *byte = digit(pair[0])? << 4 | digit(pair[1])?;
    }
    Some(bytes)
}

const PREFIX: &str = "ptv_";
const ID_BYTES_MAX: usize = 32;
const DIGITS: &[u8; 16] = b"0123456789abcdef";

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_was_shown_is_read_back() {
        let secret = Secret::random().unwrap();
        let shown = secret.shown("a1b2");

        let (id, read) = parse(&shown).unwrap();

        assert_eq!(id, "a1b2");
        assert!(secret.digest().is_of(&read));
    }

    #[test]
    fn a_secret_that_differs_by_a_bit_is_another() {
        let mut secret = Secret::random().unwrap();
        let digest = secret.digest();
        secret.0[31] ^= 1;
        assert!(!digest.is_of(&secret));
    }

    #[test]
    fn no_two_secrets_are_alike() {
        let (one, other) = (Secret::random().unwrap(), Secret::random().unwrap());
        assert_ne!(one.digest(), other.digest());
        assert_ne!(random_id().unwrap(), random_id().unwrap());
    }

    #[test]
    fn what_has_not_the_form_of_a_token_is_none() {
        let good = "0".repeat(64);
        let cases = [
            String::new(),
            format!("ptv_a_{}", "0".repeat(63)),
            format!("ptv_a_{good}0"),
            format!("ptv_a_{}", "A".repeat(64)),
            format!("ptv_a_{}", "é".repeat(32)),
            format!("ptv__{good}"),
            format!("ptv_{}_{good}", "a".repeat(33)),
            format!("ptv_a-b_{good}"),
            format!("xtv_a_{good}"),
        ];
        for case in cases {
            assert!(parse(&case).is_none(), "{case}");
        }
        assert!(parse(&format!("ptv_a_{good}")).is_some());
    }

    #[test]
    fn debug_output_does_not_show_the_token() {
        let credentials = Credentials {
            token: Some("ptv_a_secret".to_owned()),
            ..Credentials::default()
        };
        assert!(!format!("{credentials:?}").contains("secret"));
    }

    #[test]
    fn a_digest_survives_its_text() {
        let digest = Secret::random().unwrap().digest();
        assert_eq!(Digest::from_hex(&digest.to_hex()), Some(digest));
        assert_eq!(Digest::from_hex("00"), None);
    }
}
