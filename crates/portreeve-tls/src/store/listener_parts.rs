//! What a listener's TLS is made of.

use std::collections::BTreeMap;
use std::collections::HashMap;
use std::sync::Arc;
use std::time::{Instant, SystemTime};

use portreeve_model::plan::{CertificatePlan, ClientCertificatePlan, ListenerPlan, Name, TlsPlan};
use rustls::ServerConfig;

use super::Refreshed;
use super::kept::{Kept, Source};
use super::warned;
use crate::certificate::Certificate;
use crate::fault::{Place, TlsFault, TlsWarning, Wrong};
use crate::listener::{ListenerTls, Parts, protocols};
use crate::tickets::Tickets;
use crate::trust::Trust;

/// What a listener's TLS is made of, but for what ACME gives.
#[derive(Debug)]
pub(super) struct ListenerParts {
    pub(super) name: Name,
    plan: TlsPlan,
    alpn: Vec<Vec<u8>>,
    certificates: Vec<Kept<CertificatePlan>>,
    clients: Option<Kept<ClientCertificatePlan>>,
    tickets: Option<Arc<Tickets>>,
    trust: Arc<Trust>,
}

impl ListenerParts {
    /// Reads its files; `None` if it does not speak TLS.
    pub(super) fn read(listener: &ListenerPlan) -> Option<Result<Self, Vec<TlsFault>>> {
        let plan = listener.tls.as_ref()?;
        let place = Place::Listener(Arc::clone(&listener.name));
        let mut faults = Vec::new();
        let certificates = plan
            .certificates
            .iter()
            .filter_map(|plan| read(plan, &place, &mut faults))
            .collect();
        let clients = plan
            .clients
            .as_ref()
            .and_then(|plan| read(plan, &place, &mut faults));
        if !faults.is_empty() {
            return Some(Err(faults));
        }
        Some(Ok(Self {
            name: Arc::clone(&listener.name),
            alpn: protocols(listener),
            certificates,
            clients,
            tickets: Tickets::lasting(plan.ticket_lifetime).map(Arc::new),
            plan: plan.clone(),
            trust: Arc::new(Trust::new(0)),
        }))
    }

    /// Keeps trust and tickets of what it takes the place of, if its clients had to show the same; else its trust is the
    /// next one.
    pub(super) fn follow(&mut self, before: Option<&Self>, last_trust: &mut u64) {
        let Some(before) = before.filter(|before| before.asked() == self.asked()) else {
            *last_trust += 1;
            self.trust = Arc::new(Trust::new(*last_trust));
            return;
        };
        self.trust = Arc::clone(&before.trust);
        if self.plan.ticket_lifetime == before.plan.ticket_lifetime {
            self.tickets.clone_from(&before.tickets);
        }
    }

    /// What clients have to show: whether anything at all, and the contents of the files by which it is judged.
    fn asked(&self) -> Option<(bool, Vec<u64>)> {
        let clients = self.clients.as_ref()?;
        Some((clients.source.is_required, clients.digests()))
    }

    /// Whether connections of `before` are for this one too.
    pub(super) fn goes_on(&self, before: &Self) -> bool {
        Arc::ptr_eq(&self.trust, &before.trust)
    }

    pub(super) fn trust(&self) -> &Trust {
        &self.trust
    }

    /// Reads again what has changed. Who showed what counted before must show what counts now: its connections end, and
    /// its ticket is void. `passed` counts how often that was so.
    pub(super) fn look_again(&mut self, passed: &mut u64) -> Vec<Refreshed> {
        let place = self.place();
        let mut happened = Vec::new();
        for certificate in &mut self.certificates {
            look_again(certificate, &place, &mut happened);
        }
        let said = happened.len();
        if let Some(clients) = &mut self.clients {
            look_again(clients, &place, &mut happened);
        }
        if happened.iter().skip(said).any(Refreshed::is_taken) {
            self.tickets = Tickets::lasting(self.plan.ticket_lifetime).map(Arc::new);
            self.trust.end();
            self.trust = Arc::new(Trust::new(self.trust.number()));
            *passed += 1;
        }
        happened
    }

    /// Changes the keys of tickets if it is time, even if no client comes.
    pub(super) fn turn_tickets(&self, now: Instant) {
        if let Some(tickets) = &self.tickets {
            tickets.turn(now);
        }
    }

    /// As one that serves.
    pub(super) fn built(
        &self,
        managed: &BTreeMap<Name, Arc<Certificate>>,
        challenges: &Arc<HashMap<Box<str>, Arc<ServerConfig>>>,
    ) -> ListenerTls {
        ListenerTls::new(Parts {
            plan: &self.plan,
            alpn: &self.alpn,
            certificates: self.shown(managed),
            clients: self.clients.as_ref().map(|clients| &*clients.value),
            tickets: self.tickets.as_ref(),
            trust: &self.trust,
            challenges,
        })
    }

    /// Those of files, then those by ACME, each once.
    fn shown(&self, managed: &BTreeMap<Name, Arc<Certificate>>) -> Vec<Arc<Certificate>> {
        let mut shown: Vec<_> = self
            .certificates
            .iter()
            .map(|kept| Arc::clone(&kept.value))
            .collect();
        let by_acme = self
            .plan
            .domains
            .iter()
            .filter_map(|domain| managed.get(domain.as_str()));
        for certificate in by_acme {
            if !shown.iter().any(|known| Arc::ptr_eq(known, certificate)) {
                shown.push(Arc::clone(certificate));
            }
        }
        shown
    }

    /// What should be looked at.
    pub(super) fn warnings(&self, now: SystemTime) -> Vec<TlsWarning> {
        let place = self.place();
        let found = self
            .certificates
            .iter()
            .flat_map(|kept| warned::of_files(kept, now).chain(warned::of_names(kept)));
        found.map(|warning| warning.at(&place)).collect()
    }

    fn place(&self) -> Place {
        Place::Listener(Arc::clone(&self.name))
    }
}

/// Reads it for the first time.
pub(super) fn read<S: Source + Clone>(
    source: &S,
    place: &Place,
    faults: &mut Vec<TlsFault>,
) -> Option<Kept<S>> {
    let read = Kept::read(source.clone());
    read.map_err(|wrongs| faults.extend(at(place, wrongs))).ok()
}

/// Reads it again if it has changed, and tells what came of it.
pub(super) fn look_again<S: Source>(kept: &mut Kept<S>, place: &Place, happened: &mut Vec<Refreshed>) {
    match kept.look_again() {
        None => {}
        Some(Ok(files)) => happened.push(Refreshed::Taken {
            place: place.clone(),
            files,
        }),
        Some(Err(wrongs)) => happened.extend(at(place, wrongs).map(Refreshed::Kept)),
    }
}

pub(super) fn at(place: &Place, wrongs: Vec<Wrong>) -> impl Iterator<Item = TlsFault> {
    wrongs.into_iter().map(|wrong| TlsFault {
        place: place.clone(),
        wrong,
    })
}
