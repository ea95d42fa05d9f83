//! `compare`: scenarios side by side over the same seeds.
//!
//! Arm = scenario file; the first is the reference. Replicate r of every arm is the run with seed N + r, so the arms share
//! their dice and differ only by what the scenario changed: contrasts are arm − reference over pairs of equal seed.
//! Endpoints are `final.*` and `t_*`; a date that did not come is censored at the end of the run.
//!
//! A comparison is a plan and is executed like every other one. Until it is whole, its runs are kept beside its folder, so
//! that the same command goes on after a kill.

use std::path::{Path, PathBuf};
use std::time::Instant;

use serde_json::{Value, json};

use super::effects::{self, Contrast, Measure};
use super::execute::{ExecuteOptions, execute};
use super::file::{Experiment, Kind};
use super::job::{Outcome, Series};
use super::merge_rows::series_text;
use super::outputs::{self, Endpoint, Outputs};
use super::plan::Plan;
use super::points::Points;
use super::results::Results;
use super::sampled::Analysis;
use super::{arms, questions};
use crate::error::{Diagnostic, Error, Result};
use crate::output::{cell, files, number, quoted, run_json};
use crate::scenario::Scenario;
use crate::simulation::forecast::Forecast;
use crate::simulation::progress::duration;
use crate::simulation::stop::Stop;
use crate::simulation::{RunSettings, folder, threads_or_cores};

/// One arm: a scenario under the stem of its file.
#[derive(Clone, Debug)]
pub struct Arm {
    /// Stem of the file.
    pub id: String,
    /// The scenario.
    pub settings: RunSettings,
}

/// How to compare.
#[derive(Clone, Debug)]
pub struct CompareOptions {
    /// Runs of each arm.
    pub replicates: u64,
    /// First seed; the reference's own when absent.
    pub seed: Option<u64>,
    /// Runs at the same time; 0 = cores.
    pub threads: usize,
    /// Folder of the results; `output/compare-<a>-vs-<b>…` when absent.
    pub out: Option<PathBuf>,
    /// Whether an existing folder of a comparison is replaced.
    pub force: bool,
    /// Whether standard error stays silent.
    pub is_quiet: bool,
    /// A wish to stop.
    pub stop: Stop,
}

impl Default for CompareOptions {
    fn default() -> Self {
        Self {
            replicates: 8,
            seed: None,
            threads: 0,
            out: None,
            force: false,
            is_quiet: false,
            stop: Stop::default(),
        }
    }
}

/// One run as a row.
#[derive(Clone, Debug)]
pub struct RunRow {
    /// Index of the arm.
    pub arm: usize,
    /// Replicate, from 0.
    pub replicate: u64,
    /// Seed.
    pub seed: u64,
    /// Why it failed; empty when it did not.
    pub error: String,
    /// Hash of the last state.
    pub state_hash: String,
    /// Values of the endpoints as they are: nothing = not applicable, or did not happen, or the run failed.
    pub values: Vec<Option<f64>>,
}

/// A finished comparison.
#[derive(Clone, Debug)]
pub struct Comparison {
    /// Ids of the arms; the first is the reference.
    pub arms: Vec<String>,
    /// Length of the runs [d].
    pub days: f64,
    /// First seed.
    pub seed: u64,
    /// All runs, by arm, then replicate.
    pub runs: Vec<RunRow>,
    /// Contrasts, by arm, then endpoint.
    pub contrasts: Vec<Contrast>,
    /// Folder of the results.
    pub out: PathBuf,
    /// Seconds that it took.
    pub wall_s: f64,
}

/// The endpoints: every column at the end, then the dates.
pub(super) fn endpoints() -> Vec<Endpoint> {
    outputs::all()
}

/// The endpoints as the tables of effects name them.
pub(super) fn measures() -> Vec<Measure> {
    let measure = |e: Endpoint| Measure {
        is_date: e.is_date(),
        name: e.name,
        unit: e.unit,
    };
    endpoints().into_iter().map(measure).collect()
}

/// Compares the arms and writes the folder of results in one stroke.
pub fn compare(arms: &[Arm], options: &CompareOptions) -> Result<Comparison> {
    let started = Instant::now();
    check(arms, options)?;
    let ids: Vec<String> = arms.iter().map(|a| a.id.clone()).collect();
    let out = options
        .out
        .clone()
        .unwrap_or_else(|| Path::new("output").join(format!("compare-{}", ids.join("-vs-"))));
    folder::check_free(&out, options.force, is_compare_folder)?;
    let threads = threads_or_cores(options.threads);
    let reference = &arms[0].settings;
    let seed = options.seed.unwrap_or(reference.seed);
    let forecast = Forecast::of(reference);
    let at_once = (threads as u64).min(options.replicates * arms.len() as u64);
    forecast.refuse_what_cannot_fit(&arms[0].id, &out, at_once as f64)?;
    if !options.is_quiet {
        let runs = options.replicates * arms.len() as u64;
        eprintln!(
            "{runs} runs ({} arms, seeds {seed} to {}), {at_once} at a time, roughly {} in all\neach: {forecast}",
            arms.len(),
            seed + options.replicates - 1,
            duration(forecast.seconds * runs as f64 / at_once as f64),
        );
    }
    let plan = planned(arms, seed, options, &out)?;
    execute(
        &plan,
        &ExecuteOptions {
            threads,
            is_quiet: options.is_quiet,
            stop: options.stop.clone(),
            advice: "the same command goes on".to_owned(),
            ..ExecuteOptions::default()
        },
    )?;
    let results = Results::read(&plan.folder, true)?;
    results.refuse_conflicts(&plan)?;
    let (runs, contrasts) = folder::install(&out, options.force, is_compare_folder, |folder| {
        for part in ["series", "snapshots", "scenarios"] {
            files::make_folder(&folder.join(part))?;
        }
        let runs = collected(&plan, &results, folder)?;
        if let Some(first) = all_failed(&runs) {
            return Err(Error::Condition(format!("every run failed; the first: {first}")));
        }
        let contrasts = contrasts(&runs, arms.len(), reference.days);
        write_tables(folder, &ids, &runs, &contrasts, reference.days)?;
        for arm in arms {
            let file = folder.join("scenarios").join(format!("{}.toml", arm.id));
            files::write_whole(&file, arm.settings.text.as_bytes())?;
        }
        let manifest = json!({
            "kind": "compare",
            "version": env!("CARGO_PKG_VERSION"),
            "git": run_json::git(),
            "features": run_json::features(),
            "arms": ids,
            "reference": ids[0],
            "replicates": options.replicates,
            "seed": seed,
            "days": reference.days,
            "threads": threads,
            "wall_s": started.elapsed().as_secs_f64(),
        });
        files::write_whole(&folder.join("compare.json"), run_json::pretty(&manifest)?.as_bytes())?;
        Ok((runs, contrasts))
    })?;
    // Everything is in its place now.
    let _ = std::fs::remove_dir_all(&plan.folder);
    Ok(Comparison {
        arms: ids,
        days: reference.days,
        seed,
        runs,
        contrasts,
        out,
        wall_s: started.elapsed().as_secs_f64(),
    })
}

/// Where the runs of a comparison are kept until it is whole.
fn runs_folder(out: &Path) -> PathBuf {
    let name = out.file_name().unwrap_or_default().to_string_lossy();
    out.with_file_name(format!(".{name}.runs"))
}

/// The plan of a comparison, with the runs of an earlier try that are the same.
fn planned(arms: &[Arm], seed: u64, options: &CompareOptions, out: &Path) -> Result<Plan> {
    let resolved = arms.iter().map(|arm| {
        let settings = &arm.settings;
        let (scenario, _) = Scenario::from_text(&arm.id, &settings.text, &[])?;
        Ok(arms::Arm::resolved(
            &arm.id,
            scenario,
            settings.text.clone(),
            settings.companions.clone(),
        ))
    });
    let resolved: Vec<arms::Arm> = resolved.collect::<Result<_>>()?;
    let reference = &arms[0].settings;
    let experiment = Experiment {
        file: String::new(),
        text: String::new(),
        kind: Kind::Compare,
        name: out.file_name().unwrap_or_default().to_string_lossy().into_owned(),
        question: String::new(),
        cost: String::new(),
        replicates: options.replicates,
        seed,
        common_random_numbers: true,
        days: reference.days,
        arms: resolved,
        factors: Vec::new(),
        points: Points::none(),
        analysis: Analysis::None,
        outputs: Outputs {
            series_every_h: Some(reference.series_every_h),
            snapshots: true,
            ..Outputs::default()
        },
        staged: None,
        sequential: None,
        questions: questions::Questions::default(),
    };
    let mut plan = Plan::of(&experiment, &runs_folder(out))?;
    if plan.folder.exists() && Plan::open(&plan.folder).is_err() {
        // What cannot be read is no plan of ours any more: a kill while it was written.
        std::fs::remove_dir_all(&plan.folder).map_err(|fault| files::trouble(&plan.folder, "replace", &fault))?;
    }
    plan.install(&experiment, true)?;
    Ok(plan)
}

/// Every run as a row, its series, and the last snapshot of replicate 0.
fn collected(plan: &Plan, results: &Results, folder: &Path) -> Result<Vec<RunRow>> {
    let mut reader = results.reader();
    let mut rows = Vec::new();
    for (row, run) in plan.runs.iter().enumerate() {
        let place = plan.row(row);
        let name = format!("{}-s{}", plan.manifest.arms[place.arm].id, place.seed);
        let record = reader
            .get(*run)?
            .ok_or_else(|| Error::Internal(format!("{name} has no result although everything was done")))?;
        let outcome = Outcome::read(&record)?;
        let series = series_text(&Series::read(&record)?);
        files::write_whole(&folder.join("series").join(format!("{name}.csv")), series.as_bytes())?;
        let snapshot = plan.folder.join("blobs").join(format!("{run}.snap"));
        if place.replicate == 0 && snapshot.is_file() {
            let to = folder.join("snapshots").join(format!("{name}.snap"));
            files::write_whole(&to, &files::read(&snapshot)?)?;
        }
        rows.push(RunRow {
            arm: place.arm,
            replicate: place.replicate,
            seed: place.seed,
            values: endpoints().iter().map(|e| outcome.value(e.origin)).collect(),
            error: outcome.error,
            state_hash: outcome.state_hash,
        });
    }
    Ok(rows)
}

/// Whether a folder holds a comparison of ours.
pub fn is_compare_folder(path: &Path) -> bool {
    let manifest: Option<Value> = std::fs::read(path.join("compare.json"))
        .ok()
        .and_then(|bytes| serde_json::from_slice(&bytes).ok());
    manifest.is_some_and(|m| m["kind"] == "compare")
}

fn all_failed(runs: &[RunRow]) -> Option<&str> {
    let first = runs.first()?;
    let is_hopeless = runs.iter().all(|run| !run.error.is_empty());
    is_hopeless.then_some(first.error.as_str())
}

/// What makes scenarios comparable; all faults at once.
fn check(arms: &[Arm], options: &CompareOptions) -> Result<()> {
    if arms.len() < 2 {
        return Err(Error::Usage(
            "compare needs at least two scenarios: the first is the reference".to_owned(),
        ));
    }
    if options.replicates == 0 {
        return Err(Error::Usage("--replicates must be at least 1".to_owned()));
    }
    let first = &arms[0];
    let mut faults = Vec::new();
    let mut fault = |arm: &Arm, key: &str, value: String, expected: String, message: &str| {
        faults.push(Diagnostic {
            file: arm.id.clone(),
            key: key.to_owned(),
            value,
            expected,
            message: message.to_owned(),
            ..Diagnostic::default()
        });
    };
    for (i, arm) in arms.iter().enumerate().skip(1) {
        if arms[..i].iter().any(|other| other.id == arm.id) {
            let message = "two arms have this name: an arm is named after the stem of its file";
            fault(arm, "", String::new(), "files with different stems".to_owned(), message);
        }
        let (here, there) = (&arm.settings, &first.settings);
        if here.days != there.days {
            let expected = format!("{} as in {}", there.days, first.id);
            fault(
                arm,
                "run.days",
                number(here.days),
                expected,
                "arms of different length cannot be compared",
            );
        }
        if here.step_h != there.step_h {
            let expected = format!("{} as in {}", there.step_h, first.id);
            fault(
                arm,
                "run.step_h",
                number(here.step_h),
                expected,
                "arms share their dice step by step",
            );
        }
        for key in here
            .space
            .keys()
            .chain(there.space.keys().filter(|k| !here.space.contains_key(*k)))
        {
            let (mine, other) = (here.space.get(key), there.space.get(key));
            if mine != other {
                let text = |v: Option<&toml::Value>| v.map_or_else(|| "absent".to_owned(), ToString::to_string);
                let expected = format!("{} as in {}", text(other), first.id);
                let key = format!("space.{key}");
                fault(
                    arm,
                    &key,
                    text(mine),
                    expected,
                    "arms in different spaces cannot be compared",
                );
            }
        }
    }
    if faults.is_empty() {
        Ok(())
    } else {
        Err(Error::Input(faults))
    }
}

/// Value of an endpoint for the statistics: a date that did not come counts as the end of the run.
fn censored(is_date: bool, value: Option<f64>, days: f64) -> Option<f64> {
    value.or(is_date.then_some(days))
}

/// Values of one endpoint in one arm, by replicate; nothing where the run failed.
pub(super) fn column(runs: &[RunRow], arm: usize, endpoint: usize, days: f64) -> Vec<Option<f64>> {
    let is_date = endpoints()[endpoint].is_date();
    let of_arm = runs.iter().filter(|run| run.arm == arm);
    of_arm
        .map(|run| {
            let value = run.error.is_empty().then(|| run.values[endpoint])?;
            censored(is_date, value, days)
        })
        .collect()
}

fn contrasts(runs: &[RunRow], arms: usize, days: f64) -> Vec<Contrast> {
    let of_reference = runs.iter().filter(|run| run.arm == 0);
    let places: Vec<(usize, u64)> = of_reference.map(|run| (0, run.seed)).collect();
    effects::contrasts(arms, &places, &measures(), &|arm, e| column(runs, arm, e, days))
}

fn write_tables(folder: &Path, ids: &[String], runs: &[RunRow], contrasts: &[Contrast], days: f64) -> Result<()> {
    let write = |name: &str, text: String| files::write_whole(&folder.join(name), text.as_bytes());
    write("runs.csv", runs_table(ids, runs))?;
    let column = |arm: usize, e: usize| column(runs, arm, e, days);
    write("arms.csv", effects::arms_table(ids, &measures(), &column))?;
    write("contrasts.csv", effects::contrasts_table(ids, contrasts))
}

fn runs_table(ids: &[String], runs: &[RunRow]) -> String {
    let names: Vec<String> = endpoints().into_iter().map(|m| m.name).collect();
    let mut text = format!("arm,replicate,seed,status,error,state_hash,{}\n", names.join(","));
    for run in runs {
        let status = if run.error.is_empty() { "ok" } else { "failed" };
        let cells: Vec<String> = run.values.iter().map(|value| cell(*value)).collect();
        text.push_str(&format!(
            "{},{},{},{status},{},{},{}\n",
            quoted(&ids[run.arm]),
            run.replicate,
            run.seed,
            quoted(&run.error),
            run.state_hash,
            cells.join(",")
        ));
    }
    text
}

#[cfg(test)]
mod tests;
