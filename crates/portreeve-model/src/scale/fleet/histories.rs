//! Random histories of a fleet with a driver that works, fails, hangs and lies, under virtual time.

mod driver;
mod judge;
mod registry;
mod world;

use std::time::Duration;

use proptest::prelude::*;

use crate::plan::LeavesFirst;
use driver::Mood;
use world::{World, plan, plan_with_names};

/// What happens from outside.
#[derive(Debug, Clone, Copy)]
enum Step {
    Wait(u64),
    Want(u32),
    Reload {
        min: u32,
        max: u32,
        leaves_first: LeavesFirst,
    },
    Mood(Mood),
    Die(usize),
    Fall(usize),
    Rise(usize),
    Load(usize, u32),
    OperatorDrains(usize),
    OperatorUndrains(usize),
    List,
    Lead {
        after: u64,
    },
}

fn steps() -> impl Strategy<Value = Vec<Step>> {
    let which = 0_usize..8;
    let leaves_first = prop_oneof![
        Just(LeavesFirst::LeastLoaded),
        Just(LeavesFirst::Newest),
        Just(LeavesFirst::Oldest)
    ];
    let reload = (0_u32..4, 0_u32..5, leaves_first).prop_map(|(min, more, leaves_first)| Step::Reload {
        min,
        max: (min + more).max(1),
        leaves_first,
    });
    let one = prop_oneof![
        6 => (0_u64..8_000).prop_map(Step::Wait),
        2 => (0_u64..90_000).prop_map(Step::Wait),
        4 => (0_u32..8).prop_map(Step::Want),
        1 => reload,
        5 => prop::sample::select(Mood::ALL.to_vec()).prop_map(Step::Mood),
        3 => which.clone().prop_map(Step::Die),
        2 => which.clone().prop_map(Step::Fall),
        2 => which.clone().prop_map(Step::Rise),
        2 => (which.clone(), 0_u32..4).prop_map(|(which, load)| Step::Load(which, load)),
        1 => which.clone().prop_map(Step::OperatorDrains),
        1 => which.prop_map(Step::OperatorUndrains),
        2 => Just(Step::List),
        1 => (0_u64..20_000).prop_map(|after| Step::Lead { after }),
    ];
    prop::collection::vec(one, 1..60)
}

fn take(world: &mut World, step: Step) {
    match step {
        Step::Wait(ms) => world.wait(ms),
        Step::Want(size) => world.want(size),
        Step::Reload {
            min,
            max,
            leaves_first,
        } => world.reload(min, max, leaves_first),
        Step::Mood(mood) => world.mood = mood,
        Step::Die(which) => world.die(which),
        Step::Fall(which) => world.stand(which, true),
        Step::Rise(which) => world.stand(which, false),
        Step::Load(which, load) => world.load(which, load),
        Step::OperatorDrains(which) => world.operator_drains(which, true),
        Step::OperatorUndrains(which) => world.operator_drains(which, false),
        Step::List => world.list(),
        Step::Lead { after } => world.lead_again(after),
    }
}

/// From now on the driver works, nothing else happens, and the list is looked at now and then.
fn calm_down(world: &mut World) {
    world.mood = Mood::Works;
    world.calm();
    for _ in 0..40 {
        world.list();
        world.wait(10_000);
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 400, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn whatever_happens_bounds_hold_and_in_peace_the_size_is_reached_and_kept(
        seed in any::<u64>(),
        keeps_port in any::<bool>(),
        is_named_by_others in prop::bool::weighted(0.3),
        steps in steps(),
    ) {
        let mut plan = if is_named_by_others { plan_with_names() } else { plan() };
        plan.lifecycle.keeps_port = keeps_port;
        let mut world = World::new(plan, seed);
        for step in steps {
            take(&mut world, step);
            world.act();
        }
        calm_down(&mut world);
        world.assert_calm();
        let acts = world.acts_told();
        world.wait(300_000);
        prop_assert_eq!(world.acts_told(), acts, "in peace nothing is to be done");
        world.leave_all();
        world.wait(200_000);
        world.assert_empty();
    }

    #[test]
    fn while_the_driver_works_the_size_is_kept_but_for_moments(
        seed in any::<u64>(),
        steps in prop::collection::vec((0_usize..8, any::<bool>(), 0_u32..6), 1..20),
    ) {
        let mut world = World::new(plan(), seed);
        world.want(2);
        world.wait(12_000);
        for (which, is_death, size) in steps {
            if is_death {
                world.die(which);
            } else {
                world.stand(which, true);
            }
            world.want(size);
            world.act();
            world.wait(REPLACED_MS);
            prop_assert_eq!(world.serving(), world.wanted());
            world.wait(12_000);
        }
    }
}

/// Down for two seconds, then half a second for the start; and somewhat more for what the driver takes.
const REPLACED_MS: u64 = Duration::from_secs(3).as_secs() * 1_000;
