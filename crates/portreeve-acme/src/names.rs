//! Which names are to be certified, and how each can be shown to be ours.

use std::collections::BTreeMap;

use portreeve_model::plan::{AcmeChallenge, AcmePlan, Bind, Carries, ListenerPlan, Plan};

/// What a plan asks for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Wishes {
    pub(crate) plan: AcmePlan,
    /// By name; the ways to prove it, best first.
    pub(crate) domains: BTreeMap<String, Vec<Proof>>,
}

/// How a name is shown to be ours.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Proof {
    /// By a handshake (RFC 8737).
    TlsAlpn01,
    /// By a request (RFC 8555 section 8.3).
    Http01,
}

impl Wishes {
    pub(crate) fn of(plan: &Plan) -> Self {
        let acme = plan.acme.clone().unwrap_or_default();
        let named = plan.listeners.iter().filter_map(|listener| listener.tls.as_ref());
        let domains = named
            .flat_map(|tls| &tls.domains)
            .map(|domain| (domain.clone(), proofs(acme.challenge, domain, &plan.listeners)))
            .collect();
        Self { plan: acme, domains }
    }
}

impl Proof {
    /// As in RFC 8555 and RFC 8737.
    pub(crate) fn code(self) -> &'static str {
        match self {
            Self::TlsAlpn01 => "tls-alpn-01",
            Self::Http01 => "http-01",
        }
    }
}

/// Authorities ask at ports 443 and 80 only. Others may lead there from outside (a container's ports, a firewall), so a
/// listener elsewhere counts too, but one that is there itself comes first.
fn proofs(wanted: AcmeChallenge, domain: &str, listeners: &[ListenerPlan]) -> Vec<Proof> {
    match wanted {
        AcmeChallenge::TlsAlpn01 => vec![Proof::TlsAlpn01],
        AcmeChallenge::Http01 => vec![Proof::Http01],
        AcmeChallenge::Any => {
            let tls = best(listeners, 443, |one| secures(one, domain));
            let http = best(listeners, 80, answers_requests);
            let mut found: Vec<_> = [(tls, Proof::TlsAlpn01), (http, Proof::Http01)]
                .into_iter()
                .filter_map(|(rank, proof)| Some((rank?, proof)))
                .collect();
            found.sort_by_key(|(rank, _)| *rank);
            found.into_iter().map(|(_, proof)| proof).collect()
        }
    }
}

/// 0: one is at that port; 1: one is elsewhere; `None`: there is none.
fn best(listeners: &[ListenerPlan], port: u16, can: impl Fn(&ListenerPlan) -> bool) -> Option<u8> {
    let ranks = listeners
        .iter()
        .filter(|one| can(one))
        .map(|one| match &one.bind {
            Bind::Tcp(address) if address.port() == port => 0,
            Bind::Tcp(_) | Bind::Unix(_) => 1,
        });
    ranks.min()
}

fn secures(listener: &ListenerPlan, domain: &str) -> bool {
    let tls = listener.tls.as_ref();
    tls.is_some_and(|tls| tls.domains.iter().any(|one| one == domain))
}

fn answers_requests(listener: &ListenerPlan) -> bool {
    listener.tls.is_none() && listener.carries == Carries::Http
}

#[cfg(test)]
mod tests {
    use super::*;
    use portreeve_model::plan::TlsPlan;

    fn listener(name: &str, port: u16, domains: &[&str]) -> ListenerPlan {
        let bind = Bind::Tcp(([0, 0, 0, 0], port).into());
        let mut listener = ListenerPlan::new(name.into(), bind);
        listener.tls = (!domains.is_empty()).then(|| TlsPlan {
            domains: domains.iter().map(|one| (*one).to_owned()).collect(),
            ..TlsPlan::default()
        });
        listener
    }

    fn wishes(challenge: AcmeChallenge, listeners: Vec<ListenerPlan>) -> Wishes {
        let acme = AcmePlan {
            challenge,
            ..AcmePlan::default()
        };
        Wishes::of(&Plan {
            listeners,
            acme: Some(acme),
            ..Plan::default()
        })
    }

    #[test]
    fn a_name_of_two_listeners_is_wished_for_once() {
        let both = vec![
            listener("a", 443, &["a.test", "b.test"]),
            listener("b", 8443, &["a.test"]),
        ];

        let wishes = wishes(AcmeChallenge::Any, both);

        let names: Vec<_> = wishes.domains.keys().collect();
        assert_eq!(names, ["a.test", "b.test"]);
    }

    #[test]
    fn a_handshake_proves_first_unless_only_the_plain_port_is_the_one_that_is_asked() {
        let cases = [
            (443, Some(80), vec![Proof::TlsAlpn01, Proof::Http01]),
            (8443, Some(80), vec![Proof::Http01, Proof::TlsAlpn01]),
            (8443, Some(8080), vec![Proof::TlsAlpn01, Proof::Http01]),
            (443, None, vec![Proof::TlsAlpn01]),
        ];
        for (tls, plain, expected) in cases {
            let mut listeners = vec![listener("tls", tls, &["a.test"])];
            listeners.extend(plain.map(|port| listener("plain", port, &[])));

            let wishes = wishes(AcmeChallenge::Any, listeners);

            assert_eq!(wishes.domains["a.test"], expected, "{tls} and {plain:?}");
        }
    }

    #[test]
    fn the_proof_that_was_chosen_is_the_only_one() {
        let listeners = || vec![listener("tls", 443, &["a.test"]), listener("plain", 80, &[])];

        let by_request = wishes(AcmeChallenge::Http01, listeners());
        let by_handshake = wishes(AcmeChallenge::TlsAlpn01, listeners());

        assert_eq!(by_request.domains["a.test"], [Proof::Http01]);
        assert_eq!(by_handshake.domains["a.test"], [Proof::TlsAlpn01]);
    }
}
