use super::super::samples::*;
use super::*;
use crate::registration::Term;
use crate::standing::Standing;

fn probed(registry: &mut Registry, ms: u64) -> Vec<String> {
    let probes = registry.take_probes(at(ms), 100);
    probes
        .iter()
        .map(|order| order.backend.label.to_string())
        .collect()
}

#[test]
fn a_new_member_is_probed_at_once_then_soon_again_and_once_at_a_time() {
    let mut registry = registry();
    registry.add("api/a", "10.0.0.1:80", 0);
    assert_eq!(registry.next_probe_due(), Some(Duration::ZERO));
    assert_eq!(probed(&mut registry, 0), ["a"]);
    assert!(probed(&mut registry, 5_000).is_empty());
    registry.fail("api/a", 5_000);
    assert_eq!(registry.standing("api/a"), Standing::Unproved);
    assert_eq!(registry.member("api/a").last_reason(), Some("refused"));
    assert!(probed(&mut registry, 5_099).is_empty());
    assert_eq!(probed(&mut registry, 5_100), ["a"]);
}

#[test]
fn who_sends_heartbeats_and_serves_is_not_probed() {
    let mut registry = registry();
    registry.add_serving("api/a", "10.0.0.1:80", 0);
    assert_eq!(registry.next_probe_due(), None);
    assert_eq!(registry.member("api/a").last_reason(), None);
}

#[test]
fn a_probe_begins_as_the_connections_of_its_pool_do() {
    let mut plan = plan();
    plan.pools
        .iter_mut()
        .for_each(|pool| pool.proxy_protocol = (&*pool.name == "api").then_some(2));
    let mut registry = Registry::default();
    registry.follow(&plan, at(0));
    registry.add("api/a", "10.0.0.1:80", 0);
    registry.add("web/a", "10.0.0.2:80", 0);
    let orders = registry.take_probes(at(0), 100);
    let mut begun: Vec<_> = orders
        .iter()
        .map(|order| (&*order.pool, order.proxy_protocol))
        .collect();
    begun.sort_unstable();
    assert_eq!(begun, [("api", Some(2)), ("web", None)]);
}

#[test]
fn who_is_kept_by_probes_is_probed_each_five_seconds_or_so() {
    let mut registry = registry();
    let mut quiet = said("api/a", "10.0.0.1:80");
    quiet.term = Term::Probes;
    registry.register(quiet, &local(), at(0)).unwrap();
    assert_eq!(probed(&mut registry, 0), ["a"]);
    registry.pass("api/a", 100);
    let mut due = registry.next_probe_due().unwrap();
    assert!(
        (500..=5_000).contains(&due.as_millis()),
        "not in step with others: {due:?}"
    );
    for _ in 0..9 {
        let now = u64::try_from(due.as_millis()).unwrap();
        assert_eq!(probed(&mut registry, now + 1), ["a"]);
        registry.pass("api/a", now + 2);
        let next = registry.next_probe_due().unwrap();
        assert!(
            (4_500..=5_502).contains(&(next - due).as_millis()),
            "{due:?}, {next:?}"
        );
        due = next;
    }
}

#[test]
fn room_bounds_how_many_go_out_and_the_longest_wait_goes_first() {
    let mut registry = registry();
    for id in 0..5_u64 {
        registry.add(&format!("api/{id}"), &format!("10.0.0.1:{}", id + 1), 5 - id);
    }
    let first = registry.take_probes(at(10), 2);
    let labels: Vec<&str> = first.iter().map(|order| &*order.backend.label).collect();
    assert_eq!(labels, ["4", "3"]);
    assert_eq!(registry.take_probes(at(10), 9).len(), 3);
}

#[test]
fn a_suspected_member_is_down_and_probed_soon() {
    let mut registry = registry();
    let backend = registry.add_serving("api/a", "10.0.0.1:80", 0).backend;
    registry.add_serving("api/b", "10.0.0.2:80", 0);
    registry.take_probes(at(0), 9);
    registry.take_events();
    let generation = registry.generation("api");
    backend.suspect();
    registry.take_suspects(at(7));
    registry.take_suspects(at(8));
    assert_eq!(registry.happened(), [(EventKind::Down, "api/a".to_owned())]);
    assert!(registry.generation("api") > generation);
    assert!(probed(&mut registry, 106).is_empty());
    assert_eq!(probed(&mut registry, 107), ["a"]);
    registry.pass("api/a", 108);
    assert_eq!(backend.standing(), Standing::Serving);
}

#[test]
fn a_draining_member_stays_so_whatever_probes_say() {
    let mut registry = registry();
    registry.add_serving("api/a", "10.0.0.1:80", 0);
    registry.drain(&key("api/a"), at(1)).unwrap();
    registry.fail("api/a", 2);
    assert_eq!(registry.standing("api/a"), Standing::Draining);
    registry.undrain(&key("api/a"), at(3)).unwrap();
    assert_eq!(registry.standing("api/a"), Standing::Down);
}

#[test]
fn what_comes_of_a_backend_that_was_replaced_says_nothing_of_the_new_one() {
    let mut registry = registry();
    let old = registry.add("api/a", "10.0.0.1:80", 0).backend;
    registry.take_probes(at(0), 9);
    registry.add("api/a", "10.0.0.2:80", 1);
    registry.proved(old.id, Ok(()), at(2));
    assert_eq!(registry.standing("api/a"), Standing::Unproved);
    assert_eq!(old.standing(), Standing::Gone);
    assert_eq!(registry.take_probes(at(2), 9).len(), 1);
}

/// A group that is built between the suspicion and its notice lacks the backend, so whatever follows has to say that
/// who upholds the policy is another matter than before.
#[test]
fn a_pass_that_is_older_than_a_suspicion_does_not_bring_back_but_the_next_does_and_both_are_seen() {
    let mut registry = registry();
    let mut quiet = said("api/a", "10.0.0.1:80");
    quiet.term = Term::Probes;
    let backend = registry.register(quiet, &local(), at(0)).unwrap().backend;
    registry.pass("api/a", 0);
    assert_eq!(probed(&mut registry, 6_000), ["a"]);
    let generation = |registry: &Registry| registry.policy_generations("api").next().unwrap().1;
    let before = generation(&registry);
    assert!(backend.suspect());
    registry.proved(backend.id, Ok(()), at(6_001));
    let suspected = generation(&registry);
    assert!(suspected > before);
    assert_eq!(backend.standing(), Standing::Down);
    assert_eq!(probed(&mut registry, 6_101), ["a"]);
    registry.pass("api/a", 6_102);
    assert!(generation(&registry) > suspected);
    assert_eq!(backend.standing(), Standing::Serving);
}
