//! Runs with a folder: begin, resume, stop, fail, complete.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::sync::OnceLock;
use std::time::{Duration, Instant};

use super::entry::Entry;
use super::folder::{self, Lock};
use super::forecast::Forecast;
use super::progress::{Progress, duration};
use super::stop::Stop;
use super::{RunSettings, advance};
use crate::checkpoint::{self, Checkpoint, Lengths};
use crate::error::{Error, Result};
use crate::library::Disk;
use crate::model::{Model, NetworkReport};
use crate::output::cost::{self, Cost};
use crate::output::files::{self, Log};
use crate::output::observe::Instruments;
use crate::output::run_json::{self, RunJson, Status};
use crate::output::series::Row;
use crate::output::summary::{Summary, Watch, hex};
use crate::output::{events, hashes, seal, snapshots};
use crate::par;
use crate::scenario::Scenario;

/// How to run.
#[derive(Clone, Debug)]
pub struct RunOptions {
    /// The run folder; `output/<scenario>-s<seed>` when absent.
    pub out: Option<PathBuf>,
    /// Whether an existing run folder is replaced.
    pub force: bool,
    /// Threads; 0 = cores.
    pub threads: usize,
    /// Whether standard error stays silent.
    pub is_quiet: bool,
    /// Whether the cost of each process is measured.
    pub profile: bool,
    /// A wish to stop.
    pub stop: Stop,
    /// Wall time between checkpoints.
    pub checkpoint_every: Duration,
}

impl Default for RunOptions {
    fn default() -> Self {
        Self {
            out: None,
            force: false,
            threads: 0,
            is_quiet: false,
            profile: false,
            stop: Stop::default(),
            checkpoint_every: Duration::from_secs(30),
        }
    }
}

/// Threads that a number asked for means: 0 = cores.
pub fn threads_or_cores(asked: usize) -> usize {
    if asked > 0 {
        asked
    } else {
        std::thread::available_parallelism().map_or(1, std::num::NonZero::get)
    }
}

/// A run that reached its end.
#[derive(Clone, Debug)]
pub struct Outcome {
    /// The outcome of the model.
    pub summary: Summary,
    /// The run folder.
    pub run_dir: PathBuf,
    /// Seconds that this command took.
    pub wall_s: f64,
    /// Steps that this command executed.
    pub steps_executed: u64,
    /// What the user should know.
    pub warnings: Vec<String>,
    /// Cost by process, when it was measured.
    pub profile: Vec<Cost>,
}

impl Outcome {
    /// The one object of `--json`: the summary plus `ok, exit, run_dir, wall_s`.
    pub fn to_json(&self) -> Result<serde_json::Value> {
        let mut object = serde_json::to_value(&self.summary)
            .map_err(|fault| Error::Internal(format!("a summary could not be written: {fault}")))?;
        if let Some(map) = object.as_object_mut() {
            map.insert("ok".to_owned(), true.into());
            map.insert("exit".to_owned(), 0.into());
            map.insert("run_dir".to_owned(), self.run_dir.display().to_string().into());
            map.insert("wall_s".to_owned(), self.wall_s.into());
        }
        Ok(object)
    }

    /// The outcome in a few lines.
    pub fn text(&self) -> String {
        let s = &self.summary;
        let dir = self.run_dir.display();
        let percent = |name: &str| match s.last.get(name) {
            Some(x) => format!("{:.1} %", 100.0 * x),
            None => "not applicable".to_owned(),
        };
        let day = |t: Option<f64>| t.map_or_else(|| "never".to_owned(), |t| format!("day {t:.1}"));
        let mut text = format!(
            "{}, seed {}: {} days, {} steps in {}\n\n",
            s.scenario,
            s.seed,
            s.days,
            self.steps_executed,
            duration(self.wall_s)
        );
        let mut line = |name: &str, value: String| text.push_str(&format!("  {name:<22}{value}\n"));
        line("tissue ever dead", percent("necrotic_fraction"));
        line("open surface", percent("ulcer_fraction"));
        line("vessels perfused", percent("perfused_fraction"));
        line("first thrombosis", day(s.t_first_thrombosis_d));
        line("first necrosis", day(s.t_first_necrosis_d));
        line("ulcer", day(s.t_ulcer_d));
        line("state", s.state_hash.clone());
        text.push_str(&format!(
            "\nWritten to {dir}\nNext: calcisim report {dir}  ·  calcisim view {dir}  ·  calcisim resume {dir} --days {}\n",
            2.0 * s.days
        ));
        text
    }
}

/// Seconds since the first call: the clock that the engine does not have.
fn stopwatch() -> f64 {
    static START: OnceLock<Instant> = OnceLock::new();
    START.get_or_init(Instant::now).elapsed().as_secs_f64()
}

/// The run folder when none is named.
pub fn default_folder(settings: &RunSettings) -> PathBuf {
    PathBuf::from("output").join(format!("{}-s{}", settings.scenario, settings.seed))
}

/// Runs a scenario into a new run folder.
pub fn run(settings: &RunSettings, options: &RunOptions) -> Result<Outcome> {
    let dir = options.out.clone().unwrap_or_else(|| default_folder(settings));
    let forecast = Forecast::of(settings);
    forecast.refuse_what_cannot_fit(&settings.scenario, &dir, 1.0)?;
    folder::check_free(&dir, options.force, folder::is_run_folder)?;
    if !options.is_quiet {
        eprintln!("{}, seed {}: {forecast}", settings.scenario, settings.seed);
    }
    let started = Instant::now();
    let threads = threads_or_cores(options.threads);
    par::with_threads(threads, || {
        let model = Model::new(settings.parameters.clone(), settings.seed)?;
        let record = new_record(settings, threads, &model);
        let lock = folder::install(&dir, options.force, folder::is_run_folder, |folder| {
            for (path, text) in &settings.companions {
                let path = folder.join(path);
                if let Some(parent) = path.parent() {
                    files::make_folder(parent)?;
                }
                files::write_whole(&path, text.as_bytes())?;
            }
            files::write_whole(&folder.join("scenario.toml"), settings.text.as_bytes())?;
            files::make_folder(&folder.join("snapshots"))?;
            files::make_folder(&folder.join("checkpoint"))?;
            record.write(folder)?;
            Lock::take(folder)
        })?;
        let session = Session {
            logs: Logs::create(&dir)?,
            checkpoints: checkpoint::Writer::new(dir.join("checkpoint")),
            model,
            watch: Watch::default(),
            settings,
            options,
            before: record.clone(),
            record,
            dir,
            expected: BTreeMap::new(),
            lengths: Lengths::default(),
            started,
            executed: 0,
            output_s: 0.0,
            _lock: lock,
        };
        session.begin()
    })
}

/// Goes on with a run folder: executes only the steps that are missing. `days` may lengthen the run.
pub fn resume(dir: &Path, days: Option<f64>, options: &RunOptions) -> Result<Outcome> {
    if !dir.join("run.json").is_file() {
        return Err(Error::files(dir.display(), "is no run folder: it has no run.json"));
    }
    let started = Instant::now();
    let lock = Lock::take(dir)?;
    let before = RunJson::read(dir)?;
    check_untouched(dir, &before)?;
    let file = dir.join("scenario.toml");
    let text = files::read_text(&file)?;
    let (mut scenario, _) = Scenario::load(&Disk, &file.display().to_string(), &[])?;
    let days = days.unwrap_or(before.days);
    let mut warnings = before.warnings.clone();
    if scenario.days() != days {
        let found = scenario.set_days(days)?;
        warnings.extend(found.iter().map(ToString::to_string));
    }
    let mut settings = RunSettings::of(&scenario, &Disk)?;
    settings.seed = before.seed;
    let found = checkpoint::latest(&dir.join("checkpoint"));
    if let Some(found) = &found {
        check_fits(dir, found, &settings)?;
    } else {
        check_can_begin_again(dir, &before)?;
        warnings.push("no whole checkpoint: the run started again from day 0".to_owned());
    }
    let version = this_version();
    if found.is_some() && version != format!("{} ({})", before.version, before.git) {
        warnings.push(format!(
            "begun with version {} ({}), resumed with {version}",
            before.version, before.git
        ));
    }
    warnings.dedup();
    let threads = threads_or_cores(options.threads);
    par::with_threads(threads, || {
        let parameters = settings.parameters.clone();
        let (model, watch, lengths) = match found {
            Some(Checkpoint {
                state,
                state_hash,
                watch,
                lengths,
                ..
            }) => {
                let model = Model::restore(parameters, settings.seed, state)?;
                if model.state_hash() != state_hash {
                    return Err(Error::Condition(format!(
                        "{}: the restored state does not have the hash of its checkpoint: another version of \
                         calcisim wrote it; run the scenario anew",
                        dir.display()
                    )));
                }
                (model, watch, lengths)
            }
            None => (
                Model::new(parameters, settings.seed)?,
                Watch::default(),
                Lengths::default(),
            ),
        };
        // What was recorded beyond the checkpoint is recorded again, and must come out the same.
        let beyond = hashes::parse(&files::read_text(&dir.join("hashes.csv")).unwrap_or_default());
        let expected: BTreeMap<u64, u64> = beyond
            .into_iter()
            .filter(|&(step, _)| step > model.clock.step())
            .collect();
        let is_fresh = watch.latest().is_none();
        let logs = if is_fresh {
            Logs::create(dir)?
        } else {
            Logs::reopen(dir, lengths)?
        };
        let mut record = new_record(&settings, threads, &model);
        record.steps_executed_total = before.steps_executed_total;
        record.wall_s_total = before.wall_s_total;
        // The resolved scenario names every value, so only the first record knows what was left out.
        record.host_defaults.clone_from(&before.host_defaults);
        record.history.clone_from(&before.history);
        record.warnings.extend(warnings);
        record.warnings.sort();
        record.warnings.dedup();
        if settings.text != text {
            files::write_whole(&file, settings.text.as_bytes())?;
        }
        let session = Session {
            logs,
            checkpoints: checkpoint::Writer::new(dir.join("checkpoint")),
            model,
            watch,
            settings: &settings,
            options,
            before: record.clone(),
            record,
            dir: dir.to_owned(),
            expected,
            lengths,
            started,
            executed: 0,
            output_s: 0.0,
            _lock: lock,
        };
        if is_fresh { session.begin() } else { session.go_on() }
    })
}

/// This version and the revision of its source.
fn this_version() -> String {
    format!("{} ({})", env!("CARGO_PKG_VERSION"), run_json::git())
}

/// The rows that were written must be those that the run sealed: what follows would stand on them.
fn check_untouched(dir: &Path, before: &RunJson) -> Result<()> {
    const LOGS: [&str; 4] = ["series.csv", "events.csv", "hashes.csv", "observe.csv"];
    let Some(sealed) = &before.seal else { return Ok(()) };
    let mut logs = seal::Seal::default();
    let ours = sealed.files.iter().filter(|(path, _)| LOGS.contains(&path.as_str()));
    logs.files
        .extend(ours.map(|(path, digest)| (path.clone(), digest.clone())));
    match logs.broken(dir).as_slice() {
        [] => Ok(()),
        broken => Err(Error::Condition(format!(
            "{}: cannot go on, for what is there was changed since the run stopped; nothing was touched\n       {}\n       \
             bring the files back, or run the scenario anew into another folder",
            dir.display(),
            broken.join("\n       ")
        ))),
    }
}

/// Without a checkpoint a run begins again from day 0, and its rows are written again: only the version that wrote them gives
/// the same ones.
fn check_can_begin_again(dir: &Path, before: &RunJson) -> Result<()> {
    let folder = dir.join("checkpoint");
    let faults: Vec<String> = checkpoint::list(&folder)
        .iter()
        .filter_map(|path| {
            let name = path.file_name().unwrap_or_default().to_string_lossy();
            checkpoint::read(path)
                .err()
                .map(|fault| format!("checkpoint/{name} {fault}"))
        })
        .collect();
    let advice = format!(
        "       nothing was touched; run it anew: calcisim run {0}/scenario.toml --out {0}-again",
        dir.display()
    );
    let why = if before.history.is_empty() {
        let wrote = format!("{} ({})", before.version, before.git);
        if wrote == this_version() {
            return Ok(());
        }
        format!("begun with version {wrote}, and this is {}", this_version())
    } else {
        "it is a branch, and the state that it began from is lost: branch from its parent again".to_owned()
    };
    let mut lines = vec![format!(
        "{}: cannot go on: no checkpoint can be used, {why}",
        dir.display()
    )];
    lines.extend(faults.iter().map(|fault| format!("       {fault}")));
    lines.push(advice);
    Err(Error::Condition(lines.join("\n")))
}

/// A checkpoint must belong to this scenario and lie before the new end.
fn check_fits(dir: &Path, found: &Checkpoint, settings: &RunSettings) -> Result<()> {
    if found.scenario != scenario_hash(&settings.text) {
        return Err(Error::input(
            dir.join("scenario.toml").display().to_string(),
            "was changed since the run began, so the run cannot go on from its checkpoint: run the changed scenario \
             into another folder",
        ));
    }
    if found.step > settings.last_step() {
        return Err(Error::input(
            "--days",
            format!(
                "{} days end before day {} that this run has reached: a run can be lengthened, not shortened",
                settings.days,
                found.step as f64 * settings.step_h / 24.0
            ),
        ));
    }
    Ok(())
}

/// Hash of a scenario's text, the length of the run aside: a run may be lengthened.
pub(super) fn scenario_hash(text: &str) -> u64 {
    let Ok(mut table) = text.parse::<toml::Table>() else {
        return xxhash_rust::xxh3::xxh3_64(text.as_bytes());
    };
    if let Some(toml::Value::Table(run)) = table.get_mut("run") {
        run.remove("days");
        run.remove("written_days");
    }
    let rest = toml::to_string(&table).unwrap_or_default();
    xxhash_rust::xxh3::xxh3_64(rest.as_bytes())
}

pub(super) fn new_record(settings: &RunSettings, threads: usize, model: &Model) -> RunJson {
    let NetworkReport { attempts, warnings, .. } = &model.network;
    RunJson {
        status: Status::Running,
        version: env!("CARGO_PKG_VERSION").to_owned(),
        git: run_json::git().to_owned(),
        features: run_json::features(),
        scenario: settings.scenario.clone(),
        seed: settings.seed,
        threads,
        days: settings.days,
        steps: settings.last_step(),
        steps_executed: 0,
        wall_s: 0.0,
        steps_executed_total: 0,
        wall_s_total: 0.0,
        state_hash: hex(model.state_hash()),
        network_attempts: *attempts,
        network: run_json::network(&model.network),
        solves: (&model.tissue).into(),
        profile: Vec::new(),
        host_defaults: settings.host_defaults.clone(),
        warnings: settings.warnings.iter().chain(warnings).cloned().collect(),
        error: String::new(),
        history: Vec::new(),
        seal: None,
    }
}

/// The four files that grow.
struct Logs {
    series: Log,
    events: Log,
    hashes: Log,
    observe: Log,
}

impl Logs {
    fn create(dir: &Path) -> Result<Self> {
        Ok(Self {
            series: Log::create(dir.join("series.csv"), &Row::header())?,
            events: Log::create(dir.join("events.csv"), events::HEADER)?,
            hashes: Log::create(dir.join("hashes.csv"), hashes::HEADER)?,
            observe: Log::create(dir.join("observe.csv"), &Instruments::header())?,
        })
    }

    fn reopen(dir: &Path, lengths: Lengths) -> Result<Self> {
        Ok(Self {
            series: Log::reopen(dir.join("series.csv"), lengths.series)?,
            events: Log::reopen(dir.join("events.csv"), lengths.events)?,
            hashes: Log::reopen(dir.join("hashes.csv"), lengths.hashes)?,
            observe: Log::reopen(dir.join("observe.csv"), lengths.observe)?,
        })
    }

    fn lengths(&self) -> Lengths {
        Lengths {
            series: self.series.length(),
            events: self.events.length(),
            hashes: self.hashes.length(),
            observe: self.observe.length(),
        }
    }

    fn sync(&self) -> Result<()> {
        self.series.sync()?;
        self.events.sync()?;
        self.hashes.sync()?;
        self.observe.sync()
    }
}

/// A run at work in its folder.
struct Session<'a> {
    dir: PathBuf,
    settings: &'a RunSettings,
    options: &'a RunOptions,
    model: Model,
    watch: Watch,
    logs: Logs,
    checkpoints: checkpoint::Writer,
    /// The record as it stood before this command.
    before: RunJson,
    record: RunJson,
    /// Hashes from an earlier attempt, by step.
    expected: BTreeMap<u64, u64>,
    /// How far the logs belong to the latest step, without a last row that is off the rhythm.
    lengths: Lengths,
    started: Instant,
    executed: u64,
    /// Seconds spent on looking at the model and writing it down.
    output_s: f64,
    _lock: Lock,
}

impl Session<'_> {
    /// The moment before the first step, then the rest.
    fn begin(mut self) -> Result<Outcome> {
        let begun = self.observe().and_then(|()| self.checkpoint());
        if let Err(error) = begun {
            return Err(self.broken_off(error));
        }
        self.go_on()
    }

    fn go_on(mut self) -> Result<Outcome> {
        let end = self.steps().and_then(|()| self.complete());
        let end = end.map_err(|error| self.broken_off(error));
        if self.options.profile {
            eprint!("{}", cost::table(&self.record.profile));
        }
        end
    }

    fn steps(&mut self) -> Result<()> {
        let last = self.settings.last_step();
        let step = self.model.clock.step();
        if step >= last {
            return Ok(());
        }
        self.forget_the_old_end();
        self.record.status = Status::Running;
        self.write_record()?;
        if self.options.profile {
            self.model.set_stopwatch(stopwatch);
        }
        let mut progress = Progress::new(last, step, self.options.is_quiet);
        let mut saved = Instant::now();
        let advice = format!("go on with: calcisim resume {}", self.dir.display());
        while self.model.clock.step() < last {
            if let Some(reason) = self.options.stop.asked(&advice) {
                progress.end();
                self.checkpoint()?;
                return Err(reason);
            }
            advance(&mut self.model, &self.settings.instruments)?;
            self.executed += 1;
            let looked = stopwatch();
            self.observe()?;
            self.output_s += stopwatch() - looked;
            files::fail_point("step");
            let watch = &self.watch;
            let days = self.settings.days;
            progress.at(self.model.clock.step(), || note(watch, days));
            if saved.elapsed() >= self.options.checkpoint_every {
                let began = stopwatch();
                self.checkpoint()?;
                self.output_s += stopwatch() - began;
                saved = Instant::now();
            }
        }
        Ok(())
    }

    /// Writes down what the latest step left.
    fn observe(&mut self) -> Result<()> {
        let entry = Entry::take(&mut self.model, &mut self.watch, self.settings);
        if !entry.events.is_empty() {
            self.logs.events.append(&entry.events)?;
        }
        if entry.is_row_kept {
            self.append_row(&entry.row)?;
        }
        if !entry.observe.is_empty() {
            self.logs.observe.append(&entry.observe)?;
        }
        self.lengths = self.logs.lengths();
        let RunSettings {
            snapshot_every_d,
            snapshot_days,
            ..
        } = self.settings;
        let clock = &self.model.clock;
        let is_asked = snapshots::is_due(clock, 0.0, snapshot_days);
        if snapshots::is_due(clock, *snapshot_every_d, snapshot_days) {
            self.write_snapshot()?;
        }
        if is_asked {
            self.logs.sync()?;
            let name = checkpoint::kept_name(self.model.clock.day());
            let kept = self.saved(self.model.state_hash());
            checkpoint::keep(&self.dir.join("checkpoint"), &name, &kept)?;
        }
        Ok(())
    }

    /// The run as it stands.
    fn saved(&self, state_hash: u64) -> Checkpoint {
        Checkpoint {
            step: self.model.clock.step(),
            state_hash,
            scenario: scenario_hash(&self.settings.text),
            state: self.model.state(),
            watch: self.watch.clone(),
            lengths: self.lengths,
        }
    }

    fn append_row(&mut self, row: &Row) -> Result<()> {
        let hash = self.model.state_hash();
        if let Some(&before) = self.expected.get(&row.step)
            && before != hash
        {
            return Err(Error::Condition(format!(
                "{}: day {} now has the state {} and had {} before: another version of calcisim wrote this folder, \
                 or a promise of ours is broken",
                self.dir.display(),
                row.t_d,
                hex(hash),
                hex(before)
            )));
        }
        self.logs.hashes.append(&hashes::line(row.step, hash))?;
        self.logs.series.append(&row.line())
    }

    fn write_snapshot(&self) -> Result<()> {
        snapshots::write(&self.dir.join("snapshots"), &self.model.snapshot())?;
        files::fail_point("snapshot");
        Ok(())
    }

    /// A longer run keeps no trace of where it ended before.
    fn forget_the_old_end(&self) {
        let RunSettings {
            snapshot_every_d,
            snapshot_days,
            ..
        } = self.settings;
        if !snapshots::is_due(&self.model.clock, *snapshot_every_d, snapshot_days) {
            let name = snapshots::file_name(self.model.clock.day());
            let _ = std::fs::remove_file(self.dir.join("snapshots").join(name));
        }
        let _ = std::fs::remove_file(self.dir.join("summary.json"));
    }

    fn checkpoint(&mut self) -> Result<()> {
        self.logs.sync()?;
        let state_hash = self.model.state_hash();
        self.checkpoints.write(&self.saved(state_hash))?;
        self.record.state_hash = hex(state_hash);
        self.record.solves = (&self.model.tissue).into();
        self.write_record()
    }

    /// Takes the costs so far into the record.
    fn take_stock(&mut self) {
        if self.options.profile {
            let processes = self.model.profile().iter().copied();
            let rest = [("checks", self.model.cost_of_checks()), ("output", self.output_s)];
            let days = self.executed as f64 * self.settings.step_h / 24.0;
            self.record.profile = cost::costs(processes.chain(rest), days);
        }
    }

    fn write_record(&mut self) -> Result<()> {
        self.count_up();
        self.record.write(&self.dir)
    }

    /// Writes the record of a run that ends here, for now or for good, with the digests of its files.
    fn seal(&mut self) -> Result<()> {
        self.count_up();
        let tables = self.settings.companions.iter().map(|(path, _)| path.as_str());
        self.record.write_sealed(&self.dir, tables)
    }

    fn count_up(&mut self) {
        self.take_stock();
        let wall_s = self.started.elapsed().as_secs_f64();
        self.record.steps_executed = self.executed;
        self.record.steps_executed_total = self.before.steps_executed_total + self.executed;
        self.record.wall_s = wall_s;
        self.record.wall_s_total = self.before.wall_s_total + wall_s;
    }

    fn complete(&mut self) -> Result<Outcome> {
        self.checkpoint()?;
        if let Some(row) = self.watch.latest().cloned()
            && !self.settings.cadence().is_due(row.step)
        {
            self.append_row(&row)?;
            self.logs.sync()?;
        }
        self.write_snapshot()?;
        let RunSettings {
            scenario, seed, step_h, ..
        } = self.settings;
        let summary = self.watch.summary(scenario, *seed, *step_h, self.model.state_hash());
        files::write_whole(&self.dir.join("summary.json"), run_json::pretty(&summary)?.as_bytes())?;
        self.record.status = Status::Complete;
        self.record.error.clear();
        self.seal()?;
        Ok(Outcome {
            summary,
            run_dir: self.dir.clone(),
            wall_s: self.started.elapsed().as_secs_f64(),
            steps_executed: self.executed,
            warnings: self.record.warnings.clone(),
            profile: self.record.profile.clone(),
        })
    }

    /// Leaves the folder so that it can be resumed, and says how.
    fn broken_off(&mut self, error: Error) -> Error {
        let dir = self.dir.display().to_string();
        self.record.status = match error {
            Error::Stopped(_) | Error::Interrupted(_) | Error::Files { .. } => Status::Stopped,
            _ => Status::Failed,
        };
        self.record.error = error.to_string();
        // When the disk is full this fails too; the checkpoint that stands is enough.
        let _ = self.seal();
        match error {
            Error::Files { path, message } => Error::Files {
                path,
                message: format!("{message}\n       what is done so far is kept; then: calcisim resume {dir}"),
            },
            other => other,
        }
    }
}

/// Where a run is, for the progress.
fn note(watch: &Watch, days: f64) -> String {
    let Some(row) = watch.latest() else {
        return String::new();
    };
    let dead = 100.0 * row.get("necrotic_fraction").unwrap_or(0.0);
    format!("day {:.0} of {days:.0}, {dead:.1} % of the tissue dead", row.t_d)
}
