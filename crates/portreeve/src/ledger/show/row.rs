//! A record as a line of a table.

use std::fmt;

use serde_json::{Map, Value};

use super::super::verify::printable;

/// What is shown of a record, column by column. Widths are fixed, as rows are printed while the file is read.
pub(super) struct Row([String; 8]);

impl Row {
    pub(super) fn heading() -> Self {
        Self(
            [
                "N", "TIME", "POLICIES", "ROUTE", "BACKEND", "TRIES", "STATUS", "OUTCOME",
            ]
            .map(str::to_owned),
        )
    }

    /// Of a request, or of an event: its name then stands where the route does.
    pub(super) fn of(record: &Map<String, Value>) -> Self {
        let text = |key: &str| record.get(key).map_or_else(String::new, shown);
        let route = if record.contains_key("event") {
            text("event")
        } else {
            text("route")
        };
        let policies: Vec<String> = policies(record).map(printable).collect();
        Self([
            text("n"),
            text("at"),
            policies.join(","),
            route,
            text("backend"),
            text("attempts"),
            text("status"),
            outcome(record),
        ])
    }
}

impl fmt::Display for Row {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let line: String = self
            .0
            .iter()
            .zip(WIDTHS)
            .map(|(cell, width)| format!("{cell:<width$} "))
            .collect();
        f.write_str(line.trim_end())
    }
}

/// The policies that a record speaks of.
pub(super) fn policies(record: &Map<String, Value>) -> impl Iterator<Item = &str> {
    let listed = record
        .get("policies")
        .and_then(Value::as_array)
        .into_iter()
        .flatten();
    listed.filter_map(Value::as_str)
}

fn outcome(record: &Map<String, Value>) -> String {
    let parts = ["outcome", "cause"].map(|key| record.get(key).map_or_else(String::new, shown));
    match parts {
        [outcome, cause] if cause.is_empty() => outcome,
        [outcome, cause] => format!("{outcome}: {cause}"),
    }
}

fn shown(value: &Value) -> String {
    match value {
        Value::Null => String::new(),
        Value::String(text) => printable(text),
        other => other.to_string(),
    }
}

const WIDTHS: [usize; 8] = [8, 24, 16, 18, 22, 5, 6, 0];

#[cfg(test)]
mod tests {
    use super::*;

    fn row(json: &str) -> String {
        Row::of(&serde_json::from_str(json).unwrap()).to_string()
    }

    #[test]
    fn a_request_has_a_cell_in_each_column() {
        let row = row(
            r#"{"n":7,"at":"T","policies":["eu","hipaa"],"route":"shop","backend":"a1","attempts":2,
            "status":502,"outcome":"backend","cause":"connect_refused"}"#,
        );
        let cells: Vec<&str> = row.split_whitespace().collect();
        assert_eq!(
            cells,
            [
                "7",
                "T",
                "eu,hipaa",
                "shop",
                "a1",
                "2",
                "502",
                "backend:",
                "connect_refused"
            ]
        );
    }

    #[test]
    fn an_event_stands_where_the_route_does() {
        let row = row(r#"{"n":7,"at":"T","event":"registered","backend":"a1","policies":["eu"]}"#);
        let cells: Vec<&str> = row.split_whitespace().collect();
        assert_eq!(cells, ["7", "T", "eu", "registered", "a1"]);
    }

    #[test]
    fn nothing_in_a_record_commands_the_terminal() {
        let row = row(r#"{"n":7,"route":"\u001b[2Jgone\nhere"}"#);
        assert!(!row.chars().any(char::is_control), "{row:?}");
    }
}
