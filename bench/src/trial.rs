//! What a trial is, of failover, scale or edge: who goes through it, what comes out, and what that should be.

use std::collections::BTreeMap;
use std::time::Duration;

use crate::contender::{Contender, Place};
use crate::entrant::Entrant;
use crate::fault::Fault;
use crate::results::{Measured, Spread};
use crate::suite::Pace;

/// Something that proxies are put through in turns.
#[derive(Debug)]
pub(crate) struct Trial {
    pub(crate) name: &'static str,
    pub(crate) title: &'static str,
    /// What the reader of the table has to know.
    pub(crate) note: &'static str,
    pub(crate) entrants: &'static [Entrant],
    pub(crate) columns: &'static [Column],
    /// How many rounds for each that was asked for: more where one is short.
    pub(crate) turns: usize,
    /// Everything is started anew for it, so that nobody remembers what the round before was like.
    pub(crate) run: fn(&Entrant, &Bench<'_>) -> Result<Figures, Fault>,
}

/// A figure, how it is written, and how large it should be.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Column {
    pub(crate) name: &'static str,
    pub(crate) unit: Unit,
    /// Of the entrants that are judged.
    pub(crate) target: Option<Bound>,
    /// The figure is another one of the same round, divided by that of the first entrant of the same program.
    pub(crate) relative_to_first: Option<&'static str>,
    /// The figure is another one of the same round, divided by that of the better peer.
    pub(crate) relative_to_peer: Option<Better>,
}

/// A figure of which one is better.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Better {
    Less(&'static str),
    More(&'static str),
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Unit {
    Count,
    /// The figure itself is in microseconds.
    Millis,
    /// The same, shown as it is.
    Micros,
    Ratio,
    /// The figure itself is a share of one.
    Percent,
}

#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) enum Bound {
    AtMost(f64),
    AtLeast(f64),
}

/// By entrant and column, in the order of the rounds.
pub(crate) type Series = BTreeMap<String, BTreeMap<String, Vec<f64>>>;

/// By the names of the columns.
pub(crate) type Figures = BTreeMap<&'static str, f64>;

/// Where and how long to measure.
pub(crate) struct Bench<'a> {
    pub(crate) place: &'a Place,
    /// Trials take a multiple of it.
    pub(crate) length: Duration,
}

impl Trial {
    /// Measures each entrant in each round, in an order that turns by one from round to round.
    pub(crate) fn measure(
        &self,
        pace: Pace,
        contenders: &[Contender],
        place: &Place,
    ) -> Result<Measured, Fault> {
        println!("== {}: {}", self.name, self.title);
        let bench = Bench {
            place,
            length: pace.length,
        };
        let is_wanted = |entrant: &&Entrant| contenders.contains(&entrant.contender);
        let mut entrants: Vec<&Entrant> = self.entrants.iter().filter(is_wanted).collect();
        let mut series = Series::new();
        for round in 1..=pace.rounds * self.turns {
            let mut figures = BTreeMap::new();
            for entrant in &entrants {
                let found = (self.run)(entrant, &bench).map_err(|fault| {
                    Fault::Program(format!("{} behind {}: {fault}", self.name, entrant.name))
                })?;
                println!("  {round} {:<28} {}", entrant.name, self.line(&found));
                figures.insert(entrant.name, found);
            }
            self.relate(&mut figures);
            self.relate_to_peers(&mut figures);
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

    /// Works out the figures that are relative to the better peer's.
    fn relate_to_peers(&self, figures: &mut BTreeMap<&'static str, Figures>) {
        for column in self.columns {
            let Some(better) = column.relative_to_peer else {
                continue;
            };
            let of = |entrant: &Entrant| figures.get(entrant.name)?.get(better.figure()).copied();
            let peers = self.entrants.iter().filter(|entrant| entrant.contender.is_peer());
            let Some(best) = better.best(peers.filter_map(of)) else {
                continue;
            };
            for entrant in self.entrants {
                if let Some(own) = figures.get_mut(entrant.name)
                    && let Some(figure) = own.get(better.figure()).copied()
                {
                    own.insert(column.name, figure / best);
                }
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
    pub(crate) const fn new(name: &'static str, unit: Unit) -> Column {
        Column {
            name,
            unit,
            target: None,
            relative_to_first: None,
            relative_to_peer: None,
        }
    }

    pub(crate) const fn target(self, target: Bound) -> Column {
        Column {
            target: Some(target),
            ..self
        }
    }

    pub(crate) const fn of_first(self, figure: &'static str) -> Column {
        Column {
            relative_to_first: Some(figure),
            ..self
        }
    }

    /// A cost, divided by the least of a peer.
    pub(crate) const fn of_best_peer(self, figure: &'static str) -> Column {
        Column {
            relative_to_peer: Some(Better::Less(figure)),
            ..self
        }
    }

    /// A gain, divided by the most of a peer.
    pub(crate) const fn of_best_peer_rate(self, figure: &'static str) -> Column {
        Column {
            relative_to_peer: Some(Better::More(figure)),
            ..self
        }
    }

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

impl Better {
    fn figure(self) -> &'static str {
        match self {
            Better::Less(figure) | Better::More(figure) => figure,
        }
    }

    fn best(self, figures: impl Iterator<Item = f64>) -> Option<f64> {
        match self {
            Better::Less(_) => figures.reduce(f64::min),
            Better::More(_) => figures.reduce(f64::max),
        }
    }
}

impl Bound {
    /// For the end of a cell: whether it is met by all rounds, by the median, or not.
    pub(crate) fn verdict(self, spread: &Spread) -> &'static str {
        match [spread.median, spread.min, spread.max].map(|value| self.is_met(value)) {
            [true, true, true] => ", met",
            [true, ..] => ", met by the median",
            [false, ..] => ", **missed**",
        }
    }

    fn is_met(self, value: f64) -> bool {
        match self {
            Bound::AtMost(most) => value <= most,
            Bound::AtLeast(least) => value >= least,
        }
    }
}

impl Unit {
    pub(crate) fn show(self, value: f64) -> String {
        match self {
            Unit::Count => format!("{value:.0}"),
            Unit::Millis => format!("{:.1} ms", value / 1000.0),
            Unit::Micros => format!("{value:.1} us"),
            Unit::Ratio => format!("{value:.2}"),
            Unit::Percent => format!("{:.1} %", value * 100.0),
        }
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

#[cfg(test)]
mod tests {
    use super::*;
    use crate::failover::TRIALS;

    #[test]
    fn figures_relative_to_the_first_are_taken_within_a_program() {
        let is_relative = |column: &&Column| column.relative_to_first.is_some();
        let relative = TRIALS
            .into_iter()
            .find_map(|trial| Some((trial, trial.columns.iter().find(is_relative)?)));
        let (trial, column) = relative.unwrap();
        let mut figures: BTreeMap<&str, Figures> = BTreeMap::new();
        for (entrant, figure) in trial.entrants.iter().zip(1_u32..) {
            let first = column.relative_to_first.unwrap();
            figures.insert(entrant.name, Figures::from([(first, f64::from(figure) * 10.0)]));
        }
        trial.relate(&mut figures);
        let ratio = |number: usize| figures[trial.entrants[number].name][column.name];
        assert!((ratio(0) - 1.0).abs() < 1e-9 && (ratio(1) - 2.0).abs() < 1e-9);
        let first_nginx = trial
            .entrants
            .iter()
            .position(|entrant| entrant.contender == Contender::Nginx);
        assert!((ratio(first_nginx.unwrap()) - 1.0).abs() < 1e-9);
    }
}
