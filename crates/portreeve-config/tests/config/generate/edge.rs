//! Any way in which connections are secured and carried.

use portreeve_model::plan::{
    AcmeChallenge, AcmePlan, BackendTlsPlan, BalancePlan, Carries, CertificatePlan, ClientCertificatePlan,
    DemandPlan, HashKey, Http2Plan, ListenerPlan, Name, Plan, PolicySource, PoolPlan, RedirectPlan,
    RoutePlan, SanPattern, Scheme, Target, TargetAddress, TlsPlan, TlsVersion,
};
use portreeve_model::{Policies, Policy};
use proptest::collection::vec;
use proptest::option;
use proptest::prelude::*;
use proptest::sample::select;

use super::{ms, network, path};

/// The listener with TLS, HTTP/2 and whom it believes.
pub(super) fn listener(plain: ListenerPlan) -> impl Strategy<Value = ListenerPlan> {
    let is_tcp = matches!(plain.bind, portreeve_model::plan::Bind::Tcp(_));
    let networks = vec(network(), 0..3).prop_map(move |networks| match is_tcp {
        true => distinct(networks),
        false => Vec::new(),
    });
    (option::of(tls()), http2(), networks).prop_map(move |(tls, http2, proxy_protocol)| ListenerPlan {
        tls,
        http2,
        proxy_protocol,
        ..plain.clone()
    })
}

/// The pool with what is spoken with its backends.
pub(super) fn pool(plain: PoolPlan) -> impl Strategy<Value = PoolPlan> {
    let of_requests = || select(vec![Scheme::Http, Scheme::Https, Scheme::H2c, Scheme::H2]);
    let of_each = vec(of_requests(), plain.targets.len());
    (of_requests(), of_each, backend_tls()).prop_map(move |(scheme, schemes, tls)| {
        let mut pool = PoolPlan {
            scheme,
            ..plain.clone()
        };
        for (target, scheme) in pool.targets.iter_mut().zip(schemes) {
            target.scheme = scheme;
        }
        if scheme.is_tls() || pool.targets.iter().any(|target| target.scheme.is_tls()) {
            pool.tls = tls;
            let is_unix = |target: &Target| matches!(target.address, TargetAddress::Unix(_));
            if pool.targets.iter().any(is_unix) {
                pool.tls.server_name = Some("app.test".to_owned());
            }
        }
        pool
    })
}

/// What a plan may have beside what its parts have.
#[derive(Debug, Clone)]
pub(super) struct Extras {
    acme: Option<AcmePlan>,
    redirect: Option<u16>,
    names: Option<Vec<(SanPattern, Policies)>>,
    raw: Option<PoolPlan>,
}

pub(super) fn extras() -> impl Strategy<Value = Extras> {
    let status = select(vec![301, 302, 307, 308]);
    (
        option::of(acme()),
        option::of(status),
        option::of(names()),
        option::of(raw_pool()),
    )
        .prop_map(|(acme, redirect, names, raw)| Extras {
            acme,
            redirect,
            names,
            raw,
        })
}

/// The plan with all of it, as far as it goes together.
pub(super) fn made_sound(mut plan: Plan, extras: Extras) -> Plan {
    if let Some(status) = extras.redirect {
        redirect(&mut plan, status);
    }
    if let Some(pool) = extras.raw {
        carry(&mut plan, pool);
    }
    if let Some(names) = extras.names {
        ask(&mut plan, names);
    }
    let tls = || plan.listeners.iter().filter_map(|listener| listener.tls.as_ref());
    let is_needed = tls().any(|tls| !tls.domains.is_empty());
    plan.acme = extras.acme.or_else(|| is_needed.then(AcmePlan::default));
    let is_plain = |listener: &ListenerPlan| {
        let is_tcp = matches!(listener.bind, portreeve_model::plan::Bind::Tcp(_));
        listener.tls.is_none() && listener.carries == Carries::Http && is_tcp
    };
    if let Some(acme) = plan
        .acme
        .as_mut()
        .filter(|_| !plan.listeners.iter().any(is_plain))
    {
        acme.challenge = AcmeChallenge::Any;
    }
    plan
}

/// The last of several listeners only redirects.
fn redirect(plan: &mut Plan, status: u16) {
    let [others @ .., last] = plan.listeners.as_mut_slice() else {
        return;
    };
    if others.is_empty() {
        return;
    }
    let to = others.iter().find(|listener| listener.tls.is_some());
    last.redirect = Some(RedirectPlan {
        to: to.map(|listener| listener.name.clone()),
        status,
    });
    (last.tls, last.packets, last.registration) = (None, None, false);
}

/// The first of several listeners carries connections.
fn carry(plan: &mut Plan, pool: PoolPlan) {
    let [first, others @ ..] = plan.listeners.as_mut_slice() else {
        return;
    };
    if others.is_empty() {
        return;
    }
    (first.packets, first.registration, first.forwarded) = (None, false, false);
    (first.carries, first.http2) = (Carries::Tcp, Http2Plan::default());
    let redirects = others.iter_mut().filter_map(|other| other.redirect.as_mut());
    for redirect in redirects.filter(|plan| plan.to.as_ref() == Some(&first.name)) {
        redirect.to = None;
    }
    let name = first.name.clone();
    let others: Vec<Name> = others.iter().map(|other| other.name.clone()).collect();
    for route in &mut plan.routes {
        route.listeners.retain(|listener| *listener != name);
        if route.listeners.is_empty() {
            route.listeners.clone_from(&others);
        }
    }
    plan.routes.push(RoutePlan {
        listeners: vec![name],
        ..RoutePlan::all(Name::from("of-connections"), pool.name.clone())
    });
    plan.pools.push(pool);
}

/// The first route whose clients show certificates takes policies from them.
fn ask(plan: &mut Plan, names: Vec<(SanPattern, Policies)>) {
    let asks = |listener: &ListenerPlan| listener.tls.as_ref().is_some_and(|tls| tls.clients.is_some());
    let asking: Vec<Name> = plan
        .listeners
        .iter()
        .filter(|listener| asks(listener))
        .map(|listener| listener.name.clone())
        .collect();
    let is_asked = |route: &&mut RoutePlan| {
        !asking.is_empty()
            && (route.listeners.is_empty() || route.listeners.iter().any(|one| asking.contains(one)))
    };
    if let Some(route) = plan.routes.iter_mut().find(is_asked) {
        route.demands.push(DemandPlan {
            from: PolicySource::Certificate(names),
            accepts: Policies::none(),
            otherwise: Policies::none(),
            is_optional: true,
        });
    }
}

fn tls() -> impl Strategy<Value = TlsPlan> {
    let shown = (vec(certificate(), 0..3), vec("[a-z]{1,9}\\.test", 0..3));
    let rules = (any::<bool>(), any::<bool>(), option::of(of_clients()));
    let bounds = (
        ms(1, 3_600_000),
        1..=100_000_u32,
        1..=100_u8,
        prop_oneof![Just(0), 1..=604_800_000_u64],
    );
    (shown, rules, bounds).prop_map(
        |((certificates, domains), (is_new, is_strict, clients), bounds)| {
            let domains = match certificates.is_empty() && domains.is_empty() {
                true => vec!["a.test".to_owned()],
                false => distinct(domains),
            };
            TlsPlan {
                certificates: distinct(certificates),
                domains,
                version_min: if is_new {
                    TlsVersion::Tls13
                } else {
                    TlsVersion::Tls12
                },
                requires_known_name: is_strict,
                clients,
                handshake_timeout: bounds.0,
                handshakes_max: bounds.1,
                handshake_share: bounds.2,
                ticket_lifetime: std::time::Duration::from_millis(bounds.3),
                trust: 0,
            }
        },
    )
}

fn certificate() -> impl Strategy<Value = CertificatePlan> {
    (path(), path(), option::of(path())).prop_map(|(certificate, key, ocsp)| CertificatePlan {
        certificate,
        key,
        ocsp,
    })
}

fn of_clients() -> impl Strategy<Value = ClientCertificatePlan> {
    let header = prop_oneof![
        Just(Some("x-client-certificate-san".to_owned())),
        option::of("x-[a-z]{1,9}")
    ];
    (path(), vec(path(), 0..3), any::<bool>(), header).prop_map(
        |(authorities, revoked, is_required, header)| ClientCertificatePlan {
            authorities,
            revoked: distinct(revoked),
            is_required,
            header,
        },
    )
}

fn http2() -> impl Strategy<Value = Http2Plan> {
    let windows = (16_384..=16_777_216_u32, 65_536..=268_435_456_u32);
    let counts = (1..=1_000_u32, 1..=1_000_000_u32, 10..=1_000_000_u32);
    let on = (windows, counts, option::of(ms(1, 86_400_000))).prop_map(|(windows, counts, idle_timeout)| {
        Http2Plan {
            is_on: true,
            streams_max: counts.0,
            stream_window: windows.0.min(windows.1),
            connection_window: windows.1,
            resets_max: counts.1,
            idle_frames_max: counts.2,
            idle_timeout,
        }
    });
    let off = Http2Plan {
        is_on: false,
        ..Http2Plan::default()
    };
    prop_oneof![Just(Http2Plan::default()), Just(off), on]
}

fn backend_tls() -> impl Strategy<Value = BackendTlsPlan> {
    let name = "[a-z]{1,9}\\.test|10\\.0\\.0\\.7|2001:db8::7";
    let shown = option::of((path(), path()));
    (option::of(path()), option::of(name), shown, any::<bool>()).prop_map(
        |(authorities, server_name, shown, is_open)| BackendTlsPlan {
            is_insecure: is_open && authorities.is_none(),
            trust: 0,
            authorities,
            server_name,
            certificate: shown.map(|(certificate, key)| CertificatePlan {
                certificate,
                key,
                ocsp: None,
            }),
        },
    )
}

fn acme() -> impl Strategy<Value = AcmePlan> {
    let challenge = select(vec![
        AcmeChallenge::Any,
        AcmeChallenge::TlsAlpn01,
        AcmeChallenge::Http01,
    ]);
    let account = option::of(("[!-~]{1,20}", path()));
    (
        "https://[a-z]{1,9}\\.test/[a-z]{0,9}",
        vec("mailto:[a-z]{1,9}@[a-z]{1,9}\\.test", 0..3),
        option::of(path()),
        challenge,
        1..=90_u8,
        account,
    )
        .prop_map(
            |(directory, contacts, authorities, challenge, renew_at, external_account)| AcmePlan {
                directory,
                contacts: distinct(contacts),
                authorities,
                challenge,
                renew_at,
                external_account,
            },
        )
}

fn names() -> impl Strategy<Value = Vec<(SanPattern, Policies)>> {
    let name = prop_oneof![
        "DNS:[a-z]{1,9}\\.test".prop_map(SanPattern::Exact),
        "DNS:\\.[a-z]{1,9}\\.test".prop_map(SanPattern::Open),
        "URI:spiffe://[a-z]{1,9}/[a-z\"\\\\]{0,9}".prop_map(SanPattern::Exact),
        "URI:spiffe://[a-z]{1,9}/".prop_map(SanPattern::Open),
        "email:[a-z]{1,9}@a\\.test".prop_map(SanPattern::Exact),
        Just(SanPattern::Exact("IP:10.0.0.7".to_owned())),
    ];
    vec((name, vec(select(vec!["eu", "hipaa", "111"]), 1..3)), 1..4).prop_map(|pairs| {
        let mut names: Vec<(SanPattern, Policies)> = Vec::new();
        for (name, policies) in pairs {
            if names.iter().all(|(known, _)| *known != name) {
                let policies = policies
                    .iter()
                    .map(|name| Policy::new(name).expect("a good name"));
                names.push((name, policies.collect()));
            }
        }
        names
    })
}

fn raw_pool() -> impl Strategy<Value = PoolPlan> {
    let schemes = vec(select(vec![Scheme::Tcp, Scheme::Tls]), 1..4);
    let scheme = select(vec![Scheme::Tcp, Scheme::Tls]);
    let balance = select(vec![
        BalancePlan::RoundRobin,
        BalancePlan::Hash(HashKey::ClientAddress),
    ]);
    (schemes, scheme, option::of(1..=2_u8), balance).prop_map(|(schemes, scheme, proxy_protocol, balance)| {
        let target = |(nth, scheme): (usize, Scheme)| Target {
            scheme,
            ..Target::new(TargetAddress::Host {
                host: format!("db{nth}"),
                port: 5_432,
            })
        };
        PoolPlan {
            targets: schemes.into_iter().enumerate().map(target).collect(),
            scheme,
            proxy_protocol,
            balance,
            ..PoolPlan::empty(Name::from("of-connections"))
        }
    })
}

fn distinct<T: PartialEq>(values: Vec<T>) -> Vec<T> {
    let mut distinct = Vec::new();
    for value in values {
        if !distinct.contains(&value) {
            distinct.push(value);
        }
    }
    distinct
}
