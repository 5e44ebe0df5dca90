//! `cargo xtask bench`: Portreeve beside its peers, and beside itself with more to do, in one interleaved run.
//!
//! A tool for measuring, never a timed test: it fails only if it cannot measure, not when a figure is bad.
#![expect(
    clippy::print_stdout,
    clippy::print_stderr,
    reason = "a command line program for developers"
)]
#![expect(
    clippy::cast_precision_loss,
    reason = "counts of requests and bytes stay far below 2^52"
)]

mod added;
mod chart;
mod compare;
mod contender;
mod edge;
mod entrant;
mod failover;
mod fault;
mod load;
mod machine;
mod measure;
mod open_load;
mod packets;
mod part;
mod plan;
mod process;
mod registry;
mod report;
mod results;
mod routes;
mod scale;
mod scenario;
mod suite;
mod trial;
mod turns;

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::process::ExitCode;

use contender::Place;
use fault::Fault;
use machine::Machine;
use plan::{Plan, USAGE};
use results::{Measured, Results};
use suite::Suite;

fn main() -> ExitCode {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    if arguments
        .iter()
        .any(|argument| argument == "--help" || argument == "-h")
    {
        print!("{USAGE}");
        return ExitCode::SUCCESS;
    }
    match Plan::read(&arguments).and_then(|plan| run(&plan)) {
        Ok(()) => ExitCode::SUCCESS,
        Err(fault) => {
            eprintln!("bench: {fault}");
            ExitCode::from(fault.exit_code())
        }
    }
}

fn run(plan: &Plan) -> Result<(), Fault> {
    if plan.only_redraws {
        return report::publish(&Results::read(&saved())?, &root());
    }
    raise_file_limit();
    go_first();
    let place = place()?;
    let results = measure(plan, &place);
    let _ = std::fs::remove_dir_all(&place.folder);
    let results = results?;
    results.write(&place.programs.join("bench-last.json"))?;
    print!("\n{}", report::tables(&results));
    if plan.saves { save(results) } else { Ok(()) }
}

fn measure(plan: &Plan, place: &Place) -> Result<Results, Fault> {
    let mut scenarios = BTreeMap::new();
    for &suite in &plan.suites {
        let measured = measure_suite(suite, plan, place)?;
        scenarios.extend(
            measured
                .into_iter()
                .map(|(name, measured)| (name.to_owned(), measured.stamped())),
        );
    }
    Ok(Results {
        machine: Machine::here(place),
        scenarios,
    })
}

fn measure_suite(suite: Suite, plan: &Plan, place: &Place) -> Result<Vec<(&'static str, Measured)>, Fault> {
    let pace = plan.pace(suite);
    let alone = |name, measured| Ok(vec![(name, measured)]);
    match suite {
        Suite::Http1 => {
            let scenarios = plan.scenarios.iter();
            scenarios
                .map(|scenario| Ok((scenario.name, measure::scenario(scenario, plan, place)?)))
                .collect()
        }
        Suite::Packets => packets::measure(pace, place),
        Suite::Policies => alone(routes::POLICIES.name, routes::POLICIES.measure(pace, place)?),
        Suite::Ledger => alone(routes::LEDGER.name, routes::LEDGER.measure(pace, place)?),
        Suite::Registry => alone(registry::NAME, registry::measure(pace, place)?),
        Suite::Failover | Suite::Scale | Suite::Edge => {
            let parts = plan.parts.iter();
            parts
                .filter(|part| part.suite() == suite)
                .map(|part| Ok((part.name(), part.measure(pace, &plan.contenders, place)?)))
                .collect()
        }
    }
}

fn save(results: Results) -> Result<(), Fault> {
    let path = saved();
    let all = match Results::read(&path) {
        Ok(mut older) => {
            older.replace(results);
            older
        }
        Err(_) => results,
    };
    all.write(&path)?;
    report::publish(&all, &root())
}

fn place() -> Result<Place, Fault> {
    let program = std::env::current_exe().map_err(Fault::io("looking for our own program"))?;
    let programs = program.parent().expect("a program is in a folder").to_owned();
    let folder = std::env::temp_dir().join(format!("portreeve-bench-{}", std::process::id()));
    Ok(Place { programs, folder })
}

fn saved() -> PathBuf {
    root().join("bench/results/latest.json")
}

fn root() -> PathBuf {
    let here = Path::new(env!("CARGO_MANIFEST_DIR"));
    here.parent()
        .expect("bench is a folder of the workspace")
        .to_owned()
}

/// As many open files as the machine allows, for us and for all that we start.
fn raise_file_limit() {
    use rustix::process::{Resource, Rlimit, getrlimit, setrlimit};
    let maximum = getrlimit(Resource::Nofile).maximum;
    let _ = setrlimit(
        Resource::Nofile,
        Rlimit {
            current: maximum,
            maximum,
        },
    );
}

/// Lets us and all that we start run before whatever else the machine does, where that is permitted. The kernel shares
/// cores out between sessions first (autogroups), so it takes a session of our own, which ends with the one that we
/// leave.
fn go_first() {
    use rustix::process::{Signal, set_parent_process_death_signal, setsid};
    if setsid().is_ok() {
        let _ = set_parent_process_death_signal(Some(Signal::KILL));
        let _ = std::fs::write("/proc/self/autogroup", "-19");
    }
}
