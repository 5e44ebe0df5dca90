//! Backends of the file, and what becomes of those that another file replaces.

use super::*;

#[test]
fn a_backend_of_the_file_with_other_policies_is_another_and_the_old_one_is_gone() {
    let mut world = World::of(&[(1, &["eu"])]);
    let before = world.build();
    let after = world.reload(&[(1, &["us"])]);
    assert_ne!(before.backends[0].id, after.backends[0].id);
    assert_eq!(before.backends[0].standing(), Standing::Gone);
    assert_eq!(pick(eu(&before)), None);
    assert!(eu(&before).is_outdated());
    assert!(after.upholding("eu").is_none());
    assert_eq!(pick(after.upholding("us").unwrap()).unwrap(), "10.0.0.1:1");
}

#[test]
fn whoever_upholds_less_than_before_is_gone_and_whoever_upholds_more_goes_on() {
    let mut world = World::of(&[(1, &["eu"]), (2, &["eu", "us"])]);
    let before = world.build();
    let after = world.reload(&[(1, &["eu", "us"]), (2, &["eu"])]);
    assert_eq!(before.backends[0].standing(), Standing::Serving);
    assert_eq!(before.backends[1].standing(), Standing::Gone);
    assert_eq!(picks(eu(&before), 2), "10.0.0.1:1".repeat(2));
    assert_eq!(eu(&after).candidates(), 2);
}

#[test]
fn who_left_the_file_is_gone_if_it_upheld_anything() {
    let mut world = World::of(&[(1, &["eu"]), (2, &[])]);
    let before = world.build();
    world.reload(&[]);
    assert_eq!(before.backends[0].standing(), Standing::Gone);
    assert_eq!(before.backends[1].standing(), Standing::Serving);
}

#[test]
fn another_weight_loses_nobody_whatever_snapshot_he_holds() {
    let mut world = World::of(&[(1, &["eu"])]);
    let before = world.build();
    world.weigh(7);
    let after = world.build();
    assert_ne!(before.backends[0].id, after.backends[0].id);
    assert_eq!(pick(eu(&before)).unwrap(), "10.0.0.1:1");
    assert_eq!(pick(eu(&after)).unwrap(), "10.0.0.1:1");
}

#[test]
fn who_was_replaced_for_its_weight_is_gone_when_its_address_stands_for_something_else() {
    let mut world = World::of(&[(1, &["eu"])]);
    let first = world.build();
    world.weigh(7);
    let second = world.build();
    world.weigh(9);
    let third = world.build();
    world.reload(&[(1, &["us"])]);
    for pool in [first, second, third] {
        assert_eq!(pool.backends[0].standing(), Standing::Gone);
        assert_eq!(pick(eu(&pool)), None);
    }
}

#[test]
fn who_was_replaced_for_its_weight_drains_and_serves_with_the_one_that_took_its_place() {
    let mut world = World::of(&[(1, &["eu"])]);
    let first = world.build();
    world.weigh(7);
    world.build();
    let (name, label) = ("pool".into(), "10.0.0.1:1".into());
    world.registry.set_drained(&name, &label, true);
    world.build();
    assert_eq!(first.backends[0].standing(), Standing::Draining);
    world.registry.set_drained(&name, &label, false);
    world.build();
    assert_eq!(first.backends[0].standing(), Standing::Serving);
}

#[test]
fn who_was_replaced_is_forgotten_when_nobody_knows_it_any_more() {
    let mut world = World::of(&[(1, &["eu"])]);
    drop(world.build());
    world.weigh(7);
    let second = world.build();
    assert_eq!(second.formers.alive().count(), 0, "nobody held the first");
    world.weigh(9);
    assert_eq!(world.build().formers.alive().count(), 1);
    drop(second);
    world.weigh(11);
    assert_eq!(world.build().formers.alive().count(), 0);
}

#[test]
fn a_pool_that_is_closed_ends_its_backends_of_the_file_and_not_its_members() {
    let mut world = World::of(&[(1, &["eu"]), (2, &[])]);
    let member = world.join("m", 3, &["eu"]);
    let first = world.build();
    world.weigh(7);
    let pool = world.build();
    pool.close();
    assert_eq!(first.backends[0].standing(), Standing::Gone);
    assert_eq!(pool.backends[0].standing(), Standing::Gone);
    assert_eq!(
        member.standing(),
        Standing::Serving,
        "the registry has the say of it"
    );
}

#[test]
fn a_backend_of_the_file_is_not_the_member_that_has_its_name() {
    let mut world = World::of(&[]);
    let member = world.announce("10.0.0.1:1", 1, &["eu"]);
    world.build();
    let pool = world.reload(&[(1, &["eu"])]);
    assert_eq!(member.standing(), Standing::Unproved);
    assert_eq!(pool.backends.len(), 2);
    assert!(!pool.backends[0].is_registered);
    assert_ne!(pool.backends[0].id, member.id);
    world.leave("10.0.0.1:1");
    assert_eq!(eu(&world.build()).candidates(), 1);
}

#[test]
fn a_drained_backend_of_the_file_is_in_no_group_and_comes_back() {
    let mut world = World::of(&[(1, &["eu"]), (2, &["eu"])]);
    let before = world.build();
    let (name, label) = ("pool".into(), "10.0.0.1:1".into());
    world.registry.set_drained(&name, &label, true);
    let drained = world.build();
    assert_eq!(picks(eu(&drained), 2), "10.0.0.1:2".repeat(2));
    assert_eq!(picks(eu(&before), 2), "10.0.0.1:2".repeat(2));
    assert_eq!(drained.backends[0].id, before.backends[0].id);
    world.registry.set_drained(&name, &label, false);
    assert_eq!(eu(&world.build()).candidates(), 2);
}
