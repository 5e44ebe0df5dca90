//! What members say, and what is found out about them.

use std::net::SocketAddr;
use std::sync::Arc;

use portreeve_model::{Announcement, Backend, Beat, MemberKey, PolicyScope, Registered, Sender, Term, Token};

use super::{History, POLICIES, address, policies};
use crate::naive::Said;

impl History {
    /// Somebody says who he is: for the first time, again, with other policies, from another address, from another's.
    pub(super) fn register(&mut self) {
        let key = self.key();
        let before = self.naive.members.get(&key).cloned();
        let address = match &before {
            Some(before) if self.dice.once_in(2) => before.address,
            _ if &*key.id == NAMESAKE && self.dice.once_in(2) => address(9, 1),
            _ => address(0, 1 + self.dice.below(5)),
        };
        let said = match &before {
            Some(before) if self.dice.once_in(3) => before.policies.clone(),
            _ => policies(&self.dice.some_of(&POLICIES, 4)),
        };
        let announcement = Announcement {
            key: key.clone(),
            address,
            policies: said,
            weight: *self.dice.one_of(&[1, 1, 1, 3]),
            term: Term::Heartbeats(None),
            spells_types_as_text: false,
            zone: None,
            is_backup: false,
        };
        let (by, token) = self.sender();
        let shown = format!("{key} registers at {address} with [{}]", announcement.policies);
        match self.registry.register(announcement.clone(), &by, self.at()) {
            Ok(registered) => {
                self.note(format!("{shown}: #{}", registered.backend.id.get()));
                self.believe(&announcement, &registered, token, before);
            }
            Err(fault) => self.note(format!("{shown}: refused, {fault}")),
        }
    }

    fn believe(
        &mut self,
        announcement: &Announcement,
        registered: &Registered,
        token: Option<&'static str>,
        before: Option<Said>,
    ) {
        let now = self.naive.now;
        let is_live = |said: &&Said| said.until.is_none_or(|until| until > now);
        let stays = before
            .as_ref()
            .filter(is_live)
            .filter(|before| before.address == announcement.address);
        let said = Said {
            backend: registered.backend.id,
            address: announcement.address,
            policies: announcement.policies.clone(),
            token,
            until: Some(now + registered.ttl),
            is_up: stays.is_some_and(|before| before.is_up),
            // Who moves has not asked to drain there.
            is_leaving: stays.is_some_and(|before| before.is_leaving),
            is_drained: before.filter(|before| is_live(&before)).map_or_else(
                || self.naive.drained.contains(&named(&announcement.key)),
                |before| before.is_drained,
            ),
        };
        self.naive.supersede(&announcement.key, announcement.address);
        self.naive.members.insert(announcement.key.clone(), said);
    }

    pub(super) fn renew(&mut self) {
        let (key, (by, _)) = (self.key(), self.sender());
        let is_draining = *self.dice.one_of(&[None, None, Some(true), Some(false)]);
        let beat = Beat {
            is_draining,
            ..Beat::default()
        };
        let Ok(ttl) = self.registry.renew(&key, beat, &by, self.at()) else {
            return;
        };
        self.note(format!("{key} renews, draining: {is_draining:?}"));
        let now = self.naive.now;
        if let Some(said) = self.naive.members.get_mut(&key) {
            said.until = Some(now + ttl);
            said.is_leaving = is_draining.unwrap_or(said.is_leaving);
        }
    }

    pub(super) fn deregister(&mut self) {
        let (key, (by, _)) = (self.key(), self.sender());
        if self.registry.deregister(&key, &by, self.at()).is_ok() {
            self.note(format!("{key} leaves"));
            self.naive.members.remove(&key);
        }
    }

    /// Drain, undrain, remove.
    pub(super) fn obey_operator(&mut self) {
        let (key, at) = (self.key(), self.at());
        self.take_suspects();
        let (what, is_done) = match self.dice.below(4) {
            0 => ("removed", self.registry.remove(&key, at).is_ok()),
            1 => ("drained", self.registry.drain(&key, at).is_ok()),
            _ => ("undrained", self.registry.undrain(&key, at).is_ok()),
        };
        if !is_done {
            return;
        }
        self.note(format!("{key} is {what}"));
        self.publish();
        match what {
            "drained" => self.naive.drained.insert(named(&key)),
            _ => self.naive.drained.remove(&named(&key)),
        };
        if what == "removed" {
            self.naive.members.remove(&key);
        } else if let Some(said) = self.naive.members.get_mut(&key) {
            said.is_drained = what == "drained";
        }
    }

    pub(super) fn revoke(&mut self) {
        let token = *self.dice.one_of(&TOKENS);
        self.registry.revoke(&token.into(), self.at());
        self.note(format!("{token} is revoked"));
        self.naive.members.retain(|_, said| said.token != Some(token));
    }

    /// Probes go out, and some come back.
    pub(super) fn probe(&mut self) {
        let taken = self.registry.take_probes(self.at(), 8);
        self.probes
            .extend(taken.into_iter().map(|order| (order.backend, false)));
        for _ in 0..self.dice.below(6) {
            if self.probes.is_empty() {
                return;
            }
            let place = self.dice.below(self.probes.len());
            let (backend, is_old) = self.probes.swap_remove(place);
            let passes = !self.dice.once_in(6);
            let outcome = if passes { Ok(()) } else { Err("refused".to_owned()) };
            self.registry.proved(backend.id, outcome, self.at());
            self.note(format!("probe of {}: {passes}", super::name(&backend)));
            if !is_old {
                self.set_up(&backend, passes);
            }
        }
    }

    pub(super) fn take_suspects(&mut self) {
        self.registry.take_suspects(self.at());
    }

    /// A request could not reach it.
    pub(super) fn suspect(&mut self, backend: &Arc<Backend>) {
        if backend.suspect() {
            let mut probes = self.probes.iter_mut();
            if let Some((_, is_old)) = probes.find(|(one, _)| one.id == backend.id) {
                *is_old = true;
            }
            self.set_up(backend, false);
        }
    }

    fn set_up(&mut self, backend: &Backend, is_up: bool) {
        let mut members = self.naive.members.values_mut();
        if let Some(said) = members.find(|said| said.backend == backend.id) {
            said.is_up = is_up;
        }
        let mut pools = self.latest.pools.iter();
        // One that stood in the file before is not asked, nor does anybody look at it.
        if let Some(pool) = pools.find(|pool| pool.backends.iter().any(|one| one.id == backend.id))
            && !backend.is_registered
        {
            let named = (pool.name.to_string(), backend.label.to_string());
            match is_up {
                true => self.naive.down.remove(&named),
                false => self.naive.down.insert(named),
            };
        }
    }

    fn key(&mut self) -> MemberKey {
        let pool = if self.dice.once_in(4) { "web" } else { "api" };
        MemberKey {
            pool: pool.into(),
            id: (*self.dice.one_of(&IDS)).into(),
        }
    }

    fn sender(&mut self) -> (Sender, Option<&'static str>) {
        let token = self.dice.once_in(5).then(|| *self.dice.one_of(&TOKENS));
        let sender = Sender {
            source: Some(LOCAL.ip()),
            token: token.map(|id| Arc::new(all_allowing(id))),
        };
        (sender, token)
    }
}

/// As the operator names it, who does not say whether he means the file.
fn named(key: &MemberKey) -> (String, String) {
    (key.pool.to_string(), key.id.to_string())
}

fn all_allowing(id: &str) -> Token {
    Token {
        id: id.into(),
        certificate: None,
        pools: Vec::new(),
        policies: PolicyScope::Any,
        networks: vec![portreeve_model::plan::Network {
            address: [0, 0, 0, 0].into(),
            prefix: 0,
        }],
        weight_max: 1_000,
        ttl_max: None,
        expires_unix_ms: None,
    }
}

const LOCAL: SocketAddr = SocketAddr::V4(std::net::SocketAddrV4::new(std::net::Ipv4Addr::LOCALHOST, 0));
const TOKENS: [&str; 2] = ["t1", "t2"];
/// Some are packet servers, which are one and the same in each of their policies.
const IDS: [&str; 7] = ["a", "b", "c", "s@p0", "s@p1", "t@p1", NAMESAKE];
/// Has the name of a backend of the file, and sometimes its address.
const NAMESAKE: &str = "10.0.9.1:1";
