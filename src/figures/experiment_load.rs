//! A folder of merged results as figures need it: its manifest, its plan, and its small tables.

use std::path::{Path, PathBuf};

use serde_json::Value;

use super::words;
use crate::error::{Error, Result};
use crate::output::files;
use crate::output::records::Records;

/// An endpoint as an axis shows it.
#[derive(Clone, Debug, PartialEq)]
pub struct Shown {
    /// Name in the tables.
    pub name: String,
    /// Words with unit.
    pub label: String,
    /// Words without unit.
    pub words: String,
    /// Unit of a difference; empty where there is none.
    pub difference_unit: String,
    /// From the unit of the tables to the one shown.
    pub factor: f64,
    /// Day as which a date counts that did not come; nothing for what is no date.
    pub censored_at: Option<f64>,
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
    pub fn table(&self, name: &str) -> Result<Option<Records>> {
        let path = self.dir.join(name);
        let table = Records::read(&path)?;
        match table.as_ref().and_then(Records::uneven) {
            None => Ok(table),
            Some(row) => Err(Error::input(
                path.display().to_string(),
                format!("row {row} has not as many cells as the header"),
            )),
        }
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

/// An endpoint of runs of so many days, as an axis shows it.
pub fn shown(name: &str, unit: &str, days: f64) -> Shown {
    let said = words::said(name, unit, &format!("on day {days}"));
    let is_date = name.starts_with("t_");
    let unit = match said.unit.as_str() {
        unit if is_date => format!("{unit}; none counts as {days}"),
        unit => unit.to_owned(),
    };
    Shown {
        name: name.to_owned(),
        label: if unit.is_empty() {
            said.words.clone()
        } else {
            format!("{} ({unit})", said.words)
        },
        words: said.words,
        difference_unit: said.difference_unit,
        factor: said.factor,
        censored_at: is_date.then_some(days),
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
            ("tissue that ever died, on day 60 (%)", 100.0)
        );
        assert_eq!(
            shown("t_ulcer_d", "d", 45.0).label,
            "day of the ulcer (d; none counts as 45)"
        );
        assert_eq!(shown("at_15d.mineral_ug", "µg", 45.0).label, "mineral, on day 15 (µg)");
    }
}
