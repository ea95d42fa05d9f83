//! A plan: an immutable folder that says which runs an experiment is made of.
//!
//! `plan.json` (what was asked, by which calcisim, digests of all) · `plan.parquet` (one row per run) · `experiment.toml`
//! (as written) · `scenarios/<arm>/` (resolved) · `segments/`, `claims/` (what workers write).
//!
//! A run is named after its content: `run_id` = blake3 of (scenario digest, changes, seed, version, what is kept of it). Two rows that ask
//! for the same run share it, and results stay valid when the plan around them changes.

use std::collections::BTreeMap;
use std::fmt;
use std::path::{Path, PathBuf};

use serde_json::Value;

use super::arms::set_text;
use super::factors::Factor;
use super::file::Experiment;
use super::manifest::SCHEMA;
pub use super::manifest::{ArmRecord, FactorRecord, Forecast, Manifest, version};
use super::sampled::Analysis;
use super::table::{Column, Values};
use crate::error::{Error, Result};
use crate::output::run_json;

/// Name of a run by its content.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
pub struct RunId(pub [u8; 16]);

impl fmt::Display for RunId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.iter().try_for_each(|byte| write!(f, "{byte:02x}"))
    }
}

impl std::str::FromStr for RunId {
    type Err = ();

    fn from_str(text: &str) -> std::result::Result<Self, ()> {
        let mut id = [0; 16];
        if text.len() != 32 || !text.is_ascii() {
            return Err(());
        }
        for (i, byte) in id.iter_mut().enumerate() {
            *byte = u8::from_str_radix(&text[2 * i..2 * i + 2], 16).map_err(|_| ())?;
        }
        Ok(Self(id))
    }
}

/// A plan in memory. Rows stand by arm, then point, then replicate.
#[derive(Clone, Debug)]
pub struct Plan {
    /// Its folder.
    pub folder: PathBuf,
    /// What it says of itself.
    pub manifest: Manifest,
    /// Run of each row.
    pub runs: Vec<RunId>,
    /// Values of the factors, one row per point.
    pub points: Vec<Vec<toml::Value>>,
    /// Part of each point in its design.
    pub roles: Vec<String>,
}

/// Where a row stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Row {
    /// Index of the arm.
    pub arm: usize,
    /// Index of the point.
    pub point: usize,
    /// Replicate, from 0.
    pub replicate: u64,
    /// Seed.
    pub seed: u64,
}

impl Plan {
    /// Plans an experiment; nothing is written.
    pub fn of(experiment: &Experiment, folder: &Path) -> Result<Self> {
        let value = |row: &Vec<f64>| experiment.factors.iter().zip(row).map(|(f, x)| f.value(*x)).collect();
        let points: Vec<Vec<toml::Value>> = experiment.points.rows.iter().map(value).collect();
        let factor = |f: &Factor| FactorRecord {
            path: f.path.clone(),
            unit: f.unit.clone(),
        };
        let arms = experiment.arms.iter().map(|arm| ArmRecord {
            id: arm.id.clone(),
            scenario_digest: arm.digest.clone(),
        });
        let manifest = Manifest {
            schema: SCHEMA.to_owned(),
            kind: experiment.kind.word().to_owned(),
            name: experiment.name.clone(),
            question: experiment.question.clone(),
            cost: experiment.cost.clone(),
            version: env!("CARGO_PKG_VERSION").to_owned(),
            git: run_json::git().to_owned(),
            days: experiment.days,
            replicates: experiment.replicates,
            seed: experiment.seed,
            common_random_numbers: experiment.common_random_numbers,
            arms: arms.collect(),
            factors: experiment.factors.iter().map(factor).collect(),
            points: points.len() as u64,
            rows: 0,
            runs: 0,
            analysis: experiment.analysis.clone(),
            outputs: experiment.outputs.clone(),
            staged: experiment.staged.clone(),
            sequential: experiment.sequential.clone(),
            questions: experiment.questions.clone(),
            files: BTreeMap::new(),
            digest: String::new(),
            forecast: None,
        };
        let mut plan = Self {
            folder: folder.to_owned(),
            manifest,
            runs: Vec::new(),
            points,
            roles: experiment.points.roles.clone(),
        };
        plan.name_runs()?;
        plan.manifest.rows = plan.runs.len() as u64;
        plan.manifest.runs = plan.distinct().len() as u64;
        Ok(plan)
    }

    /// The same plan with other points; nothing is written.
    pub fn with_points(&self, points: Vec<Vec<toml::Value>>, roles: Vec<String>) -> Result<Self> {
        let mut plan = Self {
            points,
            roles,
            ..self.clone()
        };
        plan.name_runs()?;
        plan.manifest.points = plan.points.len() as u64;
        plan.manifest.rows = plan.runs.len() as u64;
        plan.manifest.runs = plan.distinct().len() as u64;
        Ok(plan)
    }

    /// Names every run after its content.
    fn name_runs(&mut self) -> Result<()> {
        // Of the calcisim that planned it, whoever asks: the runs of a calibration are named again at every look.
        let version = self.manifest.planned_by();
        // Results that hold other days or another series are other results.
        let outputs = &self.manifest.outputs;
        let kept = serde_json::to_string(&(&outputs.at_days, outputs.series_every_h, outputs.snapshots));
        let kept = kept.map_err(|f| Error::Internal(f.to_string()))?;
        let paths: Vec<&str> = self.manifest.factors.iter().map(|f| f.path.as_str()).collect();
        let mut runs = Vec::with_capacity(self.row_count());
        for arm in &self.manifest.arms {
            for (point, values) in self.points.iter().enumerate() {
                let set: BTreeMap<&str, Value> = paths
                    .iter()
                    .zip(values)
                    .filter(|(path, _)| **path != DUMMY)
                    .map(|(path, value)| (*path, json(value)))
                    .collect();
                let set = serde_json::to_string(&set).map_err(|f| Error::Internal(f.to_string()))?;
                for replicate in 0..self.manifest.replicates {
                    let seed = self.seed(runs.len(), point, replicate);
                    let text = format!(
                        "{{\"kept\":{kept},\"scenario\":\"{}\",\"seed\":{seed},\"set\":{set},\"version\":\"{version}\"}}",
                        arm.scenario_digest
                    );
                    let mut id = [0; 16];
                    id.copy_from_slice(&blake3::hash(text.as_bytes()).as_bytes()[..16]);
                    runs.push(RunId(id));
                }
            }
        }
        self.runs = runs;
        Ok(())
    }

    fn row_count(&self) -> usize {
        self.manifest.arms.len() * self.points.len() * self.manifest.replicates as usize
    }

    fn seed(&self, row: usize, point: usize, replicate: u64) -> u64 {
        if self.is_cohort() || matches!(self.manifest.analysis, Analysis::Calibrate(_)) {
            // The sites of a patient are the same in every arm, and nobody else's. So are the seeds of a point of a
            // calibration: what fits must not fit one set of seeds.
            let before = (point as u64).wrapping_mul(self.manifest.replicates);
            self.manifest.seed.wrapping_add(before).wrapping_add(replicate)
        } else if self.manifest.common_random_numbers {
            let before = self.block(point).wrapping_mul(self.manifest.replicates);
            self.manifest.seed.wrapping_add(before).wrapping_add(replicate)
        } else {
            self.manifest.seed.wrapping_add(row as u64)
        }
    }

    /// Block of seeds of a point: the dummy factor, where there is one, chooses it. So its index says what other seeds do
    /// to the mean over the replicates, and points with one value of it share their seeds.
    fn block(&self, point: usize) -> u64 {
        let Some(dummy) = self.manifest.factors.iter().rposition(|f| f.path == DUMMY) else {
            return 0;
        };
        let value = self.points[point][dummy].as_float().unwrap_or(0.0);
        (crate::math::unit(value) * SEED_BLOCKS).floor() as u64
    }

    /// Whether points are patients.
    pub fn is_cohort(&self) -> bool {
        matches!(self.manifest.analysis, Analysis::Trial(_))
    }

    /// Where a row stands.
    pub fn row(&self, row: usize) -> Row {
        let replicates = self.manifest.replicates as usize;
        let (rest, replicate) = (row / replicates, (row % replicates) as u64);
        let (arm, point) = (rest / self.points.len(), rest % self.points.len());
        Row {
            arm,
            point,
            replicate,
            seed: self.seed(row, point, replicate),
        }
    }

    /// The different runs, sorted by name: an order that has nothing to do with the design, so that shards have even
    /// work. With each the first row that asks for it.
    pub fn distinct(&self) -> Vec<(RunId, usize)> {
        let mut all: Vec<(RunId, usize)> = self.runs.iter().copied().zip(0..).collect();
        all.sort_unstable();
        all.dedup_by_key(|(run, _)| *run);
        all
    }

    /// What a point changes, as `--set` takes it.
    pub fn sets(&self, point: usize) -> Vec<String> {
        let paths = self.manifest.factors.iter().map(|f| f.path.as_str());
        paths
            .zip(&self.points[point])
            .filter(|(path, _)| *path != DUMMY)
            .map(|(path, value)| set_text(path, value))
            .collect()
    }

    /// The scenario of an arm.
    pub fn scenario(&self, arm: usize) -> PathBuf {
        self.folder
            .join("scenarios")
            .join(&self.manifest.arms[arm].id)
            .join("scenario.toml")
    }

    /// A row in words.
    pub fn describe(&self, row: usize) -> String {
        let place = self.row(row);
        let mut words = Vec::new();
        if self.manifest.arms.len() > 1 {
            words.push(self.manifest.arms[place.arm].id.clone());
        }
        if self.points.len() > 1 {
            let word = if self.is_cohort() { "patient" } else { "point" };
            words.push(format!("{word} {}", place.point));
        }
        words.push(format!("seed {}", place.seed));
        words.join(", ")
    }

    /// Columns of rows that a plan and its results share.
    pub fn columns(&self, rows: std::ops::Range<usize>) -> Vec<Column> {
        let places: Vec<Row> = rows.clone().map(|row| self.row(row)).collect();
        let arm = |f: fn(&ArmRecord) -> &str| {
            let words = places.iter().map(|p| Some(f(&self.manifest.arms[p.arm]).to_owned()));
            Values::Text(words.collect())
        };
        let runs = self.runs[rows.clone()].iter().map(|run| Some(run.to_string()));
        let mut columns = vec![
            Column::plain("run_id", Values::Text(runs.collect())),
            Column::plain("row", Values::Count(rows.map(|row| row as u32).collect())),
            Column::plain("arm", arm(|a| &a.id)),
            Column::plain(
                if self.is_cohort() { "patient_id" } else { "point" },
                Values::Count(places.iter().map(|p| p.point as u32).collect()),
            ),
            Column::plain(
                "replicate",
                Values::Count(places.iter().map(|p| p.replicate as u32).collect()),
            ),
            Column::plain("seed", Values::Large(places.iter().map(|p| p.seed).collect())),
            Column::plain(
                "design_role",
                Values::Text(
                    places
                        .iter()
                        .map(|p| Some(self.roles[p.point].clone()).filter(|role| !role.is_empty()))
                        .collect(),
                ),
            ),
        ];
        for (i, factor) in self.manifest.factors.iter().enumerate() {
            let cells = places.iter().map(|p| &self.points[p.point][i]);
            columns.push(Column::of(&factor.path, &factor.unit, factor_values(cells)));
        }
        columns.push(Column::plain("scenario_digest", arm(|a| &a.scenario_digest)));
        columns
    }
}

/// A factor that the model does not know: it chooses the seeds (`seed + ⌊1000 × dummy⌋ × replicates + replicate`), so what
/// its index is, chance alone makes.
pub const DUMMY: &str = "dummy";

/// Blocks of seeds among which the dummy factor chooses.
const SEED_BLOCKS: f64 = 1000.0;
/// A value as JSON; real numbers as they are written shortest.
fn json(value: &toml::Value) -> Value {
    match value {
        toml::Value::Float(x) => (*x).into(),
        toml::Value::Integer(i) => (*i).into(),
        toml::Value::Boolean(b) => (*b).into(),
        toml::Value::String(s) => s.as_str().into(),
        other => other.to_string().into(),
    }
}

/// Values of a factor as a column of their kind.
fn factor_values<'a>(cells: impl Iterator<Item = &'a toml::Value> + Clone) -> Values {
    let all = |is: fn(&toml::Value) -> bool| cells.clone().all(is);
    if all(toml::Value::is_float) {
        Values::Number(cells.map(toml::Value::as_float).collect())
    } else if all(toml::Value::is_integer) {
        Values::Whole(cells.map(toml::Value::as_integer).collect())
    } else if all(toml::Value::is_bool) {
        Values::Flag(cells.map(toml::Value::as_bool).collect())
    } else {
        let word = |value: &toml::Value| match value {
            toml::Value::String(word) => Some(word.clone()),
            other => Some(other.to_string()),
        };
        Values::Text(cells.map(word).collect())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_name_of_a_run_reads_back() {
        let id = RunId([0, 1, 0xab, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 0xff]);
        assert_eq!(id.to_string().parse(), Ok(id));
        assert_eq!("xyz".parse::<RunId>(), Err(()));
    }
}
