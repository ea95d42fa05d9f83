//! Tables of CSV read back: cells of a line, and tables of words with named columns.

use std::path::Path;

use super::files;
use crate::error::Result;
use crate::math;

/// A number with its interval.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Estimate {
    /// The number.
    pub value: f64,
    /// Ends of its interval.
    pub ends: Option<(f64, f64)>,
}

impl Estimate {
    /// The same in another unit.
    pub fn times(self, factor: f64) -> Self {
        Self {
            value: factor * self.value,
            ends: self.ends.map(|(low, high)| (factor * low, factor * high)),
        }
    }

    /// Least and largest number that it spans.
    pub fn reach(self) -> [f64; 2] {
        let (low, high) = self.ends.unwrap_or((self.value, self.value));
        [math::min(low, self.value), math::max(high, self.value)]
    }
}

/// A table of CSV: quotes where a writer needed them, lines of any kind.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Records {
    names: Vec<String>,
    rows: Vec<Vec<String>>,
}

/// One row of a table.
#[derive(Clone, Copy, Debug)]
pub struct Record<'a> {
    names: &'a [String],
    cells: &'a [String],
}

impl Records {
    /// Reads a table; nothing when there is no such file.
    pub fn read(path: &Path) -> Result<Option<Self>> {
        if !path.is_file() {
            return Ok(None);
        }
        Ok(Some(Self::parse(&files::read_text(path)?)))
    }

    /// A table from its text. A row that is too short has empty cells.
    pub fn parse(text: &str) -> Self {
        let mut lines = lines(text).into_iter();
        let names = lines.next().unwrap_or_default();
        Self {
            names: names.iter().map(|name| name.trim().to_owned()).collect(),
            rows: lines.collect(),
        }
    }

    /// The first row, counted from 1, that has not as many cells as the header.
    pub fn uneven(&self) -> Option<usize> {
        let wrong = |row: &Vec<String>| row.len() != self.names.len();
        self.rows.iter().position(wrong).map(|at| at + 1)
    }

    /// The rows, in order.
    pub fn rows(&self) -> impl Iterator<Item = Record<'_>> {
        let names = self.names.as_slice();
        self.rows.iter().map(move |cells| Record { names, cells })
    }

    /// Whether there is such a column.
    pub fn has(&self, name: &str) -> bool {
        self.names.iter().any(|n| n == name)
    }

    /// Names of the columns.
    pub fn names(&self) -> &[String] {
        &self.names
    }

    /// Different words of a column, in the order in which they come.
    pub fn words(&self, name: &str) -> Vec<String> {
        let mut found: Vec<String> = Vec::new();
        for row in self.rows() {
            let word = row.text(name);
            if !found.iter().any(|f| f == word) {
                found.push(word.to_owned());
            }
        }
        found
    }
}

impl<'a> Record<'a> {
    /// The text of a column; empty where there is none.
    pub fn text(&self, name: &str) -> &'a str {
        let at = self.names.iter().position(|n| n == name);
        at.and_then(|i| self.cells.get(i)).map_or("", |cell| cell.trim())
    }

    /// The number of a column; nothing where the cell is empty or no number.
    pub fn number(&self, name: &str) -> Option<f64> {
        self.text(name).parse().ok().filter(|x: &f64| x.is_finite())
    }

    /// The number of a column with the ends of its interval, `<ends>_low` and `<ends>_high`.
    pub fn estimate(&self, name: &str, ends: &str) -> Option<Estimate> {
        let end = |side: &str| self.number(&format!("{ends}_{side}"));
        Some(Estimate {
            value: self.number(name)?,
            ends: end("low").zip(end("high")),
        })
    }
}

/// Cells of one line, quotes taken off.
pub fn cells(line: &str) -> Vec<String> {
    lines(line).into_iter().next().unwrap_or_else(|| vec![String::new()])
}

/// Cells line by line; a line break inside quotes belongs to its cell. Empty lines are left out.
pub fn lines(text: &str) -> Vec<Vec<String>> {
    let (mut all, mut line, mut cell, mut quoted) = (Vec::new(), Vec::new(), String::new(), false);
    let mut letters = text.chars().peekable();
    while let Some(c) = letters.next() {
        match c {
            '"' if quoted && letters.peek() == Some(&'"') => {
                letters.next();
                cell.push('"');
            }
            '"' => quoted = !quoted,
            ',' if !quoted => line.push(std::mem::take(&mut cell)),
            '\r' if !quoted => {}
            '\n' if !quoted => {
                line.push(std::mem::take(&mut cell));
                all.push(std::mem::take(&mut line));
            }
            c => cell.push(c),
        }
    }
    if !cell.is_empty() || !line.is_empty() {
        line.push(cell);
        all.push(line);
    }
    all.retain(|line| line.len() > 1 || line.iter().any(|cell| !cell.trim().is_empty()));
    all
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn cells_may_hold_commas_quotes_and_line_breaks() {
        let table = Records::parse("arm,error,x\r\na,\"two\nlines, \"\"quoted\"\"\",1.5\n\nb,,\n");
        let rows: Vec<Record> = table.rows().collect();
        assert_eq!(rows.len(), 2);
        assert_eq!(rows[0].text("error"), "two\nlines, \"quoted\"");
        assert_eq!(rows[0].number("x"), Some(1.5));
        assert_eq!((rows[1].number("x"), rows[1].text("none")), (None, ""));
        assert_eq!(table.words("arm"), ["a", "b"]);
        assert!(table.has("x") && !table.has("y"));
        assert_eq!(table.uneven(), None);
        assert_eq!(Records::parse("a,b\n1,2\n3\n").uneven(), Some(2));
    }

    #[test]
    fn cells_of_a_line_may_be_quoted_and_empty() {
        assert_eq!(cells("a,\"b,\"\"c\",,d"), ["a", "b,\"c", "", "d"]);
        assert_eq!(cells(""), [""]);
        assert_eq!(cells("1,"), ["1", ""]);
    }

    #[test]
    fn an_interval_has_both_ends_or_none() {
        let table = Records::parse("x,ci_low,ci_high\n1,0,3\n1,0,\n");
        let found: Vec<_> = table.rows().filter_map(|row| row.estimate("x", "ci")).collect();
        assert_eq!(found[0].times(2.0).ends, Some((0.0, 6.0)));
        assert_eq!((found[1].ends, found[1].reach()), (None, [1.0, 1.0]));
    }
}
