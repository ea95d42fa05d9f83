//! One run of a plan: the bits of `calcisim run` of the same scenario and seed, kept as a record.

use std::panic::AssertUnwindSafe;
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

use serde::{Deserialize, Serialize};
use xxhash_rust::xxh3::xxh3_64;

use super::outputs::{Origin, Outputs, instruments};
use super::plan::{Plan, RunId};
use super::segment::Record;
use crate::error::{Error, Result};
use crate::library::Disk;
use crate::model::{Model, State};
use crate::output::observe::Instruments;
use crate::output::series::{COUNT, Cadence, Row};
use crate::output::summary::{Summary, Watch, hex};
use crate::output::{files, run_json, snapshots};
use crate::scenario::Scenario;
use crate::simulation::{self, Moment, RunSettings};

/// Values by day, then column.
type Table = Vec<Vec<Option<f64>>>;

/// What comes out of a run: a function of scenario, changes, seed and version alone.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Outcome {
    /// Why the run failed; empty when it did not.
    pub error: String,
    /// Hash of the last state, 16 hex digits.
    pub state_hash: String,
    /// Steps.
    pub steps: u64,
    /// Networks drawn before one passed.
    pub network_attempts: u32,
    last: Vec<Option<f64>>,
    highest: Vec<Option<f64>>,
    dates: Vec<Option<f64>>,
    at: Vec<Vec<Option<f64>>>,
    /// What the instruments read on each day of `at_days`, then at the end.
    readings: Vec<Vec<Option<f64>>>,
}

impl Outcome {
    fn of(summary: &Summary, steps: u64, network_attempts: u32, collected: (Table, Table)) -> Self {
        let dates = summary.dates().into_iter().chain([summary.delta_10_90_d]);
        Self {
            error: String::new(),
            state_hash: summary.state_hash.clone(),
            steps,
            network_attempts,
            last: summary.last.0.to_vec(),
            highest: summary.highest.0.to_vec(),
            dates: dates.collect(),
            at: collected.0,
            readings: collected.1,
        }
    }

    fn failed(error: &Error) -> Self {
        Self {
            error: reason(error),
            ..Self::default()
        }
    }

    /// An outcome from its record.
    pub fn read(record: &Record) -> Result<Self> {
        postcard::from_bytes(&record.outcome)
            .map_err(|fault| Error::Internal(format!("run {}: its outcome cannot be read: {fault}", record.run)))
    }

    /// Value of an endpoint; nothing when it is not applicable, did not happen, or the run failed.
    pub fn value(&self, origin: Origin) -> Option<f64> {
        let found = match origin {
            Origin::Final(i) => self.last.get(i),
            Origin::Max(i) => self.highest.get(i),
            Origin::Date(i) => self.dates.get(i),
            Origin::At(day, i) => self.at.get(day)?.get(i),
            Origin::Read(day, i) => self.readings.get(day)?.get(i),
        };
        found.copied().flatten()
    }
}

/// An error without the names of files: the same in every folder.
fn reason(error: &Error) -> String {
    let Error::Input(list) = error else {
        return error.to_string();
    };
    let one = |fault: &crate::error::Diagnostic| {
        let parts = [
            fault.key.as_str(),
            fault.value.as_str(),
            &fault.message,
            &fault.expected,
        ];
        parts
            .into_iter()
            .filter(|part| !part.is_empty())
            .collect::<Vec<_>>()
            .join(": ")
    };
    list.iter().map(one).collect::<Vec<_>>().join("; ")
}

/// Rows of a series: day and columns.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Series {
    /// Day of each row.
    pub t_d: Vec<f64>,
    /// Values of each row.
    pub rows: Vec<Vec<Option<f64>>>,
}

impl Series {
    /// A series from its record; empty when none was kept.
    pub fn read(record: &Record) -> Result<Self> {
        if record.series.is_empty() {
            return Ok(Self::default());
        }
        let plain = zstd::decode_all(record.series.as_slice()).map_err(|f| f.to_string());
        let found = plain.and_then(|bytes| postcard::from_bytes(&bytes).map_err(|f| f.to_string()));
        found.map_err(|fault| Error::Internal(format!("run {}: its series cannot be read: {fault}", record.run)))
    }

    fn packed(&self) -> Result<Vec<u8>> {
        if self.t_d.is_empty() {
            return Ok(Vec::new());
        }
        let plain = postcard::to_stdvec(self).map_err(|f| Error::Internal(f.to_string()))?;
        zstd::encode_all(plain.as_slice(), 1).map_err(|f| Error::Internal(f.to_string()))
    }
}

/// What may differ between attempts at the same run.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Aside {
    /// Seconds.
    pub wall_s: f64,
    /// Machine.
    pub host: String,
    /// When it ended [s since 1970].
    pub finished_s: f64,
    /// Largest memory of the worker so far [MiB].
    pub peak_rss_mib: f64,
    /// How often it went on after a stop.
    pub resumes: u32,
    /// Version of calcisim.
    pub version: String,
    /// Revision of its source.
    pub git: String,
}

impl Aside {
    /// The circumstances of a record.
    pub fn read(record: &Record) -> Self {
        postcard::from_bytes(&record.aside).unwrap_or_default()
    }
}

/// How a run is kept.
pub struct Job<'a> {
    /// Its plan.
    pub plan: &'a Plan,
    /// Its row in the plan.
    pub row: usize,
    /// Wall time after which a run in progress is kept.
    pub keep_every: Duration,
    /// This machine.
    pub host: &'a str,
}

/// The settings of a point in an arm.
pub fn settings(plan: &Plan, arm: usize, point: usize) -> Result<RunSettings> {
    let path = plan.scenario(arm);
    let text = files::read_text(&path)?;
    let (scenario, _) = Scenario::from_text(&path.display().to_string(), &text, &plan.sets(point))?;
    RunSettings::of(&scenario, &Disk)
}

/// A run in progress, kept for a worker that comes after.
#[derive(Serialize, Deserialize)]
struct Kept {
    state_hash: u64,
    state: State,
    watch: Watch,
    series: Series,
    at: Table,
    readings: Table,
    wall_s: f64,
    resumes: u32,
}

/// Where a run in progress is kept.
fn kept_path(plan: &Plan, run: RunId) -> PathBuf {
    plan.folder.join("partial").join(format!("{run}.part"))
}

fn read_kept(path: &Path) -> Option<Kept> {
    let bytes = std::fs::read(path).ok()?;
    let (sum, packed) = bytes.split_at_checked(8)?;
    if u64::from_le_bytes(sum.try_into().ok()?) != xxh3_64(packed) {
        return None;
    }
    postcard::from_bytes(&zstd::decode_all(packed).ok()?).ok()
}

fn write_kept(path: &Path, kept: &Kept) -> Result<()> {
    let plain = postcard::to_stdvec(kept).map_err(|f| Error::Internal(f.to_string()))?;
    let packed = zstd::encode_all(plain.as_slice(), 1).map_err(|f| Error::Internal(f.to_string()))?;
    let mut bytes = xxh3_64(&packed).to_le_bytes().to_vec();
    bytes.extend_from_slice(&packed);
    if let Some(folder) = path.parent() {
        files::make_folder(folder)?;
    }
    files::write_whole(path, &bytes)
}

/// What a run collects besides its summary.
struct Collected<'a> {
    outputs: &'a Outputs,
    cadence: Option<Cadence>,
    /// Step of each day of `at_days`.
    at_steps: Vec<u64>,
    series: Series,
    at: Table,
    readings: Table,
    instruments: &'a Instruments,
}

impl<'a> Collected<'a> {
    fn new(outputs: &'a Outputs, settings: &'a RunSettings) -> Self {
        let clock = crate::clock::Clock::new(settings.step_h);
        Self {
            outputs,
            cadence: outputs.series_every_h.map(|every_h| Cadence {
                step_h: settings.step_h,
                every_h,
            }),
            at_steps: outputs.at_days.iter().map(|day| clock.step_of_day(*day)).collect(),
            series: Series::default(),
            at: vec![vec![None; COUNT]; outputs.at_days.len()],
            readings: vec![Vec::new(); outputs.at_days.len() + 1],
            instruments: &settings.instruments,
        }
    }

    fn see(&mut self, moment: &Moment) {
        let Row { step, t_d, values } = moment.row;
        if self.cadence.is_some_and(|c| c.is_due(*step) || moment.is_last) {
            self.series.t_d.push(*t_d);
            self.series.rows.push(values.to_vec());
        }
        for (due, kept) in self.at_steps.iter().zip(&mut self.at) {
            if due == step {
                *kept = values.to_vec();
            }
        }
        let end = self.at_steps.len();
        for i in (0..end)
            .filter(|&i| self.at_steps[i] == *step)
            .chain(moment.is_last.then_some(end))
        {
            let (tissue, now) = (&moment.model.tissue, moment.model.now());
            let read = |one| self.instruments.read(one, tissue, now).map(|reading| reading.value);
            self.readings[i] = instruments().map(read).collect();
        }
    }
}

impl Job<'_> {
    /// Runs. `tick` is called after every step and may end the run by an error. Faults of the model are outcomes; only
    /// files and a wish to stop are errors.
    pub fn run(
        &self,
        settings: &Result<RunSettings>,
        tick: &mut dyn FnMut() -> Result<()>,
    ) -> Result<(Record, Outcome)> {
        let started = Instant::now();
        let run = self.plan.runs[self.row];
        let mut resumes = 0;
        let mut before_s = 0.0;
        let tried = match settings {
            Ok(settings) => {
                let work = AssertUnwindSafe(|| self.simulate(settings, started, &mut resumes, &mut before_s, tick));
                std::panic::catch_unwind(work)
                    .unwrap_or_else(|panic| Err(Error::Internal(format!("a promise was broken: {}", words(&panic)))))
            }
            Err(error) => Err(error.clone()),
        };
        let (outcome, series) = match tried {
            Ok(found) => found,
            Err(error @ (Error::Stopped(_) | Error::Interrupted(_) | Error::Files { .. })) => return Err(error),
            Err(error) => (Outcome::failed(&error), Series::default()),
        };
        let aside = Aside {
            wall_s: before_s + started.elapsed().as_secs_f64(),
            host: self.host.to_owned(),
            finished_s: SystemTime::now()
                .duration_since(UNIX_EPOCH)
                .map_or(0.0, |d| d.as_secs_f64()),
            peak_rss_mib: peak_rss_mib(),
            resumes,
            version: env!("CARGO_PKG_VERSION").to_owned(),
            git: run_json::git().to_owned(),
        };
        let packed = |fault: postcard::Error| Error::Internal(format!("an outcome could not be written: {fault}"));
        let record = Record {
            run,
            is_failed: !outcome.error.is_empty(),
            outcome: postcard::to_stdvec(&outcome).map_err(packed)?,
            series: series.packed()?,
            aside: postcard::to_stdvec(&aside).map_err(packed)?,
        };
        Ok((record, outcome))
    }

    fn simulate(
        &self,
        settings: &RunSettings,
        started: Instant,
        resumes: &mut u32,
        before_s: &mut f64,
        tick: &mut dyn FnMut() -> Result<()>,
    ) -> Result<(Outcome, Series)> {
        let row = self.plan.row(self.row);
        let run = self.plan.runs[self.row];
        let path = kept_path(self.plan, run);
        let mut collected = Collected::new(&self.plan.manifest.outputs, settings);
        let mut begun = None;
        if let Some(kept) = read_kept(&path)
            && let Ok(model) = Model::restore(settings.parameters.clone(), row.seed, kept.state)
            && model.state_hash() == kept.state_hash
        {
            (collected.series, collected.at, collected.readings) = (kept.series, kept.at, kept.readings);
            (*resumes, *before_s) = (kept.resumes + 1, kept.wall_s);
            begun = Some((model, kept.watch));
        }
        let (model, watch) = match begun {
            Some(begun) => begun,
            None => (Model::new(settings.parameters.clone(), row.seed)?, Watch::default()),
        };
        let (resumed, earlier_s) = (*resumes, *before_s);
        let mut saved = Instant::now();
        let ran = simulation::go_on(settings, row.seed, model, watch, &mut |moment| {
            collected.see(moment);
            if moment.row.step == 0 || moment.is_last {
                return Ok(());
            }
            let asked = tick();
            let is_worth = asked.is_err() && started.elapsed() > self.keep_every / 5;
            if is_worth || saved.elapsed() > self.keep_every {
                let kept = Kept {
                    state_hash: moment.model.state_hash(),
                    state: moment.model.state(),
                    watch: moment.watch.clone(),
                    series: collected.series.clone(),
                    at: collected.at.clone(),
                    readings: collected.readings.clone(),
                    wall_s: earlier_s + started.elapsed().as_secs_f64(),
                    resumes: resumed,
                };
                write_kept(&path, &kept)?;
                saved = Instant::now();
            }
            asked
        });
        let (model, summary) = ran?;
        if collected.outputs.snapshots && row.replicate == 0 {
            let snapshot = self.plan.folder.join("blobs").join(format!("{run}.snap"));
            files::write_whole(&snapshot, &snapshots::encode(&model.snapshot())?)?;
        }
        let _ = std::fs::remove_file(&path);
        debug_assert_eq!(summary.state_hash, hex(model.state_hash()));
        let steps = settings.last_step();
        let outcome = Outcome::of(
            &summary,
            steps,
            model.network.attempts,
            (collected.at, collected.readings),
        );
        Ok((outcome, collected.series))
    }
}

/// What a panic said.
fn words(panic: &Box<dyn std::any::Any + Send>) -> String {
    let text = panic.downcast_ref::<&str>().map(|s| (*s).to_owned());
    text.or_else(|| panic.downcast_ref::<String>().cloned())
        .unwrap_or_else(|| "no words".to_owned())
}

/// Largest memory of this process so far [MiB]; 0 where it is not known.
fn peak_rss_mib() -> f64 {
    let text = std::fs::read_to_string("/proc/self/status").unwrap_or_default();
    let line = text.lines().find_map(|line| line.strip_prefix("VmHWM:"));
    let kib: Option<f64> = line.and_then(|rest| rest.split_whitespace().next()?.parse().ok());
    kib.map_or(0.0, |kib| kib / 1024.0)
}
