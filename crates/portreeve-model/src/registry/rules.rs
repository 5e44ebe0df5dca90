//! Who may say what.

use std::net::IpAddr;
use std::time::Duration;

use super::address_fault::{AddressFault, canonical};
use super::fault::{ID_BYTES_MAX, RegistrationFault, TTL_MIN, WEIGHT_MAX};
use crate::network::Networks;
use crate::plan::{MembersPlan, RegistrationPlan};
use crate::policy::Policies;
use crate::registration::{Announcement, Moment, PolicyScope, Sender, Term, Token};

/// What a sender and what it says must satisfy, whoever else is registered.
#[derive(Debug)]
pub(super) struct Rules {
    pub(super) plan: RegistrationPlan,
    networks: Networks,
}

/// What a sender may say: with the address in its one form, and how long it counts.
#[derive(Debug)]
pub(super) struct Allowed {
    pub(super) announcement: Announcement,
    pub(super) ttl: Duration,
}

impl Rules {
    pub(super) fn new(plan: RegistrationPlan) -> Self {
        let networks = Networks::new(&plan.networks);
        Self { plan, networks }
    }

    /// Whether anything is heard from this sender.
    pub(super) fn admit(&self, by: &Sender, at: Moment) -> Result<(), RegistrationFault> {
        if let Some(source) = by.source.map(|source| source.to_canonical()) {
            self.admit_source(source, by.token.is_some())?;
        }
        match &by.token {
            Some(token) if token.is_expired(at.unix_ms) => Err(RegistrationFault::TokenExpired {
                token: token.id.clone(),
            }),
            _ => Ok(()),
        }
    }

    fn admit_source(&self, source: IpAddr, has_token: bool) -> Result<(), RegistrationFault> {
        if !self.networks.contains(source) {
            return Err(RegistrationFault::SourceNotAllowed { source });
        }
        if has_token || self.plan.is_insecure || source.is_loopback() {
            return Ok(());
        }
        Err(RegistrationFault::TokenNeeded { source })
    }

    /// Whether an admitted sender may say this, of a pool with this plan.
    pub(super) fn allow(
        &self,
        said: Announcement,
        by: &Sender,
        pool: &MembersPlan,
    ) -> Result<Allowed, RegistrationFault> {
        let announcement = Announcement {
            address: canonical(said.address),
            ..said
        };
        has_form(&announcement)?;
        self.is_address_good(&announcement, by)?;
        match by.token.as_deref() {
            Some(token) => covers(token, &announcement)?,
            None => is_own_address(&announcement, by)?,
        }
        let ttl = ttl_allowed(announcement.term, by.token.as_deref(), pool)?;
        Ok(Allowed { announcement, ttl })
    }

    fn is_address_good(&self, said: &Announcement, by: &Sender) -> Result<(), RegistrationFault> {
        let address = said.address;
        let fault = AddressFault::of(address, self.plan.allows_link_local);
        let may_be_loopback =
            is_local(by) || by.token.as_ref().is_some_and(|token| names(token, address.ip()));
        let loopback = (address.ip().is_loopback() && !may_be_loopback).then_some(AddressFault::Loopback);
        match fault.or(loopback) {
            Some(why) => Err(RegistrationFault::AddressRefused { address, why }),
            None => Ok(()),
        }
    }
}

impl Default for Rules {
    fn default() -> Self {
        Self::new(RegistrationPlan::default())
    }
}

/// Whether it speaks from the proxy's own host.
pub(super) fn is_local(by: &Sender) -> bool {
    by.source.is_none_or(|source| source.to_canonical().is_loopback())
}

/// How long a renewal counts now: the plan, or the token, may be another than at the registration.
pub(super) fn ttl(term: Term, token: Option<&Token>, pool: &MembersPlan) -> Duration {
    let bound = token.and_then(|token| token.ttl_max).unwrap_or(Duration::MAX);
    match term {
        Term::Heartbeats(asked) => asked.unwrap_or(pool.ttl).min(pool.ttl_max).min(bound),
        Term::Probes => pool.grace.max(PROBES_MIN),
    }
}

fn ttl_allowed(term: Term, token: Option<&Token>, pool: &MembersPlan) -> Result<Duration, RegistrationFault> {
    if let Term::Heartbeats(Some(ttl)) = term {
        let ttl_max = pool.ttl_max;
        if ttl < TTL_MIN || ttl > ttl_max {
            return Err(RegistrationFault::BadTtl { ttl, ttl_max });
        }
        if let Some((token, ttl_max)) = token.and_then(|token| Some((token, token.ttl_max?)))
            && ttl > ttl_max
        {
            let token = token.id.clone();
            return Err(RegistrationFault::TtlNotAllowed { token, ttl, ttl_max });
        }
    }
    Ok(self::ttl(term, token, pool))
}

fn has_form(said: &Announcement) -> Result<(), RegistrationFault> {
    let (id, weight, policies) = (&said.key.id, said.weight, said.policies.len());
    let is_clean = !id.contains(|letter: char| letter == '/' || letter.is_control());
    if !is_clean || !(1..=ID_BYTES_MAX).contains(&id.len()) {
        return Err(RegistrationFault::BadId { bytes: id.len() });
    }
    if !(1..=WEIGHT_MAX).contains(&weight) {
        return Err(RegistrationFault::BadWeight { weight });
    }
    if policies > Policies::UPHELD_MAX {
        return Err(RegistrationFault::TooManyPolicies { policies });
    }
    Ok(())
}

/// Whether all that is said lies within what the token stands for.
fn covers(token: &Token, said: &Announcement) -> Result<(), RegistrationFault> {
    let id = || token.id.clone();
    let pool = &said.key.pool;
    if !token.pools.is_empty() && !token.pools.contains(pool) {
        return Err(RegistrationFault::PoolNotAllowed {
            token: id(),
            pool: pool.clone(),
        });
    }
    if let PolicyScope::These(scope) = &token.policies
        && let Some(policy) = said
            .policies
            .iter()
            .find(|policy| !scope.contains(policy.as_str()))
    {
        return Err(RegistrationFault::PolicyNotAllowed {
            token: id(),
            policy: policy.clone(),
        });
    }
    if !token.covers(said.address.ip()) {
        return Err(RegistrationFault::AddressNotAllowed {
            token: id(),
            address: said.address,
        });
    }
    if said.weight > token.weight_max {
        return Err(RegistrationFault::WeightNotAllowed {
            token: id(),
            weight: said.weight,
            weight_max: token.weight_max,
        });
    }
    Ok(())
}

/// Without a token one may speak for oneself only; the proxy's own host for everybody.
fn is_own_address(said: &Announcement, by: &Sender) -> Result<(), RegistrationFault> {
    match by.source {
        Some(source) if !is_local(by) && source.to_canonical() != said.address.ip() => {
            Err(RegistrationFault::AddressNotYours {
                source: source.to_canonical(),
                address: said.address,
            })
        }
        _ => Ok(()),
    }
}

/// Whether a token has networks, and the address is in one: not only for want of any.
fn names(token: &Token, address: IpAddr) -> bool {
    !token.networks.is_empty() && token.covers(address)
}

/// What is kept by probes counts at least this long without one that passes: more than a probe can take.
const PROBES_MIN: Duration = Duration::from_secs(3);
