//! The tables of the suite packets.

use super::{errors, micros, millis, section};
use crate::compare::{CPU, Figure, P99, RATE, ratio, spread};
use crate::packets::{CLIENTS, Clients, KEEPING, ORIGINAL, PORTREEVE, RATIO_MIN};
use crate::results::{Measured, Results, Spread};

/// One for each way to use connections.
pub(super) fn tables(results: &Results) -> String {
    let tables = CLIENTS.iter().filter_map(|clients| {
        let measured = results.scenarios.get(clients.name)?;
        Some(table(clients, measured))
    });
    tables.collect()
}

fn table(clients: &Clients, measured: &Measured) -> String {
    let mut text = section(clients.name, clients.title, measured, "");
    text += "Six servers in three policies, 64 clients; proxy, servers and load share both cores.\n\n\
             | | packets/s (lowest to highest) | by the original's | target | | CPU per packet | of servers and load | p50 | p99 \
             | errors and losses |\n|---|---|---|---|---|---|---|---|---|---|\n";
    for name in [PORTREEVE, KEEPING, ORIGINAL] {
        text += &row(name, measured).unwrap_or_default();
    }
    text + "\n" + &bound(measured).unwrap_or_default()
}

fn row(name: &str, measured: &Measured) -> Option<String> {
    let median = |figure| Some(spread(measured, name, figure)?.median);
    let rate = spread(measured, name, RATE)?;
    Some(format!(
        "| {name} | {:.0} ({:.0} to {:.0}) | {} | {} | {} | {} | {} | {} |\n",
        rate.median,
        rate.min,
        rate.max,
        if name == ORIGINAL {
            "1.0 | |".to_owned()
        } else {
            target(name, measured)?
        },
        micros(median(CPU)?),
        micros(median(OTHERS)?),
        millis(median(|sample| sample.p50_us as f64)?),
        millis(median(P99)?),
        errors(&measured.load[name])
    ))
}

/// The rate by the original's, against the target for it.
fn target(name: &str, measured: &Measured) -> Option<String> {
    let Spread { median, min, max } = ratio(measured, [name, ORIGINAL], RATE)?;
    Some(format!(
        "{median:.1} ({min:.1} to {max:.1}) | ≥ {RATIO_MIN:.0}, no loss | {}",
        if median >= RATIO_MIN && errors(&measured.load[name]) == 0 {
            "met"
        } else {
            "**missed**"
        }
    ))
}

/// What no proxy could exceed beside these servers and this load.
fn bound(measured: &Measured) -> Option<String> {
    let others = spread(measured, PORTREEVE, OTHERS)?.median;
    let rate = spread(measured, ORIGINAL, RATE)?.median;
    let most = CORES * 1e6 / others;
    Some(format!(
        "Servers and load alone need {} for a packet, so a proxy that took no time at all would reach {most:.0} packets/s on \
         these two cores: {:.1} times the original's.\n\n",
        micros(others),
        most / rate
    ))
}

/// CPU time of servers and load per packet.
const OTHERS: Figure = |sample| sample.others_us.unwrap_or_default();
const CORES: f64 = 2.0;

#[cfg(test)]
mod tests {
    use super::*;
    use crate::results::LoadSample;

    fn measured(rate: f64, errors: u64) -> Measured {
        let sample = |requests_per_second, errors| LoadSample {
            requests_per_second,
            cpu_us: 1.0,
            others_us: Some(50.0),
            errors,
            ..LoadSample::default()
        };
        Measured {
            load: [
                (PORTREEVE.to_owned(), vec![sample(rate, errors)]),
                (ORIGINAL.to_owned(), vec![sample(100.0, 0)]),
            ]
            .into(),
            ..Measured::default()
        }
    }

    #[test]
    fn twenty_times_the_rate_is_enough_and_one_loss_is_too_many() {
        assert!(!table(&CLIENTS[0], &measured(2000.0, 0)).contains("missed"));
        assert!(table(&CLIENTS[0], &measured(1999.0, 0)).contains("| **missed** |"));
        assert!(table(&CLIENTS[0], &measured(2000.0, 1)).contains("| **missed** |"));
    }

    #[test]
    fn servers_and_load_bound_what_can_be_reached() {
        let bound = bound(&measured(2000.0, 0)).unwrap();
        assert!(
            bound.contains("40000 packets/s") && bound.contains("400.0 times"),
            "{bound}"
        );
    }
}
