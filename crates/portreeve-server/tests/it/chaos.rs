//! Duty (proof): a storm. Real backends, each a process of its own, are killed, stopped, slowed, made to reset, to fail
//! and to fail their probes, drained, deregistered, started elsewhere and registered with other policies at random,
//! while clients ask and the file is reloaded.
//!
//! `PORTREEVE_SEED` plays a storm again as far as chance is ours; `PORTREEVE_STORM_SECONDS` makes it longer. What must
//! hold is said where it is looked at: `verdict.rs` for what clients and backends saw, `leftovers.rs` for what is left.

mod adversary;
mod backend;
mod dice;
mod fleet;
mod leftovers;
mod load;
mod truth;
mod verdict;

use std::io::Write as _;
use std::time::Duration;

use portreeve_testkit::Part;

use adversary::Adversary;
use dice::Dice;
use fleet::Fleet;
use leftovers::Held;
use load::Load;
use truth::Truth;

/// Not a test of its own: a backend of the storm.
#[tokio::test]
async fn backend_process() {
    if Part::is_this("chaos::backend_process") {
        backend::serve(&Part::argument()).await;
    }
}

#[tokio::test]
async fn a_storm_ends_in_calm_and_nothing_happens_that_must_not() {
    let seed = std::env::var("PORTREEVE_SEED").map_or_else(|_| truth::now(), |text| number(&text));
    let seconds = std::env::var("PORTREEVE_STORM_SECONDS").map_or(STORM_SECONDS, |text| number(&text));
    say(&format!(
        "play it again with PORTREEVE_SEED={seed} PORTREEVE_STORM_SECONDS={seconds}"
    ));
    let before = Held::now();
    let (truth, mut dice) = (Truth::new(), Dice::new(seed));
    let fleet = Fleet::start(&truth, &mut dice).await;
    let load = Load::begin(&fleet.address(), &truth, seed);
    let mut adversary = Adversary::new(fleet, dice);
    adversary.storm(Duration::from_secs(seconds)).await;
    let fleet = adversary.calm().await;
    fleet.until_everybody_serves().await;
    let outcomes = load.end().await;
    leftovers::until_at_rest(fleet.proxy()).await;
    let seen = fleet.end().await;
    leftovers::until_as(&before).await;
    say(&verdict::judge(&truth, &outcomes, &seen));
}

/// A test's output is shown if it fails.
fn say(what: &str) {
    writeln!(std::io::stdout(), "{what}").expect("the test's output is read");
}

fn number(text: &str) -> u64 {
    text.parse().expect("a seed and a number of seconds are numbers")
}

const STORM_SECONDS: u64 = 15;
