//! The tasks of a fleet: what takes long, and tells how it ended.

use std::collections::HashMap;
use std::fmt;
use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::AtomicUsize;
use std::sync::atomic::Ordering::SeqCst;
use std::time::Duration;

use portreeve_control::Refused;
use portreeve_driver::{Driver, DriverFault, Ended, Found, Started, Stop, Usage};
use portreeve_model::Tick;
use tokio::sync::{mpsc, oneshot};
use tokio::task::JoinSet;

use crate::rollcall::{self, Rollcall};
use crate::start::{Fault, bounded};

/// Which run it is about: numbers are never given twice.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(crate) struct RunNumber(pub(crate) u64);

/// Something that happened to a run.
#[derive(Debug)]
pub(crate) struct News {
    pub(crate) run: RunNumber,
    pub(crate) what: What,
}

/// What happened.
#[derive(Debug)]
pub(crate) enum What {
    /// We lead, as of the moment when it was asked.
    Led {
        asked: Tick,
    },
    Rollcall {
        answer: Result<Rollcall, DriverFault>,
        /// When it was asked for: what happened since is known better.
        asked: Tick,
    },
    Started {
        id: Arc<str>,
        answer: Result<Started, Fault>,
    },
    Stopped {
        id: Arc<str>,
        how: Stop,
        answer: Result<(), DriverFault>,
    },
    Ended {
        id: Arc<str>,
        ended: Ended,
    },
    Used {
        ids: Vec<Arc<str>>,
        usages: Vec<Usage>,
    },
    NotRegistered {
        id: Arc<str>,
        refused: Refused,
    },
    /// All words to the door are answered.
    Said,
}

/// Tells the one task of what happened to a run.
#[derive(Clone)]
pub(crate) struct Teller {
    number: RunNumber,
    news: mpsc::Sender<News>,
}

impl Teller {
    pub(crate) fn new(number: RunNumber, news: mpsc::Sender<News>) -> Self {
        Self { number, news }
    }

    pub(super) fn number(&self) -> RunNumber {
        self.number
    }

    /// Waits while too much is untold.
    pub(super) async fn tell(&self, what: What) {
        let run = self.number;
        // Whoever listened is gone: nobody need know.
        let _ = self.news.send(News { run, what }).await;
    }

    /// The same without waiting, for what is told again if it is lost.
    pub(super) fn try_tell(&self, what: What) {
        let run = self.number;
        let _ = self.news.try_send(News { run, what });
    }
}

impl fmt::Debug for Teller {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.number.fmt(out)
    }
}

type Call = Pin<Box<dyn Future<Output = ()> + Send>>;

/// The tasks of one run; all end with it.
#[derive(Debug)]
pub(super) struct Tasks {
    teller: Teller,
    /// Calls that end by themselves.
    calls: JoinSet<()>,
    /// Words to the door: each is said when the one before has been answered.
    words: mpsc::UnboundedSender<Call>,
    /// Words that are not answered yet.
    unsaid: Arc<AtomicUsize>,
    is_calling_roll: bool,
    is_asking_usage: bool,
    /// Starts and stops under way.
    changing: usize,
    /// Of each instance: who waits for its end, and who keeps its registration.
    watches: HashMap<Arc<str>, JoinSet<()>>,
    memberships: HashMap<Arc<str>, JoinSet<()>>,
}

impl Tasks {
    pub(super) fn new(teller: Teller) -> Self {
        let (words, mut said) = mpsc::unbounded_channel::<Call>();
        let unsaid = Arc::<AtomicUsize>::default();
        let mut calls = JoinSet::new();
        let (left, told) = (Arc::clone(&unsaid), teller.clone());
        calls.spawn(async move {
            while let Some(word) = said.recv().await {
                word.await;
                if left.fetch_sub(1, SeqCst) == 1 {
                    told.tell(What::Said).await;
                }
            }
        });
        Self {
            teller,
            calls,
            words,
            unsaid,
            is_calling_roll: false,
            is_asking_usage: false,
            changing: 0,
            watches: HashMap::new(),
            memberships: HashMap::new(),
        }
    }

    pub(super) fn is_calling_roll(&self) -> bool {
        self.is_calling_roll
    }

    /// Whether a start or stop is under way.
    pub(super) fn is_changing(&self) -> bool {
        self.changing > 0
    }

    pub(super) fn call_roll(
        &mut self,
        driver: &Arc<dyn Driver>,
        owner: &Arc<str>,
        wants_list: bool,
        asked: Tick,
    ) {
        self.is_calling_roll = true;
        let (driver, owner, teller) = (Arc::clone(driver), Arc::clone(owner), self.teller.clone());
        self.spawn(async move {
            let led = teller.tell(What::Led { asked });
            let answer = rollcall::call(&*driver, &owner, wants_list, led).await;
            teller.tell(What::Rollcall { answer, asked }).await;
        });
    }

    pub(super) fn roll_called(&mut self) {
        self.is_calling_roll = false;
    }

    pub(super) fn ask_usage(&mut self, driver: &Arc<dyn Driver>, running: Vec<Found>) {
        if std::mem::replace(&mut self.is_asking_usage, true) {
            return;
        }
        let (driver, teller) = (Arc::clone(driver), self.teller.clone());
        self.spawn(async move {
            let usages = bounded("usage", USAGE_MAX, async { Ok(driver.usage(&running).await) }).await;
            // What is not known any more does not count any more.
            let usages = usages.unwrap_or_else(|_| vec![Usage::default(); running.len()]);
            let ids = running.into_iter().map(|one| one.id).collect();
            teller.tell(What::Used { ids, usages }).await;
        });
    }

    pub(super) fn usage_told(&mut self) {
        self.is_asking_usage = false;
    }

    /// A call that changes what there is; [`changed`](Self::changed) when it has told its end.
    pub(super) fn change(&mut self, call: impl Future<Output = What> + Send + 'static) {
        self.changing += 1;
        let teller = self.teller.clone();
        self.spawn(async move { teller.tell(call.await).await });
    }

    pub(super) fn changed(&mut self) {
        self.changing = self.changing.saturating_sub(1);
    }

    /// A call whose end nobody waits for.
    pub(super) fn spawn(&mut self, call: impl Future<Output = ()> + Send + 'static) {
        while self.calls.try_join_next().is_some() {}
        self.calls.spawn(call);
    }

    /// A call after all that were given before it: a drain that is taken back must not be said after that.
    pub(super) fn say(&self, call: impl Future<Output = ()> + Send + 'static) {
        self.unsaid.fetch_add(1, SeqCst);
        // The task that listens lives as long as this.
        let _ = self.words.send(Box::pin(call));
    }

    /// Whether a word to the door is not answered yet.
    pub(super) fn has_unsaid(&self) -> bool {
        self.unsaid.load(SeqCst) > 0
    }

    /// Returns when all that was said is answered.
    pub(super) async fn all_said(&self) {
        let (teller, told) = oneshot::channel();
        self.say(async move {
            let _ = teller.send(()); // whoever asked may have stopped waiting
        });
        let _ = told.await;
    }

    /// Waits for the end of an instance, once.
    pub(super) fn watch(&mut self, driver: &Arc<dyn Driver>, instance: Found) {
        if self.watches.contains_key(&instance.id) {
            return;
        }
        let (driver, teller) = (Arc::clone(driver), self.teller.clone());
        let id = Arc::clone(&instance.id);
        let watch = async move {
            let ended = driver.ended(&instance).await;
            let id = instance.id;
            teller.tell(What::Ended { id, ended }).await;
        };
        self.watches.insert(id, alone(watch));
    }

    /// Keeps the registration of an instance, once.
    pub(super) fn keep(&mut self, id: &Arc<str>, membership: impl FnOnce(Teller) -> Call) {
        if !self.keeps(id) {
            let membership = membership(self.teller.clone());
            self.memberships.insert(Arc::clone(id), alone(membership));
        }
    }

    /// Whether its registration is kept. One that was given up is not.
    pub(super) fn keeps(&mut self, id: &str) -> bool {
        self.memberships.get_mut(id).is_some_and(|keeper| {
            while keeper.try_join_next().is_some() {}
            !keeper.is_empty()
        })
    }

    /// No more heartbeats for it.
    pub(super) fn let_go(&mut self, id: &str) {
        self.memberships.remove(id);
    }

    /// The instance is over.
    pub(super) fn forget(&mut self, id: &str) {
        self.watches.remove(id);
        self.memberships.remove(id);
    }

    /// Nobody waits for an end any more; what is registered stays so.
    pub(super) fn end_watches(&mut self) {
        self.watches.clear();
    }

    /// Those that are kept registered, but for these.
    pub(super) fn kept_but(&self, is_there: &dyn Fn(&str) -> bool) -> Vec<Arc<str>> {
        let others = self.memberships.keys().filter(|id| !is_there(id));
        others.map(Arc::clone).collect()
    }

    /// No more heartbeats but for these.
    pub(super) fn keep_only(&mut self, is_there: &dyn Fn(&str) -> bool) {
        self.memberships.retain(|id, _| is_there(id));
    }
}

/// A task that ends when what it is kept in is dropped.
fn alone(task: impl Future<Output = ()> + Send + 'static) -> JoinSet<()> {
    let mut set = JoinSet::new();
    set.spawn(task);
    set
}

const USAGE_MAX: Duration = Duration::from_secs(30);
