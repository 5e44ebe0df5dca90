//! What to run: the command line, checked.

use std::time::Duration;

use crate::contender::Contender;
use crate::fault::Fault;
use crate::scenario::{SCENARIOS, Scenario};

/// How the benchmark is called.
pub(crate) const USAGE: &str = "\
usage: cargo xtask bench [http1] [OPTIONS]

Runs Portreeve, nginx, HAProxy and a raw relay in turns on one core, with the load and the backend on the other, and
prints CPU time per request, requests per second and latencies. A whole run writes bench/results/latest.json,
docs/BENCHMARKS.md and docs/bench-http1.svg; any other prints only.

  --only NAME,NAME        just these scenarios
  --contenders NAME,NAME  just these of portreeve, nginx, haproxy, relay
  --rounds N              rounds of each scenario (default 6)
  --seconds N             length of one measurement (default 4)
  --quick                 2 rounds of 1 second
  --save                  write what was measured over the saved results of the same scenarios, and the docs
  --redraw                measure nothing; write the docs from the saved results
";

/// One call of the benchmark.
#[derive(Debug)]
pub(crate) struct Plan {
    pub(crate) scenarios: Vec<&'static Scenario>,
    pub(crate) contenders: Vec<Contender>,
    pub(crate) rounds: usize,
    pub(crate) length: Duration,
    /// Whether results and docs in the repository are to be written.
    pub(crate) saves: bool,
    pub(crate) only_redraws: bool,
}

impl Plan {
    /// Reads the arguments after the program's name.
    ///
    /// # Errors
    /// [`Fault::Usage`] for anything unknown, and for results that must not be saved: those without all contenders.
    pub(crate) fn read(arguments: &[String]) -> Result<Plan, Fault> {
        let mut plan = Plan::whole();
        let mut wants_save = false;
        let mut rest = arguments.iter().skip_while(|argument| *argument == "http1");
        while let Some(flag) = rest.next() {
            match flag.as_str() {
                "--only" => plan.scenarios = list(flag, rest.next(), Scenario::named)?,
                "--contenders" => plan.contenders = list(flag, rest.next(), Contender::named)?,
                "--rounds" => plan.rounds = number(flag, rest.next())?,
                "--seconds" => plan.length = Duration::from_secs(number(flag, rest.next())? as u64),
                "--quick" => (plan.rounds, plan.length) = (2, Duration::from_secs(1)),
                "--save" => wants_save = true,
                "--redraw" => plan.only_redraws = true,
                "--help" | "-h" => return Err(Fault::Usage(USAGE.to_owned())),
                other => return Err(Fault::Usage(format!("unknown argument {other}\n\n{USAGE}"))),
            }
        }
        plan.saves = plan.is_whole() || wants_save;
        if plan.saves && plan.contenders.len() < Contender::ALL.len() {
            return Err(Fault::Usage(
                "--save wants all contenders: a ratio needs both sides".to_owned(),
            ));
        }
        Ok(plan)
    }

    fn whole() -> Plan {
        Plan {
            scenarios: SCENARIOS.iter().collect(),
            contenders: Contender::ALL.to_vec(),
            rounds: ROUNDS,
            length: LENGTH,
            saves: false,
            only_redraws: false,
        }
    }

    fn is_whole(&self) -> bool {
        let is_long = self.rounds >= ROUNDS && self.length >= LENGTH;
        is_long && self.scenarios.len() == SCENARIOS.len() && self.contenders.len() == Contender::ALL.len()
    }
}

fn list<T>(flag: &str, value: Option<&String>, named: impl Fn(&str) -> Option<T>) -> Result<Vec<T>, Fault> {
    let value = value.ok_or_else(|| Fault::Usage(format!("{flag} wants names\n\n{USAGE}")))?;
    let find = |name: &str| {
        named(name).ok_or_else(|| Fault::Usage(format!("{flag}: no such name: {name}{}", known())))
    };
    value.split(',').map(find).collect()
}

fn known() -> String {
    let scenarios: Vec<&str> = SCENARIOS.iter().map(|scenario| scenario.name).collect();
    let contenders = Contender::ALL.map(Contender::name);
    format!(
        "\nscenarios: {}\ncontenders: {}",
        scenarios.join(", "),
        contenders.join(", ")
    )
}

fn number(flag: &str, value: Option<&String>) -> Result<usize, Fault> {
    let parsed = value
        .and_then(|text| text.parse().ok())
        .filter(|&number| number > 0);
    parsed.ok_or_else(|| Fault::Usage(format!("{flag} wants a whole number above 0")))
}

const ROUNDS: usize = 6;
const LENGTH: Duration = Duration::from_secs(4);

#[cfg(test)]
mod tests {
    use super::*;

    fn read(text: &str) -> Result<Plan, Fault> {
        Plan::read(&text.split_whitespace().map(str::to_owned).collect::<Vec<_>>())
    }

    #[test]
    fn a_whole_run_is_saved_and_a_part_is_not() {
        assert!(read("").unwrap().saves);
        assert!(read("http1").unwrap().saves);
        assert!(!read("http1 --quick").unwrap().saves);
        assert!(
            !read("http1 --only small-64 --contenders portreeve,relay")
                .unwrap()
                .saves
        );
    }

    #[test]
    fn a_part_is_saved_on_demand_if_all_contenders_ran() {
        assert!(read("--only 1m-16 --save").unwrap().saves);
        assert!(matches!(read("--contenders nginx --save"), Err(Fault::Usage(_))));
    }

    #[test]
    fn unknown_names_flags_and_numbers_are_usage_faults() {
        for wrong in [
            "--only tiny",
            "--contenders envoy",
            "--rounds 0",
            "--seconds",
            "--only",
            "http2",
            "--fast",
        ] {
            assert!(matches!(read(wrong), Err(Fault::Usage(_))), "{wrong}");
        }
    }

    #[test]
    fn names_keep_their_order() {
        let plan = read("--only 10k-64,small-64 --contenders relay,nginx").unwrap();
        assert_eq!(plan.scenarios[0].name, "10k-64");
        assert_eq!(plan.contenders, [Contender::Relay, Contender::Nginx]);
    }
}
