//! Every test of the workspace.

use crate::program::{Failure, Program};
use crate::tally::Tally;
use crate::tools;

/// What came of a run of tests.
pub(crate) struct Tested {
    pub(crate) tally: Tally,
    failures: Vec<Failure>,
}

impl Tested {
    pub(crate) fn into_result(self) -> Result<(), Failure> {
        println!("{}", self.tally);
        self.failures.into_iter().next().map_or(Ok(()), Err)
    }

    fn run(&mut self, program: Program) {
        let tally = &mut self.tally;
        let ran = program.run_watching(&mut |line| tally.read(line));
        self.failures.extend(ran.err());
    }
}

/// Unit and integration tests, then doc tests. `arguments` go to the runner of the former; with any given, the doc tests
/// are left out, since one test was meant.
pub(crate) fn all(arguments: &[String]) -> Tested {
    let mut tested = Tested {
        tally: Tally::default(),
        failures: Vec::new(),
    };
    tested.run(runner().args(arguments));
    if arguments.is_empty() {
        tested.run(Program::cargo().words("test --quiet --doc --workspace"));
    }
    tested
}

fn runner() -> Program {
    match tools::is_installed("cargo-nextest") {
        true => Program::cargo().words("nextest run --workspace"),
        false => Program::cargo().words("test --workspace --lib --bins --tests --examples --no-fail-fast"),
    }
}
