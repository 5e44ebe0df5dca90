//! What the tests of this crate share: an authority, certificates that it vouches for, and handshakes in memory.

use std::fs;
use std::io;
use std::os::unix::fs::PermissionsExt;
use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use portreeve_model::plan::{Bind, CertificatePlan, ListenerPlan, Plan, TlsPlan};
use rcgen::{
    BasicConstraints, CertificateParams, CertifiedIssuer, ExtendedKeyUsagePurpose, IsCa, KeyPair,
    KeyUsagePurpose, SanType, date_time_ymd,
};
use rustls::pki_types::{CertificateDer, PrivateKeyDer, ServerName};
use rustls::server::Acceptor;
use rustls::{ClientConfig, ClientConnection, HandshakeKind, RootCertStore, ServerConnection};

use crate::{Chosen, ListenerTls, Managed, provider};

/// A folder for one test, removed when it ends.
pub(crate) struct Folder(PathBuf);

impl Folder {
    pub(crate) fn new() -> Self {
        static NEXT: AtomicU32 = AtomicU32::new(0);
        let number = NEXT.fetch_add(1, Ordering::Relaxed);
        let path = std::env::temp_dir().join(format!("prtls-{}-{number}", std::process::id()));
        fs::create_dir_all(&path).unwrap();
        Self(path)
    }

    pub(crate) fn path(&self, name: &str) -> PathBuf {
        self.0.join(name)
    }

    /// Puts it there at one stroke.
    pub(crate) fn put(&self, name: &str, content: impl AsRef<[u8]>) -> PathBuf {
        let fresh = self.path(&format!("{name}.new"));
        fs::write(&fresh, content).unwrap();
        fs::set_permissions(&fresh, fs::Permissions::from_mode(0o600)).unwrap();
        fs::rename(fresh, self.path(name)).unwrap();
        self.path(name)
    }

    /// Both files of a certificate.
    pub(crate) fn leaf(&self, name: &str, leaf: &Leaf) -> CertificatePlan {
        CertificatePlan {
            certificate: self.put(&format!("{name}.pem"), &leaf.certificate),
            key: self.put(&format!("{name}.key"), leaf.key.serialize_pem()),
            ocsp: None,
        }
    }
}

impl Drop for Folder {
    fn drop(&mut self) {
        let _ = fs::remove_dir_all(&self.0);
    }
}

pub(crate) struct Authority(pub(crate) CertifiedIssuer<'static, KeyPair>);

pub(crate) struct Leaf {
    pub(crate) certificate: String,
    pub(crate) der: CertificateDer<'static>,
    pub(crate) key: KeyPair,
}

impl Leaf {
    pub(crate) fn managed(&self) -> Managed {
        Managed::from_pem(&self.certificate, &self.key.serialize_pem()).unwrap()
    }
}

impl Authority {
    pub(crate) fn new() -> Self {
        let mut params = CertificateParams::default();
        params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
        params.key_usages = vec![KeyUsagePurpose::KeyCertSign, KeyUsagePurpose::CrlSign];
        Self(CertifiedIssuer::self_signed(params, KeyPair::generate().unwrap()).unwrap())
    }

    /// Good for 90 days since yesterday.
    pub(crate) fn leaf(&self, hosts: &[&str]) -> Leaf {
        self.leaf_of(hosts, (-1, 90), KeyPair::generate().unwrap())
    }

    pub(crate) fn leaf_of(&self, hosts: &[&str], days: (i64, i64), key: KeyPair) -> Leaf {
        let hosts: Vec<String> = hosts.iter().map(|host| (*host).to_owned()).collect();
        self.signed(CertificateParams::new(hosts).unwrap(), days, key)
    }

    /// For these names, whatever their kind.
    pub(crate) fn client(&self, names: Vec<SanType>) -> Leaf {
        let mut params = CertificateParams::default();
        params.subject_alt_names = names;
        params.extended_key_usages = vec![ExtendedKeyUsagePurpose::ClientAuth];
        self.signed(params, (-1, 90), KeyPair::generate().unwrap())
    }

    fn signed(&self, mut params: CertificateParams, (from, to): (i64, i64), key: KeyPair) -> Leaf {
        params.not_before = date_time_ymd(1970, 1, 1) + days_from_now(from);
        params.not_after = date_time_ymd(1970, 1, 1) + days_from_now(to);
        let certificate = params.signed_by(&key, &self.0).unwrap();
        Leaf {
            certificate: certificate.pem(),
            der: certificate.der().clone(),
            key,
        }
    }

    pub(crate) fn client_config(&self, alpn: &[&str], shown: Option<&Leaf>) -> ClientConfig {
        let mut trusted = RootCertStore::empty();
        trusted.add(self.0.der().clone()).unwrap();
        let builder = ClientConfig::builder_with_provider(provider())
            .with_safe_default_protocol_versions()
            .unwrap();
        let builder = builder.with_root_certificates(trusted);
        let mut config = match shown {
            Some(leaf) => {
                let key = PrivateKeyDer::try_from(leaf.key.serialize_der()).unwrap();
                builder
                    .with_client_auth_cert(vec![leaf.der.clone()], key)
                    .unwrap()
            }
            None => builder.with_no_client_auth(),
        };
        config.alpn_protocols = alpn.iter().map(|name| name.as_bytes().to_vec()).collect();
        config
    }
}

fn days_from_now(days: i64) -> Duration {
    let now = SystemTime::now().duration_since(UNIX_EPOCH).unwrap();
    let shift = Duration::from_secs(days.unsigned_abs() * 24 * 3_600);
    if days < 0 { now - shift } else { now + shift }
}

/// A plan of one listener `web` with these certificates.
pub(crate) fn plan(certificates: Vec<CertificatePlan>) -> Plan {
    plan_of(TlsPlan {
        certificates,
        ..TlsPlan::default()
    })
}

pub(crate) fn plan_of(tls: TlsPlan) -> Plan {
    let bind = Bind::Tcp("127.0.0.1:0".parse().unwrap());
    let listener = ListenerPlan {
        tls: Some(tls),
        ..ListenerPlan::new("web".into(), bind)
    };
    Plan {
        listeners: vec![listener],
        ..Plan::default()
    }
}

/// What came of a handshake.
#[derive(Debug)]
pub(crate) struct Shaken {
    pub(crate) certificate: CertificateDer<'static>,
    pub(crate) alpn: Option<Vec<u8>>,
    pub(crate) kind: HandshakeKind,
    pub(crate) group: Option<rustls::NamedGroup>,
}

/// Why there was none.
#[derive(Debug)]
pub(crate) enum Failed {
    UnknownName,
    Server(rustls::Error),
    Client(rustls::Error),
}

/// A handshake in memory, of a client that names this host.
pub(crate) fn shake(tls: &ListenerTls, config: &Arc<ClientConfig>, host: &str) -> Result<Shaken, Failed> {
    let name = ServerName::try_from(host.to_owned()).unwrap();
    let mut client = ClientConnection::new(Arc::clone(config), name).unwrap();
    let mut server = accept(tls, &mut client)?;
    while client.is_handshaking() || server.is_handshaking() {
        pass(&mut server, &mut client)?;
    }
    // The tickets, which come after the handshake.
    pass(&mut server, &mut client)?;
    Ok(Shaken {
        certificate: client.peer_certificates().unwrap()[0].clone(),
        alpn: client.alpn_protocol().map(<[u8]>::to_vec),
        kind: client.handshake_kind().unwrap(),
        group: client.negotiated_key_exchange_group().map(|group| group.name()),
    })
}

fn accept(tls: &ListenerTls, client: &mut ClientConnection) -> Result<ServerConnection, Failed> {
    let mut acceptor = Acceptor::default();
    let accepted = loop {
        let mut bytes = Vec::new();
        client.write_tls(&mut bytes).unwrap();
        acceptor.read_tls(&mut &bytes[..]).unwrap();
        if let Some(accepted) = acceptor.accept().unwrap() {
            break accepted;
        }
    };
    let config = match tls.choose(&accepted.client_hello()) {
        Chosen::Serve(config) | Chosen::Challenge(config) => config,
        Chosen::UnknownName => return Err(Failed::UnknownName),
    };
    accepted
        .into_connection(config)
        .map_err(|(fault, _)| Failed::Server(fault))
}

fn pass(server: &mut ServerConnection, client: &mut ClientConnection) -> Result<(), Failed> {
    let mut down = Vec::new();
    while server.write_tls(&mut down).unwrap() > 0 {}
    read(&down, |bytes| client.read_tls(bytes));
    client.process_new_packets().map_err(Failed::Client)?;
    let mut up = Vec::new();
    while client.write_tls(&mut up).unwrap() > 0 {}
    read(&up, |bytes| server.read_tls(bytes));
    server.process_new_packets().map_err(Failed::Server)?;
    Ok(())
}

fn read(mut bytes: &[u8], mut take: impl FnMut(&mut dyn io::Read) -> io::Result<usize>) {
    while !bytes.is_empty() {
        take(&mut bytes).unwrap();
    }
}
