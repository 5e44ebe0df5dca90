//! By what right somebody is heard: a token that it shows, those that are for the certificate that it has shown, or where
//! it is.

use std::time::Duration;

use portreeve_model::{MemberKey, Moment, RegistrationFault, Registry, Sender, ShownCertificate};

use super::World;
use crate::credentials::Credentials;
use crate::refused::Refused;

impl World {
    /// Does what somebody asks of `key`, by the first of its rights that suffices.
    ///
    /// # Errors
    /// The token is none of ours, or no right suffices: then what the first one lacks is told, of those for the pool.
    pub(super) fn heard<T>(
        &mut self,
        by: &Credentials,
        key: &MemberKey,
        at: Moment,
        act: impl Fn(&mut Registry, &Sender) -> Result<T, RegistrationFault>,
    ) -> Result<T, Refused> {
        let mut refused = None;
        for sender in self.senders(by, key, at)? {
            match act(&mut self.registry, &sender) {
                Ok(done) => return Ok(done),
                Err(fault) if says_more(&fault, &sender, refused.as_ref()) => refused = Some(fault),
                Err(_) => {}
            }
        }
        let fault = refused.expect("everybody is heard as somebody");
        let refused = told(fault, by, at);
        self.strangers.note(&refused, at);
        Err(refused)
    }

    /// As whom somebody may be heard, in the order in which that is tried. A token that is shown counts alone. The tokens
    /// for a certificate only ever add to what its holder may do: each may suffice, and so may having none. The one that
    /// the key is held by comes first, so that it stays with it.
    fn senders(&self, by: &Credentials, key: &MemberKey, at: Moment) -> Result<Vec<Sender>, Refused> {
        let source = by.source.map(|source| source.to_canonical());
        let anybody = Sender { source, token: None };
        if let Some(shown) = &by.token {
            let token = self.tokens.recognise(shown).ok_or(Refused::UnknownToken)?;
            return Ok(vec![Sender {
                token: Some(token),
                ..anybody
            }]);
        }
        let certificate = by.certificate.as_ref().filter(|shown| !is_over(shown, at));
        let mut tokens = certificate.map_or_else(Vec::new, |shown| self.tokens.entitling(&shown.names, at));
        let holder = self.registry.find(key).and_then(|member| member.token.as_ref());
        tokens.sort_by_key(|token| Some(&token.id) != holder);
        let entitled = tokens.into_iter().map(|token| Sender {
            source,
            token: Some(token),
        });
        Ok(entitled.chain([anybody]).collect())
    }
}

/// Whether it is to be told rather than what one of his other rights lacks: the first one is, unless it is for other pools
/// and another token says more.
fn says_more(fault: &RegistrationFault, sender: &Sender, known: Option<&RegistrationFault>) -> bool {
    let is_of_another_pool = |fault: &_| matches!(fault, RegistrationFault::PoolNotAllowed { .. });
    known
        .is_none_or(|known| sender.token.is_some() && is_of_another_pool(known) && !is_of_another_pool(fault))
}

/// What somebody is told who has shown a certificate and would need a token.
fn told(fault: RegistrationFault, by: &Credentials, at: Moment) -> Refused {
    let RegistrationFault::TokenNeeded { source } = fault else {
        return fault.into();
    };
    match by.certificate.as_ref().filter(|_| by.token.is_none()) {
        None => fault.into(),
        Some(shown) if is_over(shown, at) => Refused::CertificateExpired {
            since: Duration::from_millis(at.unix_ms - shown.until_unix_ms),
        },
        Some(shown) => Refused::UnknownCertificate {
            from: source,
            names: shown
                .names
                .iter()
                .take(NAMES_TOLD)
                .map(|name| shortened(name))
                .collect(),
        },
    }
}

fn is_over(certificate: &ShownCertificate, at: Moment) -> bool {
    at.unix_ms >= certificate.until_unix_ms
}

fn shortened(name: &str) -> String {
    match name.char_indices().nth(NAME_CHARS_TOLD) {
        Some((end, _)) => format!("{}…", &name[..end]),
        None => name.to_owned(),
    }
}

/// Those whose certificates give them no right: told of in the log, but not all of them.
#[derive(Debug, Default)]
pub(super) struct Strangers {
    silent_until_ms: u64,
    untold: u64,
}

impl Strangers {
    fn note(&mut self, refused: &Refused, at: Moment) {
        let is_of_certificate = matches!(
            refused,
            Refused::UnknownCertificate { .. } | Refused::CertificateExpired { .. }
        );
        if !is_of_certificate {
            return;
        }
        if at.unix_ms < self.silent_until_ms {
            self.untold += 1;
            return;
        }
        tracing::warn!(reason = %refused, others = self.untold, "a certificate gives no right to register");
        self.silent_until_ms = at.unix_ms.saturating_add(SILENCE_MS);
        self.untold = 0;
    }
}

/// How many names of a certificate are told to its holder, and how much of each.
const NAMES_TOLD: usize = 8;
const NAME_CHARS_TOLD: usize = 128;
const SILENCE_MS: u64 = 60_000;

#[cfg(test)]
mod tests;
