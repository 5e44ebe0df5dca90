//! Tickets by which clients resume sessions.

use std::fmt;
use std::sync::{Arc, PoisonError, RwLock};
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

/// Makes tickets, and takes none.
#[derive(Debug)]
pub(crate) struct Afresh(pub(crate) Arc<Tickets>);

impl ProducesTickets for Afresh {
    fn enabled(&self) -> bool {
        true
    }

    fn lifetime(&self) -> u32 {
        self.0.lifetime()
    }

    fn encrypt(&self, plain: &[u8]) -> Option<Vec<u8>> {
        self.0.encrypt(plain)
    }

    fn decrypt(&self, _: &[u8]) -> Option<Vec<u8>> {
        None
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

#[cfg(test)]
mod tests {
    use super::*;

    const LIFE: Duration = Duration::from_secs(12 * 3_600);

    #[test]
    fn a_ticket_opens_for_at_least_half_of_its_life_and_at_most_all_of_it() {
        let tickets = Tickets::lasting(LIFE).unwrap();
        let start = Instant::now();
        let early = tickets.seal(b"early", start).unwrap();
        let late = tickets
            .seal(b"late", start + LIFE / 2 - Duration::from_secs(1))
            .unwrap();
        assert_eq!(
            tickets.open(&early, start + LIFE / 2).as_deref(),
            Some(&b"early"[..])
        );
        assert_eq!(
            tickets
                .open(&late, start + LIFE - Duration::from_secs(1))
                .as_deref(),
            Some(&b"late"[..])
        );
        assert_eq!(tickets.open(&early, start + LIFE + Duration::from_secs(1)), None);
        assert_eq!(tickets.open(&late, start + LIFE + Duration::from_secs(1)), None);
    }

    #[test]
    fn a_ticket_of_long_silence_does_not_open() {
        let tickets = Tickets::lasting(LIFE).unwrap();
        let start = Instant::now();
        let ticket = tickets.seal(b"old", start).unwrap();
        assert_eq!(tickets.open(&ticket, start + LIFE * 3), None);
    }

    #[test]
    fn the_key_that_seals_is_another_one_after_half_of_a_life() {
        let tickets = Tickets::lasting(LIFE).unwrap();
        let start = Instant::now();
        let first = tickets.seal(b"a", start).unwrap();
        let second = tickets
            .seal(b"a", start + LIFE / 2 + Duration::from_secs(1))
            .unwrap();
        let end_of_first = start + LIFE + Duration::from_secs(2);
        assert_eq!(tickets.open(&first, end_of_first), None);
        assert_eq!(tickets.open(&second, end_of_first).as_deref(), Some(&b"a"[..]));
    }

    #[test]
    fn what_was_changed_or_is_anothers_does_not_open() {
        let tickets = Tickets::lasting(LIFE).unwrap();
        let now = Instant::now();
        let ticket = tickets.seal(b"whole", now).unwrap();
        for place in 0..ticket.len() {
            let mut changed = ticket.clone();
            changed[place] ^= 1;
            assert_eq!(tickets.open(&changed, now), None, "byte {place}");
        }
        for bytes in 0..ticket.len() {
            assert_eq!(tickets.open(&ticket[..bytes], now), None, "{bytes} bytes");
        }
        assert_eq!(Tickets::lasting(LIFE).unwrap().open(&ticket, now), None);
    }

    #[test]
    fn a_life_of_nothing_makes_no_tickets() {
        assert!(Tickets::lasting(Duration::ZERO).is_none());
        assert_eq!(
            Tickets::lasting(Duration::from_secs(3_600)).unwrap().lifetime(),
            3_600
        );
        assert_eq!(Tickets::lasting(LIFE * 100).unwrap().lifetime(), 7 * 24 * 3_600);
    }
}
