//! Reads what figures need of a run folder or a folder of a comparison.

use std::path::{Path, PathBuf};

use crate::error::{Error, Result};
use crate::output::records::cells;
use crate::output::snapshots;
use crate::state::Snapshot;

/// Extension of snapshots: zstd of the postcard of a [`Snapshot`].
const SNAPSHOT_EXTENSION: &str = "snap";

/// PO2 below which living tissue counts as hypoxic when the folder does not say [mmHg].
const HYPOXIA_MMHG: f64 = 15.0;

/// A table of numbers with named columns; an empty cell is `None`.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Table {
    names: Vec<String>,
    rows: Vec<Vec<Option<f64>>>,
}

impl Table {
    /// A column by its name, as (day, value); `None` when there is no such column or nothing in it.
    pub fn series(&self, name: &str) -> Option<Vec<(f64, Option<f64>)>> {
        let day = self.names.iter().position(|n| n == "t_d")?;
        let column = self.names.iter().position(|n| n == name)?;
        let values: Vec<_> = self
            .rows
            .iter()
            .filter_map(|row| Some((row[day]?, row[column])))
            .collect();
        values.iter().any(|(_, v)| v.is_some()).then_some(values)
    }

    /// Last day.
    pub fn last_day(&self) -> Option<f64> {
        let day = self.names.iter().position(|n| n == "t_d")?;
        self.rows.last().and_then(|row| row[day])
    }

    fn read(path: &Path, still_growing: bool) -> Result<Self> {
        let text = read_text(path)?;
        let mut lines = text.lines();
        let names: Vec<String> = lines
            .next()
            .map(cells)
            .unwrap_or_default()
            .into_iter()
            .map(|name| name.trim().to_owned())
            .collect();
        if !names.iter().any(|n| n == "t_d") {
            return Err(fault(path, 1, "the first line must name the columns, `t_d` among them"));
        }
        let mut rows = Vec::new();
        let mut lines = lines.enumerate().peekable();
        while let Some((i, line)) = lines.next() {
            if line.trim().is_empty() {
                continue;
            }
            let row: Option<Vec<Option<f64>>> = cells(line).iter().map(|c| cell(c)).collect();
            match row {
                Some(row) if row.len() == names.len() => rows.push(row),
                // A run that still writes may have half a last line.
                _ if still_growing && lines.peek().is_none() => {}
                _ => {
                    return Err(fault(
                        path,
                        i + 2,
                        &format!("expected {} numbers or empty cells", names.len()),
                    ));
                }
            }
        }
        if rows.is_empty() {
            return Err(fault(path, 2, "no row yet: nothing to draw"));
        }
        Ok(Self { names, rows })
    }
}

/// A moment to mark: a challenge, a dose, a procedure.
#[derive(Clone, Debug, PartialEq)]
pub struct Mark {
    /// Day.
    pub day: f64,
    /// Kind as in `events.csv`.
    pub kind: String,
    /// What it was: `msc`, `trauma`.
    pub what: String,
}

/// A run folder.
#[derive(Clone, Debug)]
pub struct Run {
    /// Name of the scenario.
    pub scenario: String,
    /// Seed.
    pub seed: Option<u64>,
    /// Planned days.
    pub days: Option<f64>,
    /// `running`, `complete`, `stopped`, `failed`.
    pub status: String,
    /// Days of the first tenth and of nine tenths of the final necrosis.
    pub t10_t90_d: Option<[f64; 2]>,
    /// PO2 below which tissue counts as hypoxic [mmHg].
    pub hypoxia_mmhg: f64,
    /// Time series.
    pub series: Table,
    /// Marks in order of time.
    pub marks: Vec<Mark>,
    /// Snapshots in order of time.
    pub snapshots: Vec<(f64, PathBuf)>,
    /// The resolved scenario; empty when the folder has none.
    pub scenario_table: toml::Table,
}

impl Run {
    /// Reads a run folder.
    pub fn open(dir: &Path) -> Result<Self> {
        if !dir.exists() {
            return Err(Error::files(dir.display(), "there is no such folder"));
        }
        let (run_json, series) = (dir.join("run.json"), dir.join("series.csv"));
        if !run_json.is_file() || !series.is_file() {
            return Err(Error::input(
                dir.display().to_string(),
                "this is not a run folder: `run.json` and `series.csv` are expected in it",
            ));
        }
        let run = read_json(&run_json)?;
        let summary_path = dir.join("summary.json");
        let summary = if summary_path.is_file() {
            read_json(&summary_path)?
        } else {
            serde_json::Value::Null
        };
        let text = |value: &serde_json::Value, key: &str| value.get(key).and_then(|v| v.as_str()).map(str::to_owned);
        let number = |value: &serde_json::Value, key: &str| value.get(key).and_then(|v| v.as_f64());
        let written = scenario_toml(&dir.join("scenario.toml"));
        let folder = dir
            .file_name()
            .map(|n| n.to_string_lossy().into_owned())
            .unwrap_or_default();
        let status = text(&run, "status").unwrap_or_else(|| "unknown".to_owned());
        Ok(Self {
            scenario: text(&summary, "scenario")
                .or_else(|| text(&run, "scenario"))
                .or_else(|| written.get("name")?.as_str().map(str::to_owned))
                .unwrap_or(folder),
            seed: run.get("seed").or_else(|| summary.get("seed")).and_then(|v| v.as_u64()),
            days: number(&run, "days").or_else(|| number(&summary, "days")),
            t10_t90_d: number(&summary, "t10_d")
                .zip(number(&summary, "t90_d"))
                .map(|(a, b)| [a, b]),
            hypoxia_mmhg: hypoxia(&written),
            series: Table::read(&series, status != "complete")?,
            marks: read_marks(&dir.join("events.csv"))?,
            snapshots: snapshots::list(&dir.join("snapshots"))?,
            scenario_table: written,
            status,
        })
    }

    /// What a reader must know when the run did not end as planned; empty when it did.
    pub fn caveat(&self) -> String {
        let reached = self.series.last_day().unwrap_or(0.0);
        let planned = self.days.map_or(String::new(), |d| format!(" of {d}"));
        match self.status.as_str() {
            "complete" => String::new(),
            "running" => format!("run in progress: day {reached}{planned}"),
            other => format!("run {other} at day {reached}{planned}"),
        }
    }
}

/// One arm of a comparison.
#[derive(Clone, Debug)]
pub struct Arm {
    /// Name: the file stem of its scenario.
    pub name: String,
    /// Series of each seed that ended, in order of seeds.
    pub series: Vec<(u64, Table)>,
    /// Snapshots by seed.
    pub snapshots: Vec<(u64, PathBuf)>,
}

/// A folder of a comparison.
#[derive(Clone, Debug)]
pub struct Compare {
    /// Arms, the reference first.
    pub arms: Vec<Arm>,
    /// Runs that failed.
    pub failed: usize,
    /// PO2 below which tissue counts as hypoxic [mmHg].
    pub hypoxia_mmhg: f64,
}

impl Compare {
    /// Length of the longest run [d].
    pub fn days(&self) -> f64 {
        let series = self.arms.iter().flat_map(|arm| &arm.series);
        series
            .filter_map(|(_, table)| table.last_day())
            .fold(0.0, crate::math::max)
    }

    /// Reads a folder of a comparison.
    pub fn open(dir: &Path) -> Result<Self> {
        if !dir.exists() {
            return Err(Error::files(dir.display(), "there is no such folder"));
        }
        let runs = dir.join("runs.csv");
        if !runs.is_file() {
            return Err(Error::input(
                dir.display().to_string(),
                "this is not a folder of a comparison: `runs.csv` is expected in it",
            ));
        }
        let text = read_text(&runs)?;
        let mut lines = text.lines();
        let names = lines.next().map(cells).unwrap_or_default();
        let column = |name: &str| {
            names
                .iter()
                .position(|n| n == name)
                .ok_or_else(|| fault(&runs, 1, &format!("the column `{name}` is missing")))
        };
        let (arm, seed, status) = (column("arm")?, column("seed")?, column("status")?);
        let mut arms: Vec<Arm> = Vec::new();
        let mut failed = 0;
        for (i, line) in lines.enumerate().filter(|(_, l)| !l.trim().is_empty()) {
            let row = cells(line);
            let (Some(name), Some(seed), Some(status)) = (row.get(arm), row.get(seed), row.get(status)) else {
                return Err(fault(&runs, i + 2, "a cell is missing"));
            };
            let seed: u64 = seed
                .trim()
                .parse()
                .map_err(|_| fault(&runs, i + 2, "the seed must be a whole number"))?;
            let index = arms.iter().position(|a| &a.name == name).unwrap_or_else(|| {
                arms.push(Arm {
                    name: name.clone(),
                    series: Vec::new(),
                    snapshots: Vec::new(),
                });
                arms.len() - 1
            });
            if status == "failed" {
                failed += 1;
                continue;
            }
            let series = dir.join("series").join(format!("{name}-s{seed}.csv"));
            if series.is_file() {
                arms[index].series.push((seed, Table::read(&series, false)?));
            }
            let snapshot = dir
                .join("snapshots")
                .join(format!("{name}-s{seed}.{SNAPSHOT_EXTENSION}"));
            if snapshot.is_file() {
                arms[index].snapshots.push((seed, snapshot));
            }
        }
        if arms.is_empty() {
            return Err(fault(&runs, 2, "no run yet: nothing to draw"));
        }
        for arm in &mut arms {
            arm.series.sort_by_key(|(seed, _)| *seed);
            arm.snapshots.sort_by_key(|(seed, _)| *seed);
        }
        Ok(Self {
            arms,
            failed,
            hypoxia_mmhg: hypoxia(&scenario_toml(&dir.join("scenario.toml"))),
        })
    }
}

/// Reads a snapshot and checks that its parts fit together.
pub fn snapshot(path: &Path) -> Result<Snapshot> {
    snapshots::read(path)
}

fn hypoxia(scenario: &toml::Table) -> f64 {
    scenario
        .get("oxygen")
        .and_then(|section| section.get("hypoxia_mmhg"))
        .and_then(|v| v.as_float().or_else(|| v.as_integer().map(|i| i as f64)))
        .unwrap_or(HYPOXIA_MMHG)
}

/// The resolved scenario; figures do without it when it is not there.
fn scenario_toml(path: &Path) -> toml::Table {
    std::fs::read_to_string(path)
        .ok()
        .and_then(|text| text.parse().ok())
        .unwrap_or_default()
}

/// Challenges, doses and procedures; a run without events has no file or an empty one.
fn read_marks(path: &Path) -> Result<Vec<Mark>> {
    const KINDS: [&str; 3] = ["challenge", "dose", "debridement"];
    if !path.is_file() {
        return Ok(Vec::new());
    }
    let text = read_text(path)?;
    let mut lines = text.lines();
    let names = lines.next().map(cells).unwrap_or_default();
    let column = |name: &str| names.iter().position(|n| n == name);
    let (Some(day), Some(kind), Some(entity)) = (column("t_d"), column("kind"), column("entity")) else {
        return Ok(Vec::new());
    };
    let mut marks: Vec<Mark> = lines
        .filter(|line| KINDS.iter().any(|kind| line.contains(kind)))
        .filter_map(|line| {
            let row = cells(line);
            let kind = row.get(kind).filter(|k| KINDS.contains(&k.as_str()))?;
            let entity = row.get(entity)?;
            Some(Mark {
                day: row.get(day)?.trim().parse().ok()?,
                kind: kind.clone(),
                what: entity
                    .split_once(':')
                    .map_or(entity.as_str(), |(_, name)| name)
                    .to_owned(),
            })
        })
        .collect();
    marks.sort_by(|a, b| a.day.total_cmp(&b.day));
    Ok(marks)
}

fn cell(text: &str) -> Option<Option<f64>> {
    let text = text.trim();
    if text.is_empty() {
        return Some(None);
    }
    text.parse::<f64>().ok().map(|value| value.is_finite().then_some(value))
}

fn read_text(path: &Path) -> Result<String> {
    std::fs::read_to_string(path).map_err(|e| Error::files(path.display(), e.to_string()))
}

fn read_json(path: &Path) -> Result<serde_json::Value> {
    serde_json::from_str(&read_text(path)?).map_err(|e| {
        let mut place = crate::error::Diagnostic {
            file: path.display().to_string(),
            line: e.line(),
            column: e.column(),
            ..Default::default()
        };
        place.message = "this is not JSON: the folder was not written by calcisim, or was changed".into();
        Error::Input(vec![place])
    })
}

fn fault(path: &Path, line: usize, message: &str) -> Error {
    Error::Input(vec![crate::error::Diagnostic {
        file: path.display().to_string(),
        line,
        column: 1,
        message: message.to_owned(),
        ..Default::default()
    }])
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_cell_is_a_number_or_empty() {
        assert_eq!(cell(""), Some(None));
        assert_eq!(cell("x"), None);
        assert_eq!(cell("1e-3"), Some(Some(0.001)));
    }
}
