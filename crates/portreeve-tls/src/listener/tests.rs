use std::time::Duration;

use portreeve_model::plan::{ClientCertificatePlan, Http2Plan, Plan};
use rcgen::{
    CertificateRevocationListParams, KeyIdMethod, KeyPair, RevokedCertParams, SanType, SerialNumber,
};
use rustls::{ClientConfig, Error, HandshakeKind, NamedGroup};

use super::*;
use crate::testing::{Authority, Failed, Folder, Leaf, plan, plan_of, shake};
use crate::{TlsStore, client_event};
use portreeve_model::EdgeEvent;

fn web(plan: &Plan) -> Arc<ListenerTls> {
    let store = TlsStore::new();
    let _ = store.publish(store.load(plan).unwrap());
    let table = Arc::clone(&store.subscribe().borrow());
    Arc::clone(table.listener("web").unwrap())
}

fn shown(
    tls: &ListenerTls,
    config: &Arc<ClientConfig>,
    host: &str,
) -> rustls::pki_types::CertificateDer<'static> {
    shake(tls, config, host).unwrap().certificate
}

#[test]
fn each_host_is_shown_its_own_certificate() {
    let (folder, authority) = (Folder::new(), Authority::new());
    let (a, b) = (
        authority.leaf(&["a.test"]),
        authority.leaf(&["b.test", "*.b.test"]),
    );
    let tls = web(&plan(vec![folder.leaf("a", &a), folder.leaf("b", &b)]));
    let client = Arc::new(authority.client_config(&[], None));
    assert_eq!(shown(&tls, &client, "a.test"), a.der);
    assert_eq!(shown(&tls, &client, "b.test"), b.der);
    assert_eq!(shown(&tls, &client, "x.b.test"), b.der);
    assert_eq!(shown(&tls, &client, "A.TEST"), a.der);
}

#[test]
fn a_wildcard_is_for_one_label_and_the_very_host_comes_first() {
    let (folder, authority) = (Folder::new(), Authority::new());
    let (open, exact) = (authority.leaf(&["*.b.test"]), authority.leaf(&["x.b.test"]));
    let tls = web(&plan(vec![
        folder.leaf("open", &open),
        folder.leaf("exact", &exact),
    ]));
    let client = Arc::new(authority.client_config(&[], None));
    assert_eq!(shown(&tls, &client, "y.b.test"), open.der);
    assert_eq!(shown(&tls, &client, "x.b.test"), exact.der);
    for host in ["x.y.b.test", "b.test"] {
        assert!(
            matches!(shake(&tls, &client, host), Err(Failed::UnknownName)),
            "{host}"
        );
    }
}

#[test]
fn a_client_that_names_no_host_is_shown_the_first() {
    let (folder, authority) = (Folder::new(), Authority::new());
    let (first, second) = (
        authority.leaf(&["a.test", "127.0.0.1"]),
        authority.leaf(&["b.test"]),
    );
    let tls = web(&plan(vec![folder.leaf("a", &first), folder.leaf("b", &second)]));
    let client = Arc::new(authority.client_config(&[], None));
    assert_eq!(shown(&tls, &client, "127.0.0.1"), first.der);
}

#[test]
fn an_unknown_host_is_shown_the_first_if_it_may_be() {
    let (folder, authority) = (Folder::new(), Authority::new());
    let leaf = authority.leaf(&["a.test"]);
    let tls = web(&plan_of(TlsPlan {
        certificates: vec![folder.leaf("a", &leaf)],
        requires_known_name: false,
        ..TlsPlan::default()
    }));
    let client = Arc::new(authority.client_config(&[], None));
    let failed = shake(&tls, &client, "other.test");
    assert!(
        matches!(failed, Err(Failed::Client(Error::InvalidCertificate(_)))),
        "{failed:?}"
    );
}

#[test]
fn of_two_for_a_host_the_quick_key_is_shown_to_who_takes_it() {
    let (folder, authority) = (Folder::new(), Authority::new());
    let rsa = KeyPair::generate_for(&rcgen::PKCS_RSA_SHA256).unwrap();
    let rsa = authority.leaf_of(&["a.test", "127.0.0.1"], (-1, 90), rsa);
    let ecdsa = authority.leaf(&["a.test", "127.0.0.1"]);
    let tls = web(&plan(vec![
        folder.leaf("rsa", &rsa),
        folder.leaf("ecdsa", &ecdsa),
    ]));
    let client = Arc::new(authority.client_config(&[], None));
    assert_eq!(shown(&tls, &client, "a.test"), ecdsa.der);
    assert_eq!(shown(&tls, &client, "127.0.0.1"), ecdsa.der);
    assert_eq!(shown(&tls, &Arc::new(only_rsa(&authority)), "a.test"), rsa.der);
    assert_eq!(shown(&tls, &Arc::new(only_rsa(&authority)), "127.0.0.1"), rsa.der);
}

/// A client of TLS 1.2 that has no suite for other keys.
fn only_rsa(authority: &Authority) -> ClientConfig {
    use rustls::crypto::aws_lc_rs;
    let mut provider = aws_lc_rs::default_provider();
    provider.cipher_suites = vec![aws_lc_rs::cipher_suite::TLS_ECDHE_RSA_WITH_AES_128_GCM_SHA256];
    let mut trusted = rustls::RootCertStore::empty();
    trusted.add(authority.0.der().clone()).unwrap();
    let builder = ClientConfig::builder_with_provider(Arc::new(provider))
        .with_protocol_versions(&[&TLS12])
        .unwrap();
    builder.with_root_certificates(trusted).with_no_client_auth()
}

#[test]
fn http2_is_agreed_on_where_it_is_spoken() {
    let (folder, authority) = (Folder::new(), Authority::new());
    let mut plan = plan(vec![folder.leaf("a", &authority.leaf(&["a.test"]))]);
    let both = Arc::new(authority.client_config(&["http/1.1", "h2"], None));
    let alpn = |plan: &Plan| shake(&web(plan), &both, "a.test").unwrap().alpn;
    assert_eq!(alpn(&plan).as_deref(), Some(&b"h2"[..]));
    plan.listeners[0].http2 = Http2Plan {
        is_on: false,
        ..Http2Plan::default()
    };
    assert_eq!(alpn(&plan).as_deref(), Some(&b"http/1.1"[..]));
    plan.listeners[0].carries = Carries::Tcp;
    assert_eq!(alpn(&plan), None);
}

#[test]
fn a_client_of_another_protocol_shares_nothing() {
    let (folder, authority) = (Folder::new(), Authority::new());
    let tls = web(&plan(vec![folder.leaf("a", &authority.leaf(&["a.test"]))]));
    let client = Arc::new(authority.client_config(&["imap"], None));
    let Err(Failed::Server(fault)) = shake(&tls, &client, "a.test") else {
        panic!("it must fail")
    };
    assert_eq!(client_event(&fault), EdgeEvent::TlsNothingShared);
}

#[test]
fn a_client_of_too_old_a_version_shares_nothing() {
    let (folder, authority) = (Folder::new(), Authority::new());
    let tls = web(&plan_of(TlsPlan {
        certificates: vec![folder.leaf("a", &authority.leaf(&["a.test"]))],
        version_min: TlsVersion::Tls13,
        ..TlsPlan::default()
    }));
    let Err(Failed::Server(fault)) = shake(&tls, &Arc::new(only_rsa(&authority)), "a.test") else {
        panic!("it must fail")
    };
    assert_eq!(client_event(&fault), EdgeEvent::TlsNothingShared);
}

#[test]
fn the_exchange_outlives_quantum_computers() {
    let (folder, authority) = (Folder::new(), Authority::new());
    let tls = web(&plan(vec![folder.leaf("a", &authority.leaf(&["a.test"]))]));
    let client = Arc::new(authority.client_config(&[], None));
    assert_eq!(
        shake(&tls, &client, "a.test").unwrap().group,
        Some(NamedGroup::X25519MLKEM768)
    );
}

#[test]
fn sessions_are_resumed_by_tickets_unless_they_may_not() {
    let (folder, authority) = (Folder::new(), Authority::new());
    let mut tls = TlsPlan {
        certificates: vec![folder.leaf("a", &authority.leaf(&["a.test"]))],
        ..TlsPlan::default()
    };
    for (life, second) in [(3_600, HandshakeKind::Resumed), (0, HandshakeKind::Full)] {
        tls.ticket_lifetime = Duration::from_secs(life);
        let listener = web(&plan_of(tls.clone()));
        let client = Arc::new(authority.client_config(&[], None));
        assert_eq!(
            shake(&listener, &client, "a.test").unwrap().kind,
            HandshakeKind::Full
        );
        assert_eq!(
            shake(&listener, &client, "a.test").unwrap().kind,
            second,
            "{life} s"
        );
    }
}

fn asking(folder: &Folder, authority: &Authority, is_required: bool, revoked: Option<&Leaf>) -> TlsPlan {
    let lists = revoked.map(|leaf| folder.put("revoked.pem", revoking(authority, leaf)));
    TlsPlan {
        certificates: vec![folder.leaf("a", &authority.leaf(&["a.test"]))],
        clients: Some(ClientCertificatePlan {
            authorities: folder.put("clients.pem", authority.0.pem()),
            revoked: lists.into_iter().collect(),
            is_required,
            header: None,
        }),
        ..TlsPlan::default()
    }
}

fn revoking(authority: &Authority, leaf: &Leaf) -> String {
    use x509_parser::prelude::FromDer;
    let (_, parsed) = x509_parser::certificate::X509Certificate::from_der(&leaf.der).unwrap();
    let list = CertificateRevocationListParams {
        this_update: rcgen::date_time_ymd(2020, 1, 1),
        next_update: rcgen::date_time_ymd(2090, 1, 1),
        crl_number: SerialNumber::from(1),
        issuing_distribution_point: None,
        revoked_certs: vec![RevokedCertParams {
            serial_number: SerialNumber::from_slice(parsed.raw_serial()),
            revocation_time: rcgen::date_time_ymd(2020, 1, 1),
            reason_code: None,
            invalidity_date: None,
        }],
        key_identifier_method: KeyIdMethod::Sha256,
    };
    list.signed_by(&authority.0).unwrap().pem().unwrap()
}

fn client_leaf(authority: &Authority) -> Leaf {
    authority.client(vec![SanType::URI("spiffe://test/a".try_into().unwrap())])
}

fn refused(tls: &TlsPlan, client: ClientConfig) -> EdgeEvent {
    let listener = web(&plan_of(tls.clone()));
    match shake(&listener, &Arc::new(client), "a.test") {
        Err(Failed::Server(fault)) => client_event(&fault),
        other => panic!("the server must refuse: {other:?}"),
    }
}

#[test]
fn clients_show_a_certificate_that_is_trusted_where_they_must() {
    let (folder, authority) = (Folder::new(), Authority::new());
    let tls = asking(&folder, &authority, true, None);
    let leaf = client_leaf(&authority);
    let listener = web(&plan_of(tls.clone()));
    shake(
        &listener,
        &Arc::new(authority.client_config(&[], Some(&leaf))),
        "a.test",
    )
    .unwrap();
    let foreign = client_leaf(&Authority::new());
    assert_eq!(
        refused(&tls, authority.client_config(&[], None)),
        EdgeEvent::TlsCertificateMissing
    );
    assert_eq!(
        refused(&tls, authority.client_config(&[], Some(&foreign))),
        EdgeEvent::TlsCertificateRefused
    );
}

#[test]
fn a_certificate_of_a_server_is_none_of_a_client() {
    let (folder, authority) = (Folder::new(), Authority::new());
    let tls = asking(&folder, &authority, true, None);
    let mut params = rcgen::CertificateParams::new(vec!["a.test".to_owned()]).unwrap();
    params.extended_key_usages = vec![rcgen::ExtendedKeyUsagePurpose::ServerAuth];
    let key = KeyPair::generate().unwrap();
    let signed = params.signed_by(&key, &authority.0).unwrap();
    let server = Leaf {
        certificate: signed.pem(),
        der: signed.der().clone(),
        key,
    };
    assert_eq!(
        refused(&tls, authority.client_config(&[], Some(&server))),
        EdgeEvent::TlsCertificateRefused
    );
}

#[test]
fn a_revoked_certificate_is_refused_and_others_are_not() {
    let (folder, authority) = (Folder::new(), Authority::new());
    let (lost, kept) = (client_leaf(&authority), client_leaf(&authority));
    let tls = asking(&folder, &authority, false, Some(&lost));
    assert_eq!(
        refused(&tls, authority.client_config(&[], Some(&lost))),
        EdgeEvent::TlsCertificateRefused
    );
    let listener = web(&plan_of(tls));
    shake(
        &listener,
        &Arc::new(authority.client_config(&[], Some(&kept))),
        "a.test",
    )
    .unwrap();
    shake(&listener, &Arc::new(authority.client_config(&[], None)), "a.test").unwrap();
}

#[test]
fn facts_tell_hosts_dates_key_and_file() {
    let (folder, authority) = (Folder::new(), Authority::new());
    let files = folder.leaf("a", &authority.leaf(&["B.test", "*.a.test"]));
    let tls = web(&plan(vec![files.clone()]));
    let facts: Vec<_> = tls.certificates().collect();
    let [facts] = facts[..] else { panic!("one") };
    assert_eq!(facts.hosts, ["b.test".into(), "*.a.test".into()]);
    assert_eq!(facts.key, crate::KeyKind::Ecdsa);
    assert_eq!(facts.source, crate::CertificateSource::File(files.certificate));
    let left = facts
        .not_after
        .duration_since(std::time::SystemTime::now())
        .unwrap()
        .as_secs();
    assert!((89 * 86_400..=90 * 86_400).contains(&left), "{left}");
}
