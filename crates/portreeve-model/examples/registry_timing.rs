//! Prints how long the registry takes with 10,000 members in 1,000 policies: `cargo run --release -p portreeve-model
//! --example registry_timing`. For eyes, not for tests: a busy machine gives other numbers.
#![expect(
    clippy::disallowed_types,
    clippy::disallowed_methods,
    reason = "the model is pure; this program times it and prints"
)]

use std::hint::black_box;
use std::io::{self, Write};
use std::net::Ipv4Addr;
use std::time::{Duration, Instant};

use portreeve_model::plan::{MembersPlan, Plan, PoolPlan, RegistrationPlan};
use portreeve_model::{Announcement, BackendId, Beat, MemberKey, Moment, Policy, Registry, Sender, Term};

fn main() -> io::Result<()> {
    let mut out = io::stdout();
    for round in 1..=3 {
        writeln!(out, "round {round}, of each {MEMBERS} in {POLICIES} policies:")?;
        for (what, time) in round_of_all() {
            writeln!(
                out,
                "  {what:34} {:7.2} us",
                time.as_secs_f64() * 1e6 / f64::from(MEMBERS)
            )?;
        }
    }
    Ok(())
}

/// What was done to each member, and how long it took for all of them.
fn round_of_all() -> Vec<(&'static str, Duration)> {
    let mut registry = Registry::default();
    registry.follow(&plan(), at(0));
    let said: Vec<Announcement> = numbers().map(announcement).collect();
    let by = Sender::default();
    let mut times = Vec::new();
    let mut backends: Vec<BackendId> = Vec::new();

    let all = said.clone();
    times.push(timed("register, new", || {
        for said in all {
            let registered = registry.register(said, &by, at(1)).expect("there is room");
            backends.push(registered.backend.id);
        }
    }));
    times.push(timed("take a probe", || {
        black_box(registry.take_probes(at(1), MEMBERS as usize));
    }));
    times.push(timed("proved, passed", || {
        backends.iter().for_each(|id| registry.proved(*id, Ok(()), at(2)));
    }));
    times.push(timed("renew", || {
        for said in &said {
            let renewed = registry.renew(&said.key, Beat::default(), &by, at(1_000));
            black_box(renewed.expect("it is registered"));
        }
    }));
    let all = said.clone();
    times.push(timed("register, the same again", || {
        for said in all {
            black_box(registry.register(said, &by, at(2_000)).expect("it is registered"));
        }
    }));
    times.push(timed("register, with another weight", || {
        for said in &said {
            let heavier = Announcement {
                weight: 2,
                ..said.clone()
            };
            black_box(
                registry
                    .register(heavier, &by, at(3_000))
                    .expect("it is registered"),
            );
        }
    }));
    times.push(timed("tick, nothing is due", || {
        (0..MEMBERS).for_each(|_| black_box(&mut registry).tick(at(4_000)));
    }));
    times.push(timed("walk over members", || {
        black_box(
            registry
                .members("api")
                .filter(|member| member.is_draining())
                .count(),
        );
    }));
    times.push(timed("look for suspects", || registry.take_suspects(at(4_000))));
    times.push(timed("tick, its lease is over", || registry.tick(at(13_000))));
    times.push(timed("tick, it is forgotten", || registry.tick(at(100_000))));
    times
}

fn timed(what: &'static str, act: impl FnOnce()) -> (&'static str, Duration) {
    let start = Instant::now();
    act();
    (what, start.elapsed())
}

fn plan() -> Plan {
    let pool = PoolPlan {
        members: Some(MembersPlan::default()),
        ..PoolPlan::empty("api".into())
    };
    let registration = RegistrationPlan {
        per_source_max: MEMBERS,
        ..RegistrationPlan::default()
    };
    Plan {
        pools: vec![pool],
        registration,
        ..Plan::default()
    }
}

/// Scattered, so that keys do not come in their order.
fn numbers() -> impl Iterator<Item = u32> {
    (0..MEMBERS).map(|number| number * 7_919 % MEMBERS)
}

fn announcement(number: u32) -> Announcement {
    let policy = Policy::new(&format!("policy-{}", number % POLICIES)).expect("it is a good name");
    Announcement {
        key: MemberKey {
            pool: "api".into(),
            id: format!("backend-{number}").into(),
        },
        address: (Ipv4Addr::from(0x0a00_0000 + number), 8_000).into(),
        policies: [policy].into_iter().collect(),
        weight: 1,
        term: Term::Heartbeats(None),
        spells_types_as_text: false,
        zone: None,
        is_backup: false,
    }
}

fn at(ms: u64) -> Moment {
    Moment {
        since_start: Duration::from_millis(ms),
        unix_ms: 1_700_000_000_000 + ms,
    }
}

const MEMBERS: u32 = 10_000;
const POLICIES: u32 = 1_000;
