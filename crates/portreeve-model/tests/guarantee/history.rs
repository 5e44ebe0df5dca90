//! One random history of a pool of backends, and the requests that are on their way meanwhile.

mod file;
mod registration;
mod room;

use std::fmt::Display;
use std::net::SocketAddr;
use std::ops::AddAssign;
use std::sync::Arc;
use std::time::Duration;

use portreeve_model::plan::Plan;
use portreeve_model::{
    AttemptOutcome, Backend, Group, Lease, Moment, NotPicked, Policies, Policy, Registry, Resolved, Snapshot,
    Standing, Tried, Why,
};

use crate::dice::Dice;
use crate::naive::Naive;
use crate::requests::{Asked, OnItsWay};

/// What is real, what is said, and who is on the way.
pub(crate) struct History {
    dice: Dice,
    plan: Plan,
    registry: Registry,
    latest: Arc<Snapshot>,
    /// What each worker knows; some know old things for long.
    workers: Vec<Arc<Snapshot>>,
    naive: Naive,
    /// Probes that nobody has answered yet, and whether a request failed to reach the backend since they set out.
    probes: Vec<(Arc<Backend>, bool)>,
    requests: Vec<OnItsWay>,
    /// Requests that some backend does not answer.
    hung: Vec<Lease>,
    begun: u64,
    sums: Sums,
    log: Vec<String>,
}

/// How much happened.
#[derive(Debug, Default, Clone, Copy)]
pub(crate) struct Sums {
    pub(crate) met: u64,
    /// After something else had happened.
    pub(crate) met_late: u64,
    /// Chosen, but not met, as the choice was no longer right.
    pub(crate) turned_away: u64,
    pub(crate) unknown: u64,
    pub(crate) nobody: u64,
    /// Of the choices, with all retries: nobody, as all had as many as they may have.
    pub(crate) full: u64,
    /// Somebody who is not healthy, as nobody is.
    pub(crate) last_resort: u64,
    pub(crate) trials: u64,
    pub(crate) sticky: u64,
    pub(crate) spilled: u64,
    pub(crate) stalled: u64,
}

impl AddAssign for Sums {
    fn add_assign(&mut self, other: Self) {
        self.met += other.met;
        self.met_late += other.met_late;
        self.turned_away += other.turned_away;
        self.unknown += other.unknown;
        self.nobody += other.nobody;
        self.full += other.full;
        self.last_resort += other.last_resort;
        self.trials += other.trials;
        self.sticky += other.sticky;
        self.spilled += other.spilled;
        self.stalled += other.stalled;
    }
}

impl History {
    pub(crate) fn begin(dice: Dice) -> Self {
        let (plan, registry) = (Plan::default(), Registry::default());
        let first = Snapshot::of(&plan, &Resolved::new(), &registry, None, 1);
        let latest = Arc::new(first);
        let mut history = Self {
            dice,
            plan,
            registry,
            workers: vec![Arc::clone(&latest); WORKERS],
            latest,
            naive: Naive::default(),
            probes: Vec::new(),
            requests: Vec::new(),
            hung: Vec::new(),
            begun: 0,
            sums: Sums::default(),
            log: Vec::new(),
        };
        history.reload();
        history
    }

    /// Something happens.
    pub(crate) fn step(&mut self) {
        self.pass_time();
        match self.dice.below(64) {
            0..=9 => self.register(),
            10..=14 => self.renew(),
            15 => self.deregister(),
            16 | 17 => self.obey_operator(),
            18 => self.revoke(),
            19 => self.reload(),
            20 => self.drain_of_file(),
            21..=23 => self.take_suspects(),
            24..=29 => self.probe(),
            30..=34 => self.change_room(),
            35..=45 => self.ask(),
            46..=57 => self.go_on(),
            58 | 59 => self.look_afresh(),
            _ => self.publish(),
        }
        if self.dice.once_in(4) {
            let worker = self.dice.below(WORKERS);
            self.workers[worker] = Arc::clone(&self.latest);
        }
    }

    /// Lets all requests come to their end.
    pub(crate) fn end(mut self) -> Sums {
        while !self.requests.is_empty() {
            self.go_on();
        }
        self.sums
    }

    fn pass_time(&mut self) {
        let ms = match self.dice.below(40) {
            0 => 6_000,
            1..=6 => 400,
            _ => 5,
        };
        self.naive.now += Duration::from_millis(ms);
        self.registry.tick(self.at());
        self.naive.forget();
    }

    fn publish(&mut self) {
        let next = Snapshot::of(
            &self.plan,
            &Resolved::new(),
            &self.registry,
            Some(&self.latest),
            1,
        );
        self.registry.watch(&next, self.at());
        self.latest = Arc::new(next);
    }

    /// A request comes to some worker and chooses a backend by what that one knows.
    fn ask(&mut self) {
        if self.requests.len() >= ON_THEIR_WAY_MAX {
            return self.go_on();
        }
        let snapshot = Arc::clone(&self.workers[self.dice.below(WORKERS)]);
        let (pool, asked) = self.question();
        let demanded = self.demanded(&pool, &asked);
        self.begun += 1;
        let number = self.begun;
        let shown = format!(
            "request {number} for {pool} demands [{demanded}], as of snapshot {}",
            snapshot.sequence
        );
        let Some(route) = snapshot.routes.iter().find(|route| *route.name == *pool) else {
            return;
        };
        let Ok(group) = asked.group(route) else {
            self.sums.unknown += 1;
            return self.note(format!("{shown}: a policy is unknown"));
        };
        if *group.policies() != demanded {
            self.fail(format!("{shown}: its group is that of [{}]", group.policies()));
        }
        let lease = match self.pick(&group, &Tried::default()) {
            Ok(lease) => lease,
            Err(why) => {
                self.sums.nobody += u64::from(why == NotPicked::Nobody);
                return self.note(format!("{shown}: {why:?} is there"));
            }
        };
        self.note(format!(
            "{shown}: chooses {} by {:?}",
            name(lease.backend()),
            lease.why()
        ));
        if self.dice.once_in(3) {
            // On a kept connection nothing comes between.
            self.sums.met += 1;
            return self.meet(number, &pool, &lease, &demanded);
        }
        self.requests.push(OnItsWay {
            number,
            pool,
            demanded,
            group,
            tried: Tried::default(),
            lease,
        });
    }

    /// One of the requests gets its connection, or does not.
    fn go_on(&mut self) {
        if self.requests.is_empty() {
            return;
        }
        let place = self.dice.below(self.requests.len());
        let mut request = self.requests.swap_remove(place);
        let backend = Arc::clone(request.lease.backend());
        if self.dice.once_in(3) {
            self.note(format!(
                "request {} cannot reach {}",
                request.number,
                name(&backend)
            ));
            self.suspect(&backend);
            self.tell(&backend, AttemptOutcome::Failed);
        } else if request.lease.may_serve(request.group.policies()) {
            self.note(format!("request {} meets {}", request.number, name(&backend)));
            (self.sums.met, self.sums.met_late) = (self.sums.met + 1, self.sums.met_late + 1);
            return self.meet(request.number, &request.pool, &request.lease, &request.demanded);
        } else {
            self.note(format!(
                "request {} turns away from {}",
                request.number,
                name(&backend)
            ));
            self.sums.turned_away += 1;
        }
        request.tried.insert(backend.id);
        if let Some(lease) = self.another(&request.group, &request.tried) {
            self.note(format!(
                "request {} chooses {} then",
                request.number,
                name(lease.backend())
            ));
            request.lease = lease;
            self.requests.push(request);
        }
    }

    fn another(&mut self, group: &Group, tried: &Tried) -> Option<Lease> {
        (tried.len() < ATTEMPTS_MAX)
            .then(|| self.pick(group, tried).ok())
            .flatten()
    }

    /// The one thing that all of this is about.
    fn meet(&self, number: u64, pool: &str, lease: &Lease, demanded: &Policies) {
        let backend = &**lease.backend();
        let is_last_resort = lease.why() == Why::UseAll;
        if is_last_resort && !matches!(backend.standing(), Standing::Serving | Standing::Down) {
            self.fail(format!(
                "request {number} met {}, who is worse than down",
                name(backend)
            ));
        }
        if let Some(objection) = self.naive.objection(pool, backend, demanded, is_last_resort) {
            self.fail(format!(
                "request {number}, which demands [{demanded}], met {}: {objection}",
                name(backend)
            ));
        }
    }

    /// With the newest snapshot a request finds somebody if there is somebody, and nobody else.
    fn look_afresh(&mut self) {
        self.take_suspects();
        self.publish();
        let (pool, asked) = self.question();
        let demanded = self.demanded(&pool, &asked);
        let latest = Arc::clone(&self.latest);
        let Some(route) = latest.routes.iter().find(|route| *route.name == *pool) else {
            return;
        };
        let shown = format!("a fresh request for {pool} that demands [{demanded}]");
        let is_known = |policy: &Policy| self.is_known(&pool, policy.as_str());
        let (found, known) = (asked.group(route), demanded.iter().all(is_known));
        if found.is_ok() != known {
            self.fail(format!("{shown}: known is {known}, but {found:?}"));
        }
        let Ok(group) = found else { return };
        let able = self.naive.able(&pool, &demanded);
        if group.candidates() != able.len() {
            self.fail(format!("{shown}: {} candidates of {able:?}", group.candidates()));
        }
        let excuse = self.excuse(&pool, &demanded);
        match self.pick(&group, &Tried::default()) {
            Err(why) if Some(why) == excuse => {}
            Err(why) => self.fail(format!("{shown}: {why:?} of {able:?}, excuse {excuse:?}")),
            Ok(lease) => self.meet(0, &pool, &lease, &demanded),
        }
    }

    fn is_known(&self, pool: &str, policy: &str) -> bool {
        let is_there = self.plan.pools.iter().any(|plan| *plan.name == *pool);
        let is_named = is_there && pool == EXTRA && policy == ALWAYS;
        is_named || self.naive.knows(pool, policy)
    }

    fn question(&mut self) -> (String, Asked) {
        let pool = (*self.dice.one_of(&POOLS)).to_owned();
        let mut policies = self.dice.some_of(&POLICIES, 3);
        if self.dice.once_in(30) {
            policies.push("mars");
        }
        let path = format!("/{}", self.dice.below(50));
        (pool, Asked { path, policies })
    }

    /// The route to the pool `extra` demands a policy of its own.
    fn demanded(&self, pool: &str, asked: &Asked) -> Policies {
        let own = (pool == EXTRA).then(|| Policy::new(ALWAYS).expect("a policy"));
        asked.demanded().iter().cloned().chain(own).collect()
    }

    fn at(&self) -> Moment {
        Moment {
            since_start: self.naive.now,
            unix_ms: 1_700_000_000_000,
        }
    }

    fn note(&mut self, what: impl Display) {
        let ms = self.naive.now.as_millis();
        self.log.push(format!("{ms:>8} ms: {what}"));
    }

    /// With all that led there.
    fn fail(&self, what: impl Display) -> ! {
        let seed = self.dice.seed;
        panic!("seed {seed}:\n{}\n{what}\n{:#?}", self.log.join("\n"), self.naive);
    }
}

fn name(backend: &Backend) -> String {
    let kind = if backend.is_registered { "member" } else { "file's" };
    format!(
        "{kind} {}#{} [{}]",
        backend.label,
        backend.id.get(),
        backend.policies
    )
}

fn address(host: u8, port: usize) -> SocketAddr {
    let port = u16::try_from(port).expect("ports here are few");
    ([10, 0, host, 1], port).into()
}

fn policies(names: &[&str]) -> Policies {
    let policies = names.iter().map(|name| Policy::new(name).expect("a policy"));
    policies.collect()
}

const WORKERS: usize = 3;
const ON_THEIR_WAY_MAX: usize = 12;
const ATTEMPTS_MAX: usize = 4;
/// The last is only of the file, and there only now and then.
const POOLS: [&str; 3] = ["api", "web", EXTRA];
const EXTRA: &str = "extra";
/// What the route to `extra` demands always.
const ALWAYS: &str = "p0";
const POLICIES: [&str; 3] = ["p0", "p1", "p2"];
