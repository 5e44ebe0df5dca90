//! The registry once more, without any index: every question walks over all there is. Histories compare the two.

use std::collections::BTreeSet;
use std::time::Duration;

use super::claims::server;
use crate::backend::BackendId;
use crate::digest::digest;
use crate::health::jittered;
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
    /// The backends of the file.
    pub(super) files: Vec<FileFact>,
}

#[derive(Debug, Clone)]
pub(super) struct FileFact {
    pub(super) key: MemberKey,
    pub(super) backend: BackendId,
    pub(super) pulse: Pulse,
}

/// What is known of whether one can be reached, and when it is asked next.
#[derive(Debug, Clone)]
pub(super) struct Pulse {
    pub(super) health: Standing,
    pub(super) is_suspected: bool,
    /// Passes in a row while it is down, else fails.
    row: u32,
    doublings: u32,
    answers: u64,
    pub(super) probe: Option<Duration>,
    pub(super) out: Option<Out>,
}

/// A probe on its way, and when the next is due if this one is worth nothing.
#[derive(Debug, Clone, Copy)]
pub(super) struct Out {
    since: Duration,
    is_void: Option<Duration>,
}

/// How one is probed: of pool `web` the plan says so, of the others only whoever registered for as long as probes pass.
#[derive(Debug, Clone, Copy)]
pub(super) struct Beat {
    every: Option<u64>,
    rise: u32,
    fall: u32,
    seed: u64,
}

impl Beat {
    pub(super) fn of(key: &MemberKey, term: Option<Term>) -> Self {
        let (every, rise, fall) = match (&*key.pool, term) {
            ("web", _) => (Some(3_000), 2, 2),
            (_, Some(Term::Probes)) => (Some(5_000), 1, 1),
            _ => (None, 1, 1),
        };
        let seed = digest(key.id.as_bytes());
        Self {
            every,
            rise,
            fall,
            seed,
        }
    }
}

impl Pulse {
    pub(super) fn unproved(now: u64) -> Self {
        Self {
            health: Standing::Unproved,
            is_suspected: false,
            row: 0,
            doublings: 0,
            answers: 0,
            probe: Some(Duration::from_millis(now)),
            out: None,
        }
    }

    pub(super) fn standing(&self) -> Standing {
        match self.health {
            Standing::Serving if self.is_suspected => Standing::Down,
            health => health,
        }
    }

    pub(super) fn set_out(&mut self, now: u64) {
        self.probe = None;
        self.out = Some(Out {
            since: Duration::from_millis(now),
            is_void: None,
        });
    }

    /// Whether that was news.
    pub(super) fn absorb(&mut self, now: u64) -> bool {
        let is_news = self.is_suspected && self.health == Standing::Serving;
        if is_news {
            let next = Duration::from_millis(now + 100);
            (self.health, self.row, self.doublings) = (Standing::Down, 0, 1);
            match &mut self.out {
                Some(out) => out.is_void = Some(next),
                None => self.probe = Some(next),
            }
        }
        self.is_suspected = false;
        is_news
    }

    /// As what it stands now, if that is news.
    pub(super) fn answer(&mut self, is_good: bool, beat: &Beat, now: u64) -> Option<Standing> {
        let at = Duration::from_millis(now);
        self.answers += 1;
        let out = self.out.take();
        if let Some(next) = out.and_then(|out| out.is_void) {
            self.probe = Some(next.max(at));
            return None;
        }
        let before = self.health;
        match (self.health, is_good) {
            (Standing::Serving, true) => self.row = 0,
            (Standing::Serving, false) => {
                self.row += 1;
                if self.row >= beat.fall {
                    (self.health, self.row, self.doublings) = (Standing::Down, 0, 0);
                }
            }
            (Standing::Down, true) if self.row + 1 < beat.rise => self.row += 1,
            (_, true) => (self.health, self.row, self.doublings) = (Standing::Serving, 0, 0),
            (_, false) => self.row = 0,
        }
        let news = (self.health != before).then_some(self.health);
        let since = out.map_or(at, |out| out.since);
        self.probe = match (news, beat.every) {
            (Some(Standing::Serving), Some(every)) => {
                let part = 100 + crate::health::throw(beat.seed, self.answers) % 901;
                Some(since + Duration::from_millis(every) * part / 1_000)
            }
            _ => self.next(beat, since, at),
        };
        news
    }

    fn next(&mut self, beat: &Beat, since: Duration, at: Duration) -> Option<Duration> {
        let wait = match (self.health, self.row) {
            (Standing::Serving, 0) => beat.every?,
            (Standing::Serving, _) | (Standing::Down, 1..) => 1_000,
            _ if self.doublings < 4 => {
                self.doublings += 1;
                return Some(at + Duration::from_millis(50 << self.doublings));
            }
            _ => 1_000,
        };
        let wait = jittered(Duration::from_millis(wait), beat.seed, self.answers);
        Some((since + wait).max(at))
    }

    /// One that nobody asks.
    pub(super) fn trusted() -> Self {
        Self {
            health: Standing::Serving,
            probe: None,
            ..Self::unproved(0)
        }
    }

    fn retime(&mut self, beat: &Beat, now: u64) {
        if self.health == Standing::Serving && self.out.is_none() {
            let at = Duration::from_millis(now);
            self.probe = self.next(beat, at, at);
        }
    }

    pub(super) fn handed_on(&self, beat: &Beat, now: u64) -> Self {
        let mut heir = Self {
            health: self.health,
            is_suspected: self.is_suspected,
            answers: self.answers,
            ..Self::unproved(now)
        };
        heir.retime(beat, now);
        heir
    }
}

#[derive(Debug, Clone)]
pub(super) struct Fact {
    pub(super) said: Announcement,
    pub(super) source: String,
    pub(super) token: Option<TokenId>,
    pub(super) backend: Option<BackendId>,
    pub(super) is_drained: bool,
    pub(super) is_leaving: bool,
    pub(super) pulse: Pulse,
    pub(super) until: Option<u64>,
    pub(super) is_expired: bool,
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
        match self.is_draining() {
            true => Standing::Draining,
            false => self.pulse.standing(),
        }
    }

    fn beat(&self) -> Beat {
        Beat::of(&self.said.key, Some(self.said.term))
    }

    fn absorb(&mut self, now: u64) {
        if self.pulse.absorb(now) {
            self.turned(Standing::Down, now);
        }
    }

    fn turned(&mut self, to: Standing, now: u64) {
        if self.said.term == Term::Probes {
            self.until = (to == Standing::Down).then_some(now + GRACE);
        }
    }

    fn prolong(&mut self, ttl: u64, now: u64) {
        let is_free = self.said.term == Term::Probes && self.pulse.health == Standing::Serving;
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
                (fact.pulse.probe, fact.pulse.out) = (None, None);
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
            pulse: Pulse::unproved(now),
            until: Some(now + ttl),
            is_expired: false,
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
            if is_amended {
                let beat = fact.beat();
                fact.pulse.retime(&beat, now);
            }
            fact.prolong(ttl, now);
            return Outcome::Repeated;
        }
        fact.absorb(now);
        let is_moved = fact.said.address != said.address;
        *fact = Fact {
            is_drained: fact.is_drained,
            is_leaving: fact.is_leaving && !is_moved,
            pulse: match is_moved {
                true => Pulse::unproved(now),
                false => fact.pulse.handed_on(&Beat::of(&said.key, Some(said.term)), now),
            },
            ..fresh
        };
        if fact.pulse.health == Standing::Serving {
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
        if let Some(fact) = live.find(|fact| fact.backend == Some(backend)) {
            fact.absorb(now);
            let beat = fact.beat();
            if let Some(to) = fact.pulse.answer(is_good, &beat, now) {
                fact.turned(to, now);
            }
        }
        let mut files = self.files.iter_mut();
        if let Some(fact) = files.find(|fact| fact.backend == backend) {
            fact.pulse.absorb(now);
            fact.pulse.answer(is_good, &Beat::of(&fact.key, None), now);
        }
    }

    /// A snapshot has these backends of the file: those that were there in the same order, others, or the first.
    pub(super) fn see_files(&mut self, seen: Vec<(MemberKey, BackendId)>, now: u64) {
        let before = std::mem::take(&mut self.files);
        let pulse = |place: usize, key: &MemberKey, id| match before.get(place) {
            Some(fact) if fact.backend == id => fact.pulse.clone(),
            Some(fact) => fact.pulse.handed_on(&Beat::of(key, None), now),
            None if &*key.pool == "web" => Pulse::unproved(now),
            None => Pulse::trusted(),
        };
        let facts = seen
            .into_iter()
            .enumerate()
            .map(|(place, (key, backend))| FileFact {
                pulse: pulse(place, &key, backend),
                key,
                backend,
            });
        self.files = facts.collect();
        for fact in &mut self.files {
            // Draining hides that a request could not reach it.
            fact.pulse.is_suspected &= !self.drained.contains(&fact.key);
        }
    }

    pub(super) fn standing_of_file(&self, fact: &FileFact) -> Standing {
        match self.drained.contains(&fact.key) {
            true => Standing::Draining,
            false => fact.pulse.standing(),
        }
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
        let drained = &self.drained;
        for fact in self.files.iter_mut().filter(|fact| !drained.contains(&fact.key)) {
            fact.pulse.absorb(now);
        }
    }

    /// After a restart, with what was kept.
    pub(super) fn restart(&mut self, now: u64) {
        self.facts.retain(|fact| !fact.is_expired);
        for fact in &mut self.facts {
            fact.pulse = Pulse::unproved(now);
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
