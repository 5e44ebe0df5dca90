//! The tables of trials: of the suites failover and scale.

use super::section;
use crate::results::{Measured, Results};
use crate::trial::{Column, Trial};

/// One table for each that was measured.
pub(super) fn tables(trials: &[&Trial], results: &Results) -> String {
    let measured = trials.iter().filter_map(|trial| {
        let measured = results.scenarios.get(trial.name)?;
        Some(table(trial, measured))
    });
    measured.collect()
}

fn table(trial: &Trial, measured: &Measured) -> String {
    let text = section(trial.name, trial.title, measured, "");
    let heads: String = trial
        .columns
        .iter()
        .map(|column| format!(" {} |", head(column)))
        .collect();
    let line = "---|".repeat(trial.columns.len());
    let rows: String = trial
        .entrants
        .iter()
        .filter_map(|entrant| {
            measured.figures.get(entrant.name)?;
            let cells = trial
                .columns
                .iter()
                .map(|column| format!(" {} |", column.cell(entrant, &measured.figures)));
            Some(format!("| {} |{}\n", entrant.name, cells.collect::<String>()))
        })
        .collect();
    format!(
        "{text}{} Medians, and in brackets the lowest and highest round.\n\n| |{heads}\n|---|{line}\n{rows}\n",
        trial.note
    )
}

fn head(column: &Column) -> String {
    match column.wanted() {
        Some(wanted) => format!("{} (target {wanted})", column.name),
        None => column.name.to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::failover::TRIALS;
    use crate::trial::Series;

    #[test]
    fn a_row_says_whether_the_target_is_met_where_there_is_one() {
        let trial = TRIALS[0];
        let [judged, other] = [true, false].map(|is_judged| {
            trial
                .entrants
                .iter()
                .find(|entrant| entrant.is_judged == is_judged)
                .unwrap()
                .name
        });
        let column = trial
            .columns
            .iter()
            .find(|column| column.target.is_some())
            .unwrap();
        let series = |values: [f64; 3]| [(column.name.to_owned(), values.to_vec())].into();
        let figures: Series = [
            (judged.to_owned(), series([0.0, 0.0, 7.0])),
            (other.to_owned(), series([9.0, 9.0, 9.0])),
        ]
        .into();
        let measured = Measured {
            figures,
            ..Measured::default()
        };
        let table = table(trial, &measured);
        assert!(table.contains(" 0 (0 to 7), met by the median |"), "{table}");
        assert!(table.contains(" 9 |") && !table.contains("9, "), "{table}");
        let rows: Vec<&str> = table.lines().filter(|line| line.starts_with('|')).collect();
        assert_eq!(rows.len(), 4);
        assert!(
            rows.iter()
                .all(|row| row.matches('|').count() == trial.columns.len() + 2),
            "{table}"
        );
    }
}
