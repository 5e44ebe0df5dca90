//! The guarantee: no request ever meets a backend that does not uphold all it demands at that moment, whatever happens
//! to backends, registrations, plan and snapshots while the request is on its way.
//!
//! Random [`History`](history::History)s are played on the real registry and the real snapshots, and told to a
//! [`Naive`](naive::Naive) one that knows only what was said last. Requests are made against snapshots of any age; they
//! pick, wait while history goes on, look again as the proxy does, and meet: then the naive world is asked whether they
//! may. Meanwhile backends are ejected, full, stalled and down, and pools say what becomes of requests then. What fails is
//! printed with its seed and every step that led there.

mod dice;
mod history;
mod naive;
mod requests;

use dice::Dice;
use history::History;

#[test]
fn no_request_ever_meets_a_backend_that_does_not_uphold_what_it_demands() {
    let mut sums = history::Sums::default();
    for seed in 0..HISTORIES {
        let mut history = History::begin(Dice::new(seed));
        for _ in 0..STEPS {
            history.step();
        }
        sums += history.end();
    }
    // A history in which nothing happens proves nothing.
    assert!(sums.met > HISTORIES * 5, "{sums:?}");
    assert!(sums.met_late > HISTORIES, "{sums:?}");
    assert!(sums.turned_away > HISTORIES / 4, "{sums:?}");
    assert!(sums.unknown > HISTORIES / 10, "{sums:?}");
    assert!(sums.nobody > HISTORIES / 10, "{sums:?}");
    for much in [sums.full, sums.trials, sums.sticky, sums.spilled] {
        assert!(much > HISTORIES / 10, "{sums:?}");
    }
    assert!(sums.last_resort > HISTORIES / 50, "{sums:?}");
    assert!(sums.stalled > HISTORIES / 100, "{sums:?}");
}

const HISTORIES: u64 = 3_000;
const STEPS: u32 = 120;
