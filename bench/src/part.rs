//! The parts of the suites failover, scale and edge: each can be run by itself.

use std::time::Duration;

use crate::contender::{Contender, Place};
use crate::fault::Fault;
use crate::results::Measured;
use crate::routes::{DEFAULTS, Routes};
use crate::suite::{Pace, Suite};
use crate::trial::Trial;
use crate::{edge, failover, scale};

/// One of them.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Part {
    /// Something that proxies are put through.
    Trial(Suite, &'static Trial),
    /// What it costs while nothing is wrong with any backend.
    Cost(&'static Routes),
}

impl Part {
    /// In the order of the report.
    pub(crate) fn all() -> impl Iterator<Item = Part> {
        let of = |suite| move |trial| Part::Trial(suite, trial);
        let failover = failover::TRIALS.into_iter().map(of(Suite::Failover));
        let scale = scale::TRIALS.into_iter().map(of(Suite::Scale));
        let edge = edge::TRIALS.into_iter().map(of(Suite::Edge));
        failover.chain([Part::Cost(&DEFAULTS)]).chain(scale).chain(edge)
    }

    pub(crate) fn named(name: &str) -> Option<Part> {
        Part::all().find(|part| part.name() == name)
    }

    pub(crate) fn name(self) -> &'static str {
        match self {
            Part::Trial(_, trial) => trial.name,
            Part::Cost(routes) => routes.name,
        }
    }

    pub(crate) fn suite(self) -> Suite {
        match self {
            Part::Trial(suite, _) => suite,
            Part::Cost(_) => Suite::Failover,
        }
    }

    /// The cost is a small difference, so it has more rounds, of a second each.
    pub(crate) fn measure(
        self,
        pace: Pace,
        contenders: &[Contender],
        place: &Place,
    ) -> Result<Measured, Fault> {
        match self {
            // What scales has times of its own, whatever the pace.
            Part::Trial(Suite::Scale, trial) => Ok(Measured {
                seconds: 0,
                ..trial.measure(pace, contenders, place)?
            }),
            Part::Trial(_, trial) => trial.measure(pace, contenders, place),
            Part::Cost(routes) => {
                let pace = Pace {
                    rounds: COST_ROUNDS * pace.rounds,
                    length: Duration::from_secs(1),
                };
                routes.measure(pace, place)
            }
        }
    }
}

/// For each round of a trial.
const COST_ROUNDS: usize = 8;

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use super::*;

    fn trials() -> impl Iterator<Item = &'static Trial> {
        failover::TRIALS
            .into_iter()
            .chain(scale::TRIALS)
            .chain(edge::TRIALS)
    }

    #[test]
    fn every_part_is_found_by_its_name() {
        for part in Part::all() {
            let found = Part::named(part.name()).map(|found| (found.name(), found.suite()));
            assert_eq!(found, Some((part.name(), part.suite())));
        }
    }

    #[test]
    fn every_trial_judges_somebody() {
        for trial in trials() {
            let is_judged = trial.entrants.iter().any(|entrant| entrant.is_judged);
            let has_target = trial.columns.iter().any(|column| column.target.is_some());
            assert!(is_judged && has_target, "{}", trial.name);
        }
    }

    #[test]
    fn names_of_entrants_and_columns_are_there_once() {
        for trial in trials() {
            let entrants: BTreeMap<_, _> = trial.entrants.iter().map(|entrant| (entrant.name, ())).collect();
            let columns: BTreeMap<_, _> = trial.columns.iter().map(|column| (column.name, ())).collect();
            assert_eq!(
                (entrants.len(), columns.len()),
                (trial.entrants.len(), trial.columns.len())
            );
        }
    }
}
