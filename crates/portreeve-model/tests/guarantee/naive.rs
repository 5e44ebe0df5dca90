//! The world as everybody who reads the rules would keep it: what was said last, by whom, and until when it counts.

use std::collections::{BTreeMap, BTreeSet};
use std::net::SocketAddr;
use std::time::Duration;

use portreeve_model::{Backend, BackendAddress, BackendId, MemberKey, Policies};

/// What was said last of everybody.
#[derive(Debug, Default)]
pub(crate) struct Naive {
    pub(crate) now: Duration,
    pub(crate) members: BTreeMap<MemberKey, Said>,
    /// The backends of the file by pool: label, address, policies.
    pub(crate) file: BTreeMap<String, Vec<(String, SocketAddr, Policies)>>,
    /// The pools that said at some time to use all where nobody is healthy.
    pub(crate) used_all: BTreeSet<String>,
    /// What the operator drained of the file, by pool and label.
    pub(crate) drained: BTreeSet<(String, String)>,
    /// Which of the file could not be reached, by pool and label.
    pub(crate) down: BTreeSet<(String, String)>,
}

/// What a member said last.
#[derive(Debug, Clone)]
pub(crate) struct Said {
    pub(crate) backend: BackendId,
    pub(crate) address: SocketAddr,
    pub(crate) policies: Policies,
    pub(crate) token: Option<&'static str>,
    /// `None`: as long as probes pass.
    pub(crate) until: Option<Duration>,
    pub(crate) is_up: bool,
    /// By the operator's word.
    pub(crate) is_drained: bool,
    /// By its own word.
    pub(crate) is_leaving: bool,
}

impl Naive {
    pub(crate) fn live(&self) -> impl Iterator<Item = (&MemberKey, &Said)> {
        let is_live = |said: &Said| said.until.is_none_or(|until| until > self.now);
        self.members.iter().filter(move |(_, said)| is_live(said))
    }

    /// Forgets those whose lease and grace are over.
    pub(crate) fn forget(&mut self) {
        let now = self.now;
        let is_known = |said: &Said| said.until.is_none_or(|until| until + GRACE > now);
        self.members.retain(|_, said| is_known(said));
    }

    /// Another server has come to an address: whoever was there is not there any more.
    pub(crate) fn supersede(&mut self, key: &MemberKey, address: SocketAddr) {
        let gone: Vec<MemberKey> = self
            .live()
            .filter(|(other, said)| said.address == address && server(other) != server(key))
            .map(|(other, _)| other.clone())
            .collect();
        for other in gone {
            self.members.remove(&other);
        }
    }

    /// Why a request that demands this may not meet that backend of that pool now; `None` if it may.
    ///
    /// In a pool that says so, a request for which nobody is healthy may meet one that is down, and only that is let
    /// pass then.
    pub(crate) fn objection(
        &self,
        pool: &str,
        backend: &Backend,
        demanded: &Policies,
        is_last_resort: bool,
    ) -> Option<String> {
        if is_last_resort && !self.used_all.contains(pool) {
            return Some("its pool never said to use all".to_owned());
        }
        let BackendAddress::Tcp(addresses) = &backend.address else {
            return Some("there are no Unix sockets here".to_owned());
        };
        match backend.is_registered {
            true => self.objection_to_member(pool, backend, (addresses[0], is_last_resort), demanded),
            false => self.objection_to_file(pool, backend, addresses[0], demanded),
        }
    }

    fn objection_to_member(
        &self,
        pool: &str,
        backend: &Backend,
        (address, is_last_resort): (SocketAddr, bool),
        demanded: &Policies,
    ) -> Option<String> {
        let found = self
            .live()
            .find(|(key, _)| *key.pool == *pool && key.id == backend.label);
        let Some((key, said)) = found else {
            return Some("nobody is registered by that name".to_owned());
        };
        let stranger = self
            .live()
            .find(|(other, said)| said.address == address && server(other) != server(key));
        if let Some((other, _)) = stranger {
            return Some(format!("{other} is at its address"));
        }
        if said.address != address {
            return Some(format!("it has moved to {}", said.address));
        }
        if !holds(&said.policies, demanded) {
            return Some(format!("it upholds [{}]", said.policies));
        }
        let is_up = said.is_up || is_last_resort;
        (!is_up || said.is_drained || said.is_leaving).then(|| format!("it may not serve: {said:?}"))
    }

    /// A request that demands nothing may still go to where an older file said.
    fn objection_to_file(
        &self,
        pool: &str,
        backend: &Backend,
        address: SocketAddr,
        demanded: &Policies,
    ) -> Option<String> {
        if demanded.is_empty() {
            return None;
        }
        let mut here = self.of_file(pool).filter(|(_, at, _)| *at == address);
        if here.clone().next().is_none() {
            return Some("the file does not have its address".to_owned());
        }
        let may = here.any(|(label, _, policies)| {
            holds(policies, demanded) && !self.drained.contains(&(pool.to_owned(), label.clone()))
        });
        (!may).then(|| format!("the file says otherwise of {}", backend.label))
    }

    fn of_file(&self, pool: &str) -> impl Iterator<Item = &(String, SocketAddr, Policies)> + Clone {
        self.file.get(pool).into_iter().flatten()
    }

    /// Who of a pool may serve a request that demands this: addresses, each as often as somebody serves there.
    pub(crate) fn able(&self, pool: &str, demanded: &Policies) -> Vec<SocketAddr> {
        let of_file = self.of_file(pool).filter(|(label, _, policies)| {
            let named = (pool.to_owned(), label.clone());
            holds(policies, demanded) && !self.drained.contains(&named) && !self.down.contains(&named)
        });
        let members = self.live().filter(|(key, said)| {
            *key.pool == *pool
                && said.is_up
                && !said.is_drained
                && !said.is_leaving
                && holds(&said.policies, demanded)
        });
        of_file
            .map(|(_, address, _)| *address)
            .chain(members.map(|(_, said)| said.address))
            .collect()
    }

    /// Whether anybody of a pool, remembered ones included, says that it upholds this.
    pub(crate) fn knows(&self, pool: &str, policy: &str) -> bool {
        let of_file = self
            .of_file(pool)
            .any(|(_, _, policies)| policies.contains(policy));
        let mut members = self.members.iter().filter(|(key, _)| *key.pool == *pool);
        of_file || members.any(|(_, said)| said.policies.contains(policy))
    }
}

/// Without the product's own way to compare sets.
fn holds(upheld: &Policies, demanded: &Policies) -> bool {
    demanded
        .iter()
        .all(|wanted| upheld.iter().any(|own| own.as_str() == wanted.as_str()))
}

fn server(key: &MemberKey) -> &str {
    key.id.split('@').next().expect("a split has a first part")
}

/// How long the plan of these histories remembers who has not renewed.
pub(crate) const GRACE: Duration = Duration::from_secs(20);
