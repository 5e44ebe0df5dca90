//! How long it takes until a registration is seen, and what a renewal costs, among 10,000 backends of 1,000 policies.
//!
//! `cargo run --release -p portreeve-control --example registrations [FOLDER [BACKENDS]]`; the store is in FOLDER, which
//! should be on a real disk, or nothing is kept.

use std::net::TcpListener;
use std::path::PathBuf;
use std::sync::Arc;
use std::sync::mpsc;
use std::thread;
use std::time::{Duration, Instant};

use portreeve_control::{ControlSettings, Controller, Credentials, Door};
use portreeve_model::plan::{MembersPlan, Plan, PoolPlan};
use portreeve_model::{Announcement, Beat, Event, EventKind, MemberKey, Policy, Snapshot, Standing, Term};
use rustix::time::{ClockId, clock_gettime};
use tokio::sync::broadcast::Receiver;
use tokio::sync::watch;
use tokio::task::JoinSet;

fn main() {
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .expect("a runtime starts");
    let mut words = std::env::args().skip(1);
    let state = words.next().map(PathBuf::from);
    let backends = words
        .next()
        .map_or(10_000, |word| word.parse().expect("it is a number"));
    runtime.block_on(measure(state, backends));
}

async fn measure(state: Option<PathBuf>, backends: usize) {
    say(&format!("store: {state:?}"));
    let settings = ControlSettings {
        state,
        ..ControlSettings::default()
    };
    let controller = Controller::start(plan(), 2, settings)
        .await
        .expect("the store opens");
    let port = serve_everybody();
    fill(&controller, port, backends).await;
    registrations(&controller, port, backends).await;
    renewals(&controller.door(), backends).await;
    let before = Instant::now();
    let listed = controller
        .door()
        .backends()
        .await
        .expect("the writer lives")
        .len();
    say(&format!("a list of {listed} backends: {:?}", before.elapsed()));
    controller.stop().await;
}

/// All at once, and then until each has been reached.
async fn fill(controller: &Controller, port: u16, backends: usize) {
    let (before, cpu) = (Instant::now(), cpu());
    let mut calls = JoinSet::new();
    for number in 0..backends {
        let (door, said) = (controller.door(), announcement(number, port));
        calls.spawn(async move { door.register(said, local()).await });
    }
    let answers = calls.join_all().await;
    assert!(answers.iter().all(Result::is_ok), "everybody may register");
    let snapshot = || Arc::clone(&controller.snapshots().borrow());
    say(&format!(
        "a flood of {backends}: all answered after {:?}, {} snapshots, {:?} of CPU",
        before.elapsed(),
        snapshot().sequence,
        cpu_since(cpu)
    ));
    while serving(&snapshot()) < backends {
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
    say(&format!(
        "all reached after {:?}, {} snapshots",
        before.elapsed(),
        snapshot().sequence
    ));
}

/// One after the other: the time from the call until a thread that waits for snapshots has the new one, and until the
/// answer, which waits for the store.
async fn registrations(controller: &Controller, port: u16, backends: usize) {
    let (seen, sightings) = mpsc::channel();
    let view = controller.snapshots();
    thread::spawn(move || watch_snapshots(view, &seen));
    let door = controller.door();
    let (mut visible, mut answered) = (Vec::new(), Vec::new());
    let mut events = door.events();
    let cpu = cpu();
    for number in backends..backends + REGISTRATIONS {
        while sightings.try_recv().is_ok() {}
        let before = Instant::now();
        door.register(announcement(number, port), local())
            .await
            .expect("it may register");
        answered.push(before.elapsed());
        let first = sightings.recv().expect("the watcher lives");
        visible.push(first.duration_since(before));
        settle(&mut events, &key(number)).await;
    }
    let count = u32::try_from(REGISTRATIONS).expect("it is small");
    say(&format!(
        "registration, its probe, and two snapshots: {:?} of CPU",
        cpu_since(cpu) / count
    ));
    report("registration seen by another thread", visible);
    report(
        "registration answered (with the store's fsync, if there is a store)",
        answered,
    );
}

/// Each snapshot's time of arrival, as a thread of the data plane gets it.
fn watch_snapshots(mut view: watch::Receiver<Arc<Snapshot>>, seen: &mpsc::Sender<Instant>) {
    let runtime = tokio::runtime::Builder::new_current_thread()
        .build()
        .expect("a runtime starts");
    runtime.block_on(async {
        while view.changed().await.is_ok() {
            view.borrow_and_update();
            if seen.send(Instant::now()).is_err() {
                return;
            }
        }
    });
}

/// Waits until that one serves: nothing else is on its way then.
async fn settle(events: &mut Receiver<Arc<Event>>, key: &MemberKey) {
    loop {
        let event = events.recv().await.expect("it is followed all the time");
        if event.kind == EventKind::Up && event.key == *key {
            return tokio::time::sleep(Duration::from_millis(2)).await;
        }
    }
}

async fn renewals(door: &Door, backends: usize) {
    let (before, cpu) = (Instant::now(), cpu());
    let beat = Beat {
        load: Some(0.5),
        ..Beat::default()
    };
    for number in 0..RENEWALS {
        door.renew(&key(number % backends), beat.clone(), local())
            .await
            .expect("it is registered");
    }
    let count = u32::try_from(RENEWALS).expect("it is small");
    say(&format!(
        "renewal, one after the other: {:?} each, {:?} of CPU",
        before.elapsed() / count,
        cpu_since(cpu) / count
    ));
}

fn serving(snapshot: &Snapshot) -> usize {
    let backends = &snapshot.pool("api").expect("the plan has it").backends;
    let serving = backends
        .iter()
        .filter(|backend| backend.standing() == Standing::Serving);
    serving.count()
}

/// Takes each connection at any address of 127.0.0.0/8, and closes it.
fn serve_everybody() -> u16 {
    let listener = TcpListener::bind("0.0.0.0:0").expect("a port is free");
    let port = listener.local_addr().expect("it is bound").port();
    thread::spawn(move || listener.incoming().for_each(drop));
    port
}

fn plan() -> Plan {
    let members = MembersPlan {
        ttl_max: Duration::from_secs(3_600),
        ..MembersPlan::default()
    };
    let pool = PoolPlan {
        members: Some(members),
        ..PoolPlan::empty("api".into())
    };
    let mut plan = Plan {
        pools: vec![pool],
        ..Plan::default()
    };
    plan.registration.per_source_max = 20_000;
    plan
}

fn key(number: usize) -> MemberKey {
    MemberKey {
        pool: "api".into(),
        id: format!("backend-{number}").into(),
    }
}

fn announcement(number: usize, port: u16) -> Announcement {
    let policy = Policy::new(&format!("policy-{}", number % POLICIES)).expect("it is a policy");
    let address = format!("127.1.{}.{}:{port}", number / 250, number % 250 + 1);
    Announcement {
        key: key(number),
        address: address.parse().expect("it is an address"),
        policies: [policy].into_iter().collect(),
        weight: 1,
        term: Term::Heartbeats(Some(Duration::from_secs(3_600))),
        spells_types_as_text: false,
        zone: None,
        is_backup: false,
    }
}

fn local() -> Credentials {
    Credentials {
        source: Some([127, 0, 0, 1].into()),
        token: None,
        certificate: None,
    }
}

/// CPU of all threads so far.
fn cpu() -> Duration {
    let now = clock_gettime(ClockId::ProcessCPUTime);
    Duration::try_from(now).expect("CPU time is not negative")
}

fn cpu_since(before: Duration) -> Duration {
    cpu().saturating_sub(before)
}

fn report(what: &str, mut times: Vec<Duration>) {
    times.sort_unstable();
    let at = |share: usize| times[(times.len() * share / 100).min(times.len() - 1)];
    say(&format!(
        "{what}: p50 {:?}, p99 {:?}, most {:?}",
        at(50),
        at(99),
        at(100)
    ));
}

#[expect(clippy::print_stdout, reason = "its figures are what it is for")]
fn say(line: &str) {
    println!("{line}");
}

const POLICIES: usize = 1_000;
const REGISTRATIONS: usize = 1_000;
const RENEWALS: usize = 200_000;
