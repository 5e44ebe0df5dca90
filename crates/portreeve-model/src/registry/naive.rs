//! The registry once more, without any index: every question walks over all there is. Histories compare the two.

use std::collections::BTreeSet;
use std::time::Duration;

use super::claims::server;
use crate::backend::BackendId;
use crate::plan::Plan;
use crate::policy::Policy;
use crate::registration::{Announcement, MemberKey, PolicyScope, Sender, Term, TokenId};
use crate::standing::Standing;

/// Members and remembered ones, in the order of their places; times in milliseconds.
#[derive(Debug, Default)]
pub(super) struct Naive {
    pub(super) facts: Vec<Fact>,
    /// Whom the operator drained, there or not.
    pub(super) drained: BTreeSet<MemberKey>,
}

#[derive(Debug, Clone)]
pub(super) struct Fact {
    pub(super) said: Announcement,
    pub(super) source: String,
    pub(super) token: Option<TokenId>,
    pub(super) backend: Option<BackendId>,
    pub(super) is_drained: bool,
    pub(super) is_leaving: bool,
    pub(super) health: Standing,
    pub(super) is_suspected: bool,
    pub(super) until: Option<u64>,
    pub(super) is_expired: bool,
    pub(super) probe: Option<u64>,
    pub(super) is_out: bool,
}

/// What became of a registration.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Outcome {
    Joined,
    Repeated,
    Replaced,
}

impl Fact {
    pub(super) fn is_draining(&self) -> bool {
        self.is_drained || self.is_leaving
    }

    pub(super) fn standing(&self) -> Standing {
        match self.health {
            _ if self.is_draining() => Standing::Draining,
            Standing::Serving if self.is_suspected => Standing::Down,
            health => health,
        }
    }

    fn absorb(&mut self, now: u64) {
        if self.is_suspected && self.health == Standing::Serving {
            self.fail(now);
            if !self.is_out {
                self.probe = Some(now);
            }
        }
        self.is_suspected = false;
    }

    fn fail(&mut self, now: u64) {
        if self.health == Standing::Serving {
            self.health = Standing::Down;
            if self.said.term == Term::Probes {
                self.until = Some(now + GRACE);
            }
        }
    }

    fn probe_after(&self, now: u64) -> Option<u64> {
        match (self.health, self.said.term) {
            (Standing::Serving, Term::Probes) => Some(now + 5_000),
            (Standing::Serving, Term::Heartbeats(_)) => None,
            _ => Some(now + 1_000),
        }
    }

    fn prolong(&mut self, ttl: u64, now: u64) {
        let is_free = self.said.term == Term::Probes && self.health == Standing::Serving;
        self.until = (!is_free).then_some(now + ttl);
    }
}

impl Naive {
    pub(super) fn live(&self) -> impl Iterator<Item = &Fact> {
        self.facts.iter().filter(|fact| !fact.is_expired)
    }

    pub(super) fn find(&mut self, key: &MemberKey) -> Option<&mut Fact> {
        self.facts
            .iter_mut()
            .find(|fact| !fact.is_expired && fact.said.key == *key)
    }

    pub(super) fn known(&self, pool: &str) -> Vec<Policy> {
        let of_pool = self.facts.iter().filter(|fact| &*fact.said.key.pool == pool);
        let mut known: Vec<Policy> = of_pool
            .flat_map(|fact| fact.said.policies.iter().cloned())
            .collect();
        known.sort();
        known.dedup();
        known
    }

    pub(super) fn tick(&mut self, now: u64) {
        for fact in &mut self.facts {
            if !fact.is_expired && fact.until.is_some_and(|until| until <= now) {
                fact.is_expired = true;
                fact.until = fact.until.map(|until| until + GRACE);
                (fact.probe, fact.is_out) = (None, false);
            }
        }
        self.facts
            .retain(|fact| !fact.is_expired || fact.until.is_some_and(|until| until > now));
    }

    pub(super) fn register(
        &mut self,
        said: &Announcement,
        by: &Sender,
        plan: &Plan,
        now: u64,
    ) -> Result<Outcome, &'static str> {
        admit(by)?;
        let is_joinable = |name: &str| {
            plan.pools
                .iter()
                .any(|pool| *pool.name == *name && pool.members.is_some())
        };
        if !is_joinable(&said.key.pool) {
            return Err("pool_not_joinable");
        }
        may_say(said, by)?;
        let (source, token) = owner(by);
        let place = self.facts.iter().position(|fact| fact.said.key == said.key);
        let before = place.map(|place| self.facts[place].clone());
        if before
            .as_ref()
            .is_some_and(|before| !before.is_expired && !yields(before, by))
        {
            return Err("held_by_another");
        }
        let others =
            |fact: &Fact| !fact.is_expired && fact.said.address == said.address && fact.said.key != said.key;
        let is_there_already = before
            .as_ref()
            .is_some_and(|before| !before.is_expired && before.said.address == said.address);
        let is_own_host = source == said.address.ip().to_string();
        if !is_there_already
            && self
                .facts
                .iter()
                .any(|fact| others(fact) && !is_own_host && fact.token != token)
        {
            return Err("address_held");
        }
        let stays = |fact: &Fact| !(others(fact) && server(&fact.said.key.id) != server(&said.key.id));
        let after: Vec<&Fact> = self.facts.iter().filter(|fact| stays(fact)).collect();
        let has_room = |is_same: &dyn Fn(&Fact) -> bool, max: u32| {
            before.as_ref().is_some_and(is_same)
                || after.iter().filter(|fact| is_same(fact)).count() < max as usize
        };
        let bounds = &plan.registration;
        if !has_room(&|_| true, bounds.registrations_max)
            || !has_room(&|fact| fact.source == source, bounds.per_source_max)
            || token.is_some() && !has_room(&|fact| fact.token == token, bounds.per_token_max)
        {
            return Err("too_many_registrations");
        }
        self.facts.retain(stays);
        Ok(self.enter(said, by, now))
    }

    fn enter(&mut self, said: &Announcement, by: &Sender, now: u64) -> Outcome {
        let ttl = ttl(said.term, by);
        let (source, token) = owner(by);
        let fresh = Fact {
            said: said.clone(),
            source,
            token,
            backend: None,
            is_drained: self.drained.contains(&said.key),
            is_leaving: false,
            health: Standing::Unproved,
            is_suspected: false,
            until: Some(now + ttl),
            is_expired: false,
            probe: Some(now),
            is_out: false,
        };
        let Some(fact) = self.facts.iter_mut().find(|fact| fact.said.key == said.key) else {
            self.facts.push(fresh);
            return Outcome::Joined;
        };
        if fact.is_expired {
            *fact = fresh;
            return Outcome::Joined;
        }
        let with_term_of = Announcement {
            term: said.term,
            ..fact.said.clone()
        };
        if with_term_of == *said {
            let is_amended =
                (&fact.said.term, &fact.source, &fact.token) != (&said.term, &fresh.source, &fresh.token);
            (fact.said, fact.source, fact.token) = (fresh.said, fresh.source, fresh.token);
            if is_amended && fact.health == Standing::Serving && !fact.is_out {
                fact.probe = fact.probe_after(now);
            }
            fact.prolong(ttl, now);
            return Outcome::Repeated;
        }
        fact.absorb(now);
        let is_moved = fact.said.address != said.address;
        *fact = Fact {
            is_drained: fact.is_drained,
            is_leaving: fact.is_leaving && !is_moved,
            health: if is_moved { Standing::Unproved } else { fact.health },
            ..fresh
        };
        if fact.health == Standing::Serving {
            fact.probe = fact.probe_after(now);
            fact.prolong(ttl, now);
        }
        Outcome::Replaced
    }

    pub(super) fn own(&mut self, key: &MemberKey, by: &Sender) -> Result<&mut Fact, &'static str> {
        admit(by)?;
        let fact = self.find(key).ok_or("not_registered")?;
        if is_own(fact, by) {
            Ok(fact)
        } else {
            Err("held_by_another")
        }
    }

    pub(super) fn renew(
        &mut self,
        key: &MemberKey,
        is_draining: Option<bool>,
        by: &Sender,
        now: u64,
    ) -> Result<(), &'static str> {
        let fact = self.own(key, by)?;
        fact.prolong(ttl(fact.said.term, by), now);
        if let Some(is_leaving) = is_draining.filter(|wish| *wish != fact.is_leaving) {
            fact.absorb(now);
            fact.is_leaving = is_leaving;
        }
        Ok(())
    }

    pub(super) fn drain(&mut self, key: &MemberKey, is_drained: bool, now: u64) {
        let Some(fact) = self.find(key) else {
            return;
        };
        if fact.is_drained != is_drained {
            fact.absorb(now);
            fact.is_drained = is_drained;
        }
        match is_drained {
            true => self.drained.insert(key.clone()),
            false => self.drained.remove(key),
        };
    }

    pub(super) fn end(&mut self, key: &MemberKey) {
        self.facts.retain(|fact| fact.is_expired || fact.said.key != *key);
    }

    pub(super) fn proved(&mut self, backend: BackendId, is_good: bool, now: u64) {
        let mut live = self.facts.iter_mut().filter(|fact| !fact.is_expired);
        let Some(fact) = live.find(|fact| fact.backend == Some(backend)) else {
            return;
        };
        fact.absorb(now);
        match is_good {
            false => fact.fail(now),
            true if fact.health != Standing::Serving => {
                fact.health = Standing::Serving;
                if fact.said.term == Term::Probes {
                    fact.until = None;
                }
            }
            true => {}
        }
        (fact.probe, fact.is_out) = (fact.probe_after(now), false);
    }

    pub(super) fn take_suspects(&mut self, now: u64) {
        self.facts
            .iter_mut()
            .filter(|fact| !fact.is_expired)
            .for_each(|fact| {
                if fact.standing() == Standing::Down {
                    fact.absorb(now);
                }
            });
    }

    /// After a restart, with what was kept.
    pub(super) fn restart(&mut self, now: u64) {
        self.facts.retain(|fact| !fact.is_expired);
        for fact in &mut self.facts {
            (fact.health, fact.is_suspected) = (Standing::Unproved, false);
            (fact.probe, fact.is_out) = (Some(now), false);
            fact.until = Some(now + ttl(fact.said.term, &Sender::default()));
        }
    }
}

fn admit(by: &Sender) -> Result<(), &'static str> {
    match by.source.map(|source| source.to_string()) {
        Some(source) if source.starts_with("192.") => Err("source_not_allowed"),
        _ => Ok(()),
    }
}

fn may_say(said: &Announcement, by: &Sender) -> Result<(), &'static str> {
    let source = by.source.unwrap();
    let Some(token) = by.token.as_deref() else {
        let is_own = source.is_loopback() || source == said.address.ip();
        return if is_own { Ok(()) } else { Err("address_not_yours") };
    };
    if !token.pools.is_empty() && !token.pools.contains(&said.key.pool) {
        return Err("pool_not_allowed");
    }
    if let PolicyScope::These(these) = &token.policies
        && !these.uphold(&said.policies)
    {
        return Err("policy_not_allowed");
    }
    let is_own = token.networks.is_empty() && source == said.address.ip();
    if !is_own && !token.names(said.address.ip()) {
        return Err("address_not_allowed");
    }
    if said.weight > token.weight_max {
        return Err("weight_not_allowed");
    }
    match (said.term, token.ttl_max) {
        (Term::Heartbeats(Some(ttl)), Some(max)) if ttl > max => Err("ttl_not_allowed"),
        _ => Ok(()),
    }
}

fn is_own(fact: &Fact, by: &Sender) -> bool {
    let (source, token) = owner(by);
    match &fact.token {
        Some(own) => token.as_ref() == Some(own),
        None => source == "127.0.0.1" || fact.source == source,
    }
}

fn yields(fact: &Fact, by: &Sender) -> bool {
    let as_light = Announcement {
        weight: 1,
        term: Term::Probes,
        ..fact.said.clone()
    };
    is_own(fact, by) || fact.token.is_none() && by.token.is_some() && may_say(&as_light, by).is_ok()
}

fn owner(by: &Sender) -> (String, Option<TokenId>) {
    let token = by.token.as_ref().map(|token| token.id.clone());
    (by.source.unwrap().to_string(), token)
}

fn ttl(term: Term, by: &Sender) -> u64 {
    let bound = by
        .token
        .as_ref()
        .and_then(|token| token.ttl_max)
        .unwrap_or(Duration::MAX);
    let asked = match term {
        Term::Probes => return GRACE,
        Term::Heartbeats(asked) => asked.unwrap_or(Duration::from_secs(10)),
    };
    u64::try_from(asked.min(bound).as_millis()).unwrap()
}

const GRACE: u64 = 20_000;
