//! Every fuzz target for a bounded time.

use std::path::PathBuf;

use crate::program::{Failure, Program, root, target};
use crate::tools;

/// Which targets, and how long each.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Plan {
    seconds: u32,
    /// Empty: all that there are.
    targets: Vec<String>,
}

impl Default for Plan {
    fn default() -> Plan {
        Plan {
            seconds: SECONDS,
            targets: Vec::new(),
        }
    }
}

impl Plan {
    /// Reads `[--seconds N] [TARGET]...`.
    ///
    /// # Errors
    /// [`Failure::Usage`] for an unknown flag or a time that is not a whole number of seconds above 0.
    pub(crate) fn read(arguments: &[String]) -> Result<Plan, Failure> {
        let mut plan = Plan::default();
        let mut rest = arguments.iter();
        while let Some(argument) = rest.next() {
            match argument.as_str() {
                "--seconds" => plan.seconds = seconds(rest.next())?,
                flag if flag.starts_with('-') => {
                    return Err(Failure::Usage(format!("fuzz: unknown flag {flag}")));
                }
                target => plan.targets.push(target.to_owned()),
            }
        }
        Ok(plan)
    }
}

/// Builds all targets, then runs them one after the other; the first that fails ends it.
pub(crate) fn run(plan: &Plan) -> Result<(), Failure> {
    tools::FUZZ.ensure()?;
    let targets = if plan.targets.is_empty() {
        listed()?
    } else {
        plan.targets.clone()
    };
    fuzzer("build").run()?;
    for target in &targets {
        println!("fuzz: {target} for {} s", plan.seconds);
        one(target, plan.seconds)?;
    }
    println!("fuzz: {} targets, nothing found", targets.len());
    Ok(())
}

fn listed() -> Result<Vec<String>, Failure> {
    let names = Program::cargo().words("fuzz list").stdout()?;
    let names: Vec<String> = String::from_utf8_lossy(&names)
        .lines()
        .map(str::to_owned)
        .collect();
    match names.is_empty() {
        true => Err(Failure::Found("fuzz/ has no targets".to_owned())),
        false => Ok(names),
    }
}

fn one(target: &str, seconds: u32) -> Result<(), Failure> {
    let corpus = root().join("fuzz/corpus").join(target);
    std::fs::create_dir_all(&corpus).map_err(|source| Failure::Start {
        program: corpus.display().to_string(),
        source,
    })?;
    fuzzer("run")
        .args([PathBuf::from(target), corpus])
        .args(seeds(target))
        .args(["--".to_owned(), format!("-max_total_time={seconds}")])
        .args(dictionary(target))
        .words("-verbosity=0 -print_final_stats=1 -timeout=5 -rss_limit_mb=1024")
        .run()
}

/// Inputs to start from that are kept in the repository, if there are any: they are read, never written.
fn seeds(target: &str) -> Option<PathBuf> {
    let folder = root().join("fuzz/seeds").join(target);
    folder.is_dir().then_some(folder)
}

/// Words that the target's parser looks for, if they are kept in the repository: those of `packet_scan` in
/// `packet.dict`, and so on; where there is no such file, those of HTTP/1.
fn dictionary(target: &str) -> Option<String> {
    let subject = target.split('_').next().unwrap_or(target);
    let files = [subject, "http1"].map(|name| root().join("fuzz").join(name).with_extension("dict"));
    let file = files.iter().find(|file| file.is_file())?;
    Some(format!("-dict={}", file.display()))
}

/// cargo-fuzz wants flags of a nightly compiler; the stable one takes them when told to.
fn fuzzer(command: &str) -> Program {
    let folder = target().join("fuzz");
    Program::cargo()
        .args(["fuzz", command, "--target-dir"])
        .arg(folder)
        .env("RUSTC_BOOTSTRAP", "1")
}

fn seconds(value: Option<&String>) -> Result<u32, Failure> {
    let parsed = value
        .and_then(|text| text.parse().ok())
        .filter(|&seconds| seconds > 0);
    parsed.ok_or_else(|| Failure::Usage("fuzz: --seconds wants a whole number above 0".to_owned()))
}

/// How long each target runs unless told otherwise.
const SECONDS: u32 = 15;

#[cfg(test)]
mod tests {
    use super::*;

    fn read(text: &str) -> Result<Plan, Failure> {
        Plan::read(&text.split_whitespace().map(str::to_owned).collect::<Vec<_>>())
    }

    #[test]
    fn seconds_and_targets_may_stand_in_any_order() {
        let plan = Plan {
            seconds: 3,
            targets: vec!["head".to_owned(), "chunked".to_owned()],
        };
        assert_eq!(read("head --seconds 3 chunked").unwrap(), plan);
        assert_eq!(read("").unwrap(), Plan::default());
    }

    #[test]
    fn wrong_arguments_are_a_usage_failure() {
        for wrong in ["--seconds", "--seconds 0", "--seconds x", "--minutes 3"] {
            assert!(matches!(read(wrong), Err(Failure::Usage(_))), "{wrong}");
        }
    }
}
