//! A load that steps to ten times as much and back.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use portreeve_bench::Phase;

use super::admin::{Admin, Fleet};
use super::app::App;
use super::scene::Scene;
use crate::contender::Contender;
use crate::entrant::Entrant;
use crate::fault::Fault;
use crate::open_load::{OpenLoad, Patience};
use crate::process::Cores;
use crate::trial::{Bench, Bound, Column, Figures, Trial, Unit};

pub(crate) static STEP: Trial = Trial {
    name: "step",
    title: "150 requests a second, then 1,500, then 150 again",
    note: "An open loop to an app that takes 100 ms for each request, with 20 in flight per instance as the target, `every = \"1s\"` and \
           `down.stabilisation = \"10s\"`. A period is one second. The size is reached up when it is within the tolerance of 10 % of what \
           the load wants (7 of 7.5), and down when it is one again: two periods after the window of 10 s, since the last high wish may be \
           one period younger than the step. Reversals are changes against the direction of the load. Requests have two seconds \
           (`timeout = \"2s\"` and clients that leave then); lost ones are refused, failed or broken.",
    entrants: &[Entrant::new("portreeve", Contender::Portreeve, "").judged()],
    columns: &[
        Column::new(SENT, Unit::Count),
        Column::new(UP, Unit::Ratio).target(Bound::AtMost(2.0)),
        Column::new(SERVING, Unit::Ratio),
        Column::new(MOST, Unit::Count),
        Column::new(DOWN, Unit::Ratio).target(Bound::AtMost(2.0)),
        Column::new(CHANGES, Unit::Count),
        Column::new(REVERSALS, Unit::Count).target(Bound::AtMost(0.0)),
        Column::new(LOST, Unit::Count).target(Bound::AtMost(0.0)),
        Column::new(LATE, Unit::Count).target(Bound::AtMost(0.0)),
        Column::new(P99_LOW, Unit::Millis),
        Column::new(P99_HIGH, Unit::Millis),
    ],
    turns: 1,
    run,
};

const SENT: &str = "requests";
const UP: &str = "periods until the size was reached";
const SERVING: &str = "until so many served";
const MOST: &str = "largest size";
const DOWN: &str = "periods beyond the window until it was one";
const CHANGES: &str = "changes of the size";
const REVERSALS: &str = "reversals";
const LOST: &str = "lost";
const LATE: &str = "over their deadline";
const P99_LOW: &str = "p99 before the step";
const P99_HIGH: &str = "p99 from the step on";

fn run(_: &Entrant, bench: &Bench<'_>) -> Result<Figures, Fault> {
    let driver = APP.driver(bench.place);
    let pools = format!(
        "[route.default]\npool = \"app\"\ntimeout = \"2s\"\n\n[pool.app]\n\n[pool.app.scale]\n{driver}\nmin = 1\nmax = 12\nevery = \"1s\"\n\
         target = {{ in_flight_per_backend = {PER_BACKEND} }}\ndown = {{ stabilisation = \"10s\" }}\n"
    );
    let mut scene = Scene::start(bench, &pools, Cores::Both)?;
    let watch = Watch::start(scene.admin);
    let phases = [(LOW, BEFORE), (HIGH, DURING), (LOW, AFTER)];
    let load = OpenLoad::start(bench.place, scene.proxy.address, PATIENCE, phases)?;
    let begin = Instant::now();
    let phases = load.finish()?;
    let history = watch.finish()?;
    scene.proxy.process.must_run()?;
    let history = history.since(begin);
    println!("    {}", history.line());
    Ok(figures(&phases, &history))
}

fn figures(phases: &[Phase; 3], history: &History) -> Figures {
    let sum = |count: fn(&Phase) -> u64| phases.iter().map(count).sum::<u64>() as f64;
    let (up, down) = (BEFORE.as_secs_f64(), (BEFORE + DURING).as_secs_f64());
    let mut figures = Figures::from([
        (SENT, sum(|phase| phase.sent)),
        (MOST, f64::from(history.most())),
        (CHANGES, history.changes().count() as f64),
        (REVERSALS, history.reversals(up, down) as f64),
        (LOST, sum(|phase| phase.refused + phase.failed + phase.broken)),
        (LATE, sum(|phase| phase.gave_up)),
        (P99_LOW, phases[0].p99_us as f64),
        (P99_HIGH, phases[1].p99_us as f64),
    ]);
    let reached = history.first(up, |size| size >= ENOUGH);
    let served = history
        .serving
        .iter()
        .find(|(at, serving)| *at >= up && *serving >= ENOUGH);
    let over = history.first(down, |size| size == 1);
    let periods = [
        (UP, reached.map(|at| at - up)),
        (SERVING, served.map(|(at, _)| at - up)),
        (DOWN, over.map(|at| at - down - WINDOW.as_secs_f64())),
    ];
    // What was never reached was not within any time.
    figures.extend(periods.map(|(name, seconds)| (name, seconds.unwrap_or(NEVER) / PERIOD.as_secs_f64())));
    figures
}

/// Looks at the fleet all the time.
struct Watch {
    is_over: Arc<AtomicBool>,
    thread: std::thread::JoinHandle<Result<Watched, Fault>>,
}

/// As it was seen.
#[derive(Default)]
struct Watched {
    /// When each decision was made, as near as its age says, and what size it gave.
    decisions: Vec<(Instant, u32)>,
    /// When so many served for the first time since another number did.
    serving: Vec<(Instant, u32)>,
}

impl Watch {
    fn start(admin: Admin) -> Watch {
        let is_over = Arc::new(AtomicBool::new(false));
        let flag = Arc::clone(&is_over);
        let thread = std::thread::spawn(move || {
            let mut watched = Watched::default();
            while !flag.load(Ordering::Relaxed) {
                let fleet = admin.fleet()?;
                watched.note(&fleet, Instant::now());
                std::thread::sleep(LOOK);
            }
            Ok(watched)
        });
        Watch { is_over, thread }
    }

    fn finish(self) -> Result<Watched, Fault> {
        self.is_over.store(true, Ordering::Relaxed);
        let watched = self.thread.join();
        watched.unwrap_or_else(|_| Err(Fault::Program("nobody looked at the fleet".to_owned())))
    }
}

impl Watched {
    /// What is shown is up to a quarter of a second old, and so is the age of the decision: of several looks at one
    /// decision, the earliest time is the nearest.
    fn note(&mut self, fleet: &Fleet, now: Instant) {
        let age = fleet.decision.map(|decision| (decision.age_ms, decision.to));
        if let Some((age_ms, size)) = age
            && let Some(at) = now.checked_sub(Duration::from_millis(age_ms))
        {
            match self.decisions.last_mut() {
                Some((known, of)) if *of == size && at < *known + PERIOD / 2 => *known = at.min(*known),
                _ => self.decisions.push((at, size)),
            }
        }
        let serving = fleet.instances_by_state.serving;
        if self.serving.last().is_none_or(|&(_, last)| last != serving) {
            self.serving.push((now, serving));
        }
    }

    fn since(self, begin: Instant) -> History {
        let seconds = |at: Instant| match at.checked_duration_since(begin) {
            Some(after) => after.as_secs_f64(),
            None => -begin.duration_since(at).as_secs_f64(),
        };
        let timed =
            |all: Vec<(Instant, u32)>| all.into_iter().map(|(at, count)| (seconds(at), count)).collect();
        History {
            decisions: timed(self.decisions),
            serving: timed(self.serving),
        }
    }
}

/// The same, in seconds since the load began.
struct History {
    decisions: Vec<(f64, u32)>,
    serving: Vec<(f64, u32)>,
}

impl History {
    /// Each decision that gave another size than the one before, with both sizes.
    fn changes(&self) -> impl Iterator<Item = (f64, u32, u32)> {
        let pairs = self
            .decisions
            .windows(2)
            .map(|pair| (pair[1].0, pair[0].1, pair[1].1));
        pairs.filter(|(_, from, to)| from != to)
    }

    /// Changes against the direction of the load; while it is low from the beginning, each is.
    fn reversals(&self, up: f64, down: f64) -> usize {
        let is_against = |&(at, from, to): &(f64, u32, u32)| match at {
            at if at < up => true,
            at if at < down => to < from,
            _ => to > from,
        };
        self.changes().filter(is_against).count()
    }

    /// When from then on a decision first was such.
    fn first(&self, from: f64, is_such: impl Fn(u32) -> bool) -> Option<f64> {
        let mut decisions = self.decisions.iter();
        let found = decisions.find(|(at, size)| *at >= from && is_such(*size));
        found.map(|(at, _)| *at)
    }

    fn most(&self) -> u32 {
        self.decisions.iter().map(|(_, size)| *size).max().unwrap_or(0)
    }

    /// The sizes over time, for whoever looks on.
    fn line(&self) -> String {
        let first = self.decisions.first().map_or(0, |(_, size)| *size);
        let changes = self.changes().map(|(at, _, to)| format!(", {to} at {at:.2} s"));
        format!("instances: {first}{}", changes.collect::<String>())
    }
}

const LOW: u32 = 150;
const HIGH: u32 = 10 * LOW;
const BEFORE: Duration = Duration::from_secs(6);
/// Longer than the window, so that a size that was too large would show.
const DURING: Duration = Duration::from_secs(16);
const AFTER: Duration = Duration::from_secs(16);
const PERIOD: Duration = Duration::from_secs(1);
const WINDOW: Duration = Duration::from_secs(10);
const PER_BACKEND: u32 = 20;
/// 150 in flight want 7.5, of which the tolerance leaves 6.8.
const ENOUGH: u32 = 7;
/// In seconds.
const NEVER: f64 = 1e6;
const PATIENCE: Patience = Patience(Duration::from_secs(2));
/// Between two looks at the fleet.
const LOOK: Duration = Duration::from_millis(40);
const APP: App = App {
    pause: Duration::from_millis(100),
    service: Duration::from_millis(100),
};

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_change_against_the_load_is_a_reversal() {
        let history = |decisions: &[(f64, u32)]| History {
            decisions: decisions.to_vec(),
            serving: Vec::new(),
        };
        let followed = history(&[(0.0, 1), (6.5, 5), (7.5, 8), (8.5, 8), (33.0, 1)]);
        assert_eq!(
            (followed.reversals(6.0, 22.0), followed.changes().count()),
            (0, 3)
        );
        assert_eq!(
            (followed.most(), followed.first(6.0, |size| size >= 7)),
            (8, Some(7.5))
        );
        let wavers = history(&[
            (0.0, 1),
            (2.0, 2),
            (3.0, 1),
            (7.0, 12),
            (19.0, 8),
            (33.0, 1),
            (34.0, 2),
        ]);
        assert_eq!(wavers.reversals(6.0, 22.0), 4);
        assert_eq!(
            wavers.line(),
            "instances: 1, 2 at 2.00 s, 1 at 3.00 s, 12 at 7.00 s, 8 at 19.00 s, 1 at 33.00 s, 2 at 34.00 s"
        );
    }
}
