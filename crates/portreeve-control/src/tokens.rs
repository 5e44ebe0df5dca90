//! The tokens that were given out.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use portreeve_model::plan::{Name, Network, SanPattern};
use portreeve_model::{Moment, PolicyScope, Token, TokenId};

use crate::credentials::{Digest, Secret, parse, random_id};
use crate::refused::TokenFault;
use crate::store::{Entry, EntryKey, KeptToken, Write};

/// What a token shall allow.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TokenWish {
    /// In these pools; empty: in any.
    pub pools: Vec<Name>,
    /// With these policies.
    pub policies: PolicyScope,
    /// With addresses in these networks; empty: with the sender's own address only.
    pub networks: Vec<Network>,
    /// With at most this weight, 1 to 1,000.
    pub weight_max: u16,
    /// With at most this time between heartbeats; `None`: as the pool allows.
    pub ttl_max: Option<Duration>,
    /// For this long; `None`: until it is revoked.
    pub expires_in: Option<Duration>,
}

/// A token as it is shown to whoever asked for it. Its debug form does not show the secret.
#[derive(Clone, PartialEq, Eq)]
pub struct NewToken {
    /// What it allows.
    pub token: Arc<Token>,
    /// All of it, `ptv_<id>_<secret>`: shown now and never again.
    pub shown: String,
    /// Whether the store has it; else it is gone after a restart.
    pub is_stored: bool,
}

impl fmt::Debug for NewToken {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.debug_struct("NewToken")
            .field("token", &self.token)
            .field("shown", &"…")
            .field("is_stored", &self.is_stored)
            .finish()
    }
}

/// A token without a secret: it is for clients that show a certificate.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NewCertificateToken {
    /// What it allows, and whom.
    pub token: Arc<Token>,
    /// Whether the store has it; else it is gone after a restart.
    pub is_stored: bool,
}

/// A token as it is listed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TokenState {
    /// What it allows.
    pub token: Arc<Token>,
    /// Since when there is it, in milliseconds since 1970.
    pub created_unix_ms: u64,
    /// Whether it has run out.
    pub is_expired: bool,
}

/// The tokens that were given out, with the digests of their secrets.
#[derive(Debug, Default)]
pub(crate) struct Tokens {
    known: BTreeMap<TokenId, KeptToken>,
    /// Those of them that are for certificates.
    for_certificates: BTreeSet<TokenId>,
    /// When the next one runs out, in milliseconds since 1970.
    next_end: Option<u64>,
    writes: Vec<Write>,
}

impl Tokens {
    /// Takes in what was kept.
    pub(crate) fn restore(&mut self, kept: impl IntoIterator<Item = KeptToken>, at: Moment) {
        kept.into_iter().for_each(|kept| self.know(kept));
        self.plan_next_end(at);
    }

    /// Whose token this is; `None` if it is none of ours. One that has run out is still known.
    pub(crate) fn recognise(&self, shown: &str) -> Option<Arc<Token>> {
        let (id, secret) = parse(shown)?;
        let kept = self.known.get(id)?;
        let digest = kept.digest.as_ref()?;
        digest.is_of(&secret).then(|| Arc::clone(&kept.token))
    }

    /// The tokens that are for a certificate with these names, the one that says most of it first. If all have run out,
    /// only the first. Of more names than [`NAMES_MAX`] the others say nothing.
    pub(crate) fn entitling(&self, names: &[Box<str>], at: Moment) -> Vec<Arc<Token>> {
        let names = &names[..names.len().min(NAMES_MAX)];
        let all = self.for_certificates.iter().filter_map(|id| self.known.get(id));
        let mut found: Vec<_> = all.filter(|kept| is_for(&kept.token, names)).collect();
        found.sort_by_cached_key(|kept| (kept.token.is_expired(at.unix_ms), precedence(kept)));
        let valid = found.partition_point(|kept| !kept.token.is_expired(at.unix_ms));
        found.truncate(valid.max(1));
        found.into_iter().map(|kept| Arc::clone(&kept.token)).collect()
    }

    /// Makes one with a secret. The text is what to show, once.
    pub(crate) fn create(&mut self, wish: TokenWish, at: Moment) -> Result<(Arc<Token>, String), TokenFault> {
        let secret = Secret::random().map_err(no_randomness)?;
        let token = self.add(wish, None, Some(secret.digest()), at)?;
        let shown = secret.shown(&token.id);
        Ok((token, shown))
    }

    /// Makes one for clients with such a certificate.
    pub(crate) fn create_for(
        &mut self,
        certificate: SanPattern,
        wish: TokenWish,
        at: Moment,
    ) -> Result<Arc<Token>, TokenFault> {
        if self.for_certificates.len() >= FOR_CERTIFICATES_MAX {
            return Err(TokenFault::TooMany {
                max: FOR_CERTIFICATES_MAX,
            });
        }
        self.add(wish, Some(certificate), None, at)
    }

    fn add(
        &mut self,
        wish: TokenWish,
        certificate: Option<SanPattern>,
        digest: Option<Digest>,
        at: Moment,
    ) -> Result<Arc<Token>, TokenFault> {
        let expires_unix_ms = wish.end(at)?;
        self.make_room(at)?;
        let id = random_id().map_err(no_randomness)?;
        let token = Arc::new(wish.token(id, certificate, expires_unix_ms));
        let kept = KeptToken {
            token: Arc::clone(&token),
            digest,
            created_unix_ms: at.unix_ms,
        };
        self.writes.push(Write::put(Entry::Token(kept.clone())));
        self.know(kept);
        self.next_end = self.next_end.into_iter().chain(expires_unix_ms).min();
        Ok(token)
    }

    fn know(&mut self, kept: KeptToken) {
        let id = Arc::clone(&kept.token.id);
        if kept.token.certificate.is_some() {
            self.for_certificates.insert(Arc::clone(&id));
        }
        self.known.insert(id, kept);
    }

    /// Forgets one; whether it was known.
    pub(crate) fn revoke(&mut self, id: &TokenId) -> bool {
        let is_known = self.known.remove(id).is_some();
        if is_known {
            self.for_certificates.remove(id);
            self.writes.push(Write::delete(EntryKey::Token(Arc::clone(id))));
        }
        is_known
    }

    /// Whether it is known and has not run out.
    pub(crate) fn has_valid(&self, id: &TokenId, at: Moment) -> bool {
        let kept = self.known.get(id);
        kept.is_some_and(|kept| !kept.token.is_expired(at.unix_ms))
    }

    /// All of them, by their ids.
    pub(crate) fn states(&self, at: Moment) -> Vec<TokenState> {
        let states = self.known.values().map(|kept| TokenState {
            token: Arc::clone(&kept.token),
            created_unix_ms: kept.created_unix_ms,
            is_expired: kept.token.is_expired(at.unix_ms),
        });
        states.collect()
    }

    /// Those that have run out, if one has since the last call; perhaps with others that ran out before.
    pub(crate) fn take_expired(&mut self, at: Moment) -> Vec<TokenId> {
        if self.next_end.is_none_or(|end| at.unix_ms < end) {
            return Vec::new();
        }
        self.plan_next_end(at);
        self.expired(at)
    }

    /// What the store has to do since the last call.
    pub(crate) fn take_writes(&mut self) -> Vec<Write> {
        std::mem::take(&mut self.writes)
    }

    fn expired(&self, at: Moment) -> Vec<TokenId> {
        let tokens = self.known.values().map(|kept| &kept.token);
        let expired = tokens.filter(|token| token.is_expired(at.unix_ms));
        expired.map(|token| Arc::clone(&token.id)).collect()
    }

    /// Forgets those that have run out if there are too many.
    fn make_room(&mut self, at: Moment) -> Result<(), TokenFault> {
        if self.known.len() < TOKENS_MAX {
            return Ok(());
        }
        for id in self.expired(at) {
            self.revoke(&id);
        }
        if self.known.len() < TOKENS_MAX {
            return Ok(());
        }
        Err(TokenFault::TooMany { max: TOKENS_MAX })
    }

    fn plan_next_end(&mut self, at: Moment) {
        let ends = self.known.values().filter_map(|kept| kept.token.expires_unix_ms);
        self.next_end = ends.filter(|end| *end > at.unix_ms).min();
    }
}

impl TokenWish {
    fn end(&self, at: Moment) -> Result<Option<u64>, TokenFault> {
        if !(1..=WEIGHT_MAX).contains(&self.weight_max) {
            return Err(TokenFault::WeightMax {
                asked: self.weight_max,
            });
        }
        if self.ttl_max.is_some_and(|ttl| ttl.is_zero()) {
            return Err(TokenFault::TtlMax);
        }
        let Some(lifetime) = self.expires_in else {
            return Ok(None);
        };
        let millis = u64::try_from(lifetime.as_millis())
            .ok()
            .filter(|millis| *millis > 0);
        let end = millis.and_then(|millis| at.unix_ms.checked_add(millis));
        end.map(Some).ok_or(TokenFault::Expires)
    }

    fn token(self, id: TokenId, certificate: Option<SanPattern>, expires_unix_ms: Option<u64>) -> Token {
        Token {
            id,
            certificate,
            pools: self.pools,
            policies: self.policies,
            networks: self.networks,
            weight_max: self.weight_max,
            ttl_max: self.ttl_max,
            expires_unix_ms,
        }
    }
}

fn is_for(token: &Token, names: &[Box<str>]) -> bool {
    let pattern = token.certificate.as_ref();
    pattern.is_some_and(|pattern| names.iter().any(|name| pattern.matches(name)))
}

/// What says more of a certificate comes first, then what was made first.
fn precedence(kept: &KeptToken) -> impl Ord + use<> {
    let pattern = kept.token.certificate.as_ref().map(SanPattern::precedence);
    (pattern, kept.created_unix_ms, Arc::clone(&kept.token.id))
}

fn no_randomness(error: getrandom::Error) -> TokenFault {
    TokenFault::NoRandomness {
        reason: error.to_string(),
    }
}

/// Tokens at once.
const TOKENS_MAX: usize = 10_000;
/// Of them for certificates: each is held against every certificate that is shown without a token.
const FOR_CERTIFICATES_MAX: usize = 1_000;
/// Names of a certificate that are looked at.
pub(crate) const NAMES_MAX: usize = 64;
const WEIGHT_MAX: u16 = 1_000;

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing::{at_ms, wish};

    #[test]
    fn a_shown_token_is_recognised_and_a_forged_one_is_not() {
        let mut tokens = Tokens::default();
        let (token, shown) = tokens.create(wish(), at_ms(0)).unwrap();
        let (_, other) = tokens.create(wish(), at_ms(0)).unwrap();

        assert_eq!(tokens.recognise(&shown), Some(Arc::clone(&token)));
        let secret = other.rsplit_once('_').unwrap().1;
        assert_eq!(tokens.recognise(&format!("ptv_{}_{secret}", token.id)), None);
        assert_eq!(tokens.recognise("ptv_x"), None);
    }

    fn shown(names: &[&str]) -> Vec<Box<str>> {
        names.iter().map(|name| Box::from(*name)).collect()
    }

    fn make(tokens: &mut Tokens, pattern: &str, expires_in: Option<u64>, now: u64) -> TokenId {
        let wish = TokenWish {
            expires_in: expires_in.map(Duration::from_millis),
            ..wish()
        };
        let made = tokens.create_for(pattern.parse().unwrap(), wish, at_ms(now));
        Arc::clone(&made.unwrap().id)
    }

    fn entitling(tokens: &Tokens, names: &[&str], now: u64) -> Vec<TokenId> {
        let found = tokens.entitling(&shown(names), at_ms(now));
        found.iter().map(|token| Arc::clone(&token.id)).collect()
    }

    #[test]
    fn the_tokens_for_a_certificate_come_in_the_order_of_how_much_they_say_of_it() {
        let mut tokens = Tokens::default();
        let wide = make(&mut tokens, "URI:spiffe://a/*", None, 0);
        let later = make(&mut tokens, "URI:spiffe://a/eu/*", None, 2);
        let earlier = make(&mut tokens, "URI:spiffe://a/eu/*", None, 1);
        let exact = make(&mut tokens, "DNS:a.test", None, 3);
        make(&mut tokens, "URI:spiffe://b/*", None, 0);

        let names = ["URI:spiffe://a/eu/1", "DNS:a.test"];

        assert_eq!(
            entitling(&tokens, &names, 4),
            [exact, earlier, later, wide.clone()]
        );
        assert_eq!(entitling(&tokens, &["URI:spiffe://a/us"], 4), [wide]);
        assert_eq!(entitling(&tokens, &[], 4), [] as [TokenId; 0]);
    }

    #[test]
    fn a_token_for_a_certificate_that_ran_out_entitles_nobody_and_is_told_of_where_no_other_is() {
        let mut tokens = Tokens::default();
        let brief = make(&mut tokens, "DNS:a.test", Some(10), 0);
        assert_eq!(entitling(&tokens, &["DNS:a.test"], 10), [brief]);

        let wide = make(&mut tokens, "DNS:*.test", None, 0);

        assert_eq!(entitling(&tokens, &["DNS:a.test"], 10), [wide]);
    }

    #[test]
    fn a_revoked_token_entitles_nobody() {
        let mut tokens = Tokens::default();
        let id = make(&mut tokens, "DNS:a.test", None, 0);
        assert!(tokens.revoke(&id));
        assert_eq!(entitling(&tokens, &["DNS:a.test"], 0), [] as [TokenId; 0]);
    }

    #[test]
    fn a_token_for_a_certificate_has_no_secret_that_could_be_shown() {
        let mut tokens = Tokens::default();
        let id = make(&mut tokens, "DNS:a.test", None, 0);
        for secret in [
            "0".repeat(64),
            "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855".to_owned(),
        ] {
            assert_eq!(tokens.recognise(&format!("ptv_{id}_{secret}")), None);
        }
    }

    #[test]
    fn names_beyond_the_bound_say_nothing() {
        let mut tokens = Tokens::default();
        make(&mut tokens, "DNS:last.test", None, 0);
        let names: Vec<String> = (0..NAMES_MAX).map(|place| format!("DNS:{place}.test")).collect();
        let mut names: Vec<&str> = names.iter().map(String::as_str).collect();
        names.push("DNS:last.test");
        assert_eq!(entitling(&tokens, &names, 0), [] as [TokenId; 0]);
        assert_eq!(entitling(&tokens, &names[1..], 0).len(), 1);
    }

    #[test]
    fn tokens_for_certificates_have_a_bound_of_their_own() {
        let mut tokens = Tokens::default();
        for _ in 0..FOR_CERTIFICATES_MAX {
            make(&mut tokens, "DNS:a.test", None, 0);
        }
        let full = tokens.create_for("DNS:a.test".parse().unwrap(), wish(), at_ms(0));
        assert_eq!(
            full,
            Err(TokenFault::TooMany {
                max: FOR_CERTIFICATES_MAX
            })
        );
        tokens.create(wish(), at_ms(0)).unwrap();
    }

    #[test]
    fn a_revoked_token_is_not_recognised() {
        let mut tokens = Tokens::default();
        let (token, shown) = tokens.create(wish(), at_ms(0)).unwrap();

        assert!(tokens.revoke(&token.id));

        assert_eq!(tokens.recognise(&shown), None);
        assert!(!tokens.revoke(&token.id));
        assert_eq!(tokens.take_writes().len(), 2);
    }

    #[test]
    fn each_end_is_told_when_it_comes() {
        let mut tokens = Tokens::default();
        let mut lasting = |millis| {
            let expires_in = Some(Duration::from_millis(millis));
            let (token, _) = tokens
                .create(TokenWish { expires_in, ..wish() }, at_ms(0))
                .unwrap();
            Arc::clone(&token.id)
        };
        let (long, short) = (lasting(2_000), lasting(1_000));

        assert_eq!(tokens.take_expired(at_ms(999)), [] as [TokenId; 0]);
        assert_eq!(tokens.take_expired(at_ms(1_000)), [short]);
        assert_eq!(tokens.take_expired(at_ms(1_999)), [] as [TokenId; 0]);
        assert!(tokens.take_expired(at_ms(2_000)).contains(&long));
        assert!(tokens.states(at_ms(2_000)).iter().all(|state| state.is_expired));
    }

    #[test]
    fn what_was_kept_is_recognised_again() {
        let mut tokens = Tokens::default();
        let (_, shown) = tokens.create(wish(), at_ms(0)).unwrap();
        let kept = tokens.known.values().cloned().collect::<Vec<_>>();

        let mut restored = Tokens::default();
        restored.restore(kept, at_ms(1));

        assert!(restored.recognise(&shown).is_some());
        assert!(restored.take_writes().is_empty());
    }

    #[test]
    fn impossible_wishes_are_refused() {
        let refused = |wish| Tokens::default().create(wish, at_ms(5)).unwrap_err();
        for weight_max in [0, 1_001] {
            let fault = refused(TokenWish { weight_max, ..wish() });
            assert_eq!(fault, TokenFault::WeightMax { asked: weight_max });
        }
        for lifetime in [Duration::ZERO, Duration::MAX] {
            let expires_in = Some(lifetime);
            assert_eq!(refused(TokenWish { expires_in, ..wish() }), TokenFault::Expires);
        }
        let ttl_max = Some(Duration::ZERO);
        assert_eq!(refused(TokenWish { ttl_max, ..wish() }), TokenFault::TtlMax);
    }

    #[test]
    fn expired_tokens_make_room() {
        let mut tokens = Tokens::default();
        let expires_in = Some(Duration::from_millis(1));
        tokens
            .create(TokenWish { expires_in, ..wish() }, at_ms(0))
            .unwrap();
        while tokens.known.len() < TOKENS_MAX {
            tokens.create(wish(), at_ms(0)).unwrap();
        }

        let full = tokens.create(wish(), at_ms(0)).unwrap_err();
        assert_eq!(full, TokenFault::TooMany { max: TOKENS_MAX });
        tokens.create(wish(), at_ms(1)).unwrap();
    }

    #[test]
    fn debug_output_does_not_show_the_secret() {
        let (token, shown) = Tokens::default().create(wish(), at_ms(0)).unwrap();
        let secret = shown.rsplit_once('_').unwrap().1.to_owned();
        let new = NewToken {
            token,
            shown,
            is_stored: true,
        };
        assert!(!format!("{new:?}").contains(&secret));
    }
}
