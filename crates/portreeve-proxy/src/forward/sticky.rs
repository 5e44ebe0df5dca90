//! The cookie by which a client stays with its backend. It names the backend by a key that only we can read, and only we
//! can write: a client can neither learn who serves it nor choose.

use std::fmt;
use std::fmt::Write as _;

use hmac::{Hmac, KeyInit, Mac};
use portreeve_model::plan::StickyPlan;
use portreeve_model::{RequestView, cookies};
use sha2::Sha256;

/// What sticky cookies are sealed with: the same in every process that is to understand them.
#[derive(Clone)]
pub struct StickySecret([u8; 32]);

impl StickySecret {
    /// Random bytes.
    #[must_use]
    pub fn new(bytes: [u8; 32]) -> Self {
        Self(bytes)
    }

    /// The key that a request's cookie names, if one of ours does.
    pub(crate) fn read(&self, plan: &StickyPlan, pool: &str, request: &dyn RequestView) -> Option<u64> {
        let mut key = None;
        request.any_field("cookie", &mut |line| {
            key = cookies(line, &plan.cookie).find_map(|value| self.open(pool, value));
            key.is_some()
        });
        key
    }

    /// What `Set-Cookie` says, so that the client comes back to the backend of that key (RFC 6265).
    pub(crate) fn write(&self, plan: &StickyPlan, pool: &str, key: u64) -> String {
        let mut line = format!(
            "{}={}; Path=/; HttpOnly; SameSite=Lax",
            plan.cookie,
            self.seal(pool, key)
        );
        if let Some(age) = plan.max_age {
            let _ = write!(line, "; Max-Age={}", age.as_secs());
        }
        if plan.is_secure {
            line.push_str("; Secure");
        }
        line
    }

    /// A tag over pool and key, and the key under a mask made of the tag (as in RFC 5297: the tag is the nonce).
    fn seal(&self, pool: &str, key: u64) -> String {
        let tag = self.digest(&[b"tag", pool.as_bytes(), &key.to_be_bytes()]);
        let masked = key ^ self.digest(&[b"mask", pool.as_bytes(), &tag.to_be_bytes()]);
        format!("{tag:016x}{masked:016x}")
    }

    fn open(&self, pool: &str, value: &[u8]) -> Option<u64> {
        let text = std::str::from_utf8(value).ok().filter(|text| text.len() == 32)?;
        let (tag, masked) = text.split_at_checked(16)?;
        let tag = u64::from_str_radix(tag, 16).ok()?;
        let key = u64::from_str_radix(masked, 16).ok()?
            ^ self.digest(&[b"mask", pool.as_bytes(), &tag.to_be_bytes()]);
        // What an attacker could learn from the time this takes is a tag for a key that he does not know.
        (self.digest(&[b"tag", pool.as_bytes(), &key.to_be_bytes()]) == tag).then_some(key)
    }

    /// The first 8 bytes of HMAC-SHA-256 (RFC 2104) over the parts, each behind its length.
    fn digest(&self, parts: &[&[u8]]) -> u64 {
        let mut mac = Hmac::<Sha256>::new_from_slice(&self.0).expect("HMAC takes keys of any length");
        for part in parts {
            mac.update(&(part.len() as u64).to_be_bytes());
            mac.update(part);
        }
        let bytes = mac.finalize().into_bytes();
        bytes[..8]
            .iter()
            .fold(0, |number, byte| number << 8 | u64::from(*byte))
    }
}

impl fmt::Debug for StickySecret {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.write_str("StickySecret(..)")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn secret() -> StickySecret {
        StickySecret::new([7; 32])
    }

    #[test]
    fn what_was_sealed_opens_and_says_nothing() {
        let sealed = secret().seal("api", 0x0123_4567_89ab_cdef);
        assert_eq!(
            secret().open("api", sealed.as_bytes()),
            Some(0x0123_4567_89ab_cdef)
        );
        assert!(!sealed.contains("89abcdef"));
        assert_eq!(sealed, secret().seal("api", 0x0123_4567_89ab_cdef));
    }

    #[test]
    fn nothing_else_opens() {
        let sealed = secret().seal("api", 42);
        assert_eq!(secret().open("web", sealed.as_bytes()), None);
        assert_eq!(StickySecret::new([8; 32]).open("api", sealed.as_bytes()), None);
        for at in 0..sealed.len() {
            let mut forged = sealed.clone().into_bytes();
            forged[at] = if forged[at] == b'0' { b'1' } else { b'0' };
            assert_eq!(secret().open("api", &forged), None, "byte {at}");
        }
        for odd in ["", "00", "+000000000000000+000000000000000", "é"] {
            assert_eq!(secret().open("api", odd.as_bytes()), None, "{odd}");
        }
        assert_eq!(secret().open("api", &[0xff; 32]), None);
    }

    #[test]
    fn a_secret_shows_itself_to_nobody() {
        assert_eq!(format!("{:?}", secret()), "StickySecret(..)");
    }
}
