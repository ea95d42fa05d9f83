//! Branches: another future of a run, from any of its days, with changed settings.
//!
//! The folder of a branch is a run folder like any other: it holds the rows of the run that it left up to that day, the state that
//! it began from (`checkpoint/branch.ckpt`) and the scenarios of all runs before it (`history-0.toml` …), so that it can be
//! resumed, verified and branched again without them. A branch that changes nothing is its parent, bit for bit.

use std::path::{Path, PathBuf};

use super::archive::{Archive, ReplayOptions};
use super::course::{Change, Course, Runner};
use super::folder;
use super::progress::Progress;
use super::{Outcome, RunOptions, RunSettings, session};
use crate::checkpoint::{self, Checkpoint, Lengths};
use crate::error::{Diagnostic, Error, Result};
use crate::library::Disk;
use crate::output::run_json::Ancestor;
use crate::output::seal::history_name;
use crate::output::summary::hex;
use crate::output::{files, snapshots};
use crate::par;
use crate::scenario::{Library, Scenario};

/// Where and how a branch leaves its parent.
#[derive(Clone, Debug, Default)]
pub struct BranchOptions {
    /// Day at which it leaves.
    pub at_day: f64,
    /// As after `--set`.
    pub sets: Vec<String>,
    /// A scenario file laid over the parent's.
    pub with: Option<PathBuf>,
    /// Another length [d].
    pub days: Option<f64>,
    /// How it is run; `out` is its folder.
    pub run: RunOptions,
}

/// A file that extends the scenario of the parent without saying so.
struct Over<'a> {
    file: &'a str,
    parent: String,
}

impl Library for Over<'_> {
    fn read(&self, name: &str, from: Option<&str>) -> Result<(String, String)> {
        if from == Some(self.file) && name == self.parent {
            return Disk.read(name, None);
        }
        let (file, text) = Disk.read(name, from)?;
        if from.is_none() {
            // On the line above the first: faults of this file are moved up by one again.
            return Ok((file, format!("extends = {:?}\n{text}", self.parent)));
        }
        Ok((file, text))
    }
}

/// The scenario of a branch and its warnings.
fn child(parent: &Path, options: &BranchOptions) -> Result<(Scenario, Vec<Diagnostic>)> {
    let parent = parent.join("scenario.toml");
    let Some(with) = &options.with else {
        return Scenario::load(&Disk, &parent.display().to_string(), &options.sets);
    };
    let file = with.display().to_string();
    let parent = std::fs::canonicalize(&parent).map_err(|fault| files::trouble(&parent, "read", &fault))?;
    let over = Over {
        file: &file,
        parent: parent.display().to_string(),
    };
    let moved = |mut list: Vec<Diagnostic>| {
        for fault in list.iter_mut().filter(|fault| fault.file == file && fault.line > 1) {
            fault.line -= 1;
        }
        list
    };
    // The name and the questions of the file are its own; a part of a scenario need not have them.
    match Scenario::load(&over, &file, &options.sets) {
        Ok((scenario, warnings)) => Ok((scenario, moved(warnings))),
        Err(Error::Input(list)) => Err(Error::Input(moved(list))),
        Err(other) => Err(other),
    }
}

/// The folder of a branch when none is named: beside its parent.
pub fn default_folder(parent: &Path, at_day: f64) -> PathBuf {
    let name = parent.file_name().unwrap_or_default().to_string_lossy();
    parent.with_file_name(format!("{name}-d{at_day}"))
}

/// Makes the folder of a branch and runs it to its end.
///
/// # Errors
/// [`Error::Input`] for a day that the run does not have, and for settings that a tissue which is there cannot change.
pub fn branch(dir: &Path, options: &BranchOptions) -> Result<Outcome> {
    let archive = Archive::open(dir)?;
    let step = archive.step_of("--at-day", options.at_day)?;
    let parent = archive.scenario.as_ref().map_err(Clone::clone)?;
    let (mut scenario, mut warnings) = child(dir, options)?;
    if let Some(days) = options.days {
        warnings.extend(scenario.set_days(days)?);
    }
    let change = Change::between(parent, &scenario)?;
    let mut settings = RunSettings::of(&scenario, &Disk)?;
    if scenario.seed() == parent.seed() {
        settings.seed = archive.record.seed;
    }
    if settings.last_step() < step {
        let why = format!(
            "{} days end before day {}, where the branch begins",
            settings.days, options.at_day
        );
        return Err(Error::input("--days", why));
    }
    settings.warnings.extend(warnings.iter().map(ToString::to_string));
    let out = options
        .run
        .out
        .clone()
        .unwrap_or_else(|| default_folder(dir, options.at_day));
    folder::check_free(&out, options.run.force, folder::is_run_folder)?;
    let threads = session::threads_or_cores(options.run.threads);
    par::with_threads(threads, || {
        let course = Course::of(&archive)?;
        let mut runner = course.runner(&archive.dir.join("checkpoint"), step)?;
        let replay = ReplayOptions {
            threads,
            is_quiet: options.run.is_quiet,
            stop: options.run.stop.clone(),
        };
        reach(&archive, &mut runner, step, &replay)?;
        install(&archive, &runner, &change, &settings, &out, options)
    })?;
    let run = RunOptions {
        out: Some(out.clone()),
        force: false,
        ..options.run.clone()
    };
    session::resume(&out, None, &run)
}

/// Executes a run again up to a step, comparing the hashes of the way.
fn reach(archive: &Archive, runner: &mut Runner, step: u64, options: &ReplayOptions) -> Result<()> {
    let start = runner.model.clock.step();
    let mut progress = Progress::new(step, start, options.is_quiet || step == start);
    while !runner.is_begun() || runner.model.clock.step() < step {
        if let Some(reason) = options.stop.asked("nothing was written: ask again") {
            progress.end();
            return Err(reason);
        }
        runner.next()?;
        archive.compare_at(&runner.model)?;
        let day = runner.model.clock.day();
        progress.at(runner.model.clock.step(), || format!("replaying day {day:.0}"));
    }
    Ok(())
}

/// Puts the folder of a branch in its place, ready to be resumed.
fn install(
    archive: &Archive,
    runner: &Runner,
    change: &Change,
    settings: &RunSettings,
    out: &Path,
    options: &BranchOptions,
) -> Result<()> {
    let step = runner.model.clock.step();
    let state_hash = runner.model.state_hash();
    let model = change.apply(&runner.model, settings)?;
    let mut record = session::new_record(settings, session::threads_or_cores(options.run.threads), &model);
    let n = archive.record.history.len();
    record.history.clone_from(&archive.record.history);
    record.history.push(Ancestor {
        scenario: history_name(n),
        seed: archive.record.seed,
        until_step: step,
        state_hash: hex(state_hash),
    });
    record.host_defaults.clone_from(&archive.record.host_defaults);
    let saved = Checkpoint {
        step,
        state_hash: model.state_hash(),
        scenario: session::scenario_hash(&settings.text),
        state: model.state(),
        watch: runner.watch.clone(),
        lengths: runner.lengths,
    };
    folder::install(out, options.run.force, folder::is_run_folder, |new| {
        for (path, text) in &settings.companions {
            let path = new.join(path);
            if let Some(parent) = path.parent() {
                files::make_folder(parent)?;
            }
            files::write_whole(&path, text.as_bytes())?;
        }
        files::write_whole(&new.join("scenario.toml"), settings.text.as_bytes())?;
        for i in 0..n {
            copy(&archive.dir.join(history_name(i)), &new.join(history_name(i)), u64::MAX)?;
        }
        copy(&archive.dir.join("scenario.toml"), &new.join(history_name(n)), u64::MAX)?;
        copy_logs(&archive.dir, new, runner.lengths)?;
        files::make_folder(&new.join("snapshots"))?;
        for (day, path) in &archive.snapshots {
            let is_before = *day <= model.clock.day() + 0.006 && snapshots::read(path)?.step <= step;
            if let (true, Some(name)) = (is_before, path.file_name()) {
                copy(path, &new.join("snapshots").join(name), u64::MAX)?;
            }
        }
        files::make_folder(&new.join("checkpoint"))?;
        checkpoint::keep(&new.join("checkpoint"), checkpoint::BRANCH, &saved)?;
        record.write(new)
    })
}

/// The growing files up to the day of the branch.
fn copy_logs(from: &Path, to: &Path, lengths: Lengths) -> Result<()> {
    let Lengths {
        series,
        events,
        hashes,
        observe,
    } = lengths;
    copy(&from.join("series.csv"), &to.join("series.csv"), series)?;
    copy(&from.join("events.csv"), &to.join("events.csv"), events)?;
    copy(&from.join("hashes.csv"), &to.join("hashes.csv"), hashes)?;
    copy(&from.join("observe.csv"), &to.join("observe.csv"), observe)
}

/// Copies the first bytes of a file.
fn copy(from: &Path, to: &Path, length: u64) -> Result<()> {
    let mut bytes = files::read(from)?;
    if length < u64::MAX {
        if (bytes.len() as u64) < length {
            let why = format!(
                "has {} bytes, and the run had written {length} by then: verify it",
                bytes.len()
            );
            return Err(Error::files(from.display(), why));
        }
        bytes.truncate(length as usize);
    }
    files::write_whole(to, &bytes)
}
