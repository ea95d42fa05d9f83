//! `compare`: scenarios side by side over the same seeds.
//!
//! Arm = scenario file; the first is the reference. Replicate r of every arm is the run with seed N + r, so the arms share
//! their dice and differ only by what the scenario changed: contrasts are arm − reference over pairs of equal seed.
//! Endpoints are `final.*` and `t_*`; a date that did not come is censored at the end of the run.

use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicBool, AtomicU64, AtomicUsize, Ordering};
use std::sync::{Mutex, PoisonError};
use std::time::Instant;

use serde_json::{Value, json};

use super::effects::{self, Contrast, Measure, Spread, ends, pairs};
use super::statistics::{self, Paired};
use crate::error::{Diagnostic, Error, Result};
use crate::output::series::{COLUMNS, Row};
use crate::output::summary::{DATES, Summary};
use crate::output::{cell, files, number, quoted, run_json, snapshots};
use crate::par;
use crate::simulation::forecast::Forecast;
use crate::simulation::progress::{Progress, duration};
use crate::simulation::stop::Stop;
use crate::simulation::{RunSettings, folder, simulate, threads_or_cores};

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
    /// Outcome, or why there is none.
    pub result: std::result::Result<Summary, String>,
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
fn endpoints() -> Vec<Measure> {
    let measure = |name: String, unit: &str, is_date| Measure {
        name,
        unit: unit.to_owned(),
        is_date,
    };
    let finals = COLUMNS
        .iter()
        .map(|c| measure(format!("final.{}", c.name), c.unit, false));
    finals
        .chain(DATES.iter().map(|&d| measure(d.to_owned(), "d", true)))
        .collect()
}

/// Values of the endpoints as they are: nothing = not applicable, or did not happen.
fn values(summary: &Summary) -> Vec<Option<f64>> {
    summary.last.0.iter().copied().chain(summary.dates()).collect()
}

/// Value of an endpoint for the statistics: a date that did not come counts as the end of the run.
fn censored(endpoint: usize, value: Option<f64>, days: f64) -> Option<f64> {
    value.or((endpoint >= COLUMNS.len()).then_some(days))
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
    // What the runs write meanwhile goes into the folder that takes its place at the end.
    let (runs, contrasts) = folder::install(&out, options.force, is_compare_folder, |folder| {
        for part in ["series", "snapshots", "scenarios"] {
            files::make_folder(&folder.join(part))?;
        }
        let runs = run_all(arms, seed, options, threads, folder)?;
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

/// Whether a folder holds a comparison of ours.
pub fn is_compare_folder(path: &Path) -> bool {
    let manifest: Option<Value> = std::fs::read(path.join("compare.json"))
        .ok()
        .and_then(|bytes| serde_json::from_slice(&bytes).ok());
    manifest.is_some_and(|m| m["kind"] == "compare")
}

fn all_failed(runs: &[RunRow]) -> Option<&str> {
    let mut errors = runs.iter().map(|run| run.result.as_ref().err());
    let first = errors.next().flatten()?;
    errors.all(|e| e.is_some()).then_some(first)
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

/// All runs, so many at a time; each on one thread of its own, so that no run waits inside another.
fn run_all(arms: &[Arm], seed: u64, options: &CompareOptions, threads: usize, folder: &Path) -> Result<Vec<RunRow>> {
    // Replicate by replicate, so that pairs are finished together.
    let jobs: Vec<(usize, u64)> = (0..options.replicates)
        .flat_map(|replicate| (0..arms.len()).map(move |arm| (arm, replicate)))
        .collect();
    let total: u64 = jobs.iter().map(|&(arm, _)| arms[arm].settings.last_step()).sum();
    let (next, steps) = (AtomicUsize::new(0), AtomicU64::new(0));
    let is_over = AtomicBool::new(false);
    let rows: Mutex<Vec<Result<RunRow>>> = Mutex::new(Vec::new());
    let progress = Mutex::new(Progress::new(total, 0, options.is_quiet));
    let work = || {
        while let Some(&(arm, replicate)) = jobs.get(next.fetch_add(1, Ordering::Relaxed)) {
            if is_over.load(Ordering::Relaxed) {
                return;
            }
            let mut tick = || {
                let done = steps.fetch_add(1, Ordering::Relaxed) + 1;
                // A thread that finds another at the bar passes by.
                if let Ok(mut progress) = progress.try_lock() {
                    progress.at(done, || {
                        format!("{} and others, seed {}", arms[arm].id, seed + replicate)
                    });
                }
            };
            let row = par::with_threads(1, || {
                one_run(&arms[arm], arm, replicate, seed, options, folder, &mut tick)
            });
            if row.is_err() {
                is_over.store(true, Ordering::Relaxed);
            }
            rows.lock().unwrap_or_else(PoisonError::into_inner).push(row);
        }
    };
    std::thread::scope(|scope| {
        for _ in 0..threads.min(jobs.len()) {
            scope.spawn(work);
        }
    });
    let rows = rows.into_inner().unwrap_or_else(PoisonError::into_inner);
    let mut rows = rows.into_iter().collect::<Result<Vec<RunRow>>>()?;
    rows.sort_by_key(|row| (row.arm, row.replicate));
    Ok(rows)
}

/// One run with its series, and the last snapshot of replicate 0. A run that fails is a row; only files and a wish to
/// stop end the comparison.
fn one_run(
    arm: &Arm,
    index: usize,
    replicate: u64,
    first_seed: u64,
    options: &CompareOptions,
    folder: &Path,
    tick: &mut (dyn FnMut() + Send),
) -> Result<RunRow> {
    let seed = first_seed + replicate;
    let name = format!("{}-s{seed}", arm.id);
    let mut series = Row::header();
    let ran = simulate(&arm.settings, seed, &mut |moment| {
        if let Some(reason) = options.stop.asked("no results were written: run the comparison again") {
            return Err(reason);
        }
        if moment.is_row_kept {
            series.push_str(&moment.row.line());
        }
        if moment.row.step > 0 {
            tick();
        }
        Ok(())
    });
    let result = match ran {
        Ok((model, summary)) => {
            if replicate == 0 {
                let file = folder.join("snapshots").join(format!("{name}.snap"));
                files::write_whole(&file, &snapshots::encode(&model.snapshot())?)?;
            }
            Ok(summary)
        }
        Err(reason @ (Error::Stopped(_) | Error::Interrupted(_))) => return Err(reason),
        Err(error) => Err(error.to_string()),
    };
    files::write_whole(&folder.join("series").join(format!("{name}.csv")), series.as_bytes())?;
    Ok(RunRow {
        arm: index,
        replicate,
        seed,
        result,
    })
}

/// Values of one endpoint in one arm, by replicate; nothing where the run failed.
fn column(runs: &[RunRow], arm: usize, endpoint: usize, days: f64) -> Vec<Option<f64>> {
    runs.iter()
        .filter(|run| run.arm == arm)
        .map(|run| {
            let value = values(run.result.as_ref().ok()?)[endpoint];
            censored(endpoint, value, days)
        })
        .collect()
}

fn contrasts(runs: &[RunRow], arms: usize, days: f64) -> Vec<Contrast> {
    effects::contrasts(arms, &endpoints(), &|arm, e| column(runs, arm, e, days))
}

fn write_tables(folder: &Path, ids: &[String], runs: &[RunRow], contrasts: &[Contrast], days: f64) -> Result<()> {
    let write = |name: &str, text: String| files::write_whole(&folder.join(name), text.as_bytes());
    write("runs.csv", runs_table(ids, runs))?;
    let column = |arm: usize, e: usize| column(runs, arm, e, days);
    write("arms.csv", effects::arms_table(ids, &endpoints(), &column))?;
    write("contrasts.csv", effects::contrasts_table(ids, contrasts))
}

fn runs_table(ids: &[String], runs: &[RunRow]) -> String {
    let names: Vec<String> = endpoints().into_iter().map(|m| m.name).collect();
    let mut text = format!("arm,replicate,seed,status,error,state_hash,{}\n", names.join(","));
    for run in runs {
        let (status, error, hash, values) = match &run.result {
            Ok(summary) => ("ok", "", summary.state_hash.as_str(), values(summary)),
            Err(error) => ("failed", error.as_str(), "", vec![None; names.len()]),
        };
        let cells: Vec<String> = values.into_iter().map(cell).collect();
        text.push_str(&format!(
            "{},{},{},{status},{},{hash},{}\n",
            quoted(&ids[run.arm]),
            run.replicate,
            run.seed,
            quoted(error),
            cells.join(",")
        ));
    }
    text
}

impl Comparison {
    fn endpoint(&self, name: &str) -> usize {
        endpoints().iter().position(|m| m.name == name).unwrap_or(0)
    }

    fn spread(&self, arm: usize, name: &str) -> Option<Spread> {
        Spread::of(&column(&self.runs, arm, self.endpoint(name), self.days))
    }

    fn contrast(&self, arm: usize, name: &str) -> Option<&Contrast> {
        self.contrasts.iter().find(|c| c.arm == arm && c.endpoint == name)
    }

    /// Runs of an arm that reached their end.
    fn finished(&self, arm: usize) -> impl Iterator<Item = &Summary> {
        self.runs
            .iter()
            .filter(move |r| r.arm == arm)
            .filter_map(|r| r.result.as_ref().ok())
    }

    /// Whether each run of an arm ulcerated, by replicate; nothing where it failed.
    fn ulcerated(&self, arm: usize) -> Vec<Option<f64>> {
        let runs = self.runs.iter().filter(|r| r.arm == arm);
        runs.map(|r| {
            r.result
                .as_ref()
                .ok()
                .map(|s| f64::from(u8::from(s.t_ulcer_d.is_some())))
        })
        .collect()
    }

    /// Runs that failed.
    pub fn failed(&self) -> usize {
        self.runs.iter().filter(|r| r.result.is_err()).count()
    }

    /// Effect and interval first, then a small table, then what was written.
    pub fn text(&self) -> String {
        let mut text = String::new();
        for arm in 1..self.arms.len() {
            text.push_str(&self.sentences(arm));
        }
        text.push_str(&self.table());
        let failed = self.failed();
        if failed > 0 {
            text.push_str(&format!(
                "\n{failed} of {} runs failed: see `error` in runs.csv\n",
                self.runs.len()
            ));
        }
        let (out, reference) = (self.out.display(), &self.arms[0]);
        text.push_str(&format!(
            "\nSimulated sites at risk, not patients: for teaching and hypotheses.\n\
             Written to {out} in {}: runs.csv, arms.csv, contrasts.csv, series, snapshots\n\
             Next: calcisim figures {out}  ·  calcisim run {reference} --seed {} (one row, bit for bit)\n",
            duration(self.wall_s),
            self.seed
        ));
        text
    }

    /// What one arm changes against the reference.
    fn sentences(&self, arm: usize) -> String {
        let mut text = format!("{} against {}, pairs of equal seed:\n", self.arms[arm], self.arms[0]);
        let mut say = |what: &str, found: Option<&Paired>, scale: f64, unit: &str, rest: &str| {
            let line = match found {
                None => format!("  {what}: no pair to compare\n"),
                Some(p) => {
                    let signed = |x: f64| format!("{:+.1}", scale * x).replace('-', "−");
                    let interval = match p.difference_interval {
                        Some(i) => format!("95 % interval {} to {}", signed(i.low), signed(i.high)),
                        None => "no interval from one pair".to_owned(),
                    };
                    format!(
                        "  {what}: {} {unit} ({interval}; {} pairs{rest})\n",
                        signed(p.difference),
                        p.pairs
                    )
                }
            };
            text.push_str(&line);
        };
        let necrosis = self.contrast(arm, "final.necrotic_fraction");
        let rest = necrosis.map_or_else(String::new, |c| {
            format!(
                "; A {:.2}; p {:.3}, {:.3} after Holm",
                c.paired.superiority, c.paired.p, c.p_holm
            )
        });
        say(
            "necrotic_fraction",
            necrosis.map(|c| &c.paired),
            100.0,
            "percentage points",
            &rest,
        );
        let (here, there) = pairs(&self.ulcerated(arm), &self.ulcerated(0));
        say(
            "runs with an ulcer",
            statistics::paired(&here, &there).as_ref(),
            100.0,
            "percentage points",
            "",
        );
        let date = self.contrast(arm, "t_ulcer_d");
        let rest = format!("; no ulcer counts as day {}", self.days);
        say("t_ulcer", date.map(|c| &c.paired), 1.0, "days", &rest);
        text.push('\n');
        text
    }

    fn table(&self) -> String {
        let head = [
            "arm",
            "n",
            "necrosis % [5-95 %]",
            "ulcer",
            "first necrosis d",
            "perfused %",
            "mineral µg",
        ];
        let mut rows: Vec<Vec<String>> = vec![head.map(str::to_owned).to_vec()];
        for (arm, id) in self.arms.iter().enumerate() {
            let middle = |name: &str, scale: f64| match self.spread(arm, name) {
                Some(s) => format!("{:.1}", scale * s.quantiles[2]),
                None => "–".to_owned(),
            };
            let necrosis = self.spread(arm, "final.necrotic_fraction").map_or_else(
                || "–".to_owned(),
                |s| {
                    let [low, _, median, _, high] = s.quantiles.map(|q| 100.0 * q);
                    format!("{median:.1} [{low:.1}-{high:.1}]")
                },
            );
            let n = self.finished(arm).count();
            let ulcers = self.finished(arm).filter(|s| s.t_ulcer_d.is_some()).count();
            let onset: Vec<Option<f64>> = self.finished(arm).map(|s| s.t_first_necrosis_d).collect();
            let began = onset.iter().flatten().count();
            let first = Spread::of(&onset)
                .map_or_else(|| "none".to_owned(), |s| format!("{:.1} ({began}/{n})", s.quantiles[2]));
            rows.push(vec![
                id.clone(),
                n.to_string(),
                necrosis,
                format!("{ulcers}/{n}"),
                first,
                middle("final.perfused_fraction", 100.0),
                middle("final.mineral_ug", 1.0),
            ]);
        }
        let width = |column: usize| rows.iter().map(|row| row[column].chars().count()).max().unwrap_or(0);
        let widths: Vec<usize> = (0..head.len()).map(width).collect();
        let mut text = String::new();
        for row in &rows {
            let cells: Vec<String> = row
                .iter()
                .zip(&widths)
                .enumerate()
                .map(|(i, (cell, &w))| {
                    if i == 0 {
                        format!("{cell:<w$}")
                    } else {
                        format!("{cell:>w$}")
                    }
                })
                .collect();
            text.push_str(cells.join("  ").trim_end());
            text.push('\n');
        }
        text.push_str(
            "Medians over runs; first necrosis: outside every challenge radius, among the runs that have it.\n",
        );
        text
    }

    /// The one object of `--json`.
    pub fn to_json(&self) -> Value {
        let arms: Vec<Value> = self
            .arms
            .iter()
            .enumerate()
            .map(|(arm, id)| {
                let rows = endpoints().into_iter().enumerate().filter_map(|(e, m)| {
                    let s = Spread::of(&column(&self.runs, arm, e, self.days))?;
                    let [q05, q25, median, q75, q95] = s.quantiles;
                    Some((
                        m.name,
                        json!({"n": s.n, "mean": s.mean, "sd": s.sd, "median": median, "q05": q05, "q25": q25,
                               "q75": q75, "q95": q95, "unit": m.unit}),
                    ))
                });
                let endpoints: serde_json::Map<String, Value> = rows.collect();
                json!({"arm": id, "endpoints": endpoints})
            })
            .collect();
        let contrasts: Vec<Value> = self
            .contrasts
            .iter()
            .map(|c| {
                let [d_low, d_high] = ends(c.paired.difference_interval);
                let [a_low, a_high] = ends(c.paired.superiority_interval);
                json!({"arm": self.arms[c.arm], "reference": self.arms[0], "endpoint": c.endpoint, "paired": true,
                       "diff_mean": c.paired.difference, "diff_ci_low": d_low, "diff_ci_high": d_high,
                       "a_measure": c.paired.superiority, "a_ci_low": a_low, "a_ci_high": a_high,
                       "p_raw": c.paired.p, "p_holm": c.p_holm, "n_pairs": c.paired.pairs, "unit": c.unit})
            })
            .collect();
        json!({"ok": true, "exit": 0, "out": self.out.display().to_string(), "reference": self.arms[0],
               "days": self.days, "seed": self.seed, "runs": self.runs.len(), "failed": self.failed(),
               "arms": arms, "contrasts": contrasts, "wall_s": self.wall_s})
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::simulation::tests::settings;

    fn arm(id: &str, days: f64) -> Result<Arm> {
        Ok(Arm {
            id: id.to_owned(),
            settings: settings(days)?,
        })
    }

    fn options(out: &Path) -> CompareOptions {
        CompareOptions {
            replicates: 3,
            threads: 2,
            out: Some(out.to_owned()),
            is_quiet: true,
            ..CompareOptions::default()
        }
    }

    #[test]
    fn an_arm_against_itself_differs_by_nothing() -> Result<(), Box<dyn std::error::Error>> {
        let above = tempfile::tempdir()?;
        let out = above.path().join("c");
        let found = compare(&[arm("a", 1.0)?, arm("b", 1.0)?], &options(&out))?;
        assert!(!found.contrasts.is_empty());
        for contrast in &found.contrasts {
            assert_eq!(
                (contrast.paired.difference, contrast.paired.p),
                (0.0, 1.0),
                "{}",
                contrast.endpoint
            );
        }
        for file in [
            "runs.csv",
            "arms.csv",
            "contrasts.csv",
            "series/a-s1.csv",
            "series/b-s3.csv",
            "snapshots/a-s1.snap",
        ] {
            assert!(out.join(file).is_file(), "{file}");
        }
        assert!(found.text().starts_with("b against a"), "{}", found.text());
        assert_eq!(found.to_json()["ok"], true);
        // Each row is the run with its seed.
        let (_, alone) = simulate(&settings(1.0)?, 3, &mut |_| Ok(()))?;
        assert!(
            found
                .runs
                .iter()
                .filter(|r| r.seed == 3)
                .all(|r| r.result.as_ref() == Ok(&alone))
        );
        Ok(())
    }

    #[test]
    fn the_tables_do_not_depend_on_threads() -> Result<(), Box<dyn std::error::Error>> {
        let above = tempfile::tempdir()?;
        let arms = [arm("a", 0.5)?, arm("b", 0.5)?];
        let mut tables = Vec::new();
        for threads in [1, 3] {
            let out = above.path().join(threads.to_string());
            compare(
                &arms,
                &CompareOptions {
                    threads,
                    ..options(&out)
                },
            )?;
            tables.push(
                ["runs.csv", "arms.csv", "contrasts.csv"].map(|f| std::fs::read(out.join(f)).unwrap_or_default()),
            );
        }
        assert_eq!(tables[0], tables[1]);
        assert!(!tables[0][0].is_empty());
        Ok(())
    }

    #[test]
    fn all_that_keeps_arms_apart_is_said_at_once() -> Result<(), Box<dyn std::error::Error>> {
        let above = tempfile::tempdir()?;
        let mut other = arm("a", 2.0)?;
        other.settings.space.insert("width_mm".to_owned(), 3.0.into());
        let refused = compare(&[arm("a", 1.0)?, other], &options(&above.path().join("c")));
        let Err(Error::Input(faults)) = refused else {
            return Err("different spaces were compared".into());
        };
        assert_eq!(faults.len(), 3);
        assert!(!above.path().join("c").exists());
        Ok(())
    }

    #[test]
    fn a_wish_to_stop_leaves_nothing_behind() -> Result<(), Box<dyn std::error::Error>> {
        let above = tempfile::tempdir()?;
        let options = options(&above.path().join("c"));
        options.stop.interrupt();
        let stopped = compare(&[arm("a", 1.0)?, arm("b", 1.0)?], &options);
        assert_eq!(stopped.err().map(|e| e.exit_code()), Some(130));
        assert_eq!(std::fs::read_dir(above.path())?.count(), 0);
        Ok(())
    }

    #[test]
    fn a_failed_run_is_a_row_and_its_pair_is_left_out() {
        let failed = |arm, replicate| RunRow {
            arm,
            replicate,
            seed: replicate,
            result: Err("NaN, here".to_owned()),
        };
        let runs = [failed(0, 0), failed(0, 1)];
        assert!(runs_table(&["a".to_owned()], &runs).contains("a,0,0,failed,\"NaN, here\",,"));
        assert!(contrasts(&runs, 2, 1.0).is_empty());
    }

    #[test]
    fn a_date_that_did_not_come_counts_as_the_end() {
        let last = endpoints().len() - 1;
        assert_eq!(censored(last, None, 90.0), Some(90.0));
        assert_eq!(censored(last, Some(3.0), 90.0), Some(3.0));
        assert_eq!(censored(0, None, 90.0), None);
    }
}
