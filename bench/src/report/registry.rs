//! The tables of the suite registry.

use super::{errors, micros, millis, section};
use crate::added::Added;
use crate::compare::{CPU, RATE, ratio, spread, verdict};
use crate::registry::{
    ALL, ANSWERED, BEATS, FEW, HEARTBEAT_US_MAX, LONE_BEATS, MANY, NAME, SERVED, SERVED_US_MAX, TITLE,
};
use crate::results::{Measured, Results, Spread, TimeSample};

/// Nothing if it was not measured.
pub(super) fn tables(results: &Results) -> String {
    let Some(measured) = results.scenarios.get(NAME) else {
        return String::new();
    };
    let mut text = section(NAME, TITLE, measured, "");
    text += "From the moment that a backend's PUT is sent, with the store's fsync and the proxy's probe in it:\n\n\
             | until | p50 (lowest to highest) | p99 (lowest to highest) | target for p99 | |\n|---|---|---|---|---|\n";
    text += &time_row(ANSWERED, None, measured).unwrap_or_default();
    text += &time_row(SERVED, Some(SERVED_US_MAX), measured).unwrap_or_default();
    text += "\n| | CPU of all threads, each (lowest to highest) | target | | each second | errors |\n|---|---|---|---|---|---|\n";
    for name in [BEATS, LONE_BEATS] {
        text += &beat_row(name, measured).unwrap_or_default();
    }
    text += "\n| requests, 128 bytes, 64 connections | CPU per request (lowest to highest) | added (95 % interval) | ratio | errors |\n\
             |---|---|---|---|---|\n";
    for name in [FEW, MANY, ALL] {
        text += &request_row(name, measured).unwrap_or_default();
    }
    text + "\nWhere the same three policies of two backends each are asked for, only the registry's size differs. Where all \
            are, there are also 10,000 connections to backends instead of a few, which the kernel and its caches pay for.\n\n"
}

fn time_row(name: &str, most: Option<f64>, measured: &Measured) -> Option<String> {
    let samples = measured.times.get(name)?;
    let over =
        |figure: fn(&TimeSample) -> u64| Spread::of(samples.iter().map(|sample| figure(sample) as f64));
    let (p50, p99) = (over(|sample| sample.p50_us)?, over(|sample| sample.p99_us)?);
    let target = most.map_or(" | ".to_owned(), |most| {
        format!("≤ {} | {}", millis(most), verdict(p99.median, most))
    });
    Some(format!(
        "| {name} | {} | {} | {target} |\n",
        range(p50),
        range(p99)
    ))
}

fn range(Spread { median, min, max }: Spread) -> String {
    format!("{} ({:.2} to {:.2})", millis(median), min / 1000.0, max / 1000.0)
}

fn beat_row(name: &str, measured: &Measured) -> Option<String> {
    let Spread { median, min, max } = spread(measured, name, CPU)?;
    Some(format!(
        "| {name} | {} ({min:.1} to {max:.1}) | ≤ {} | {} | {:.0} | {} |\n",
        micros(median),
        micros(HEARTBEAT_US_MAX),
        verdict(median, HEARTBEAT_US_MAX),
        spread(measured, name, RATE)?.median,
        errors(&measured.load[name])
    ))
}

fn request_row(name: &str, measured: &Measured) -> Option<String> {
    let samples = measured.load.get(name)?;
    let cpu = spread(measured, name, CPU)?;
    let added = Added::cpu(measured.load.get(FEW)?, samples).filter(|_| name != FEW);
    let added = added.map_or(String::new(), |added| {
        format!("{:.2} µs ({:.2} to {:.2})", added.median, added.low, added.high)
    });
    Some(format!(
        "| {name} | {} ({:.1} to {:.1}) | {added} | {:.2} | {} |\n",
        micros(cpu.median),
        cpu.min,
        cpu.max,
        ratio(measured, [name, FEW], CPU)?.median,
        errors(samples)
    ))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_registration_is_in_time_or_late_by_its_p99() {
        let measured = |p99_us| Measured {
            times: [(SERVED.to_owned(), vec![TimeSample { p50_us: 900, p99_us }])].into(),
            ..Measured::default()
        };
        let row = |p99_us| time_row(SERVED, Some(SERVED_US_MAX), &measured(p99_us)).unwrap();
        assert!(row(5000).ends_with("| ≤ 5.00 ms | met |\n"), "{}", row(5000));
        assert!(row(6000).contains("**missed** by 20 %"));
    }
}
