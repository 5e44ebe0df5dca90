//! What was measured, as it is kept in `bench/results/latest.json`.

use std::collections::BTreeMap;
use std::fs;
use std::path::Path;

use serde::{Deserialize, Serialize};

use crate::fault::Fault;
use crate::machine::{self, Machine};

/// All scenarios that were ever saved, each as of its last run.
#[derive(Clone, Debug, Deserialize, PartialEq, Serialize)]
pub(crate) struct Results {
    pub(crate) machine: Machine,
    /// By the scenario's name.
    pub(crate) scenarios: BTreeMap<String, Measured>,
}

/// One scenario in one run. A contender's samples stand in the order of the rounds.
#[derive(Clone, Debug, Default, Deserialize, PartialEq, Serialize)]
pub(crate) struct Measured {
    /// The day, as `2026-11-22`.
    pub(crate) day: String,
    /// The commit that was built.
    pub(crate) commit: String,
    /// Length of each measurement in seconds; 0 where only memory was looked at.
    pub(crate) seconds: u64,
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub(crate) load: BTreeMap<String, Vec<LoadSample>>,
    /// Bytes per idle connection.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub(crate) memory: BTreeMap<String, Vec<f64>>,
    /// Times that something took, each summed up over a round.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub(crate) times: BTreeMap<String, Vec<TimeSample>>,
    /// Anything else, by contender and the name of the figure.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub(crate) figures: BTreeMap<String, BTreeMap<String, Vec<f64>>>,
}

/// How long something took in one round.
#[derive(Clone, Copy, Debug, Default, Deserialize, PartialEq, Serialize)]
pub(crate) struct TimeSample {
    pub(crate) p50_us: u64,
    pub(crate) p99_us: u64,
}

/// One contender in one round.
#[derive(Clone, Debug, Default, Deserialize, PartialEq, Serialize)]
pub(crate) struct LoadSample {
    /// CPU time of the proxy per request, user and system, in microseconds.
    pub(crate) cpu_us: f64,
    /// Time that the proxy was ready to run but not on its core, as a share of the time that it was: near 0 on a machine
    /// that does nothing else. Much of it makes `cpu_us` too high, since others have emptied the caches.
    pub(crate) waited: f64,
    pub(crate) requests_per_second: f64,
    pub(crate) p50_us: u64,
    pub(crate) p99_us: u64,
    pub(crate) p999_us: u64,
    pub(crate) requests: u64,
    /// Of the requests, or of the connections under them.
    pub(crate) errors: u64,
    /// CPU time of load and backends per request, in microseconds, where it was looked at.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) others_us: Option<f64>,
}

impl Measured {
    /// With the day and the commit of now.
    pub(crate) fn stamped(self) -> Measured {
        Measured {
            day: machine::day(),
            commit: machine::commit(),
            ..self
        }
    }
}

impl Results {
    /// Reads saved results.
    pub(crate) fn read(path: &Path) -> Result<Results, Fault> {
        let text = fs::read_to_string(path).map_err(Fault::io(format!("reading {}", path.display())))?;
        serde_json::from_str(&text).map_err(|fault| Fault::Program(format!("{}: {fault}", path.display())))
    }

    /// Writes them, folder and all.
    pub(crate) fn write(&self, path: &Path) -> Result<(), Fault> {
        let text = serde_json::to_string_pretty(self).expect("numbers and text become JSON");
        write(path, &(text + "\n"))
    }

    /// Puts the scenarios of `newer` in the place of ours.
    pub(crate) fn replace(&mut self, newer: Results) {
        self.machine = newer.machine;
        self.scenarios.extend(newer.scenarios);
    }
}

/// Writes a file and the folder that it is in.
pub(crate) fn write(path: &Path, text: &str) -> Result<(), Fault> {
    let folder = path.parent().expect("a file is in a folder");
    fs::create_dir_all(folder).map_err(Fault::io(format!("creating {}", folder.display())))?;
    fs::write(path, text).map_err(Fault::io(format!("writing {}", path.display())))
}

/// The middle of several values and their ends.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) struct Spread {
    pub(crate) median: f64,
    pub(crate) min: f64,
    pub(crate) max: f64,
}

impl Spread {
    /// `None` without values.
    pub(crate) fn of(values: impl IntoIterator<Item = f64>) -> Option<Spread> {
        let mut values: Vec<f64> = values.into_iter().collect();
        values.sort_by(f64::total_cmp);
        let (min, max) = (*values.first()?, *values.last()?);
        let middle = values.len() / 2;
        let median = match values.len() % 2 {
            0 => f64::midpoint(values[middle - 1], values[middle]),
            _ => values[middle],
        };
        Some(Spread { median, min, max })
    }

    /// In another unit.
    pub(crate) fn scaled(self, factor: f64) -> Spread {
        let Spread { median, min, max } = self;
        Spread {
            median: median * factor,
            min: min * factor,
            max: max * factor,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_median_of_an_even_count_lies_between_the_middle_two() {
        assert_eq!(
            Spread::of([4.0, 1.0, 3.0, 10.0]),
            Some(Spread {
                median: 3.5,
                min: 1.0,
                max: 10.0
            })
        );
        assert_eq!(Spread::of([2.0]).map(|spread| spread.median), Some(2.0));
        assert_eq!(Spread::of([]), None);
    }

    #[test]
    fn newer_scenarios_replace_older_ones_and_leave_the_rest() {
        let measured = |day: &str| Measured {
            day: day.to_owned(),
            ..Measured::default()
        };
        let results = |scenarios: &[(&str, &str)]| Results {
            machine: Machine::default(),
            scenarios: scenarios
                .iter()
                .map(|(name, day)| ((*name).to_owned(), measured(day)))
                .collect(),
        };
        let mut saved = results(&[("a", "monday"), ("b", "monday")]);
        saved.replace(results(&[("b", "tuesday")]));
        assert_eq!(saved, results(&[("a", "monday"), ("b", "tuesday")]));
    }
}
