//! The suite failover: backends that die, stand still, are slow, full or broken, behind Portreeve, nginx and HAProxy.

mod backends;
mod entrant;
mod failing;
mod killed;
mod open_load;
mod overload;
mod probed;
mod slow;
mod trial;
mod watch;

use std::collections::BTreeMap;
use std::time::Duration;

use crate::contender::{Contender, Place};
use crate::fault::Fault;
use crate::results::{Measured, Spread};
use crate::routes::{DEFAULTS, Routes};
use crate::suite::Pace;

use entrant::Entrant;
use trial::{Bench, Figures};

pub(crate) use trial::{Bound, Column, Trial};

/// A part of the suite that can be run by itself.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Part {
    /// Backends that something is wrong with.
    Trial(&'static Trial),
    /// What it costs while nothing is.
    Cost(&'static Routes),
}

/// In the order of the report.
pub(crate) static TRIALS: [&Trial; 9] = [
    &killed::KILLED,
    &killed::STOPPED,
    &slow::SLOW,
    &slow::EQUAL,
    &overload::OVERLOAD,
    &overload::IMPATIENT,
    &failing::FAILING,
    &failing::RESETTING,
    &probed::PROBED,
];

/// By entrant and column, in the order of the rounds.
pub(crate) type Series = BTreeMap<String, BTreeMap<String, Vec<f64>>>;

impl Part {
    pub(crate) fn all() -> impl Iterator<Item = Part> {
        TRIALS.into_iter().map(Part::Trial).chain([Part::Cost(&DEFAULTS)])
    }

    pub(crate) fn named(name: &str) -> Option<Part> {
        Part::all().find(|part| part.name() == name)
    }

    pub(crate) fn name(self) -> &'static str {
        match self {
            Part::Trial(trial) => trial.name,
            Part::Cost(routes) => routes.name,
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
            Part::Trial(trial) => trial.measure(pace, contenders, place),
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

impl Trial {
    /// Measures each entrant in each round, in an order that turns by one from round to round.
    fn measure(&self, pace: Pace, contenders: &[Contender], place: &Place) -> Result<Measured, Fault> {
        println!("== {}: {}", self.name, self.title);
        let bench = Bench {
            place,
            length: pace.length,
        };
        let is_wanted = |entrant: &&Entrant| contenders.contains(&entrant.contender);
        let mut entrants: Vec<&Entrant> = self.entrants.iter().filter(is_wanted).collect();
        let mut series = Series::new();
        for round in 1..=pace.rounds {
            let mut figures = BTreeMap::new();
            for entrant in &entrants {
                let found = (self.run)(entrant, &bench).map_err(|fault| {
                    Fault::Program(format!("{} behind {}: {fault}", self.name, entrant.name))
                })?;
                println!("  {round} {:<28} {}", entrant.name, self.line(&found));
                figures.insert(entrant.name, found);
            }
            self.relate(&mut figures);
            add(&mut series, figures);
            entrants.rotate_left(1);
        }
        self.print_spreads(&series);
        Ok(Measured {
            seconds: pace.length.as_secs(),
            figures: series,
            ..Measured::default()
        })
    }

    fn line(&self, figures: &Figures) -> String {
        let known = self.columns.iter().filter_map(|column| {
            let value = figures.get(column.name)?;
            Some(format!("{} {}", column.name, column.unit.show(*value)))
        });
        known.collect::<Vec<_>>().join(", ")
    }

    /// Works out the figures that are relative to another entrant's.
    fn relate(&self, figures: &mut BTreeMap<&'static str, Figures>) {
        for column in self.columns {
            let Some(figure) = column.relative_to_first else {
                continue;
            };
            for entrant in self.entrants {
                let of = |name: &str| figures.get(name).and_then(|found| found.get(figure)).copied();
                let Some((own, first)) = of(entrant.name).zip(of(self.first_of(entrant.contender))) else {
                    continue;
                };
                figures
                    .entry(entrant.name)
                    .or_default()
                    .insert(column.name, own / first);
            }
        }
    }

    fn first_of(&self, contender: Contender) -> &'static str {
        let mut entrants = self.entrants.iter();
        let first = entrants.find(|entrant| entrant.contender == contender);
        first.map_or("", |entrant| entrant.name)
    }

    /// What was measured, beside what should be.
    fn print_spreads(&self, series: &Series) {
        for entrant in self.entrants.iter().filter(|entrant| entrant.is_judged) {
            for column in self.columns {
                if let Some(wanted) = column.wanted() {
                    let found = column.cell(entrant, series);
                    println!("  {}, {}: {found}; target {wanted}", entrant.name, column.name);
                }
            }
        }
    }
}

impl Column {
    /// The median, lowest and highest of an entrant's figure, and for the judged whether the target is met.
    pub(crate) fn cell(&self, entrant: &Entrant, series: &Series) -> String {
        let values = series
            .get(entrant.name)
            .and_then(|figures| figures.get(self.name));
        let Some(spread) = values.and_then(|values| Spread::of(values.iter().copied())) else {
            return "–".to_owned();
        };
        let [median, min, max] = [spread.median, spread.min, spread.max].map(|value| self.unit.show(value));
        let range = if min == max {
            String::new()
        } else {
            format!(" ({min} to {max})")
        };
        let verdict = self
            .target
            .filter(|_| entrant.is_judged)
            .map(|target| target.verdict(&spread));
        format!("{median}{range}{}", verdict.unwrap_or_default())
    }

    /// The target as text.
    pub(crate) fn wanted(&self) -> Option<String> {
        Some(match self.target? {
            Bound::AtMost(most) => format!("≤ {}", self.unit.show(most)),
            Bound::AtLeast(least) => format!("≥ {}", self.unit.show(least)),
        })
    }
}

fn add(series: &mut Series, figures: BTreeMap<&'static str, Figures>) {
    for (entrant, found) in figures {
        let of_entrant = series.entry(entrant.to_owned()).or_default();
        for (column, value) in found {
            of_entrant.entry(column.to_owned()).or_default().push(value);
        }
    }
}

/// For each round of a trial.
const COST_ROUNDS: usize = 8;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_part_is_found_by_its_name() {
        for part in Part::all() {
            assert_eq!(Part::named(part.name()).map(Part::name), Some(part.name()));
        }
    }

    #[test]
    fn every_trial_judges_somebody() {
        for trial in TRIALS {
            assert!(
                trial.entrants.iter().any(|entrant| entrant.is_judged),
                "{}",
                trial.name
            );
            assert!(
                trial.columns.iter().any(|column| column.target.is_some()),
                "{}",
                trial.name
            );
        }
    }

    #[test]
    fn names_of_entrants_and_columns_are_there_once() {
        for trial in TRIALS {
            let entrants: BTreeMap<_, _> = trial.entrants.iter().map(|entrant| (entrant.name, ())).collect();
            let columns: BTreeMap<_, _> = trial.columns.iter().map(|column| (column.name, ())).collect();
            assert_eq!(
                (entrants.len(), columns.len()),
                (trial.entrants.len(), trial.columns.len())
            );
        }
    }

    #[test]
    fn figures_relative_to_the_first_are_taken_within_a_program() {
        let mut figures: BTreeMap<&str, Figures> = BTreeMap::new();
        for (entrant, p99) in slow::SLOW.entrants.iter().zip(1_u32..) {
            figures.insert(entrant.name, Figures::from([(slow::P99, f64::from(p99) * 10.0)]));
        }
        slow::SLOW.relate(&mut figures);
        let ratio = |number: usize| figures[slow::SLOW.entrants[number].name][slow::OF_ROUND_ROBIN];
        assert!((ratio(0) - 1.0).abs() < 1e-9 && (ratio(1) - 2.0).abs() < 1e-9);
        let first_nginx = slow::SLOW
            .entrants
            .iter()
            .position(|entrant| entrant.contender == Contender::Nginx);
        assert!((ratio(first_nginx.unwrap()) - 1.0).abs() < 1e-9);
    }
}
