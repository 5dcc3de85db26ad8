//! Text tables with a heading and several columns.

use std::fmt::{self, Display};

/// Rows under a heading; columns are as wide as they need to be.
pub struct Grid<const N: usize> {
    rows: Vec<[String; N]>,
    /// For each row, the remark that replaces its values, if any.
    notes: Vec<Option<String>>,
}

impl<const N: usize> Grid<N> {
    /// A table with a heading.
    pub fn new(heading: [&str; N]) -> Self {
        Self {
            rows: vec![heading.map(str::to_owned)],
            notes: vec![None],
        }
    }

    /// Adds a row.
    pub fn row(&mut self, values: [String; N]) {
        self.rows.push(values);
        self.notes.push(None);
    }

    /// Adds a row with a remark in place of values.
    pub fn note(&mut self, name: &str, remark: String) {
        let mut values = [const { String::new() }; N];
        if let Some(first) = values.first_mut() {
            *first = name.to_owned();
        }
        self.rows.push(values);
        self.notes.push(Some(remark));
    }
}

impl<const N: usize> Display for Grid<N> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut widths = [0; N];
        for row in &self.rows {
            for (width, value) in widths.iter_mut().zip(row) {
                *width = value.chars().count().max(*width);
            }
        }
        for (row, note) in self.rows.iter().zip(&self.notes) {
            let mut cells = row
                .iter()
                .zip(widths)
                .map(|(value, width)| format!("{value:width$}"));
            let line = match note {
                Some(note) => format!("{}  {note}", cells.next().unwrap_or_default()),
                None => cells.collect::<Vec<_>>().join("  "),
            };
            writeln!(f, "{}", line.trim_end())?;
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn columns_are_aligned() {
        let mut grid = Grid::new(["name", "x", "y"]);
        grid.row(["a", "12345", "1"].map(str::to_owned));
        grid.note("longer", "none".to_owned());
        let expected = "name    x      y\na       12345  1\nlonger  none\n";
        assert_eq!(grid.to_string(), expected);
    }
}
