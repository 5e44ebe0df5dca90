//! Aligned columns for people.

use std::fmt;

/// Rows under a heading; each column is as wide as its widest cell, two spaces apart.
#[derive(Debug)]
pub(crate) struct Table {
    columns: &'static [Column],
    rows: Vec<Vec<String>>,
}

/// A heading, and to which side its cells are moved.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Column {
    Text(&'static str),
    Number(&'static str),
}

impl Table {
    pub(crate) fn new(columns: &'static [Column]) -> Self {
        Self {
            columns,
            rows: Vec::new(),
        }
    }

    /// Adds a row with a cell for each column.
    pub(crate) fn push<const CELLS: usize>(&mut self, cells: [String; CELLS]) {
        debug_assert_eq!(CELLS, self.columns.len());
        self.rows.push(cells.into());
    }

    fn width(&self, place: usize, column: Column) -> usize {
        let cells = self.rows.iter().map(|row| row[place].chars().count());
        cells.chain([column.heading().chars().count()]).max().unwrap_or(0)
    }
}

impl Column {
    fn heading(self) -> &'static str {
        match self {
            Self::Text(heading) | Self::Number(heading) => heading,
        }
    }

    fn aligned(self, cell: &str, width: usize) -> String {
        match self {
            Self::Text(_) => format!("{cell:<width$}"),
            Self::Number(_) => format!("{cell:>width$}"),
        }
    }
}

/// One line a row, without spaces at its end; a character counts as one place.
impl fmt::Display for Table {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        let headings = self
            .columns
            .iter()
            .map(|column| column.heading().to_owned())
            .collect();
        let columns = self.columns.iter().enumerate();
        let widths: Vec<_> = columns
            .map(|(place, column)| self.width(place, *column))
            .collect();
        for row in std::iter::once(&headings).chain(&self.rows) {
            let cells = row.iter().zip(self.columns).zip(&widths);
            let line: Vec<_> = cells
                .map(|((cell, column), width)| column.aligned(cell, *width))
                .collect();
            writeln!(out, "{}", line.join("  ").trim_end())?;
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn columns_are_as_wide_as_they_must_be_and_numbers_stand_right() {
        let mut table = Table::new(&[
            Column::Text("ID"),
            Column::Number("WEIGHT"),
            Column::Text("POLICIES"),
        ]);
        table.push(["a-long-one".into(), "7".into(), "eu".into()]);
        table.push(["b".into(), "1000".into(), String::new()]);

        assert_eq!(
            table.to_string(),
            "ID          WEIGHT  POLICIES\n\
             a-long-one       7  eu\n\
             b             1000\n"
        );
    }
}
