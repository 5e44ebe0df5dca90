//! Who may say what.

use std::net::{IpAddr, Ipv4Addr};
use std::time::Duration;

use super::address_fault::{AddressFault, canonical, canonical_source};
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
            Some(token) => covers(token, &announcement, by)?,
            None => is_own_address(&announcement, by)?,
        }
        let ttl = ttl_allowed(announcement.term, by.token.as_deref(), pool)?;
        Ok(Allowed { announcement, ttl })
    }

    fn is_address_good(&self, said: &Announcement, by: &Sender) -> Result<(), RegistrationFault> {
        let address = said.address;
        let fault = AddressFault::of(address, self.plan.allows_link_local);
        let may_be_loopback =
            is_local(by) || by.token.as_ref().is_some_and(|token| token.names(address.ip()));
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
fn covers(token: &Token, said: &Announcement, by: &Sender) -> Result<(), RegistrationFault> {
    reaches(token, said, by)?;
    if said.weight > token.weight_max {
        return Err(RegistrationFault::WeightNotAllowed {
            token: token.id.clone(),
            weight: said.weight,
            weight_max: token.weight_max,
        });
    }
    Ok(())
}

/// Whether pool, policies and address lie within it, as this sender shows it.
pub(super) fn reaches(token: &Token, said: &Announcement, by: &Sender) -> Result<(), RegistrationFault> {
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
    let address = said.address.ip();
    let is_covered = match token.networks.is_empty() {
        true => is_host(by, address),
        false => token.names(address),
    };
    if !is_covered {
        return Err(RegistrationFault::AddressNotAllowed {
            token: id(),
            address: said.address,
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

/// Whether the sender speaks from that very host: what a token without networks may name. A token that named any address
/// could have the proxy connect to whatever only the proxy reaches.
fn is_host(by: &Sender, address: IpAddr) -> bool {
    let source = by.source.unwrap_or(Ipv4Addr::LOCALHOST.into());
    canonical_source(source) == canonical_source(address)
}

/// What is kept by probes counts at least this long without one that passes: more than a probe can take.
const PROBES_MIN: Duration = Duration::from_secs(3);

#[cfg(test)]
mod tests {
    use super::super::samples::*;
    use super::*;
    use crate::plan::Network;
    use crate::registration::Beat;

    fn code(said: Announcement, by: &Sender) -> Option<&'static str> {
        let mut registry = registry();
        registry.register(said, by, at(0)).err().map(|fault| fault.code())
    }

    fn plain() -> Announcement {
        said("api/a", "10.0.0.1:80")
    }

    #[test]
    fn who_is_outside_the_networks_is_not_heard_whatever_it_shows() {
        assert_eq!(code(plain(), &from("192.168.0.1")), Some("source_not_allowed"));
        assert_eq!(
            code(plain(), &with(token("t"), "192.168.0.1")),
            Some("source_not_allowed")
        );
        assert_eq!(code(plain(), &with(token("t"), "::ffff:10.0.0.1")), None);
    }

    #[test]
    fn beyond_loopback_a_token_is_needed_unless_the_operator_says_otherwise() {
        assert_eq!(code(plain(), &from("10.0.0.1")), Some("token_needed"));
        assert_eq!(code(plain(), &with(token("t"), "10.0.0.1")), None);
        assert_eq!(code(plain(), &from("::1")), None);
        assert_eq!(code(plain(), &Sender::default()), None);
        let mut open = plan();
        open.registration.is_insecure = true;
        let by = from("10.0.0.1");
        assert!(following(&open).register(plain(), &by, at(0)).is_ok());
    }

    #[test]
    fn without_a_token_one_registers_only_oneself() {
        let mut open = plan();
        open.registration.is_insecure = true;
        let mut registry = following(&open);
        let fault = registry.refuse(said("api/b", "10.0.0.2:80"), &from("10.0.0.1"), 0);
        assert_eq!(
            (fault.code(), fault.field(), fault.status()),
            ("address_not_yours", Some("address"), 403)
        );
        let mapped = from("::ffff:10.0.0.2");
        assert!(
            registry
                .register(said("api/b", "10.0.0.2:80"), &mapped, at(0))
                .is_ok()
        );
        assert!(
            registry
                .register(said("api/c", "10.0.0.3:80"), &local(), at(0))
                .is_ok()
        );
    }

    #[test]
    fn the_proxys_own_host_is_registered_from_there_or_by_a_token_that_names_it() {
        let own = || said("api/a", "127.0.0.1:80");
        assert_eq!(code(own(), &local()), None);
        assert_eq!(code(said("api/a", "[::1]:80"), &local()), None);
        assert_eq!(
            code(own(), &with(token("t"), "10.0.0.1")),
            Some("address_refused")
        );
        let mut naming = token("t");
        naming.networks = vec![network("127.0.0.0", 8)];
        assert_eq!(code(own(), &with(naming, "10.0.0.1")), None);
    }

    #[test]
    fn a_token_without_networks_is_for_the_senders_own_address() {
        let code_of = |networks: &[Network], source: &str, address: &str| {
            let mut shown = token("t");
            shown.networks = networks.to_vec();
            code(said("api/a", address), &with(shown, source))
        };
        let any = [network("0.0.0.0", 0), network("::", 0)];
        for elsewhere in ["10.0.0.2:80", "192.168.7.7:22", "[2001:db8::1]:80"] {
            for source in ["10.0.0.1", "127.0.0.1"] {
                assert_eq!(code_of(&[], source, elsewhere), Some("address_not_allowed"));
                assert_eq!(code_of(&any, source, elsewhere), None);
            }
        }
        assert_eq!(code_of(&[], "10.0.0.1", "10.0.0.1:80"), None);
        assert_eq!(code_of(&[], "::ffff:10.0.0.1", "10.0.0.1:80"), None);
        assert_eq!(code_of(&[], "127.0.0.1", "[::1]:80"), None);
        assert_eq!(code_of(&[], "10.0.0.1", "127.0.0.1:80"), Some("address_refused"));
    }

    #[test]
    fn no_token_reaches_beyond_its_scope() {
        let scoped = Token {
            pools: vec!["web".into(), "api".into()],
            policies: PolicyScope::These(policies(&["eu", "hipaa"])),
            networks: vec![network("10.0.0.0", 24)],
            weight_max: 5,
            ttl_max: Some(Duration::from_secs(8)),
            ..token("t")
        };
        let by = with(scoped.clone(), "10.0.0.1");
        assert_eq!(code(plain(), &by), None);
        let (mut policy, mut weight, mut ttl) = (plain(), plain(), plain());
        policy.policies = policies(&["eu", "us"]);
        weight.weight = 6;
        ttl.term = Term::Heartbeats(Some(Duration::from_secs(9)));
        assert_eq!(code(policy, &by), Some("policy_not_allowed"));
        assert_eq!(code(weight, &by), Some("weight_not_allowed"));
        assert_eq!(code(ttl, &by), Some("ttl_not_allowed"));
        assert_eq!(
            code(said("api/a", "10.0.1.1:80"), &by),
            Some("address_not_allowed")
        );
        let elsewhere = Token {
            pools: vec!["web".into()],
            ..scoped
        };
        assert_eq!(
            code(plain(), &with(elsewhere, "10.0.0.1")),
            Some("pool_not_allowed")
        );
    }

    #[test]
    fn a_ttl_that_nobody_asked_for_is_shortened_to_what_the_token_allows() {
        let short = Token {
            ttl_max: Some(Duration::from_secs(3)),
            ..token("t")
        };
        let by = with(short, "10.0.0.1");
        let mut registry = registry();
        let registered = registry.register(plain(), &by, at(0)).unwrap();
        assert_eq!(registered.ttl, Duration::from_secs(3));
        let renewed = registry.renew(&key("api/a"), Beat::default(), &by, at(1));
        assert_eq!(renewed, Ok(Duration::from_secs(3)));
    }

    #[test]
    fn a_token_that_ran_out_neither_registers_nor_renews() {
        let mut brief = token("t");
        brief.expires_unix_ms = Some(at(5_000).unix_ms);
        let by = with(brief, "10.0.0.1");
        let mut registry = registry();
        registry.register(plain(), &by, at(4_999)).unwrap();
        let renewed = registry.renew(&key("api/a"), Beat::default(), &by, at(5_000));
        assert_eq!(renewed.unwrap_err().code(), "token_expired");
        let left = registry.deregister(&key("api/a"), &by, at(5_000));
        assert_eq!(left.unwrap_err().code(), "token_expired");
    }

    fn spoilt(spoil: impl FnOnce(&mut Announcement)) -> (u16, &'static str, Option<&'static str>) {
        let mut said = plain();
        spoil(&mut said);
        let fault = registry().refuse(said, &local(), 0);
        (fault.status(), fault.code(), fault.field())
    }

    #[test]
    fn an_id_of_a_wrong_form_is_refused() {
        for bad in ["", "a/b", "a\nb", &"x".repeat(130)] {
            assert_eq!(
                spoilt(|said| said.key.id = bad.into()),
                (400, "bad_id", Some("id"))
            );
        }
    }

    #[test]
    fn a_weight_out_of_range_is_refused() {
        for bad in [0, 1_001] {
            assert_eq!(
                spoilt(|said| said.weight = bad),
                (400, "bad_weight", Some("weight"))
            );
        }
    }

    #[test]
    fn a_ttl_out_of_range_is_refused() {
        for bad in [0, 99, 60_001] {
            let term = Term::Heartbeats(Some(Duration::from_millis(bad)));
            assert_eq!(spoilt(|said| said.term = term), (400, "bad_ttl", Some("ttl")));
        }
    }

    #[test]
    fn more_policies_than_one_backend_may_uphold_are_refused() {
        let names: Vec<String> = (0..65).map(|number| format!("p{number}")).collect();
        let names: Vec<&str> = names.iter().map(String::as_str).collect();
        let mut many = plain();
        many.policies = policies(&names);
        assert_eq!(code(many.clone(), &local()), Some("too_many_policies"));
        many.policies = policies(&names[1..]);
        assert_eq!(code(many, &local()), None);
    }

    #[test]
    fn bad_addresses_are_refused_from_everywhere() {
        for bad in ["10.0.0.1:0", "0.0.0.0:80", "169.254.169.254:80"] {
            let fault = registry().refuse(said("api/a", bad), &local(), 0);
            assert_eq!((fault.code(), fault.status()), ("address_refused", 400), "{bad}");
        }
        let mut plan = plan();
        plan.registration.allows_link_local = true;
        let linked = following(&plan).register(said("api/a", "169.254.1.1:80"), &local(), at(0));
        assert!(linked.is_ok());
    }

    #[test]
    fn a_fault_is_a_sentence_with_what_was_found_and_what_is_allowed() {
        let mut heavy = plain();
        heavy.weight = 1_001;
        let fault = registry().refuse(heavy, &local(), 0);
        assert_eq!(fault.to_string(), "the weight is 1001; it may be 1 to 1000");
        let fault = registry().refuse(said("api/a", "10.0.0.1:0"), &local(), 0);
        assert_eq!(
            fault.to_string(),
            "no backend may be at 10.0.0.1:0: its port is 0; a port is 1 to 65535"
        );
    }
}
