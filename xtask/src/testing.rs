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

/// What becomes of tests that need a program which this machine lacks.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Lacking {
    /// They say so, and count as passed.
    IsTold,
    /// They fail.
    Fails,
}

/// Unit and integration tests, then doc tests. `arguments` go to the runner of the former; with any given, the doc tests
/// are left out, since one test was meant.
pub(crate) fn all(arguments: &[String], lacking: Lacking) -> Tested {
    install();
    let mut tested = Tested {
        tally: Tally::default(),
        failures: Vec::new(),
    };
    match tools::NEXTEST.ensure() {
        Ok(()) => tested.run(lacking.tell(runner()).args(arguments)),
        Err(failure) => tested.failures.push(failure),
    }
    if arguments.is_empty() {
        tested.run(Program::cargo().words("test --quiet --doc --workspace"));
    }
    tested
}

impl Lacking {
    /// Our tests read these from their environment.
    fn tell(self, runner: Program) -> Program {
        match self {
            Lacking::IsTold => runner,
            Lacking::Fails => runner
                .env("PORTREEVE_MUST_HAVE_MOTO", "1")
                .env("PORTREEVE_MUST_HAVE_GRPCIO", "1")
                .env("PORTREEVE_MUST_HAVE_CLIENTS", "1")
                .env("PORTREEVE_MUST_HAVE_PEBBLE", "1")
                .env("PORTREEVE_MUST_HAVE_DOCKER", "1"),
        }
    }
}

/// What tests need; who cannot have it, is told, and its tests are.
fn install() {
    for tool in [&tools::MOTO, &tools::GRPCIO, &tools::CLIENTS] {
        if let Err(failure) = tool.ensure() {
            println!(
                "SKIPPED unless it must be there: the tests that need {}: {failure}",
                tool.binary
            );
        }
    }
}

fn runner() -> Program {
    Program::cargo().words("nextest run --workspace")
}
