//! What the operator says in the file, and of what is in it.

use std::time::Duration;

use portreeve_model::Policies;
use portreeve_model::plan::{
    BalancePlan, DemandPlan, EjectionPlan, FailMode, InFlightPlan, MembersPlan, Plan, PolicySource, PoolPlan,
    RoutePlan, StickyPlan, Target, TargetAddress,
};

use super::{ALWAYS, EXTRA, History, POLICIES, POOLS, address, policies};
use crate::naive::GRACE;

impl History {
    /// Another file: backends with other policies and weights, pools that may be joined no more or are not there.
    pub(super) fn reload(&mut self) {
        let pools: Vec<PoolPlan> = POOLS.iter().filter_map(|name| self.pool(name)).collect();
        self.plan = Plan {
            routes: POOLS.iter().map(|name| route(name)).collect(),
            pools,
            zone: self.dice.once_in(3).then(|| HERE.into()),
            ..Plan::default()
        };
        self.registry.follow(&self.plan, self.at());
        self.publish();
        let plan = &self.plan;
        let joinable = |name: &str| {
            let mut pools = plan.pools.iter().filter(|pool| pool.members.is_some());
            pools.any(|pool| *pool.name == *name)
        };
        self.naive.members.retain(|key, _| joinable(&key.pool));
        self.naive.file.clear();
        for pool in &self.plan.pools {
            let targets = pool.targets.iter().map(|target| match &target.address {
                TargetAddress::Socket(address) => (address.to_string(), *address, target.policies.clone()),
                other => unreachable!("{other:?} is in no plan of these"),
            });
            self.naive.file.insert(pool.name.to_string(), targets.collect());
        }
        let naive = &mut self.naive;
        let is_there = |pool: &String, label: &String| {
            let of_pool = naive.file.get(pool);
            of_pool.is_some_and(|of_pool| of_pool.iter().any(|(there, ..)| there == label))
        };
        naive.down.retain(|(pool, label)| is_there(pool, label));
        let shown = format!("reload: {:?}", self.naive.file);
        self.note(shown);
    }

    fn pool(&mut self, name: &str) -> Option<PoolPlan> {
        let rare = if name == EXTRA { 3 } else { 15 };
        if self.dice.once_in(rare) {
            return None;
        }
        let members = MembersPlan {
            grace: GRACE,
            ..MembersPlan::default()
        };
        let is_joinable = name != EXTRA && !self.dice.once_in(15);
        Some(PoolPlan {
            targets: self.targets(name),
            balance: self.balance(),
            members: is_joinable.then_some(members),
            in_flight: *self.dice.one_of(&[
                InFlightPlan::Adaptive,
                InFlightPlan::AtMost(1),
                InFlightPlan::AtMost(3),
            ]),
            ejection: EjectionPlan {
                failures_in_a_row: Some(*self.dice.one_of(&[1, 2])),
                time: Duration::from_millis(500),
                ..EjectionPlan::default()
            },
            fail_mode: self.fail_mode(name),
            sticky: self.dice.once_in(2).then(sticky),
            slow_start: *self.dice.one_of(&[Duration::ZERO, Duration::from_secs(1)]),
            ..PoolPlan::empty(name.into())
        })
    }

    /// Each pool has addresses of its own half of the time, so that they wander from pool to pool too.
    fn targets(&mut self, pool: &str) -> Vec<Target> {
        let ports = (1..=3).filter(|port| (port + pool.len()).is_multiple_of(2) || self.dice.once_in(2));
        let ports: Vec<usize> = ports.collect();
        let mut targets = Vec::new();
        for port in ports {
            let names = self.dice.some_of(&POLICIES, 4);
            targets.push(Target {
                weight: *self.dice.one_of(&[1, 1, 2]),
                policies: policies(&names),
                zone: (*self.dice.one_of(&[None, None, Some(HERE)])).map(Into::into),
                is_backup: self.dice.once_in(5),
                ..Target::new(TargetAddress::Socket(address(9, port)))
            });
        }
        if self.dice.once_in(4) {
            targets.clear();
        }
        targets
    }

    fn fail_mode(&mut self, pool: &str) -> FailMode {
        let fail_mode = *self
            .dice
            .one_of(&[FailMode::Refuse, FailMode::Hold, FailMode::UseAll]);
        if fail_mode == FailMode::UseAll {
            self.naive.used_all.insert(pool.to_owned());
        }
        fail_mode
    }

    fn balance(&mut self) -> BalancePlan {
        // Not by hash: its tables take too long to make without optimisation, and it chooses within the same groups.
        match self.dice.below(11) {
            0 => BalancePlan::LeastRequests,
            1 => BalancePlan::Random,
            2 => BalancePlan::TwoChoices,
            3 => BalancePlan::First,
            4 => BalancePlan::PeakEwma,
            5 => BalancePlan::Prequal,
            6 => BalancePlan::ReportedLoad,
            _ => BalancePlan::RoundRobin,
        }
    }

    /// A backend of the file is drained, or that is lifted.
    pub(super) fn drain_of_file(&mut self) {
        let pool = *self.dice.one_of(&POOLS);
        let port = 1 + self.dice.below(3);
        let label = address(9, port).to_string();
        let is_drained = self.dice.once_in(2);
        let (name, shared) = (pool.into(), label.as_str().into());
        self.take_suspects();
        self.registry.set_drained(&name, &shared, is_drained);
        self.publish();
        let named = (pool.to_owned(), label);
        self.note(format!("drain of {named:?}: {is_drained}"));
        match is_drained {
            true => self.naive.drained.insert(named),
            false => self.naive.drained.remove(&named),
        };
    }
}

fn sticky() -> StickyPlan {
    StickyPlan {
        cookie: "portreeve".to_owned(),
        max_age: None,
        is_secure: false,
    }
}

fn route(pool: &str) -> RoutePlan {
    let demand = |from| DemandPlan {
        from,
        accepts: Policies::none(),
        otherwise: Policies::none(),
        is_optional: true,
    };
    let mut demands = vec![demand(PolicySource::Header("policy".to_owned()))];
    if pool == EXTRA {
        demands.push(demand(PolicySource::Fixed(policies(&[ALWAYS]))));
    }
    RoutePlan {
        demands,
        ..RoutePlan::all(pool.into(), pool.into())
    }
}

/// The zone of the proxy, where it has one.
const HERE: &str = "here";
