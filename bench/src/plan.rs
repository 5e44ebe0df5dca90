//! What to run: the command line, checked.

use std::time::Duration;

use crate::contender::Contender;
use crate::fault::Fault;
use crate::part::Part;
use crate::scenario::{SCENARIOS, Scenario};
use crate::suite::{Pace, Suite};

/// How the benchmark is called.
pub(crate) const USAGE: &str = "\
usage: cargo xtask bench [SUITE]... [OPTIONS]

  http1      Portreeve, nginx, HAProxy and a raw relay in turns on one core, with the load and the backend on the other:
             CPU time per request, requests per second and latencies; what runs if no suite is named
  packets    packets, against a Python proxy as it is usually written
  policies   what a policy that a route demands adds to a request
  ledger     what a record in the ledger adds to a request
  registry   10,000 backends in 1,000 policies that register themselves
  failover   backends that die, stand still, are slow, full or broken, behind Portreeve, nginx and HAProxy
  scale      pools that grow and shrink by themselves: from zero, with a load that steps, and a hundred that are idle
  edge       TLS over HTTP/1.1 and HTTP/2, handshakes, idle TLS connections, raw connections
  all        all of them

A whole run of a suite is written to bench/results/latest.json, docs/BENCHMARKS.md and docs/bench-http1.svg; any other
prints only.

  --only NAME,NAME        just these scenarios of http1
  --contenders NAME,NAME  just these of portreeve, nginx, haproxy, relay
  --parts NAME,NAME       just these parts of failover, scale or edge
  --rounds N              rounds of each scenario (default 6; policies 100, ledger 40, scale 4)
  --seconds N             length of one measurement (default 4; policies and ledger 1)
  --quick                 2 rounds of 1 second; failover and scale take longer where a part wants it
  --save                  write what was measured over the saved results of the same scenarios, and the docs
  --redraw                measure nothing; write the docs from the saved results
";

/// One call of the benchmark.
#[derive(Debug)]
pub(crate) struct Plan {
    pub(crate) suites: Vec<Suite>,
    /// Of http1.
    pub(crate) scenarios: Vec<&'static Scenario>,
    /// Of http1 and failover.
    pub(crate) contenders: Vec<Contender>,
    /// Of failover, scale and edge; those of suites that are not run count for nothing.
    pub(crate) parts: Vec<Part>,
    rounds: Option<usize>,
    length: Option<Duration>,
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
        let words = arguments.iter().take_while(|argument| !argument.starts_with('-'));
        plan.suites = suites(words.clone())?;
        let mut wants_save = false;
        let mut rest = arguments.iter().skip(words.count());
        while let Some(flag) = rest.next() {
            match flag.as_str() {
                "--only" => plan.scenarios = list(flag, rest.next(), Scenario::named)?,
                "--contenders" => plan.contenders = list(flag, rest.next(), Contender::named)?,
                "--parts" => plan.parts = list(flag, rest.next(), Part::named)?,
                "--rounds" => plan.rounds = Some(number(flag, rest.next())?),
                "--seconds" => plan.length = Some(Duration::from_secs(number(flag, rest.next())? as u64)),
                "--quick" => (plan.rounds, plan.length) = (Some(2), Some(Duration::from_secs(1))),
                "--save" => wants_save = true,
                "--redraw" => plan.only_redraws = true,
                "--help" | "-h" => return Err(Fault::Usage(USAGE.to_owned())),
                other => return Err(Fault::Usage(format!("unknown argument {other}\n\n{USAGE}"))),
            }
        }
        plan.saves = plan.is_whole() || wants_save;
        plan.checked()
    }

    /// How long a suite is to be measured.
    pub(crate) fn pace(&self, suite: Suite) -> Pace {
        let Pace { rounds, length } = suite.pace();
        Pace {
            rounds: self.rounds.unwrap_or(rounds),
            length: self.length.unwrap_or(length),
        }
    }

    fn whole() -> Plan {
        Plan {
            suites: vec![Suite::Http1],
            scenarios: SCENARIOS.iter().collect(),
            contenders: Contender::ALL.to_vec(),
            parts: Part::all().collect(),
            rounds: None,
            length: None,
            saves: false,
            only_redraws: false,
        }
    }

    fn checked(self) -> Result<Plan, Fault> {
        let is_about = |suite| self.suites.contains(&suite);
        let has_all_contenders = self.contenders.len() == Contender::ALL.len();
        if !is_about(Suite::Http1) && !self.has_all_scenarios() {
            return Err(Fault::Usage("--only is for http1".to_owned()));
        }
        let stranger = self.parts.iter().find(|part| !is_about(part.suite()));
        if let Some(part) = stranger.filter(|_| self.parts.len() < Part::all().count()) {
            let (name, suite) = (part.name(), part.suite().name());
            return Err(Fault::Usage(format!("--parts: {name} is a part of {suite}")));
        }
        let has_peers = [Suite::Http1, Suite::Failover, Suite::Edge]
            .into_iter()
            .any(is_about);
        if !has_peers && !has_all_contenders {
            return Err(Fault::Usage(
                "--contenders is for http1, failover and edge".to_owned(),
            ));
        }
        if self.saves && !has_all_contenders {
            return Err(Fault::Usage(
                "--save wants all contenders: a ratio needs both sides".to_owned(),
            ));
        }
        Ok(self)
    }

    fn is_whole(&self) -> bool {
        let is_long = |&suite: &Suite| {
            let (planned, usual) = (self.pace(suite), suite.pace());
            planned.rounds >= usual.rounds && planned.length >= usual.length
        };
        let has_all_contenders = self.contenders.len() == Contender::ALL.len();
        self.suites.iter().all(is_long)
            && self.has_all_scenarios()
            && self.has_all_parts()
            && has_all_contenders
    }

    fn has_all_parts(&self) -> bool {
        let of_suites = |part: &Part| self.suites.contains(&part.suite());
        let wanted = self.parts.iter().filter(|part| of_suites(part));
        wanted.count() == Part::all().filter(of_suites).count()
    }

    fn has_all_scenarios(&self) -> bool {
        self.scenarios.len() == SCENARIOS.len()
    }
}

/// The suites of these words; http1 without any.
fn suites<'a>(words: impl Iterator<Item = &'a String>) -> Result<Vec<Suite>, Fault> {
    let mut suites = Vec::new();
    for word in words {
        match Suite::named(word) {
            Some(suite) => suites.push(suite),
            None if word == "all" => suites.extend(Suite::ALL),
            None => return Err(Fault::Usage(format!("no such suite: {word}\n\n{USAGE}"))),
        }
    }
    if suites.is_empty() {
        suites.push(Suite::Http1);
    }
    Ok(suites)
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
        "\nscenarios: {}\ncontenders: {}\nparts: {}",
        scenarios.join(", "),
        contenders.join(", "),
        Part::all().map(Part::name).collect::<Vec<_>>().join(", ")
    )
}

fn number(flag: &str, value: Option<&String>) -> Result<usize, Fault> {
    let parsed = value
        .and_then(|text| text.parse().ok())
        .filter(|&number| number > 0);
    parsed.ok_or_else(|| Fault::Usage(format!("{flag} wants a whole number above 0")))
}

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
            "packets --only small-64",
            "ledger --contenders nginx",
            "ledger --parts killed",
            "failover --parts alive",
            "failover --parts killed,wake",
            "scale --contenders nginx",
            "--fast",
        ] {
            assert!(matches!(read(wrong), Err(Fault::Usage(_))), "{wrong}");
        }
    }

    #[test]
    fn suites_are_chosen_by_name_and_http1_without_one() {
        assert_eq!(read("--quick").unwrap().suites, [Suite::Http1]);
        assert_eq!(
            read("ledger packets").unwrap().suites,
            [Suite::Ledger, Suite::Packets]
        );
        assert_eq!(read("all").unwrap().suites, Suite::ALL);
    }

    #[test]
    fn each_suite_has_a_pace_of_its_own_unless_told_otherwise() {
        assert_eq!(read("all").unwrap().pace(Suite::Policies), Suite::Policies.pace());
        let told = read("policies --rounds 7 --seconds 3").unwrap();
        assert_eq!(told.pace(Suite::Policies).rounds, 7);
        assert!(!told.saves && read("policies").unwrap().saves);
    }

    #[test]
    fn some_parts_of_a_suite_are_not_saved() {
        assert!(read("failover").unwrap().saves);
        assert!(read("scale").unwrap().saves);
        assert!(read("scale --parts wake,held,step,idle100").unwrap().saves);
        assert!(!read("scale --parts wake").unwrap().saves);
        assert!(!read("failover scale --parts killed,wake").unwrap().saves);
        let plan = read("failover --parts stopped,defaults").unwrap();
        assert!(!plan.saves);
        assert_eq!(
            plan.parts.iter().map(|part| part.name()).collect::<Vec<_>>(),
            ["stopped", "defaults"]
        );
    }

    #[test]
    fn names_keep_their_order() {
        let plan = read("--only 10k-64,small-64 --contenders relay,nginx").unwrap();
        assert_eq!(plan.scenarios[0].name, "10k-64");
        assert_eq!(plan.contenders, [Contender::Relay, Contender::Nginx]);
    }
}
