//! Several checks in a row: each runs, whatever the ones before it found.

use std::time::Instant;

use crate::program::Failure;
use crate::{checks, deny, disk, fuzz, layers, testing};

type Check = fn() -> Result<(), Failure>;

/// What needs no test to run.
pub(crate) fn check() -> Result<(), Failure> {
    let mut report = Report::default();
    report.run_all(CHECKS);
    report.end()
}

/// Everything; the last line counts the tests. Nothing is begun on a disk without room for it.
pub(crate) fn all() -> Result<(), Failure> {
    disk::check()?;
    let mut report = Report::default();
    report.run_all(CHECKS);
    let mut tally = None;
    report.run("test", || {
        let tested = testing::all(&[], testing::Lacking::Fails);
        tally = Some(tested.tally);
        tested.into_result()
    });
    report.run("fuzz", || fuzz::run(&fuzz::Plan::default()));
    let ended = report.end();
    if let Some(tally) = tally {
        println!("{tally}");
    }
    ended
}

/// In the order of what they cost.
const CHECKS: &[(&str, Check)] = &[
    ("lock", checks::lock),
    ("fmt", checks::fmt),
    ("layers", layers::check),
    ("deny", deny::check),
    ("clippy", checks::clippy),
    ("doc", checks::doc),
];

/// What ran, how long it took and what failed.
#[derive(Default)]
struct Report(Vec<Line>);

struct Line {
    name: &'static str,
    seconds: f64,
    failure: Option<Failure>,
}

impl Report {
    fn run_all(&mut self, checks: &[(&'static str, Check)]) {
        for (name, check) in checks {
            self.run(name, check);
        }
    }

    fn run(&mut self, name: &'static str, check: impl FnOnce() -> Result<(), Failure>) {
        println!("== {name}");
        let start = Instant::now();
        let failure = check().err();
        self.0.push(Line {
            name,
            seconds: start.elapsed().as_secs_f64(),
            failure,
        });
    }

    /// Prints one line for each check.
    fn end(self) -> Result<(), Failure> {
        println!("== summary");
        let mut failed = Vec::new();
        for Line {
            name,
            seconds,
            failure,
        } in &self.0
        {
            let verdict = failure
                .as_ref()
                .map_or("ok".to_owned(), |failure| format!("FAILED: {failure}"));
            println!("{name:<8} {seconds:>6.1} s  {verdict}");
            failed.extend(failure.is_some().then_some(*name));
        }
        match failed.is_empty() {
            true => Ok(()),
            false => Err(Failure::Found(format!("failed: {}", failed.join(", ")))),
        }
    }
}
