//! The tables of the suites policies and ledger.

use super::{disturbance, errors, micros, section};
use crate::added::Added;
use crate::compare::{CPU, RATE, spread};
use crate::results::{Measured, Results};
use crate::routes::Routes;

/// What each route adds to the first one; nothing if it was not measured.
pub(super) fn table(routes: &Routes, results: &Results) -> String {
    let Some(measured) = results.scenarios.get(routes.name) else {
        return String::new();
    };
    let busy = disturbance(measured).unwrap_or_default();
    let mut text = section(routes.name, routes.title, measured, &busy);
    text += "One process, in turns; added: the median of the rounds' differences, and its 95 % interval.\n\n\
             | | CPU per request (lowest to highest) | added (95 % interval) | target | | requests/s | errors |\n\
             |---|---|---|---|---|---|---|\n";
    for route in &routes.routes {
        text += &row(route.name, routes, measured).unwrap_or_default();
    }
    text + "\n"
}

fn row(name: &str, routes: &Routes, measured: &Measured) -> Option<String> {
    let samples = measured.load.get(name)?;
    let cpu = spread(measured, name, CPU)?;
    let base = routes.routes[0].name;
    let added = if name == base {
        "| |".to_owned()
    } else {
        added(
            &Added::cpu(measured.load.get(base)?, samples)?,
            routes.added_us_max,
        )
    };
    Some(format!(
        "| {name} | {} ({:.1} to {:.1}) | {added} | {:.0} | {} |\n",
        micros(cpu.median),
        cpu.min,
        cpu.max,
        spread(measured, name, RATE)?.median,
        errors(samples)
    ))
}

fn added(added: &Added, most: f64) -> String {
    let Added { median, low, high } = added;
    format!(
        "{median:.2} µs ({low:.2} to {high:.2}) | ≤ {most:.1} µs | {}",
        added.verdict(most)
    )
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::results::LoadSample;
    use crate::routes::LEDGER;

    #[test]
    fn every_row_has_as_many_cells_as_the_head() {
        let samples = |cpu_us| {
            vec![LoadSample {
                cpu_us,
                ..LoadSample::default()
            }]
        };
        let measured = Measured {
            load: [("off", 10.0), ("on", 10.5), ("required", 12.0)]
                .map(|(name, cpu)| (name.to_owned(), samples(cpu)))
                .into(),
            ..Measured::default()
        };
        let rows: String = LEDGER
            .routes
            .iter()
            .filter_map(|route| row(route.name, &LEDGER, &measured))
            .collect();
        assert_eq!(rows.lines().count(), 3);
        assert!(rows.lines().all(|row| row.matches('|').count() == 8), "{rows}");
        assert!(rows.contains("0.50 µs (0.50 to 0.50) | ≤ 1.0 µs | met |"));
        assert!(rows.contains("2.00 µs (2.00 to 2.00) | ≤ 1.0 µs | **missed** |"));
    }
}
