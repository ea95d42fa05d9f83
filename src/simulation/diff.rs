//! What two runs, or two scenarios, differ in: settings; the first step, process and columns at which two runs part; outcomes.

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;

use serde::Serialize;

use super::archive::{Archive, ReplayOptions};
use super::course::{Course, Runner};
use super::progress::Progress;
use super::{advance, session};
use crate::error::{Error, Result};
use crate::library::Disk;
use crate::model::{Model, PROCESSES};
use crate::output::files;
use crate::par;
use crate::parameters::Registry;
use crate::scenario::Scenario;

/// A setting that differs.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct SettingDiff {
    /// Dotted path, as for `--set`.
    pub key: String,
    /// In the first; absent when it has no such entry.
    pub a: Option<String>,
    /// In the second.
    pub b: Option<String>,
    /// Unit; empty when it has none.
    pub unit: String,
    /// What the registry's value rests on; empty for entries of a list.
    pub status: String,
}

/// Where two runs part.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Parting {
    /// The first step after which their states differ; 0 = before the first step.
    pub step: u64,
    /// Its day.
    pub day: f64,
    /// The first process after which they differ; empty when only the recorded hashes are known.
    pub process: String,
    /// Columns of the state that differ after that process.
    pub columns: Vec<String>,
    /// Columns that differ at the end of that step.
    pub columns_at_end: Vec<String>,
}

/// An outcome that differs.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct OutcomeDiff {
    /// `final.necrotic_fraction`, `t_ulcer_d` …
    pub name: String,
    /// In the first; absent when it did not happen.
    pub a: Option<f64>,
    /// In the second.
    pub b: Option<f64>,
}

/// All that differs.
#[derive(Clone, Debug, Default, PartialEq, Serialize)]
pub struct Diff {
    /// Settings, in the order of their paths.
    pub settings: Vec<SettingDiff>,
    /// Rows of hashes that both runs have.
    pub common_hashes: usize,
    /// Where they part; absent for scenarios, and for runs that agree.
    pub parting: Option<Parting>,
    /// Outcomes, in the order of `summary.json`.
    pub outcomes: Vec<OutcomeDiff>,
    /// What could not be said, and why.
    pub notes: Vec<String>,
}

/// One side.
enum Side {
    Run(Box<Archive>),
    Scenario(Box<Scenario>),
}

impl Side {
    fn open(name: &str) -> Result<Self> {
        let path = Path::new(name);
        if path.join("run.json").is_file() {
            return Ok(Self::Run(Box::new(Archive::open(path)?)));
        }
        if path.is_dir() {
            return Err(Error::files(name, "is no run folder: it has no run.json"));
        }
        Ok(Self::Scenario(Box::new(Scenario::load(&Disk, name, &[])?.0)))
    }

    fn table(&self) -> toml::Table {
        match self {
            Self::Run(archive) => archive.table().clone(),
            Self::Scenario(scenario) => scenario.resolved_toml().parse().unwrap_or_default(),
        }
    }
}

/// Compares two runs, two scenarios, or one of each. Two runs that part are executed again between the last hash that they
/// share and the first that they do not.
pub fn diff(a: &str, b: &str, options: &ReplayOptions) -> Result<Diff> {
    let (a, b) = (Side::open(a)?, Side::open(b)?);
    let mut diff = Diff {
        settings: settings(&a.table(), &b.table()),
        ..Diff::default()
    };
    let (Side::Run(a), Side::Run(b)) = (&a, &b) else {
        return Ok(diff);
    };
    diff.outcomes = outcomes(&a.dir, &b.dir)?;
    if a.step_h() != b.step_h() {
        diff.notes
            .push("their steps differ in length, so their states are not compared".to_owned());
        return Ok(diff);
    }
    let common: Vec<(u64, bool)> = a
        .hashes()
        .iter()
        .filter_map(|(step, hash)| b.hashes().get(step).map(|other| (*step, hash == other)))
        .collect();
    diff.common_hashes = common.len();
    let Some(at) = common.iter().position(|(_, same)| !same) else {
        if common.is_empty() {
            diff.notes.push("they have no row of hashes.csv in common".to_owned());
        }
        return Ok(diff);
    };
    let last_same = at.checked_sub(1).map(|i| common[i].0);
    let (first_other, step_h) = (common[at].0, a.step_h());
    let found = par::with_threads(session::threads_or_cores(options.threads), || {
        parting(a, b, last_same, first_other, options)
    });
    diff.parting = Some(match found {
        Ok(parting) => parting,
        Err(stopped @ (Error::Stopped(_) | Error::Interrupted(_))) => return Err(stopped),
        Err(fault) => {
            diff.notes
                .push(format!("the step at which they part was not found: {fault}"));
            Parting {
                step: first_other,
                day: first_other as f64 * step_h / 24.0,
                process: String::new(),
                columns: Vec::new(),
                columns_at_end: Vec::new(),
            }
        }
    });
    Ok(diff)
}

/// Dotted paths of a table, entries of lists by their id.
fn flatten(path: &str, value: &toml::Value, found: &mut BTreeMap<String, String>) {
    let below = |name: &str| {
        if path.is_empty() {
            name.to_owned()
        } else {
            format!("{path}.{name}")
        }
    };
    match value {
        toml::Value::Table(table) => {
            for (name, inner) in table {
                flatten(&below(name), inner, found);
            }
        }
        toml::Value::Array(list) if list.iter().any(toml::Value::is_table) => {
            for entry in list {
                let id = entry.get("id").and_then(toml::Value::as_str).unwrap_or("?");
                flatten(&below(id), entry, found);
            }
        }
        other => {
            found.insert(path.to_owned(), other.to_string());
        }
    }
}

fn settings(a: &toml::Table, b: &toml::Table) -> Vec<SettingDiff> {
    const WORDS: [&str; 5] = ["schema", "name", "question", "known", "assumed"];
    let flat = |table: &toml::Table| {
        let mut found = BTreeMap::new();
        for (name, value) in table.iter().filter(|(name, _)| !WORDS.contains(&name.as_str())) {
            flatten(name, value, &mut found);
        }
        found
    };
    let (a, b) = (flat(a), flat(b));
    let keys: BTreeSet<&String> = a.keys().chain(b.keys()).collect();
    let registry = Registry::embedded();
    keys.into_iter()
        .filter(|key| a.get(*key) != b.get(*key))
        .map(|key| {
            let row = registry.row(key);
            SettingDiff {
                key: key.clone(),
                a: a.get(key).cloned(),
                b: b.get(key).cloned(),
                unit: row.map_or_else(String::new, |row| row.unit.replace('-', "")),
                status: row.map_or_else(String::new, |row| row.status.word().to_owned()),
            }
        })
        .collect()
}

/// Outcomes of two summaries that differ; none where one has no summary.
fn outcomes(a: &Path, b: &Path) -> Result<Vec<OutcomeDiff>> {
    let read = |dir: &Path| -> Result<Vec<(String, Option<f64>)>> {
        let path = dir.join("summary.json");
        if !path.is_file() {
            return Ok(Vec::new());
        }
        let fault = |fault: serde_json::Error| Error::files(path.display(), format!("is no summary: {fault}"));
        let value: serde_json::Value = serde_json::from_slice(&files::read(&path)?).map_err(fault)?;
        let mut rows = Vec::new();
        for (name, value) in value.as_object().into_iter().flatten() {
            match value {
                serde_json::Value::Object(inner) if name == "final" => {
                    rows.extend(inner.iter().map(|(column, x)| (format!("final.{column}"), x.as_f64())));
                }
                other if name.ends_with("_d") => rows.push((name.clone(), other.as_f64())),
                _ => {}
            }
        }
        Ok(rows)
    };
    let (a, b) = (read(a)?, read(b)?);
    let other: BTreeMap<&str, Option<f64>> = b.iter().map(|(name, x)| (name.as_str(), *x)).collect();
    Ok(a.iter()
        .filter_map(|(name, x)| Some((name, *x, *other.get(name.as_str())?)))
        .filter(|(_, x, y)| x != y)
        .map(|(name, a, b)| OutcomeDiff {
            name: name.clone(),
            a,
            b,
        })
        .collect())
}

/// The names of columns that differ, each once, in the order of the state.
fn others(a: &[(String, u64)], b: &[(String, u64)]) -> Vec<String> {
    let group = |columns: &[(String, u64)]| {
        let mut found: BTreeMap<String, Vec<u64>> = BTreeMap::new();
        for (name, hash) in columns {
            found.entry(name.clone()).or_default().push(*hash);
        }
        found
    };
    let (left, right) = (group(a), group(b));
    let (mut seen, mut found) = (BTreeSet::new(), Vec::new());
    for (name, _) in a.iter().chain(b) {
        if seen.insert(name) && left.get(name) != right.get(name) {
            found.push(name.clone());
        }
    }
    found
}

/// Steps both runs on from a hash that they share until their states differ.
fn parting(
    a: &Archive,
    b: &Archive,
    last_same: Option<u64>,
    first_other: u64,
    options: &ReplayOptions,
) -> Result<Parting> {
    let (left, right) = (Course::of(a)?, Course::of(b)?);
    let from = last_same.unwrap_or(0);
    let begin = |archive: &Archive, course| -> Result<Runner> {
        let course: &Course = course;
        let mut runner = course.runner(&archive.dir.join("checkpoint"), from)?;
        while !runner.is_begun() || runner.model.clock.step() < from {
            if let Some(reason) = options.stop.asked("nothing was changed") {
                return Err(reason);
            }
            runner.next()?;
            archive.compare_at(&runner.model)?;
        }
        Ok(runner)
    };
    let (mut left, mut right) = (begin(a, &left)?, begin(b, &right)?);
    let place = |runner: &Runner| (runner.model.clock.step(), runner.model.clock.day());
    let mut progress = Progress::new(first_other.max(1), from, options.is_quiet);
    loop {
        let (step, day) = place(&left);
        left.cross()?;
        right.cross()?;
        if left.model.state_hash() != right.model.state_hash() {
            let columns = others(&left.model.columns(), &right.model.columns());
            return Ok(Parting {
                step,
                day,
                process: if step == 0 {
                    "before the first step"
                } else {
                    "the branch itself"
                }
                .to_owned(),
                columns_at_end: columns.clone(),
                columns,
            });
        }
        if step >= first_other {
            let why = "executed again they do not differ: verify both".to_owned();
            return Err(Error::Condition(why));
        }
        let before = [left.model.state(), right.model.state()];
        left.next()?;
        right.next()?;
        progress.at(step + 1, || format!("both at day {day:.0}"));
        if left.model.state_hash() != right.model.state_hash() {
            progress.end();
            let [one, other] = before;
            let seen = |runner: &Runner, state| {
                let settings = runner.settings();
                let model = Model::restore(settings.parameters.clone(), settings.seed, state)?;
                model.step_seen(|model| advance(model, &settings.instruments))
            };
            let (one, other) = (seen(&left, one)?, seen(&right, other)?);
            let (step, day) = place(&left);
            return Ok(first_process(&one, &other, step, day));
        }
    }
}

/// The first process after which two lists of columns differ.
fn first_process(a: &[Vec<(String, u64)>], b: &[Vec<(String, u64)>], step: u64, day: f64) -> Parting {
    let first = a.iter().zip(b).position(|(a, b)| a != b);
    let at = |i: Option<usize>| match i {
        Some(i) => others(a.get(i).map_or(&[], |c| c), b.get(i).map_or(&[], |c| c)),
        None => Vec::new(),
    };
    Parting {
        step,
        day,
        process: first
            .and_then(|i| PROCESSES.get(i))
            .map_or("the end of the step", |name| name)
            .to_owned(),
        columns: at(first),
        columns_at_end: at(a.len().checked_sub(1)),
    }
}

impl Diff {
    /// What differs, in words; `names` are the two sides.
    pub fn text(&self, names: [&str; 2]) -> String {
        let [a, b] = names;
        let mut text = format!("A = {a}\nB = {b}\n");
        if self.settings.is_empty() {
            text.push_str("\nSettings: none differs\n");
        } else {
            text.push_str(&format!("\nSettings: {} differ\n", self.settings.len()));
            let none = || "-".to_owned();
            let rows = self.settings.iter().map(|row| {
                let of = |x: &Option<String>| x.clone().unwrap_or_else(none);
                [
                    row.key.clone(),
                    of(&row.a),
                    of(&row.b),
                    row.unit.clone(),
                    row.status.clone(),
                ]
            });
            text.push_str(&table(["", "A", "B", "unit", "status"], rows.collect()));
        }
        if let Some(parting) = &self.parting {
            text.push_str(&format!("\nThey part at step {} (day {})", parting.step, parting.day));
            if parting.process.is_empty() {
                text.push_str(" or before\n");
            } else {
                text.push_str(&format!(", first in: {}\n", parting.process));
                text.push_str(&listed(&parting.columns));
                text.push_str(&format!(
                    "  {} columns differ at the end of that step\n",
                    parting.columns_at_end.len()
                ));
            }
        } else if self.common_hashes > 0 {
            text.push_str(&format!(
                "\nThe states agree at all {} common rows of hashes.csv\n",
                self.common_hashes
            ));
        }
        if !self.outcomes.is_empty() {
            text.push_str("\nOutcomes\n");
            let rows = self.outcomes.iter().map(|row| {
                let of = |x: Option<f64>| x.map_or_else(|| "never".to_owned(), short);
                let gap = row.a.zip(row.b).map_or_else(String::new, |(a, b)| short(b - a));
                [row.name.clone(), of(row.a), of(row.b), gap, String::new()]
            });
            text.push_str(&table(["", "A", "B", "B - A", ""], rows.collect()));
        }
        for note in &self.notes {
            text.push_str(&format!("\nnote: {note}\n"));
        }
        text
    }
}

/// Names in lines of about 90 characters.
fn listed(names: &[String]) -> String {
    let (mut text, mut line) = (String::new(), String::new());
    for name in names {
        if !line.is_empty() && line.len() + name.len() > 90 {
            text.push_str(&format!("  {line}\n"));
            line.clear();
        }
        if !line.is_empty() {
            line.push_str(", ");
        }
        line.push_str(name);
    }
    text + &format!("  {line}\n")
}

/// A number of at most five digits.
fn short(x: f64) -> String {
    if x == 0.0 || (1e-3..1e6).contains(&x.abs()) {
        let text = format!("{x:.4}");
        text.trim_end_matches('0').trim_end_matches('.').to_owned()
    } else {
        format!("{x:.3e}")
    }
}

/// Rows under their heads, in columns.
fn table(heads: [&str; 5], rows: Vec<[String; 5]>) -> String {
    let mut width = heads.map(|head| head.chars().count());
    for row in &rows {
        for (width, cell) in width.iter_mut().zip(row) {
            *width = (*width).max(cell.chars().count());
        }
    }
    let line = |cells: [&str; 5]| {
        let padded = cells.iter().zip(width).map(|(cell, width)| format!("{cell:width$}"));
        format!("  {}\n", padded.collect::<Vec<_>>().join("  ").trim_end())
    };
    let mut text = line(heads);
    for row in &rows {
        text.push_str(&line([&row[0], &row[1], &row[2], &row[3], &row[4]]));
    }
    text
}
