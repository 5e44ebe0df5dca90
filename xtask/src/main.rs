//! `cargo xtask`: the one front door to every check, measurement and chore of this workspace.
//!
//! It only starts the programs that do the work and says what failed; it holds no product code, and it has one
//! dependency, because it is compiled before anything else.
#![expect(
    clippy::print_stdout,
    clippy::print_stderr,
    reason = "a command line program for developers"
)]

mod bench;
mod checks;
mod ci;
mod deny;
mod disk;
mod fuzz;
mod layers;
mod program;
mod tally;
mod testing;
mod tools;

use std::process::ExitCode;

use program::Failure;

const USAGE: &str = "\
usage: cargo xtask COMMAND

  fmt                 rustfmt, checking only
  clippy              clippy over every target of the workspace; warnings fail
  layers              every import arrow between our crates stands in the table of the design
  doc                 rustdoc; warnings fail
  deny                licences, bans and sources of outside crates (no advisories: their database is not at hand)
  check               all of the above
  test [ARGS]         every test of the workspace (by nextest) and the doc tests;
                      ARGS go to nextest
  fuzz [--seconds N] [TARGET]...
                      every fuzz target, or those named, for N seconds each (default 15)
  ci                  everything that ./test runs: check, test, fuzz, and a count at the end;
                      first, whether the disk has room for it
  bench [ARGS]        the benchmarks; `cargo xtask bench --help` tells which there are
";

fn main() -> ExitCode {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let Some((command, rest)) = arguments.split_first() else {
        eprint!("{USAGE}");
        return ExitCode::from(2);
    };
    match run(command, rest) {
        Ok(()) => ExitCode::SUCCESS,
        Err(failure) => {
            eprintln!("xtask: {failure}");
            ExitCode::from(failure.exit_code())
        }
    }
}

fn run(command: &str, rest: &[String]) -> Result<(), Failure> {
    match (command, rest) {
        ("fmt", []) => checks::fmt(),
        ("clippy", []) => checks::clippy(),
        ("layers", []) => layers::check(),
        ("doc", []) => checks::doc(),
        ("deny", []) => deny::check(),
        ("check", []) => ci::check(),
        ("ci", []) => ci::all(),
        ("test", arguments) => testing::all(arguments, testing::Lacking::IsTold).into_result(),
        ("fuzz", arguments) => fuzz::run(&fuzz::Plan::read(arguments)?),
        ("bench", arguments) => bench::run(arguments),
        ("help" | "--help" | "-h", _) => {
            print!("{USAGE}");
            Ok(())
        }
        _ => Err(Failure::Usage(format!(
            "no such command: {command} {}\n\n{USAGE}",
            rest.join(" ")
        ))),
    }
}
