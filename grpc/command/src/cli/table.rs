//! Text tables with one name and one value per line, aligned.

use std::fmt::{self, Display};

/// Named values in the order in which they are printed.
#[derive(Default)]
pub struct Table(Vec<(String, String)>);

impl Table {
    /// Adds a line.
    pub fn row(&mut self, name: impl Display, value: impl Display) {
        self.0.push((name.to_string(), value.to_string()));
    }

    /// Adds a line if there is a value.
    pub fn row_if(&mut self, name: impl Display, value: Option<impl Display>) {
        if let Some(value) = value {
            self.row(name, value);
        }
    }
}

impl Display for Table {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let width = self
            .0
            .iter()
            .map(|(name, _)| name.chars().count())
            .max()
            .unwrap_or(0);
        for (name, value) in &self.0 {
            writeln!(f, "{name:width$}  {value}")?;
        }
        Ok(())
    }
}

/// Formats a number of bytes, such as `1.5 MiB`.
pub fn bytes(bytes: u64) -> String {
    scaled(bytes as f64, 1024.0, &["B", "KiB", "MiB", "GiB", "TiB"])
}

/// Formats a rate, such as `76.6 M/s`.
pub fn per_second(rate: f64) -> String {
    format!("{}/s", scaled(rate, 1000.0, &["", "k", "M", "G", "T"]))
}

fn scaled(mut value: f64, step: f64, units: &[&str]) -> String {
    let mut unit = 0;
    while value >= step && unit + 1 < units.len() {
        value /= step;
        unit += 1;
    }
    let decimals = if unit == 0 || value >= 100.0 { 0 } else { 1 };
    format!("{value:.decimals$} {}", units[unit])
        .trim_end()
        .to_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_aligned() {
        let mut table = Table::default();
        table.row("a", 1);
        table.row("long", "x");
        table.row_if("none", None::<u64>);
        assert_eq!(table.to_string(), "a     1\nlong  x\n");
    }

    #[test]
    fn numbers_for_people() {
        assert_eq!(bytes(512), "512 B");
        assert_eq!(bytes(3 << 19), "1.5 MiB");
        assert_eq!(bytes(200 << 30), "200 GiB");
        assert_eq!(per_second(76_600_000.0), "76.6 M/s");
        assert_eq!(per_second(12.0), "12/s");
    }
}
