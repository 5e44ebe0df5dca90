//! Fleets whose backends uphold different policies.

use std::collections::BTreeSet;

use crate::scale_cli::fixture::{Answer, POOL, Request, Scaling, app};

#[test]
fn a_request_starts_only_the_fleet_that_upholds_what_it_demands() {
    let scaling = two_fleets();
    scaling.processes.await_count(0);

    let (eu, again) = (demanding(&scaling, "eu"), demanding(&scaling, "eu"));

    assert_eq!((eu.status, again.status), (200, 200), "{eu:?} {again:?}");
    assert!(eu.held_ms().is_some());
    assert!(hello_from(&scaling, "eu").contains(&eu.body), "{eu:?}");
    assert_eq!(again.body, eu.body);
    let us = scaling.fleet("acts", "us");
    assert_eq!((us.size, us.instances.len()), (0, 0), "{us:?}");
    assert_eq!(us.events.get("ordered"), None);
    assert_eq!(scaling.processes.pids().len(), 1);

    let us = demanding(&scaling, "us");
    assert_eq!(us.status, 200);
    assert!(hello_from(&scaling, "us").contains(&us.body), "{us:?}");
}

#[test]
fn what_no_fleet_upholds_starts_none() {
    let scaling = two_fleets();

    let answer = demanding(&scaling, "hipaa");

    assert_eq!(answer.status, 503, "{answer:?}");
    for fleet in scaling.fleets() {
        assert_eq!(fleet.events.get("ordered"), None, "{fleet:?}");
    }
}

/// Of the pool `acts`, both from zero.
fn two_fleets() -> Scaling {
    let app = app();
    Scaling::start(&format!(
        "[route.all]\npool = \"acts\"\npolicy = {{ header = \"Privacy-Policy\" }}\n\
         {POOL}hold = {{ timeout = \"20s\" }}\n\
         [pool.acts.scale]\ndriver = {{ process = {app} }}\nmin = 0\nmax = 3\n\
         [pool.acts.scale.fleet.eu]\npolicies = [\"eu\"]\n\
         [pool.acts.scale.fleet.us]\npolicies = [\"us\"]\n"
    ))
}

fn demanding(scaling: &Scaling, policy: &str) -> Answer {
    Request::get("/")
        .with("Privacy-Policy", policy)
        .send(scaling.address)
}

/// What the instances of a fleet answer.
fn hello_from(scaling: &Scaling, fleet: &str) -> BTreeSet<String> {
    let instances = scaling.fleet("acts", fleet).instances;
    instances
        .iter()
        .map(|instance| format!("hello from {}\n", instance.id))
        .collect()
}
