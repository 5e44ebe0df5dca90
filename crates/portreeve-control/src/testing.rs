//! What the tests of several modules need.

use std::collections::BTreeMap;
use std::future;
use std::net::IpAddr;
use std::path::PathBuf;
use std::sync::atomic::{AtomicU32, Ordering::Relaxed};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use portreeve_model::plan::{MembersPlan, Plan, PoolPlan, Target, TargetAddress};
use portreeve_model::{Announcement, Kept, MemberKey, Moment, Policy, PolicyScope, Term};

use crate::lookup::{Lookup, Pending};
use crate::{ControlSettings, Controller, Credentials, TokenWish};

/// A phone book that tests rewrite; a name that is not in it never answers.
#[derive(Default)]
pub(crate) struct Book {
    pages: Mutex<BTreeMap<String, Vec<IpAddr>>>,
}

impl Book {
    pub(crate) fn with(host: &str, addresses: &[&str]) -> Arc<Self> {
        let book = Arc::new(Self::default());
        book.write(host, addresses);
        book
    }

    pub(crate) fn write(&self, host: &str, addresses: &[&str]) {
        let addresses = addresses.iter().map(|text| text.parse().unwrap()).collect();
        self.pages.lock().unwrap().insert(host.to_owned(), addresses);
    }
}

impl Book {
    pub(crate) fn clear(&self) {
        self.pages.lock().unwrap().clear();
    }
}

impl Lookup for Book {
    fn addresses(&self, host: Arc<str>) -> Pending {
        let found = self.pages.lock().unwrap().get(&*host).cloned();
        Box::pin(async move {
            match found {
                Some(addresses) => Ok(addresses),
                None => future::pending().await,
            }
        })
    }
}

/// A controller that keeps nothing and asks this book.
pub(crate) async fn start(plan: Plan, book: Arc<Book>) -> Controller {
    Controller::start_with(plan, 1, ControlSettings::default(), book)
        .await
        .unwrap()
}

/// One pool whose backends are these names on port 80, looked up every ten seconds.
pub(crate) fn plan_of(hosts: &[&str]) -> Plan {
    plan_with("pool", hosts, Duration::from_secs(10))
}

pub(crate) fn plan_with(pool: &str, hosts: &[&str], resolve_every: Duration) -> Plan {
    let pool = PoolPlan {
        targets: hosts.iter().map(|host| target(host)).collect(),
        resolve_every,
        ..PoolPlan::empty(pool.into())
    };
    Plan {
        pools: vec![pool],
        ..Plan::default()
    }
}

/// One pool, `api`, that may be joined.
pub(crate) fn open_plan() -> Plan {
    let pool = PoolPlan {
        members: Some(MembersPlan::default()),
        ..PoolPlan::empty("api".into())
    };
    Plan {
        pools: vec![pool],
        ..Plan::default()
    }
}

fn target(host: &str) -> Target {
    let address = TargetAddress::Host {
        host: host.to_owned(),
        port: 80,
    };
    Target::new(address)
}

pub(crate) fn key(id: &str) -> MemberKey {
    MemberKey {
        pool: "api".into(),
        id: id.into(),
    }
}

/// Of pool `api`, with policy `eu`, kept by heartbeats.
pub(crate) fn announcement(id: &str, address: &str) -> Announcement {
    Announcement {
        key: key(id),
        address: address.parse().unwrap(),
        policies: [Policy::new("eu").unwrap()].into_iter().collect(),
        weight: 1,
        term: Term::Heartbeats(None),
        spells_types_as_text: false,
        zone: None,
        is_backup: false,
    }
}

/// Somebody of this machine without a token.
pub(crate) fn local() -> Credentials {
    Credentials {
        source: Some([127, 0, 0, 1].into()),
        token: None,
        certificate: None,
    }
}

/// A token that may do anything, for ever.
pub(crate) fn wish() -> TokenWish {
    TokenWish {
        pools: Vec::new(),
        policies: PolicyScope::Any,
        networks: vec![portreeve_model::plan::Network {
            address: [0, 0, 0, 0].into(),
            prefix: 0,
        }],
        weight_max: 1_000,
        ttl_max: None,
        expires_in: None,
    }
}

pub(crate) fn at_ms(millis: u64) -> Moment {
    Moment {
        since_start: Duration::from_millis(millis),
        unix_ms: millis,
    }
}

/// As the store would keep it of one that joined by a token.
pub(crate) fn kept(id: &str, token: Option<&str>) -> Kept {
    Kept {
        announcement: announcement(id, "127.0.0.1:1"),
        source: Some([127, 0, 0, 1].into()),
        token: token.map(Into::into),
        is_drained: false,
        is_leaving: false,
        since_unix_ms: 1_700_000_000_000,
        place: 1,
    }
}

/// A folder that is gone when the test ends.
pub(crate) struct Folder(pub(crate) PathBuf);

impl Folder {
    pub(crate) fn new() -> Self {
        static COUNT: AtomicU32 = AtomicU32::new(0);
        let name = format!(
            "portreeve-control-{}-{}",
            std::process::id(),
            COUNT.fetch_add(1, Relaxed)
        );
        let path = std::env::temp_dir().join(name);
        std::fs::create_dir(&path).unwrap();
        Self(path)
    }
}

impl Drop for Folder {
    fn drop(&mut self) {
        let _ = std::fs::remove_dir_all(&self.0);
    }
}
