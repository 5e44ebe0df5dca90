//! The part of docs/BENCHMARKS.md that is made from results.

mod packets;
mod registry;
mod routes;
mod trials;

use std::fmt::Write as _;
use std::fs;
use std::path::Path;

use crate::chart;
use crate::compare::{CPU, Comparison, P99, against, against_best_peer, best_peer, spread, verdict};
use crate::contender::Contender;
use crate::fault::Fault;
use crate::measure::worker_name;
use crate::results::{LoadSample, Measured, Results, Spread, write};
use crate::routes::{DEFAULTS, LEDGER, POLICIES};
use crate::scenario::{SCENARIOS, Scenario, Work};
use crate::{edge, failover, scale};

/// Writes the tables between the markers of docs/BENCHMARKS.md, and the chart beside it.
pub(crate) fn publish(results: &Results, root: &Path) -> Result<(), Fault> {
    let page = root.join("docs/BENCHMARKS.md");
    let text = fs::read_to_string(&page).map_err(Fault::io(format!("reading {}", page.display())))?;
    let text = between_markers(&text, &tables(results)).ok_or_else(|| {
        Fault::Program(format!(
            "{} lacks the lines `{BEGIN}` and `{END}`",
            page.display()
        ))
    })?;
    write(&page, &text)?;
    write(&root.join("docs/bench-http1.svg"), &chart::draw(results))?;
    println!("\nwrote docs/BENCHMARKS.md and docs/bench-http1.svg");
    Ok(())
}

/// Everything that is made from results, as Markdown.
pub(crate) fn tables(results: &Results) -> String {
    let mut text = machine(results);
    text += &targets(results);
    for (scenario, measured) in of(results) {
        text += &match scenario.work {
            Work::Load(_) => figures(scenario, measured),
            Work::Scaling(_) => scaling(scenario, measured),
            Work::Idle { .. } => memory(scenario, measured),
        };
    }
    text + &beyond_http1(results)
}

/// The tables of the other suites, as far as they were measured.
fn beyond_http1(results: &Results) -> String {
    let tables = [
        packets::tables(results),
        routes::table(&POLICIES, results),
        routes::table(&LEDGER, results),
        registry::tables(results),
        trials::tables(&failover::TRIALS, results),
        routes::table(&DEFAULTS, results),
        trials::tables(&scale::TRIALS, results),
        trials::tables(&edge::TRIALS, results),
    ];
    let tables = tables.concat();
    if tables.is_empty() {
        return tables;
    }
    format!("## Policies, packets, ledger, registry, failover, scale, edge\n\n{tables}")
}

/// Scenarios that there are results for, in the order of the report.
pub(crate) fn of(results: &Results) -> impl Iterator<Item = (&'static Scenario, &Measured)> {
    SCENARIOS
        .iter()
        .filter_map(|scenario| Some((scenario, results.scenarios.get(scenario.name)?)))
}

fn machine(results: &Results) -> String {
    let machine = &results.machine;
    let versions = machine
        .versions
        .iter()
        .map(|(name, version)| format!("{name} {version}"));
    let versions = versions.collect::<Vec<_>>().join(", ");
    format!(
        "Machine: {}, {} cores, {} GiB of memory, Linux {}. Versions: {versions}.\n\n",
        machine.cpu, machine.cores, machine.memory_gib, machine.kernel
    )
}

fn targets(results: &Results) -> String {
    let rows: String = of(results)
        .map(|(scenario, measured)| target_rows(scenario, measured))
        .collect();
    if rows.is_empty() {
        return String::new();
    }
    format!(
        "### Against the targets\n\n| | Portreeve | compared with | ratio (lowest to highest round) | target | |\n\
         |---|---|---|---|---|---|\n{rows}\n"
    )
}

fn target_rows(scenario: &Scenario, measured: &Measured) -> String {
    let targets = scenario.targets;
    let mut rows = String::new();
    let cpu = [
        targets.of_best_peer.zip(against_best_peer(measured, CPU)),
        targets.of_relay.zip(against(measured, Contender::Relay, CPU)),
    ];
    for (target, comparison) in cpu.into_iter().flatten() {
        rows += &target_row(scenario.title, "CPU", &comparison, target, micros);
    }
    if matches!(scenario.work, Work::Load(_))
        && let Some(comparison) = against_best_peer(measured, P99)
    {
        rows += &target_row(scenario.title, "p99", &comparison, 1.0, millis);
    }
    if let Some((target, ours)) = targets.bytes.zip(bytes(measured, Contender::Portreeve)) {
        let (median, verdict) = (kib(ours.median), verdict(ours.median, target));
        let _ = writeln!(
            rows,
            "| {} | {median} | | | ≤ {} | {verdict} |",
            scenario.title,
            kib(target)
        );
    }
    rows
}

fn target_row(
    title: &str,
    what: &str,
    comparison: &Comparison,
    target: f64,
    show: fn(f64) -> String,
) -> String {
    let Comparison {
        ours,
        other,
        theirs,
        ratio,
    } = comparison;
    format!(
        "| {title}, {what} | {} | {} {} | {:.2} ({:.2} to {:.2}) | ≤ {target:.2} | {} |\n",
        show(ours.median),
        other.name(),
        show(theirs.median),
        ratio.median,
        ratio.min,
        ratio.max,
        verdict(ratio.median, target)
    )
}

fn figures(scenario: &Scenario, measured: &Measured) -> String {
    let mut text = heading(scenario, measured);
    text += "| | CPU per request (lowest to highest) | of the better peer | requests/s | p50 | p99 | p99.9 | errors |\n\
             |---|---|---|---|---|---|---|---|\n";
    let base = best_peer(measured, CPU).and_then(|peer| spread(measured, peer.name(), CPU));
    for contender in Contender::ALL {
        if let Some(samples) = measured.load.get(contender.name()) {
            text += &figure_row(contender.name(), samples, base);
        }
    }
    text + "\n"
}

fn figure_row(name: &str, samples: &[LoadSample], base: Option<Spread>) -> String {
    let median = |figure: fn(&LoadSample) -> f64| {
        Spread::of(samples.iter().map(figure)).map_or(0.0, |spread| spread.median)
    };
    let Some(cpu) = Spread::of(samples.iter().map(CPU)) else {
        return String::new();
    };
    let relative = base.map_or("–".to_owned(), |base| {
        format!("{:.2}", cpu.median / base.median)
    });
    format!(
        "| {name} | {} ({:.1} to {:.1}) | {relative} | {:.0} | {} | {} | {} | {} |\n",
        micros(cpu.median),
        cpu.min,
        cpu.max,
        median(|sample| sample.requests_per_second),
        millis(median(|sample| sample.p50_us as f64)),
        millis(median(P99)),
        millis(median(|sample| sample.p999_us as f64)),
        errors(samples)
    )
}

fn scaling(scenario: &Scenario, measured: &Measured) -> String {
    let mut text = heading(scenario, measured);
    text += "| | requests/s with 1 | with 2 | ratio | CPU per request with 1 | with 2 | ratio |\n|---|---|---|---|---|---|---|\n";
    for contender in Contender::ALL {
        text += &scaling_row(contender, measured).unwrap_or_default();
    }
    text + "\n"
}

fn scaling_row(contender: Contender, measured: &Measured) -> Option<String> {
    let both = |figure| -> Option<[f64; 2]> {
        let one = spread(measured, &worker_name(contender, 1), figure)?;
        Some([
            one.median,
            spread(measured, &worker_name(contender, 2), figure)?.median,
        ])
    };
    let [slow, fast] = both(|sample| sample.requests_per_second)?;
    let [alone, shared] = both(CPU)?;
    Some(format!(
        "| {} | {slow:.0} | {fast:.0} | {:.2} | {} | {} | {:.2} |\n",
        contender.name(),
        fast / slow,
        micros(alone),
        micros(shared),
        shared / alone
    ))
}

fn memory(scenario: &Scenario, measured: &Measured) -> String {
    let mut text = heading(scenario, measured);
    text += "| | own memory per idle connection (lowest to highest) |\n|---|---|\n";
    for contender in Contender::ALL {
        if let Some(Spread { median, min, max }) = bytes(measured, contender) {
            let _ = writeln!(
                text,
                "| {} | {} ({} to {}) |",
                contender.name(),
                kib(median),
                kib(min),
                kib(max)
            );
        }
    }
    text + "\n"
}

fn heading(scenario: &Scenario, measured: &Measured) -> String {
    let busy = disturbance(measured).filter(|_| matches!(scenario.work, Work::Load(_)));
    section(scenario.name, scenario.title, measured, &busy.unwrap_or_default())
}

/// The head of a section, with how and when it was measured.
fn section(name: &str, title: &str, measured: &Measured, note: &str) -> String {
    let loads = measured.load.values().map(Vec::len);
    let rounds = loads
        .chain(measured.memory.values().map(Vec::len))
        .chain(
            measured
                .figures
                .values()
                .flat_map(|figures| figures.values().map(Vec::len)),
        )
        .max()
        .unwrap_or(0);
    let length = if measured.seconds > 0 {
        format!(" of {} s", measured.seconds)
    } else {
        String::new()
    };
    let Measured { day, commit, .. } = measured;
    format!("### {name}: {title}\n\nMedians of {rounds} rounds{length}; {day}, commit {commit}.{note}\n\n")
}

/// Says how much the proxies had to share their core, if they did. Not for where nothing is pinned: there they are meant to.
fn disturbance(measured: &Measured) -> Option<String> {
    let waited = Spread::of(measured.load.values().flatten().map(|sample| sample.waited))?;
    let percent = waited.max * 100.0;
    (waited.max > DISTURBED).then(|| {
        format!(" **The machine was busy**: proxies waited for their core up to {percent:.0} % of the time they had it.")
    })
}

/// Bytes per idle connection.
pub(crate) fn bytes(measured: &Measured, contender: Contender) -> Option<Spread> {
    Spread::of(measured.memory.get(contender.name())?.iter().copied())
}

fn errors(samples: &[LoadSample]) -> u64 {
    samples.iter().map(|sample| sample.errors).sum()
}

fn micros(micros: f64) -> String {
    format!("{micros:.1} µs")
}

fn millis(micros: f64) -> String {
    format!("{:.2} ms", micros / 1000.0)
}

fn kib(bytes: f64) -> String {
    format!("{:.2} KiB", bytes / 1024.0)
}

fn between_markers(page: &str, made: &str) -> Option<String> {
    let (before, rest) = page.split_once(BEGIN)?;
    let (_, after) = rest.split_once(END)?;
    Some(format!("{before}{BEGIN}\n\n{}\n\n{END}{after}", made.trim()))
}

/// Above this share of waiting, a sample is not worth much.
const DISTURBED: f64 = 0.05;
const BEGIN: &str = "<!-- made by `cargo xtask bench`: begin -->";
const END: &str = "<!-- made by `cargo xtask bench`: end -->";

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_stands_outside_the_markers_stays() {
        let page = format!("above\n{BEGIN}\nold\n{END}\nbelow\n");
        let once = between_markers(&page, "new\n").unwrap();
        assert_eq!(once, format!("above\n{BEGIN}\n\nnew\n\n{END}\nbelow\n"));
        assert_eq!(between_markers(&once, "new\n").unwrap(), once);
    }

    #[test]
    fn a_busy_machine_is_told() {
        let sample = |waited| LoadSample {
            waited,
            ..LoadSample::default()
        };
        let measured = |waited| Measured {
            load: [("nginx".to_owned(), vec![sample(0.0), sample(waited)])].into(),
            ..Measured::default()
        };
        assert_eq!(disturbance(&measured(0.01)), None);
        assert!(disturbance(&measured(0.4)).unwrap().contains("up to 40 %"));
    }

    #[test]
    fn a_page_without_markers_is_refused() {
        assert_eq!(between_markers("above\nbelow\n", "new"), None);
    }
}
