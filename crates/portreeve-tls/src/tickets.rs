//! Tickets by which clients resume sessions.

use std::fmt;
use std::sync::{PoisonError, RwLock};
use std::time::{Duration, Instant};

use aws_lc_rs::aead::{AES_256_GCM, Aad, NONCE_LEN, Nonce, RandomizedNonceKey};
use aws_lc_rs::rand;
use rustls::server::ProducesTickets;

/// Makes and opens tickets (RFC 5077 section 4, RFC 8446 section 4.6.1): AES-256-GCM under a key that nobody else has
/// and that is never written anywhere. The key is changed at half of a ticket's life, and opens what it sealed until
/// the end of it: a ticket is good for at least half of its life and at most all of it.
pub(crate) struct Tickets {
    half_life: Duration,
    keys: RwLock<Keys>,
}

struct Keys {
    current: RandomizedNonceKey,
    /// Good until then.
    previous: Option<(RandomizedNonceKey, Instant)>,
    since: Instant,
}

impl Tickets {
    /// Tickets that are good for so long; at most a week, as RFC 8446 has it. `None` if it is under two seconds, or the
    /// system gives no random bytes: nothing is resumed then.
    pub(crate) fn lasting(life: Duration) -> Option<Self> {
        let half_life = life.min(LIFE_MAX) / 2;
        let keys = RwLock::new(Keys::first(Instant::now())?);
        (half_life >= HALF_LIFE_MIN).then_some(Self { half_life, keys })
    }

    fn seal(&self, plain: &[u8], now: Instant) -> Option<Vec<u8>> {
        self.turn(now);
        let keys = self.keys.read().unwrap_or_else(PoisonError::into_inner);
        let mut sealed = plain.to_vec();
        let nonce = keys
            .current
            .seal_in_place_append_tag(Aad::empty(), &mut sealed)
            .ok()?;
        sealed.extend_from_slice(nonce.as_ref());
        Some(sealed)
    }

    fn open(&self, ticket: &[u8], now: Instant) -> Option<Vec<u8>> {
        self.turn(now);
        let keys = self.keys.read().unwrap_or_else(PoisonError::into_inner);
        let opened = opened(&keys.current, ticket);
        let previous = keys.previous.as_ref().filter(|(_, until)| now < *until);
        opened.or_else(|| previous.and_then(|(key, _)| self::opened(key, ticket)))
    }

    /// Changes the keys if it is time.
    pub(crate) fn turn(&self, now: Instant) {
        let age = |keys: &Keys| now.saturating_duration_since(keys.since);
        if age(&self.keys.read().unwrap_or_else(PoisonError::into_inner)) < self.half_life {
            return;
        }
        let mut keys = self.keys.write().unwrap_or_else(PoisonError::into_inner);
        if age(&keys) >= self.half_life {
            keys.turn(now, self.half_life * 2);
        }
    }
}

impl Keys {
    fn first(now: Instant) -> Option<Self> {
        Some(Self {
            current: fresh()?,
            previous: None,
            since: now,
        })
    }

    /// The next key, if there is one; the one before it stays for as long as its tickets may be good.
    fn turn(&mut self, now: Instant, life: Duration) {
        let Some(next) = fresh() else { return };
        let before = std::mem::replace(&mut self.current, next);
        let until = self.since + life;
        self.previous = (now < until).then_some((before, until));
        self.since = now;
    }
}

impl ProducesTickets for Tickets {
    fn enabled(&self) -> bool {
        true
    }

    fn lifetime(&self) -> u32 {
        u32::try_from(self.half_life.as_secs() * 2).unwrap_or(u32::MAX)
    }

    fn encrypt(&self, plain: &[u8]) -> Option<Vec<u8>> {
        self.seal(plain, Instant::now())
    }

    fn decrypt(&self, cipher: &[u8]) -> Option<Vec<u8>> {
        self.open(cipher, Instant::now())
    }
}

impl fmt::Debug for Tickets {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.debug_struct("Tickets")
            .field("half_life", &self.half_life)
            .finish_non_exhaustive()
    }
}

fn fresh() -> Option<RandomizedNonceKey> {
    let mut key = [0_u8; 32];
    rand::fill(&mut key).ok()?;
    RandomizedNonceKey::new(&AES_256_GCM, &key).ok()
}

fn opened(key: &RandomizedNonceKey, ticket: &[u8]) -> Option<Vec<u8>> {
    let (sealed, nonce) = ticket.split_last_chunk::<NONCE_LEN>()?;
    let mut plain = sealed.to_vec();
    let bytes = key
        .open_in_place(Nonce::from(nonce), Aad::empty(), &mut plain)
        .ok()?
        .len();
    plain.truncate(bytes);
    Some(plain)
}

const LIFE_MAX: Duration = Duration::from_secs(7 * 24 * 3_600);
const HALF_LIFE_MIN: Duration = Duration::from_secs(1);
