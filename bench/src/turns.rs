//! Measuring in turns: each entrant in each round, one at a time.

use std::collections::BTreeMap;
use std::time::Duration;

use crate::fault::Fault;
use crate::load::Counted;
use crate::process::Process;
use crate::results::LoadSample;

/// The samples of each entrant, by its name, in the order of the rounds.
pub(crate) type Samples = BTreeMap<String, Vec<LoadSample>>;

/// Takes a sample of each entrant in each round, in an order that turns by one from round to round.
pub(crate) fn in_turns<E>(
    rounds: usize,
    entrants: &mut [E],
    name: impl Fn(&E) -> &str,
    mut sample: impl FnMut(&mut E) -> Result<LoadSample, Fault>,
) -> Result<Samples, Fault> {
    let mut samples = Samples::new();
    for round in 1..=rounds {
        for entrant in entrants.iter_mut() {
            let sample = sample(entrant)?;
            print(round, name(entrant), &sample);
            samples.entry(name(entrant).to_owned()).or_default().push(sample);
        }
        entrants.rotate_left(1);
    }
    Ok(samples)
}

/// What the program spends while `load` runs, and for as long after it as it may still be busy with what that left behind.
pub(crate) fn under(
    process: &mut Process,
    load: impl FnOnce() -> Result<Counted, Fault>,
    settle: Duration,
) -> Result<LoadSample, Fault> {
    let before = process.core_time();
    let counted = load()?;
    std::thread::sleep(settle);
    let time = process.core_time().since(before);
    process.must_run()?;
    Ok(LoadSample {
        cpu_us: time.used.as_secs_f64() * 1e6 / counted.requests.max(1) as f64,
        waited: time.waited.as_secs_f64() / time.used.as_secs_f64().max(f64::MIN_POSITIVE),
        requests_per_second: counted.requests_per_second(),
        p50_us: counted.p50_us,
        p99_us: counted.p99_us,
        p999_us: counted.p999_us,
        requests: counted.requests,
        errors: counted.errors(),
        others_us: None,
    })
}
fn print(round: usize, name: &str, sample: &LoadSample) {
    let LoadSample {
        cpu_us,
        waited,
        requests_per_second,
        p50_us,
        p99_us,
        p999_us,
        errors,
        ..
    } = sample;
    println!(
        "  {round} {name:<12} {cpu_us:>8.2} us/request {requests_per_second:>8.0}/s  \
         p50 {p50_us:>6} p99 {p99_us:>6} p99.9 {p999_us:>6} us  waited {:>3.0} %{}",
        waited * 100.0,
        if *errors > 0 {
            format!("  {errors} ERRORS")
        } else {
            String::new()
        }
    );
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn everybody_has_a_turn_in_each_round_and_each_begins_one() {
        let mut turns = Vec::new();
        let samples = in_turns(
            2,
            &mut ["a", "b"],
            |name| name,
            |name| {
                turns.push(*name);
                Ok(LoadSample::default())
            },
        );
        assert_eq!(turns, ["a", "b", "b", "a"]);
        let samples = samples.unwrap();
        assert_eq!((samples["a"].len(), samples["b"].len()), (2, 2));
    }
}
