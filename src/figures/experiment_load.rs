//! A folder of merged results as figures need it: its manifest, its plan, and its small tables.

use std::path::{Path, PathBuf};

use serde_json::Value;

use crate::error::{Error, Result};
use crate::output::files;

/// A small table.
#[derive(Clone, Debug, Default)]
pub struct Table {
    names: Vec<String>,
    /// Rows of cells.
    pub rows: Vec<Vec<String>>,
}

impl Table {
    /// Reads a table of CSV; nothing when there is no such file.
    pub fn read(path: &Path) -> Result<Option<Self>> {
        if !path.is_file() {
            return Ok(None);
        }
        let text = files::read_text(path)?;
        let mut lines = text.lines().filter(|line| !line.trim().is_empty());
        let names = lines.next().map(cells).unwrap_or_default();
        let rows: Vec<Vec<String>> = lines.map(cells).collect();
        if let Some(at) = rows.iter().position(|row| row.len() != names.len()) {
            return Err(Error::input(
                path.display().to_string(),
                format!("line {} has not as many cells as the header", at + 2),
            ));
        }
        Ok(Some(Self { names, rows }))
    }

    /// A cell; empty when there is no such column.
    pub fn word<'a>(&self, row: &'a [String], name: &str) -> &'a str {
        let at = self.names.iter().position(|n| n == name);
        at.and_then(|at| row.get(at)).map_or("", String::as_str)
    }

    /// A cell as a number; nothing when it is empty or none.
    pub fn number(&self, row: &[String], name: &str) -> Option<f64> {
        self.word(row, name).parse().ok().filter(|x: &f64| x.is_finite())
    }

    /// Number, lower and upper end of an interval.
    pub fn estimate(&self, row: &[String], name: &str, ends: &str) -> Option<Estimate> {
        let value = self.number(row, name)?;
        let low = self.number(row, &format!("{ends}_low"));
        let high = self.number(row, &format!("{ends}_high"));
        Some(Estimate {
            value,
            ends: low.zip(high),
        })
    }

    /// The different words of a column, in the order in which they come.
    pub fn words(&self, name: &str) -> Vec<String> {
        let mut found: Vec<String> = Vec::new();
        for row in &self.rows {
            let word = self.word(row, name);
            if !found.iter().any(|f| f == word) {
                found.push(word.to_owned());
            }
        }
        found
    }
}

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
        [crate::math::min(low, self.value), crate::math::max(high, self.value)]
    }
}

fn cells(line: &str) -> Vec<String> {
    let mut list = vec![String::new()];
    let mut is_quoted = false;
    let mut letters = line.chars().peekable();
    while let Some(c) = letters.next() {
        let last = list.len() - 1;
        match c {
            '"' if is_quoted && letters.peek() == Some(&'"') => {
                letters.next();
                list[last].push('"');
            }
            '"' => is_quoted = !is_quoted,
            ',' if !is_quoted => list.push(String::new()),
            c => list[last].push(c),
        }
    }
    list
}

/// An endpoint as an axis shows it.
#[derive(Clone, Debug, PartialEq)]
pub struct Shown {
    /// Name in the tables.
    pub name: String,
    /// Words with unit.
    pub label: String,
    /// Words without unit.
    pub words: String,
    /// From the unit of the tables to the one shown.
    pub factor: f64,
}

/// A folder of merged results.
#[derive(Clone, Debug)]
pub struct Results {
    /// Its folder.
    pub dir: PathBuf,
    /// `manifest.json`.
    pub manifest: Value,
    /// Endpoints, the primary one first, in the order of the plan.
    pub endpoints: Vec<Shown>,
}

/// Whether a folder holds merged results.
pub fn is_results(dir: &Path) -> bool {
    crate::experiment::merge::is_results(dir)
}

impl Results {
    /// Opens a folder of results.
    pub fn open(dir: &Path) -> Result<Self> {
        let read = |name: &str| -> Result<Value> {
            let path = dir.join(name);
            serde_json::from_slice(&files::read(&path)?)
                .map_err(|fault| Error::files(path.display(), format!("is not the record of results: {fault}")))
        };
        let (manifest, plan) = (read("manifest.json")?, read("plan.json")?);
        let days = manifest["days"].as_f64().unwrap_or(0.0);
        let listed = plan["outputs"]["endpoints"].as_array().cloned().unwrap_or_default();
        let primary = plan["outputs"]["primary"].as_u64().unwrap_or(0) as usize;
        let mut endpoints: Vec<Shown> = listed
            .iter()
            .filter_map(|e| Some(shown(e["name"].as_str()?, e["unit"].as_str().unwrap_or("-"), days)))
            .collect();
        if primary < endpoints.len() {
            let first = endpoints.remove(primary);
            endpoints.insert(0, first);
        }
        Ok(Self {
            dir: dir.to_owned(),
            manifest,
            endpoints,
        })
    }

    /// A table of the folder.
    pub fn table(&self, name: &str) -> Result<Option<Table>> {
        Table::read(&self.dir.join(name))
    }

    /// A word of the manifest.
    pub fn word(&self, key: &str) -> &str {
        self.manifest[key].as_str().unwrap_or("")
    }

    /// A number of the manifest.
    pub fn number(&self, key: &str) -> f64 {
        self.manifest[key].as_f64().unwrap_or(0.0)
    }

    /// Ids of the arms, the reference first.
    pub fn arms(&self) -> Vec<String> {
        let arms = self.manifest["arms"].as_array().cloned().unwrap_or_default();
        arms.iter()
            .filter_map(|arm| arm["id"].as_str().map(str::to_owned))
            .collect()
    }

    /// What was run, in a line: runs, days, seeds, and what is not whole.
    pub fn line(&self) -> String {
        let seeds = self.number("replicates");
        let mut text = format!(
            "{}  ·  {} runs of {} days  ·  {seeds} {} of each",
            self.word("name"),
            self.number("rows"),
            self.number("days"),
            if seeds == 1.0 { "site" } else { "sites" },
        );
        for (key, what) in [("failed", "failed"), ("missing", "missing"), ("dropped", "not needed")] {
            let n = self.number(key);
            if n > 0.0 {
                text.push_str(&format!("  ·  ▲ {n} {what}"));
            }
        }
        text
    }
}

/// An endpoint in words: fractions in per cent.
pub fn shown(name: &str, unit: &str, days: f64) -> Shown {
    let (when, bare) = match name.rsplit_once('.') {
        Some(("final", bare)) => (format!("day {days}"), bare),
        Some(("max", bare)) => ("highest".to_owned(), bare),
        Some(("read", bare)) => (format!("as measured, day {days}"), bare),
        Some((day, bare)) => {
            let day = day.trim_start_matches("at_").trim_start_matches("read_");
            (format!("day {}", day.trim_end_matches('d')), bare)
        }
        None => (String::new(), name),
    };
    let is_share = bare.ends_with("_fraction") && unit == "-";
    let is_date = when.is_empty() && bare.starts_with("t_");
    let stem = match () {
        () if is_date => format!(
            "day of {}",
            bare.trim_start_matches("t_").trim_end_matches("_d").replace('_', " ")
        ),
        () => bare
            .replace('_', " ")
            .trim_end_matches(" ug")
            .trim_end_matches(" mmhg")
            .to_owned(),
    };
    let unit = match (is_share, is_date, unit) {
        (true, ..) => "%".to_owned(),
        (_, true, _) => format!("d; none counts as {days}"),
        (.., "-" | "") => String::new(),
        (.., unit) => unit.to_owned(),
    };
    let words = if when.is_empty() {
        stem
    } else {
        format!("{stem}, {when}")
    };
    let label = if unit.is_empty() {
        words.clone()
    } else {
        format!("{words} ({unit})")
    };
    Shown {
        name: name.to_owned(),
        label,
        words,
        factor: if is_share { 100.0 } else { 1.0 },
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn endpoints_are_shown_in_words_and_per_cent() {
        let found = shown("final.necrotic_fraction", "-", 60.0);
        assert_eq!(
            (found.label.as_str(), found.factor),
            ("necrotic fraction, day 60 (%)", 100.0)
        );
        assert_eq!(
            shown("t_ulcer_d", "d", 45.0).label,
            "day of ulcer (d; none counts as 45)"
        );
        assert_eq!(shown("at_15d.mineral_ug", "µg", 45.0).label, "mineral, day 15 (µg)");
        assert_eq!(shown("read_15d.crp", "mg/L", 45.0).label, "crp, day 15 (mg/L)");
        assert_eq!(shown("read.crp", "mg/L", 45.0).label, "crp, as measured, day 45 (mg/L)");
    }
}
