//! The task that cares for all names: one order each at a time, a few at once.

mod record;

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::{Duration, SystemTime};

use instant_acme::Account;
use portreeve_model::plan::AcmePlan;
use tokio::sync::watch;
use tokio::task::{JoinSet, spawn_blocking};

use crate::figures::AcmeFigures;
use crate::names::Wishes;
use crate::order::{Ordering, Received};
use crate::pace::dice;
use crate::renewal::{self, Suggestion};
use crate::storage::{Certified, Folder};
use crate::{AcmeFault, AcmeSettings, account};

use record::Record;

/// What the task knows and does.
pub(crate) struct Supervisor {
    settings: AcmeSettings,
    wished: watch::Receiver<Arc<Wishes>>,
    wishes: Arc<Wishes>,
    folder: Folder,
    door: Door,
    records: BTreeMap<String, Record>,
    jobs: JoinSet<Done>,
    /// Which wishes jobs belong to: what an old authority says of an account is of no interest to the new one.
    era: u32,
    figures: watch::Sender<Arc<AcmeFigures>>,
}

/// The account.
enum Door {
    /// Not opened yet; after failures not before this moment.
    Closed { failures: u32, due: SystemTime },
    /// Being opened; it failed so often before.
    Opening { failures: u32 },
    /// Open.
    Open(Account),
}

/// A job that is done.
struct Done {
    era: u32,
    what: What,
}

enum What {
    Opened(Result<Account, AcmeFault>),
    Ordered(String, Result<Received, AcmeFault>),
    Kept(String, Result<Certified, AcmeFault>),
    Asked(String, Suggestion),
}

impl Supervisor {
    /// Whatever was kept is in the store when it returns.
    pub(crate) fn new(
        settings: AcmeSettings,
        wished: watch::Receiver<Arc<Wishes>>,
        figures: watch::Sender<Arc<AcmeFigures>>,
    ) -> Self {
        let wishes = Arc::clone(&wished.borrow());
        let folder = Folder::of(&settings.state, &wishes.plan.directory);
        let mut supervisor = Self {
            settings,
            wished,
            wishes,
            folder,
            door: Door::closed(),
            records: BTreeMap::new(),
            jobs: JoinSet::new(),
            era: 0,
            figures,
        };
        supervisor.take_up();
        supervisor.tell();
        supervisor
    }

    /// Runs until it is dropped, or nobody can wish for anything any more.
    pub(crate) async fn run(mut self) {
        loop {
            self.begin_what_is_due();
            self.tell();
            let wait = self.until_next();
            tokio::select! {
                wished = self.wished.changed() => match wished {
                    Ok(()) => self.adopt(),
                    Err(_) => return,
                },
                Some(done) = self.jobs.join_next() => self.note(done),
                () = tokio::time::sleep(wait) => {}
            }
        }
    }

    /// Follows the new plan; what is the same goes on as it was.
    fn adopt(&mut self) {
        let wishes = Arc::clone(&self.wished.borrow_and_update());
        let before = std::mem::replace(&mut self.wishes, wishes);
        if before.plan != self.wishes.plan {
            self.folder = Folder::of(&self.settings.state, &self.wishes.plan.directory);
            self.door = Door::closed();
            self.era += 1;
            self.jobs = JoinSet::new();
            self.records.clear();
        }
        self.take_up();
    }

    /// Records of all names that are wished for, and of no others.
    fn take_up(&mut self) {
        let wishes = Arc::clone(&self.wishes);
        self.records
            .retain(|domain, _| wishes.domains.contains_key(domain));
        for (domain, proofs) in &wishes.domains {
            match self.records.get_mut(domain) {
                Some(record) => record.prove_by(proofs),
                None => {
                    let record = self.record(domain, proofs);
                    self.records.insert(domain.clone(), record);
                }
            }
        }
    }

    fn record(&self, domain: &str, proofs: &[crate::names::Proof]) -> Record {
        let mut record = Record::new(proofs);
        if let Some(certified) = self.folder.certificate(domain) {
            let leaf = certified.leaf().clone();
            match self.hand_over(domain, certified) {
                Ok(()) => record.holds(&leaf, self.wishes.plan.renew_at),
                Err(fault) => tracing::warn!(domain, %fault, "the certificate that was kept cannot be used"),
            }
        }
        record
    }

    fn hand_over(&self, domain: &str, certified: Certified) -> Result<(), AcmeFault> {
        let given = self
            .settings
            .store
            .set_managed(&[domain.to_owned()], certified.into());
        given.map_err(|fault| AcmeFault::Unusable {
            reason: fault.to_string(),
        })
    }

    fn begin_what_is_due(&mut self) {
        let now = SystemTime::now();
        let is_wanted = self.records.values().any(|record| record.needs_account(now));
        match &self.door {
            Door::Closed { failures, due } if is_wanted && *due <= now => self.open(*failures),
            Door::Open(account) => {
                let account = account.clone();
                self.begin_orders(&account, now);
                self.begin_asking(&account, now);
            }
            Door::Closed { .. } | Door::Opening { .. } => {}
        }
    }

    fn open(&mut self, failures: u32) {
        self.door = Door::Opening { failures };
        let (plan, folder) = (self.wishes.plan.clone(), self.folder.clone());
        self.spawn(async move { What::Opened(opened(plan, folder).await) });
    }

    fn begin_orders(&mut self, account: &Account, now: SystemTime) {
        let under_way = self.records.values().filter(|record| record.is_ordering).count();
        let due: Vec<String> = self
            .records
            .iter()
            .filter(|(_, record)| record.is_due(now))
            .map(|(domain, _)| domain.clone())
            .take(ORDERS_AT_ONCE.saturating_sub(under_way))
            .collect();
        for domain in due {
            self.order(account, domain);
        }
    }

    fn order(&mut self, account: &Account, domain: String) {
        let Some(record) = self.records.get_mut(&domain) else {
            return;
        };
        record.is_ordering = true;
        let ordering = Ordering {
            account: account.clone(),
            directory: self.wishes.plan.directory.clone(),
            domain: domain.clone(),
            proofs: record.proofs.clone(),
            replaces: record.replaced(),
            store: Arc::clone(&self.settings.store),
            folder: self.folder.clone(),
        };
        tracing::info!(domain, "ordering a certificate");
        self.spawn(async move { What::Ordered(domain, ordering.carry_out().await) });
    }

    fn begin_asking(&mut self, account: &Account, now: SystemTime) {
        let asked: Vec<_> = self
            .records
            .iter_mut()
            .filter_map(|(domain, record)| Some((domain.clone(), record.begin_asking(now)?)))
            .collect();
        for (domain, leaf) in asked {
            let account = account.clone();
            self.spawn(async move { What::Asked(domain, renewal::ask(&account, &leaf, dice()).await) });
        }
    }

    fn spawn(&mut self, job: impl Future<Output = What> + Send + 'static) {
        let era = self.era;
        self.jobs.spawn(async move { Done { era, what: job.await } });
    }

    fn note(&mut self, done: Result<Done, tokio::task::JoinError>) {
        let done = match done {
            Ok(done) if done.era == self.era => done,
            Ok(_) => return,
            Err(error) => return self.begin_anew(&error),
        };
        match done.what {
            What::Opened(outcome) => self.note_account(outcome),
            What::Ordered(domain, Ok(received)) => self.keep(domain, received),
            What::Ordered(domain, Err(fault)) => self.failed(&domain, &fault),
            What::Kept(domain, Ok(certified)) => self.received(&domain, certified),
            What::Kept(domain, Err(fault)) => self.failed(&domain, &fault),
            What::Asked(domain, suggestion) => {
                if let Some(record) = self.records.get_mut(&domain) {
                    record.suggested(suggestion);
                }
            }
        }
    }

    /// A job ended by a bug, and nobody knows whose it was: all end, and what they were about waits its time.
    fn begin_anew(&mut self, error: &tokio::task::JoinError) {
        tracing::error!(%error, "a job of ACME ended by a bug");
        self.jobs = JoinSet::new();
        self.era += 1;
        self.door = Door::closed();
        let reason = "a bug of ours ended it; see the log".to_owned();
        let fault = AcmeFault::Unusable { reason };
        let cut: Vec<String> = self
            .records
            .iter()
            .filter(|(_, record)| record.is_ordering)
            .map(|(domain, _)| domain.clone())
            .collect();
        for domain in cut {
            self.failed(&domain, &fault);
        }
    }

    fn note_account(&mut self, outcome: Result<Account, AcmeFault>) {
        let Door::Opening { failures } = self.door else {
            return;
        };
        self.door = match outcome {
            Ok(account) => Door::Open(account),
            Err(fault) => {
                let failures = failures.saturating_add(1);
                let wait = self.settings.pace.after(failures, dice());
                tracing::warn!(directory = self.wishes.plan.directory, %fault, failures, again_s = wait.as_secs(), "no account at the certificate authority");
                self.count(&fault);
                self.records
                    .values_mut()
                    .for_each(|record| record.fault = Some(fault.to_string()));
                Door::Closed {
                    failures,
                    due: SystemTime::now() + wait,
                }
            }
        };
    }

    /// On the disk first: what is in use must be there after a restart.
    fn keep(&mut self, domain: String, received: Received) {
        let Some(record) = self.records.get_mut(&domain) else {
            return;
        };
        record.proved_by(received.proof);
        let folder = self.folder.clone();
        self.spawn(async move {
            let name = domain.clone();
            let kept = spawn_blocking(move || kept(&folder, &name, &received.pem)).await;
            What::Kept(domain, kept.expect("writing a file does not panic"))
        });
    }

    fn received(&mut self, domain: &str, certified: Certified) {
        let leaf = certified.leaf().clone();
        if let Err(fault) = self.hand_over(domain, certified) {
            return self.failed(domain, &fault);
        }
        self.figures.send_if_modified(|figures| {
            Arc::make_mut(figures).received += 1;
            false
        });
        if let Some(record) = self.records.get_mut(domain) {
            record.holds(&leaf, self.wishes.plan.renew_at);
            tracing::info!(
                domain,
                days = record.days_left(SystemTime::now()),
                "a new certificate is in use"
            );
        }
    }

    fn failed(&mut self, domain: &str, fault: &AcmeFault) {
        self.count(fault);
        if let AcmeFault::Refused {
            is_stranger: true, ..
        } = fault
        {
            self.folder.forget_account();
        }
        // What the account was opened with (addresses, an account that is gone) may be what is wrong.
        if !matches!(fault, AcmeFault::Unproved { .. }) && matches!(self.door, Door::Open(_)) {
            self.door = Door::closed();
        }
        let Some(record) = self.records.get_mut(domain) else {
            return;
        };
        let wait = record.failed(fault, &self.settings.pace, dice());
        tracing::warn!(domain, %fault, failures = record.failures, again_s = wait.as_secs(), has_certificate = record.has_certificate(), "no new certificate");
    }

    fn count(&self, fault: &AcmeFault) {
        self.figures.send_if_modified(|figures| {
            Arc::make_mut(figures).failed[fault.place()] += 1;
            false
        });
    }

    /// Tells whoever looks how it is now.
    fn tell(&self) {
        let names: BTreeMap<_, _> = self
            .records
            .iter()
            .map(|(domain, record)| (domain.clone(), record.figures()))
            .collect();
        self.figures
            .send_modify(|figures| Arc::make_mut(figures).names = names);
    }

    /// The clock may be set meanwhile: it is looked at every minute.
    fn until_next(&self) -> Duration {
        let now = SystemTime::now();
        let account = match &self.door {
            Door::Closed { due, .. } => Some(*due),
            Door::Opening { .. } | Door::Open(_) => None,
        };
        let is_open = matches!(self.door, Door::Open(_));
        let orders = self.records.values().filter_map(|record| match account {
            Some(door) => record.due().map(|due| due.max(door)),
            None => record.due().filter(|_| is_open),
        });
        let next = orders
            .min()
            .map(|due| due.duration_since(now).unwrap_or_default());
        next.map_or(LOOK_MOST, |wait| wait.clamp(LOOK_LEAST, LOOK_MOST))
    }
}

impl Door {
    fn closed() -> Self {
        Self::Closed {
            failures: 0,
            due: SystemTime::UNIX_EPOCH,
        }
    }
}

async fn opened(plan: AcmePlan, folder: Folder) -> Result<Account, AcmeFault> {
    let opening = tokio::time::timeout(OPEN_TIMEOUT, account::open(&plan, &folder)).await;
    opening.unwrap_or(Err(AcmeFault::Late {
        seconds: OPEN_TIMEOUT.as_secs(),
    }))
}

fn kept(folder: &Folder, domain: &str, pem: &str) -> Result<Certified, AcmeFault> {
    let certified = Certified::parse(pem).map_err(|reason| AcmeFault::Unusable { reason })?;
    folder.keep_certificate(domain, pem)?;
    Ok(certified)
}

const ORDERS_AT_ONCE: usize = 4;
const OPEN_TIMEOUT: Duration = Duration::from_secs(60);
const LOOK_LEAST: Duration = Duration::from_millis(10);
const LOOK_MOST: Duration = Duration::from_secs(60);
