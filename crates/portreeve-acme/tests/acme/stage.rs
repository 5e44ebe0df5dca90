//! What each test plays on: an authority, an edge, a state folder, and the task.

use std::fs;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::Duration;

use portreeve_acme::{Acme, AcmeFigures, AcmeSettings, Pace};
use portreeve_model::plan::{AcmeChallenge, AcmePlan, Bind, ListenerPlan, Plan, TlsPlan};
use portreeve_tls::TlsStore;
use rustls::pki_types::{CertificateDer, ServerName};
use tokio::net::TcpStream;
use tokio::time::timeout;
use tokio_rustls::TlsConnector;

use crate::authority::{Authority, trusting};
use crate::edge::Edge;
use crate::pebble::{Pebble, Wanted};

/// Without an authority, which each test starts as it wants it.
pub(crate) struct Stage {
    pub(crate) folder: Folder,
    pub(crate) authority: Authority,
    pub(crate) store: Arc<TlsStore>,
    pub(crate) edge: Edge,
}

/// A folder of the test's own, gone on drop.
pub(crate) struct Folder(PathBuf);

impl Stage {
    pub(crate) async fn new() -> Self {
        let store = Arc::new(TlsStore::new());
        let folder = Folder::new();
        let authority = Authority::new();
        fs::write(folder.root(), &authority.root).expect("the folder can be written to");
        Self {
            folder,
            authority,
            edge: Edge::of(&store).await,
            store,
        }
    }

    pub(crate) async fn pebble(&self) -> Pebble {
        self.pebble_with(|_| {}).await
    }

    pub(crate) async fn pebble_with(&self, change: impl FnOnce(&mut Wanted)) -> Pebble {
        let mut wanted = Wanted::asking(self.edge.http, self.edge.tls);
        change(&mut wanted);
        Pebble::start(&self.folder.0, &self.authority, &wanted).await
    }

    /// A TLS listener `web` that has these names certified, and a listener without TLS.
    pub(crate) fn plan(&self, directory: String, domains: &[&str]) -> Plan {
        let bind = || Bind::Tcp(([127, 0, 0, 1], 0).into());
        let mut web = ListenerPlan::new("web".into(), bind());
        web.tls = Some(TlsPlan {
            domains: domains.iter().map(|one| (*one).to_owned()).collect(),
            ..TlsPlan::default()
        });
        let acme = AcmePlan {
            directory,
            authorities: Some(self.folder.root()),
            challenge: AcmeChallenge::Any,
            ..AcmePlan::default()
        };
        Plan {
            listeners: vec![web, ListenerPlan::new("plain".into(), bind())],
            acme: Some(acme),
            ..Plan::default()
        }
    }

    /// Starts the task over this stage's state folder, and has the listeners follow the plan.
    pub(crate) fn start(&self, plan: &Plan) -> Acme {
        let acme = Acme::start(
            AcmeSettings {
                state: self.folder.state(),
                store: Arc::clone(&self.store),
                pace: QUICK,
            },
            plan,
        );
        self.listen(plan);
        acme.begin();
        acme
    }

    pub(crate) fn listen(&self, plan: &Plan) {
        let loaded = self.store.load(plan).expect("no file is named");
        let _ = self.store.publish(loaded);
    }

    /// The certificate that is shown for this name to somebody who believes this root.
    pub(crate) async fn shown(&self, name: &str, root: &str) -> Option<CertificateDer<'static>> {
        let wire = TcpStream::connect(("127.0.0.1", self.edge.tls))
            .await
            .expect("the edge listens");
        let connector = TlsConnector::from(trusting(root));
        let name = ServerName::try_from(name.to_owned()).expect("a name");
        let stream = connector.connect(name, wire).await.ok()?;
        let chain = stream.get_ref().1.peer_certificates()?;
        Some(chain.first()?.clone().into_owned())
    }
}

impl Folder {
    fn new() -> Self {
        let place = COUNT.fetch_add(1, Ordering::Relaxed);
        let name = format!("portreeve-pebble-{}-{place}", std::process::id());
        let path = std::env::temp_dir().join(name);
        fs::create_dir_all(&path).expect("the folder for temporary files can be written to");
        Self(path)
    }

    pub(crate) fn state(&self) -> PathBuf {
        self.0.join("state")
    }

    pub(crate) fn path(&self, name: &str) -> PathBuf {
        self.0.join(name)
    }

    fn root(&self) -> PathBuf {
        self.0.join("root.pem")
    }

    /// All files that were kept.
    pub(crate) fn kept(&self) -> Vec<PathBuf> {
        let mut found = Vec::new();
        gather(&self.state(), &mut found);
        found.sort();
        found
    }

    /// The one whose name ends so.
    pub(crate) fn kept_as(&self, end: &str) -> Option<PathBuf> {
        let mut kept = self.kept().into_iter();
        kept.find(|path| path.to_string_lossy().ends_with(end))
    }
}

impl Drop for Folder {
    fn drop(&mut self) {
        let _ = fs::remove_dir_all(&self.0);
    }
}

fn gather(folder: &Path, found: &mut Vec<PathBuf>) {
    for entry in fs::read_dir(folder).into_iter().flatten().flatten() {
        let path = entry.path();
        match path.is_dir() {
            true => gather(&path, found),
            false => found.push(path),
        }
    }
}

/// Waits until it is so.
pub(crate) async fn until(acme: &Acme, mut is: impl FnMut(&AcmeFigures) -> bool) -> Arc<AcmeFigures> {
    let mut figures = acme.figures();
    let waiting = timeout(PATIENCE, figures.wait_for(|figures| is(figures)));
    match waiting.await {
        Ok(found) => Arc::clone(&found.expect("the task runs")),
        Err(_) => panic!("it never was so: {:?}", acme.figures().borrow()),
    }
}

/// Waits until each of these names has a certificate.
pub(crate) async fn until_certified(acme: &Acme, names: &[&str]) -> Arc<AcmeFigures> {
    until(acme, |figures| {
        let has = |name: &&str| {
            figures
                .names
                .get(*name)
                .is_some_and(|name| name.not_after.is_some())
        };
        names.iter().all(has)
    })
    .await
}

static COUNT: AtomicU32 = AtomicU32::new(0);
pub(crate) const PATIENCE: Duration = Duration::from_secs(30);
const QUICK: Pace = Pace {
    first: Duration::from_millis(200),
    most: Duration::from_secs(1),
};
