use std::process::Command;
use std::time::Duration;

use portreeve_model::plan::{
    BackendTlsPlan, CertificatePlan, ClientCertificatePlan, PoolPlan, Scheme, Target, TargetAddress, TlsPlan,
};
use rcgen::KeyPair;
use rustls::HandshakeKind;
use rustls::pki_types::CertificateDer;

use super::*;
use crate::fault::{Warning, Wrong};
use crate::testing::{Authority, Failed, Folder, Leaf, plan, plan_of, shake};

/// What is shown to a client that names this host now.
fn shown(store: &TlsStore, authority: &Authority, host: &str) -> Result<CertificateDer<'static>, Failed> {
    let table = Arc::clone(&store.subscribe().borrow());
    let client = Arc::new(authority.client_config(&[], None));
    shake(table.listener("web").unwrap(), &client, host).map(|shaken| shaken.certificate)
}

fn published(plan: &Plan) -> TlsStore {
    let store = TlsStore::new();
    let _ = store.publish(store.load(plan).unwrap());
    store
}

fn faults(plan: &Plan) -> Vec<Wrong> {
    let faults = TlsStore::new().load(plan).map(|_| ()).unwrap_err();
    faults.into_iter().map(|fault| fault.wrong).collect()
}

fn openssl(words: &str) {
    let ran = Command::new("openssl")
        .args(words.split_whitespace())
        .output()
        .expect("openssl is there");
    assert!(
        ran.status.success(),
        "openssl {words}: {}",
        String::from_utf8_lossy(&ran.stderr)
    );
}

/// A certificate that vouches for itself, and its key, as openssl writes them.
fn by_openssl(folder: &Folder, name: &str, key: &str) -> CertificatePlan {
    let files = CertificatePlan {
        certificate: folder.path(&format!("{name}.pem")),
        key: folder.path(&format!("{name}.key")),
        ocsp: None,
    };
    openssl(&format!(
        "req -x509 -newkey {key} -nodes -keyout {} -out {} -days 30 -subj /CN=a.test -addext subjectAltName=DNS:a.test",
        files.key.display(),
        files.certificate.display()
    ));
    files
}

#[test]
fn keys_are_read_however_openssl_writes_them() {
    let folder = Folder::new();
    let (rsa, ec) = (
        by_openssl(&folder, "rsa", "rsa:2048"),
        by_openssl(&folder, "ec", "ec -pkeyopt ec_paramgen_curve:P-256"),
    );
    let (pkcs1, sec1) = (folder.path("pkcs1.key"), folder.path("sec1.key"));
    openssl(&format!(
        "rsa -in {} -traditional -out {}",
        rsa.key.display(),
        pkcs1.display()
    ));
    openssl(&format!("ec -in {} -out {}", ec.key.display(), sec1.display()));
    let begins = |file: &std::path::Path, with: &str| {
        let text = std::fs::read_to_string(file).unwrap();
        assert!(text.starts_with(with), "{text}");
    };
    begins(&rsa.key, "-----BEGIN PRIVATE KEY");
    begins(&pkcs1, "-----BEGIN RSA PRIVATE KEY");
    begins(&sec1, "-----BEGIN EC PRIVATE KEY");
    let with_key = |files: &CertificatePlan, key| CertificatePlan { key, ..files.clone() };
    for files in [
        rsa.clone(),
        ec.clone(),
        with_key(&rsa, pkcs1),
        with_key(&ec, sec1),
    ] {
        TlsStore::new().load(&plan(vec![files])).unwrap();
    }
}

#[test]
fn parameters_before_a_key_are_passed_over() {
    let folder = Folder::new();
    let files = by_openssl(&folder, "ec", "ec -pkeyopt ec_paramgen_curve:P-256");
    let parameters = folder.path("parameters.pem");
    openssl(&format!("ecparam -name prime256v1 -out {}", parameters.display()));
    let both = [
        std::fs::read(&parameters).unwrap(),
        std::fs::read(&files.key).unwrap(),
    ]
    .concat();
    folder.put("ec.key", both);
    TlsStore::new().load(&plan(vec![files])).unwrap();
}

#[test]
fn every_fault_is_told_at_once_with_its_file() {
    let (folder, authority) = (Folder::new(), Authority::new());
    let (a, b) = (
        folder.leaf("a", &authority.leaf(&["a.test"])),
        folder.leaf("b", &authority.leaf(&["b.test"])),
    );
    let crossed = CertificatePlan {
        key: b.key.clone(),
        ..a.clone()
    };
    let missing = CertificatePlan {
        certificate: folder.path("nowhere.pem"),
        key: folder.path("nowhere.key"),
        ocsp: None,
    };
    let swapped = CertificatePlan {
        certificate: a.key.clone(),
        key: a.certificate.clone(),
        ocsp: None,
    };
    let empty = CertificatePlan {
        certificate: folder.put("empty.pem", ""),
        key: folder.put("garbage.key", "\x00\x01 no key"),
        ocsp: None,
    };
    let found = faults(&plan(vec![crossed, missing.clone(), swapped, empty]));
    let told: Vec<String> = found.iter().map(ToString::to_string).collect();
    assert_eq!(found.len(), 7, "{told:#?}");
    assert_eq!(
        found[0],
        Wrong::KeyMismatch {
            certificate: a.certificate,
            key: b.key
        }
    );
    assert!(matches!(&found[1], Wrong::Unreadable { file, .. } if *file == missing.certificate));
    assert!(matches!(&found[2], Wrong::Unreadable { file, .. } if *file == missing.key));
    assert!(
        told[3].contains("a.key holds a key; it should hold a certificate"),
        "{}",
        told[3]
    );
    assert!(
        told[4].contains("a.pem holds a certificate; it should hold a key"),
        "{}",
        told[4]
    );
    assert!(told[5].contains("empty.pem is empty"), "{}", told[5]);
    assert!(told[6].contains("garbage.key holds no PEM"), "{}", told[6]);
}

#[test]
fn a_key_with_a_passphrase_is_said_to_be_one() {
    let folder = Folder::new();
    let files = by_openssl(&folder, "rsa", "rsa:2048");
    for traditional in ["-traditional", ""] {
        let locked = folder.path("locked.key");
        openssl(&format!(
            "rsa -in {} -aes128 -passout pass:secret {traditional} -out {}",
            files.key.display(),
            locked.display()
        ));
        let plan = plan(vec![CertificatePlan {
            key: locked.clone(),
            ..files.clone()
        }]);
        assert_eq!(faults(&plan), [Wrong::KeyEncrypted { file: locked }]);
    }
}

#[test]
fn pem_around_garbage_is_malformed() {
    let (folder, authority) = (Folder::new(), Authority::new());
    let good = folder.leaf("a", &authority.leaf(&["a.test"]));
    for garbage in [
        "-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n",
        "-----BEGIN CERTIFICATE-----\n!!!!\n-----END CERTIFICATE-----\n",
        "-----BEGIN CERTIFICATE-----\nAAAA\n",
    ] {
        let certificate = folder.put("bad.pem", garbage);
        let bad = CertificatePlan {
            certificate: certificate.clone(),
            ..good.clone()
        };
        let found = faults(&plan(vec![bad]));
        assert!(
            matches!(&found[..], [Wrong::Malformed { file, .. }] if *file == certificate),
            "{garbage}: {found:?}"
        );
    }
}

#[test]
fn a_changed_certificate_is_taken_and_said_once() {
    let (folder, authority) = (Folder::new(), Authority::new());
    let files = folder.leaf("a", &authority.leaf(&["a.test"]));
    let store = published(&plan(vec![files.clone()]));
    assert_eq!(store.refresh(), []);
    let next = authority.leaf(&["a.test"]);
    folder.leaf("a", &next);
    let told = store.refresh();
    let [Refreshed::Taken { files: taken, .. }] = &told[..] else {
        panic!("{told:?}")
    };
    assert_eq!(taken[..], [files.certificate, files.key]);
    assert_eq!(shown(&store, &authority, "a.test").unwrap(), next.der);
    assert_eq!(store.refresh(), []);
}

#[test]
fn a_bad_one_leaves_the_old_in_place_and_is_said_once() {
    let (folder, authority) = (Folder::new(), Authority::new());
    let (old, next) = (authority.leaf(&["a.test"]), authority.leaf(&["a.test"]));
    let files = folder.leaf("a", &old);
    let store = published(&plan(vec![files.clone()]));
    folder.put("a.pem", &next.certificate);
    let told = store.refresh();
    assert!(
        matches!(
            &told[..],
            [Refreshed::Kept(TlsFault {
                wrong: Wrong::KeyMismatch { .. },
                ..
            })]
        ),
        "{told:?}"
    );
    assert_eq!(store.refresh(), []);
    assert_eq!(shown(&store, &authority, "a.test").unwrap(), old.der);
    std::fs::remove_file(&files.certificate).unwrap();
    assert!(matches!(&store.refresh()[..], [Refreshed::Kept(_)]));
    assert_eq!(store.refresh(), []);
    assert_eq!(shown(&store, &authority, "a.test").unwrap(), old.der);
    folder.leaf("a", &next);
    assert!(matches!(&store.refresh()[..], [Refreshed::Taken { .. }]));
    assert_eq!(shown(&store, &authority, "a.test").unwrap(), next.der);
}

#[test]
fn files_written_in_place_within_one_tick_are_seen() {
    let (folder, authority) = (Folder::new(), Authority::new());
    let (one, two) = (authority.leaf(&["a.test"]), authority.leaf(&["a.test"]));
    let files = folder.leaf("a", &one);
    let store = published(&plan(vec![files.clone()]));
    for leaf in [&two, &one, &two] {
        std::fs::write(&files.certificate, &leaf.certificate).unwrap();
        std::fs::write(&files.key, leaf.key.serialize_pem()).unwrap();
        assert!(matches!(&store.refresh()[..], [Refreshed::Taken { .. }]));
        assert_eq!(shown(&store, &authority, "a.test").unwrap(), leaf.der);
    }
}

fn expired(authority: &Authority) -> Leaf {
    authority.leaf_of(&["a.test"], (-30, -3), KeyPair::generate().unwrap())
}

#[test]
fn an_expired_one_does_not_follow_one_that_is_not() {
    let (folder, authority) = (Folder::new(), Authority::new());
    let old = authority.leaf(&["a.test"]);
    let files = folder.leaf("a", &old);
    let store = published(&plan(vec![files]));
    folder.leaf("a", &expired(&authority));
    let told = store.refresh();
    assert!(
        matches!(
            &told[..],
            [Refreshed::Kept(TlsFault {
                wrong: Wrong::AlreadyExpired { .. },
                ..
            })]
        ),
        "{told:?}"
    );
    assert_eq!(shown(&store, &authority, "a.test").unwrap(), old.der);
}

#[test]
fn dates_are_warned_of_once_a_day() {
    let (folder, authority) = (Folder::new(), Authority::new());
    let soon = authority.leaf_of(&["soon.test"], (-80, 10), KeyPair::generate().unwrap());
    let later = authority.leaf_of(&["later.test"], (2, 90), KeyPair::generate().unwrap());
    let certificates = vec![
        folder.leaf("a", &expired(&authority)),
        folder.leaf("b", &soon),
        folder.leaf("c", &later),
        folder.leaf("d", &authority.leaf(&["good.test"])),
    ];
    let plan = plan(certificates);
    assert_eq!(TlsStore::new().load(&plan).unwrap().warnings().len(), 3);
    let store = published(&plan);
    let now = SystemTime::now();
    let told = store.refresh_at(now);
    let warnings: Vec<_> = told.iter().map(ToString::to_string).collect();
    assert_eq!(told.len(), 3, "{warnings:#?}");
    assert!(
        warnings[0].contains("a.test") && warnings[0].ends_with("expired 3 days ago"),
        "{}",
        warnings[0]
    );
    assert!(
        warnings[1].contains("soon.test") && warnings[1].contains("expires in 9 days"),
        "{}",
        warnings[1]
    );
    assert!(
        warnings[2].contains("later.test") && warnings[2].contains("not valid yet"),
        "{}",
        warnings[2]
    );
    let hour = Duration::from_secs(3_600);
    assert_eq!(store.refresh_at(now + hour), []);
    assert_eq!(store.refresh_at(now + 23 * hour), []);
    assert_eq!(store.refresh_at(now + 24 * hour).len(), 3);
}

#[test]
fn a_file_that_breaks_off_is_told_as_one() {
    let (folder, authority) = (Folder::new(), Authority::new());
    let files = folder.leaf("a", &authority.leaf(&["a.test"]));
    let whole = std::fs::read_to_string(&files.certificate).unwrap();
    folder.put("a.pem", &whole[..200]);
    let faults = TlsStore::new().load(&plan(vec![files])).unwrap_err();
    let told: Vec<_> = faults.iter().map(ToString::to_string).collect();
    assert_eq!(told.len(), 1, "{told:?}");
    let wanted = "a.pem: a section that -----BEGIN begins has no end";
    assert!(told[0].ends_with(wanted), "{told:?}");
}

#[test]
fn a_certificate_without_names_is_warned_of() {
    let (folder, authority) = (Folder::new(), Authority::new());
    let files = folder.leaf("a", &authority.leaf(&[]));
    let loaded = TlsStore::new().load(&plan(vec![files.clone()])).unwrap();
    let file = files.certificate;
    assert_eq!(loaded.warnings().len(), 1);
    assert_eq!(loaded.warnings()[0].warning, Warning::NoNames { file });
}

#[test]
fn a_key_that_others_may_read_is_warned_of() {
    use std::os::unix::fs::PermissionsExt;
    let (folder, authority) = (Folder::new(), Authority::new());
    let files = folder.leaf("a", &authority.leaf(&["a.test"]));
    std::fs::set_permissions(&files.key, std::fs::Permissions::from_mode(0o644)).unwrap();
    let warnings = TlsStore::new()
        .load(&plan(vec![files.clone()]))
        .unwrap()
        .warnings();
    let wanted = Warning::KeyReadable {
        file: files.key.clone(),
        mode: 0o644,
    };
    assert_eq!(warnings.len(), 1);
    assert_eq!(warnings[0].warning, wanted);
    std::fs::set_permissions(&files.key, std::fs::Permissions::from_mode(0o640)).unwrap();
    assert_eq!(TlsStore::new().load(&plan(vec![files])).unwrap().warnings(), []);
}

#[test]
fn tickets_outlive_a_reload_but_not_other_authorities_of_clients() {
    let (folder, authority) = (Folder::new(), Authority::new());
    let mut tls = TlsPlan {
        certificates: vec![folder.leaf("a", &authority.leaf(&["a.test"]))],
        clients: Some(ClientCertificatePlan {
            authorities: folder.put("clients.pem", authority.0.pem()),
            revoked: Vec::new(),
            is_required: false,
            header: None,
        }),
        ..TlsPlan::default()
    };
    let store = published(&plan_of(tls.clone()));
    let client = Arc::new(authority.client_config(&[], None));
    let kind = || {
        let table = Arc::clone(&store.subscribe().borrow());
        shake(table.listener("web").unwrap(), &client, "a.test")
            .unwrap()
            .kind
    };
    assert_eq!((kind(), kind()), (HandshakeKind::Full, HandshakeKind::Resumed));
    let _ = store.publish(store.load(&plan_of(tls.clone())).unwrap());
    assert_eq!(kind(), HandshakeKind::Resumed);
    folder.put("clients.pem", Authority::new().0.pem());
    store.refresh();
    assert_eq!((kind(), kind()), (HandshakeKind::Full, HandshakeKind::Resumed));
    if let Some(clients) = &mut tls.clients {
        clients.header = Some("x-other".to_owned());
    }
    let _ = store.publish(store.load(&plan_of(tls.clone())).unwrap());
    assert_eq!(
        kind(),
        HandshakeKind::Resumed,
        "how backends are told is nobody's trust"
    );
    tls.clients = None;
    let _ = store.publish(store.load(&plan_of(tls)).unwrap());
    assert_eq!(kind(), HandshakeKind::Full);
}

#[test]
fn what_acme_gave_is_shown_for_its_domains_from_then_on() {
    let authority = Authority::new();
    let plan = plan_of(TlsPlan {
        domains: vec!["a.test".to_owned(), "b.test".to_owned()],
        ..TlsPlan::default()
    });
    let store = published(&plan);
    assert!(matches!(
        shown(&store, &authority, "a.test"),
        Err(Failed::UnknownName)
    ));
    let leaf = authority.leaf(&["a.test"]);
    store.set_managed(&["a.test".to_owned()], leaf.managed()).unwrap();
    assert_eq!(shown(&store, &authority, "a.test").unwrap(), leaf.der);
    assert!(matches!(
        shown(&store, &authority, "b.test"),
        Err(Failed::UnknownName)
    ));
    assert_eq!(store.managed("a.test").unwrap().hosts, ["a.test".into()]);
    let _ = store.publish(store.load(&plan).unwrap());
    assert_eq!(shown(&store, &authority, "a.test").unwrap(), leaf.der);
    let other = store.set_managed(&["b.test".to_owned()], authority.leaf(&["c.test"]).managed());
    assert!(other.unwrap_err().to_string().contains("not for b.test"));
    assert!(store.managed("b.test").is_none());
}

#[test]
fn challenges_are_answered_while_they_last() {
    let (folder, authority) = (Folder::new(), Authority::new());
    let real = authority.leaf(&["a.test"]);
    let store = published(&plan(vec![folder.leaf("a", &real)]));
    let proof = authority.leaf(&["a.test"]);
    store.set_alpn_challenge("a.test", Some(proof.managed())).unwrap();
    let asker = Arc::new(authority.client_config(&["acme-tls/1"], None));
    let ask = || {
        let table = Arc::clone(&store.subscribe().borrow());
        shake(table.listener("web").unwrap(), &asker, "a.test")
    };
    let answered = ask().unwrap();
    assert_eq!(
        (answered.certificate, answered.alpn.as_deref()),
        (proof.der, Some(&b"acme-tls/1"[..]))
    );
    assert_eq!(shown(&store, &authority, "a.test").unwrap(), real.der);
    store.set_alpn_challenge("a.test", None).unwrap();
    assert!(matches!(ask(), Err(Failed::UnknownName)));
    let token = |store: &TlsStore| store.subscribe().borrow().http_challenge("token");
    store.set_http_challenge("token", Some("answer".to_owned()));
    assert_eq!(token(&store).as_deref(), Some("answer"));
    store.set_http_challenge("token", None);
    assert_eq!(token(&store), None);
}

#[test]
fn a_staple_is_checked_and_shown() {
    let (folder, authority) = (Folder::new(), Authority::new());
    let staple = |bytes: &[u8]| CertificatePlan {
        ocsp: Some(folder.put("staple.der", bytes)),
        ..folder.leaf("a", &authority.leaf(&["a.test"]))
    };
    TlsStore::new()
        .load(&plan(vec![staple(&[0x30, 3, 0x0a, 1, 0])]))
        .unwrap();
    for bad in [&b"-----BEGIN OCSP RESPONSE-----"[..], b"", b"\x04\x00"] {
        let found = faults(&plan(vec![staple(bad)]));
        assert!(matches!(&found[..], [Wrong::Malformed { .. }]), "{found:?}");
    }
}

fn pool(tls: BackendTlsPlan) -> Plan {
    let address = TargetAddress::Host {
        host: "a.test".to_owned(),
        port: 443,
    };
    let target = Target {
        scheme: Scheme::Https,
        ..Target::new(address)
    };
    Plan {
        pools: vec![PoolPlan {
            targets: vec![target],
            tls,
            ..PoolPlan::empty("backends".into())
        }],
        ..Plan::default()
    }
}

#[test]
fn a_pool_is_there_if_tls_is_spoken_with_one_of_its_backends() {
    let (folder, authority) = (Folder::new(), Authority::new());
    let mut plan = pool(BackendTlsPlan {
        authorities: Some(folder.put("ca.pem", authority.0.pem())),
        ..BackendTlsPlan::default()
    });
    let is_there = |plan: &Plan| published(plan).subscribe().borrow().pool("backends").is_some();
    assert!(is_there(&plan));
    plan.pools[0].targets[0].scheme = Scheme::H2c;
    assert!(!is_there(&plan));
    plan.pools[0].scheme = Scheme::H2;
    assert!(is_there(&plan));
}

#[test]
fn a_pools_faults_are_told_with_its_name() {
    let folder = Folder::new();
    let plan = pool(BackendTlsPlan {
        authorities: Some(folder.put("ca.pem", "")),
        server_name: Some("no name".to_owned()),
        certificate: Some(CertificatePlan {
            certificate: folder.path("none.pem"),
            key: folder.path("none.key"),
            ocsp: None,
        }),
        is_insecure: false,
        trust: 0,
    });
    let faults = TlsStore::new().load(&plan).unwrap_err();
    let told: Vec<_> = faults.iter().map(ToString::to_string).collect();
    assert_eq!(told.len(), 4, "{told:#?}");
    assert!(
        told.iter().all(|fault| fault.starts_with("pool backends: ")),
        "{told:#?}"
    );
}

#[test]
fn an_insecure_pool_is_warned_of() {
    let plan = pool(BackendTlsPlan {
        is_insecure: true,
        ..BackendTlsPlan::default()
    });
    let warnings = TlsStore::new().load(&plan).unwrap().warnings();
    assert_eq!(warnings.len(), 1);
    assert_eq!(warnings[0].warning, Warning::Insecure);
}

#[test]
fn sessions_with_backends_outlive_a_reload_that_changes_nothing() {
    let (folder, authority) = (Folder::new(), Authority::new());
    let plan = pool(BackendTlsPlan {
        authorities: Some(folder.put("ca.pem", authority.0.pem())),
        ..BackendTlsPlan::default()
    });
    let store = published(&plan);
    let config = || {
        store
            .subscribe()
            .borrow()
            .pool("backends")
            .unwrap()
            .config(Scheme::Https)
    };
    let before = config();
    let _ = store.publish(store.load(&plan).unwrap());
    assert!(Arc::ptr_eq(&before, &config()));
    folder.put("ca.pem", Authority::new().0.pem());
    assert!(matches!(&store.refresh()[..], [Refreshed::Taken { .. }]));
    assert!(!Arc::ptr_eq(&before, &config()));
}

/// The numbers that a plan says after this was published.
fn numbers(store: &TlsStore, plan: &Plan) -> (Vec<u64>, Vec<u64>) {
    let mut stamped = plan.clone();
    store.publish(store.load(plan).unwrap()).stamp(&mut stamped);
    let listeners = stamped
        .listeners
        .iter()
        .filter_map(|listener| listener.tls.as_ref());
    (
        listeners.map(|tls| tls.trust).collect(),
        stamped.pools.iter().map(|pool| pool.tls.trust).collect(),
    )
}

fn asking(folder: &Folder, authority: &Authority) -> Plan {
    plan_of(TlsPlan {
        certificates: vec![folder.leaf("a", &authority.leaf(&["a.test"]))],
        clients: Some(ClientCertificatePlan {
            authorities: folder.put("clients.pem", authority.0.pem()),
            revoked: Vec::new(),
            is_required: true,
            header: None,
        }),
        ..TlsPlan::default()
    })
}

#[test]
fn a_reload_gives_another_number_only_where_whom_to_believe_is_another() {
    let (folder, authority) = (Folder::new(), Authority::new());
    let mut plan = asking(&folder, &authority);
    plan.pools = pool(BackendTlsPlan {
        authorities: Some(folder.put("ca.pem", authority.0.pem())),
        ..BackendTlsPlan::default()
    })
    .pools;
    let store = TlsStore::new();
    let first = numbers(&store, &plan);
    assert_ne!(first.0, first.1);
    folder.leaf("a", &authority.leaf(&["a.test"]));
    assert_eq!(
        numbers(&store, &plan),
        first,
        "a certificate that is shown is nobody's trust"
    );
    folder.put("clients.pem", Authority::new().0.pem());
    let second = numbers(&store, &plan);
    assert!(second.0 > first.0 && second.1 == first.1, "{first:?} {second:?}");
    plan.pools[0].tls.server_name = Some("b.test".to_owned());
    let third = numbers(&store, &plan);
    assert!(third.0 == second.0 && third.1 > second.1, "{second:?} {third:?}");
}

#[test]
fn what_the_plan_before_needs_lasts_until_all_is_settled() {
    let (folder, authority) = (Folder::new(), Authority::new());
    let plan = asking(&folder, &authority);
    let store = TlsStore::new();
    let before = numbers(&store, &plan).0[0];
    folder.put("clients.pem", Authority::new().0.pem());
    let after = numbers(&store, &plan).0[0];
    let table = Arc::clone(&store.subscribe().borrow());
    let former = table
        .listener_under("web", before)
        .expect("the plan before needs it");
    assert!(former.trust().holds_for(before) && former.trust().lasts());
    assert!(table.listener_under("web", after).is_some());
    let passed = table.trusts_passed();
    store.settle();
    assert!(former.trust().holds_for(before) && !former.trust().lasts());
    let table = Arc::clone(&store.subscribe().borrow());
    assert!(table.trusts_passed() > passed && table.listener("web").unwrap().trust().lasts());
}

#[test]
fn a_file_that_changes_ends_what_stands_on_it_under_the_same_number() {
    let (folder, authority) = (Folder::new(), Authority::new());
    let plan = asking(&folder, &authority);
    let store = TlsStore::new();
    let number = numbers(&store, &plan).0[0];
    let trust = || {
        let table = Arc::clone(&store.subscribe().borrow());
        Arc::clone(table.listener("web").unwrap().trust())
    };
    let before = trust();
    folder.leaf("a", &authority.leaf(&["a.test"]));
    store.refresh();
    assert!(
        Arc::ptr_eq(&before, &trust()),
        "a certificate that is shown is nobody's trust"
    );
    folder.put("clients.pem", "no certificate");
    store.refresh();
    assert!(before.holds_for(number), "what cannot be used changes nothing");
    folder.put("clients.pem", Authority::new().0.pem());
    store.refresh();
    assert!(!before.holds_for(number) && trust().holds_for(number));
}
