//! The one task that changes the world: command or answer in, snapshot out.

use std::future;
use std::io;
use std::net::IpAddr;
use std::sync::Arc;
use std::time::Duration;

use portreeve_model::Snapshot;
use portreeve_model::plan::Plan;
use tokio::sync::{mpsc, oneshot, watch};
use tokio::task::JoinSet;
use tokio::time::{Instant, sleep_until, timeout_at};

use crate::lookup::Lookup;
use crate::names::Names;

/// What others may ask of the writer.
#[derive(Debug)]
pub(crate) enum Command {
    /// Replace the plan; `done` is told when the new snapshot is published.
    Apply {
        plan: Box<Plan>,
        done: oneshot::Sender<()>,
    },
}

/// Owner of the plan and of what its names mean.
pub(crate) struct Writer {
    plan: Plan,
    shards: usize,
    names: Names,
    lookup: Arc<dyn Lookup>,
    lookups: JoinSet<Answer>,
    snapshots: watch::Sender<Arc<Snapshot>>,
}

type Answer = (Arc<str>, io::Result<Vec<IpAddr>>);

impl Writer {
    /// A writer whose first snapshot, sequence 1, is published.
    pub(crate) async fn start(
        plan: Plan,
        shards: usize,
        lookup: Arc<dyn Lookup>,
    ) -> (Self, watch::Receiver<Arc<Snapshot>>) {
        let mut names = Names::default();
        let mut lookups = JoinSet::new();
        names.follow(&plan, Instant::now());
        first_answers(&mut names, &mut lookups, &lookup).await;
        let snapshot = Snapshot::build(&plan, &names.resolved(), None, shards);
        let (snapshots, view) = watch::channel(Arc::new(snapshot));
        (
            Self {
                plan,
                shards,
                names,
                lookup,
                lookups,
                snapshots,
            },
            view,
        )
    }

    /// Serves until the last sender of commands is gone.
    pub(crate) async fn run(mut self, mut commands: mpsc::Receiver<Command>) {
        loop {
            ask_due(&mut self.names, &mut self.lookups, &self.lookup);
            tokio::select! {
                command = commands.recv() => match command {
                    Some(command) => self.obey(command).await,
                    None => return,
                },
                Some(answer) = self.lookups.join_next() => self.note(answer),
                () = until(self.names.next_due()), if self.lookups.len() < LOOKUPS_MAX => {}
            }
        }
    }

    async fn obey(&mut self, command: Command) {
        match command {
            Command::Apply { plan, done } => {
                self.apply(*plan).await;
                let _ = done.send(()); // whoever asked may have stopped waiting
            }
        }
    }

    async fn apply(&mut self, plan: Plan) {
        self.names.follow(&plan, Instant::now());
        self.plan = plan;
        first_answers(&mut self.names, &mut self.lookups, &self.lookup).await;
        self.publish();
    }

    fn note(&mut self, answer: Result<Answer, tokio::task::JoinError>) {
        if note(&mut self.names, answer) {
            self.publish();
        }
    }

    fn publish(&self) {
        let previous = Arc::clone(&self.snapshots.borrow());
        let resolved = self.names.resolved();
        let snapshot = Snapshot::build(&self.plan, &resolved, Some(&previous), self.shards);
        tracing::info!(
            sequence = snapshot.sequence,
            pools = snapshot.pools.len(),
            "a new snapshot is in use"
        );
        self.snapshots.send_replace(Arc::new(snapshot));
    }
}

/// Asks for the names that are due and waits, for a bounded time, until each name of the plan was answered once.
async fn first_answers(names: &mut Names, lookups: &mut JoinSet<Answer>, lookup: &Arc<dyn Lookup>) {
    let deadline = Instant::now() + FIRST_ANSWERS_WAIT;
    while names.is_waiting() {
        ask_due(names, lookups, lookup);
        match timeout_at(deadline, lookups.join_next()).await {
            Ok(Some(answer)) => {
                note(names, answer);
            }
            Ok(None) | Err(_) => return,
        }
    }
}

fn ask_due(names: &mut Names, lookups: &mut JoinSet<Answer>, lookup: &Arc<dyn Lookup>) {
    let room = LOOKUPS_MAX.saturating_sub(lookups.len());
    for host in names.take_due(Instant::now(), room) {
        let pending = lookup.addresses(Arc::clone(&host));
        lookups.spawn(async move { (host, pending.await) });
    }
}

/// True if the addresses of a name changed.
fn note(names: &mut Names, answer: Result<Answer, tokio::task::JoinError>) -> bool {
    let (host, result) = answer.expect("a lookup neither panics nor is aborted while the writer lives");
    names.answer(&host, result, Instant::now())
}

async fn until(time: Option<Instant>) {
    match time {
        Some(time) => sleep_until(time).await,
        None => future::pending().await,
    }
}

/// Lookups under way at once; each holds a thread of the runtime's blocking pool while it waits.
const LOOKUPS_MAX: usize = 16;

/// How long a start or a reload waits for names that were never answered before it goes on without them.
const FIRST_ANSWERS_WAIT: Duration = Duration::from_secs(5);

#[cfg(test)]
pub(crate) mod test_plan {
    use super::*;
    use portreeve_model::plan::{BackendLimits, BalancePlan, PoolPlan, Target, TargetAddress};

    /// One pool whose backends are these names on port 80, looked up every ten seconds.
    pub(crate) fn plan_of(hosts: &[&str]) -> Plan {
        plan_with("pool", hosts, Duration::from_secs(10))
    }

    pub(crate) fn plan_with(pool: &str, hosts: &[&str], resolve_every: Duration) -> Plan {
        let pool = PoolPlan {
            name: pool.into(),
            targets: hosts.iter().map(|host| target(host)).collect(),
            balance: BalancePlan::RoundRobin,
            limits: BackendLimits::default(),
            resolve_every,
            members: None,
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
        Target {
            address,
            weight: 1,
            policies: portreeve_model::Policies::none(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::test_plan::plan_of;
    use super::*;
    use crate::Controller;
    use crate::lookup::Pending;
    use std::collections::BTreeMap;
    use std::sync::Mutex;

    /// A phone book that tests rewrite; a name that is not in it never answers.
    #[derive(Default)]
    struct Book {
        pages: Mutex<BTreeMap<String, Vec<IpAddr>>>,
    }

    impl Book {
        fn with(host: &str, addresses: &[&str]) -> Arc<Self> {
            let book = Arc::new(Self::default());
            book.write(host, addresses);
            book
        }

        fn write(&self, host: &str, addresses: &[&str]) {
            let addresses = addresses.iter().map(|text| text.parse().unwrap()).collect();
            self.pages.lock().unwrap().insert(host.to_owned(), addresses);
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

    fn labels(snapshot: &Snapshot) -> Vec<String> {
        let backends = snapshot.pools.iter().flat_map(|pool| &pool.backends);
        backends.map(|backend| backend.label.to_string()).collect()
    }

    #[tokio::test(start_paused = true)]
    async fn the_first_snapshot_knows_the_names() {
        let book = Book::with("a.test", &["10.0.0.1", "10.0.0.2"]);

        let controller = Controller::start_with(plan_of(&["a.test"]), 1, book).await;

        let snapshot = Arc::clone(&controller.snapshots().borrow());
        assert_eq!(snapshot.sequence, 1);
        assert_eq!(labels(&snapshot), ["10.0.0.1:80", "10.0.0.2:80"]);
    }

    #[tokio::test(start_paused = true)]
    async fn a_name_that_does_not_answer_delays_the_start_but_not_for_ever() {
        let book = Book::with("a.test", &["10.0.0.1"]);
        let before = Instant::now();

        let controller = Controller::start_with(plan_of(&["silent.test", "a.test"]), 1, book).await;

        assert_eq!(before.elapsed(), FIRST_ANSWERS_WAIT);
        assert_eq!(labels(&controller.snapshots().borrow()), ["a.test:80"]);
    }

    #[tokio::test(start_paused = true)]
    async fn a_changed_answer_is_published_and_an_equal_one_is_not() {
        let book = Book::with("a.test", &["10.0.0.1"]);
        let controller = Controller::start_with(plan_of(&["a.test"]), 1, book.clone()).await;
        let mut view = controller.snapshots();
        let first = Arc::clone(&view.borrow_and_update());

        tokio::time::sleep(Duration::from_secs(60)).await;
        assert!(!view.has_changed().unwrap());
        book.write("a.test", &["10.0.0.1", "10.0.0.7"]);
        view.changed().await.unwrap();

        let second = Arc::clone(&view.borrow_and_update());
        assert_eq!(second.sequence, first.sequence + 1);
        assert_eq!(labels(&second), ["10.0.0.1:80", "10.0.0.7:80"]);
    }

    #[tokio::test(start_paused = true)]
    async fn an_applied_plan_is_published_when_apply_returns() {
        let book = Book::with("a.test", &["10.0.0.1"]);
        book.write("b.test", &["10.0.0.2"]);
        let controller = Controller::start_with(plan_of(&["a.test"]), 1, book).await;

        controller.apply(plan_of(&["b.test"])).await;

        assert_eq!(labels(&controller.snapshots().borrow()), ["b.test:80"]);
    }

    #[tokio::test(start_paused = true)]
    async fn known_names_keep_their_meaning_over_a_reload() {
        let book = Book::with("a.test", &["10.0.0.1"]);
        let controller = Controller::start_with(plan_of(&["a.test"]), 1, book.clone()).await;
        book.pages.lock().unwrap().clear();
        let before = Instant::now();

        controller.apply(plan_of(&["a.test"])).await;

        assert_eq!(before.elapsed(), Duration::ZERO);
        assert_eq!(labels(&controller.snapshots().borrow()), ["a.test:80"]);
    }

    #[tokio::test]
    async fn stop_ends_the_task() {
        let controller = Controller::start_with(plan_of(&[]), 1, Arc::new(Book::default())).await;
        let mut view = controller.snapshots();

        controller.stop().await;

        assert!(view.changed().await.is_err());
    }
}
