//! What a trial of the suite is: who goes through it, what comes out, and what that should be.

use std::collections::BTreeMap;
use std::time::Duration;

use super::entrant::Entrant;
use crate::contender::Place;
use crate::fault::Fault;
use crate::results::Spread;

/// Something that proxies are put through in turns.
#[derive(Debug)]
pub(crate) struct Trial {
    pub(crate) name: &'static str,
    pub(crate) title: &'static str,
    /// What the reader of the table has to know.
    pub(crate) note: &'static str,
    pub(crate) entrants: &'static [Entrant],
    pub(crate) columns: &'static [Column],
    /// Everything is started anew for it, so that nobody remembers what the round before was like.
    pub(super) run: fn(&Entrant, &Bench<'_>) -> Result<Figures, Fault>,
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
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Unit {
    Count,
    /// The figure itself is in microseconds.
    Millis,
    Ratio,
    /// The figure itself is a share of one.
    Percent,
}

#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) enum Bound {
    AtMost(f64),
    AtLeast(f64),
}

/// By the names of the columns.
pub(super) type Figures = BTreeMap<&'static str, f64>;

/// Where and how long to measure.
pub(super) struct Bench<'a> {
    pub(super) place: &'a Place,
    /// Trials take a multiple of it.
    pub(super) length: Duration,
}

impl Column {
    pub(super) const fn new(name: &'static str, unit: Unit) -> Column {
        Column {
            name,
            unit,
            target: None,
            relative_to_first: None,
        }
    }

    pub(super) const fn target(self, target: Bound) -> Column {
        Column {
            target: Some(target),
            ..self
        }
    }

    pub(super) const fn of_first(self, figure: &'static str) -> Column {
        Column {
            relative_to_first: Some(figure),
            ..self
        }
    }
}

impl Bound {
    /// For the end of a cell: whether it is met by all rounds, by the median, or not.
    pub(super) fn verdict(self, spread: &Spread) -> &'static str {
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
            Unit::Ratio => format!("{value:.2}"),
            Unit::Percent => format!("{:.1} %", value * 100.0),
        }
    }
}
