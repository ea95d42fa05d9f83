//! From segments to tables: one row per row of the plan, in its order, so that the same runs give the same bytes for any
//! number of shards, threads and crashes.

use std::collections::BTreeSet;
use std::path::Path;

use serde_json::{Value, json};

use super::effects::{self, Measure, Spread};
use super::job::{Aside, Outcome, Series};
use super::merge_rows::{Batch, SeriesBatch, series_text};
use super::plan::{Plan, RunId};
use super::results::{Results, Standing, standings};
use super::sequential;
use super::table::{self, BATCH, Column, Values, Writer};
use super::{analyses, crate_record};
use crate::error::{Error, Result};
use crate::output::{files, number, quoted, run_json};
use crate::simulation::folder;

/// Rows up to which `runs.csv` is written beside `runs.parquet`.
const SMALL: usize = 100_000;
/// Rows up to which arms are computed in memory.
const IN_MEMORY: usize = 2_000_000;
/// Pairs up to which contrasts are computed: their intervals leave out every pair in turn.
const MOST_PAIRS: usize = 5000;

/// What a merge did.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Merged {
    /// Rows.
    pub rows: usize,
    /// Rows of runs that failed.
    pub failed: usize,
    /// Rows that a bound has dropped.
    pub dropped: usize,
    /// Rows without a result.
    pub missing: usize,
    /// Damaged results that were passed over.
    pub bad: usize,
    /// Files that were written.
    pub files: Vec<String>,
    /// What the tables say, in a few lines.
    pub headline: String,
}

/// Whether a folder holds merged results of ours.
pub fn is_results(path: &Path) -> bool {
    let manifest: Option<Value> = std::fs::read(path.join("manifest.json"))
        .ok()
        .and_then(|bytes| serde_json::from_slice(&bytes).ok());
    manifest.is_some_and(|m| m["schema"] == "calcisim-results/1")
}

/// Merges the results of a plan into a folder of tables. Unless `is_partial`, every row must have its result.
///
/// # Errors
/// [`Error::Condition`] when rows are missing or results differ.
pub fn merge(plan: &Plan, out: &Path, force: bool, is_partial: bool) -> Result<Merged> {
    folder::check_free(out, force, is_results)?;
    let results = Results::read(&plan.folder, true)?;
    results.refuse_conflicts(plan)?;
    let standing = standings(plan, &results)?;
    let count = |wanted: Standing| standing.iter().filter(|s| **s == wanted).count();
    let merged = Merged {
        rows: standing.len(),
        failed: count(Standing::Failed),
        dropped: count(Standing::Dropped),
        missing: count(Standing::Missing) + count(Standing::Later),
        bad: results.bad().map(|(_, n)| n).sum(),
        files: Vec::new(),
        headline: String::new(),
    };
    if merged.missing > 0 && !is_partial {
        let bad = match merged.bad {
            0 => String::new(),
            n => format!(" ({n} damaged results were passed over)"),
        };
        return Err(Error::Condition(format!(
            "{} of {} rows have no result yet{bad}: calcisim experiment run {}, or merge what is there with --partial",
            merged.missing,
            merged.rows,
            plan.folder.display()
        )));
    }
    folder::install(out, force, is_results, |folder| {
        Tables {
            plan,
            results: &results,
            standing: &standing,
            folder,
        }
        .write(merged.clone())
    })
}

struct Tables<'a> {
    plan: &'a Plan,
    results: &'a Results,
    standing: &'a [Standing],
    folder: &'a Path,
}

impl Tables<'_> {
    fn write(&self, mut merged: Merged) -> Result<Merged> {
        let values = self.runs()?;
        self.timing()?;
        self.series()?;
        merged.headline = self.statistics(&values)?;
        self.salib()?;
        for name in ["experiment.toml", "plan.json"] {
            files::write_whole(&self.folder.join(name), &files::read(&self.plan.folder.join(name))?)?;
        }
        self.blobs()?;
        let mut names: Vec<String> = std::fs::read_dir(self.folder)
            .into_iter()
            .flatten()
            .flatten()
            .filter(|entry| entry.path().is_file())
            .map(|entry| entry.file_name().to_string_lossy().into_owned())
            .collect();
        names.sort();
        let mut digests = serde_json::Map::new();
        for name in &names {
            digests.insert(name.clone(), table::digest(&self.folder.join(name))?.into());
        }
        let manifest = &self.plan.manifest;
        let written = json!({
            "schema": "calcisim-results/1",
            "kind": manifest.kind, "name": manifest.name, "question": manifest.question,
            "version": manifest.version, "git": manifest.git, "features": run_json::features(),
            "target": format!("{}-{}", std::env::consts::ARCH, std::env::consts::OS),
            "plan_digest": manifest.digest, "days": manifest.days, "seed": manifest.seed,
            "replicates": manifest.replicates, "common_random_numbers": manifest.common_random_numbers,
            "arms": manifest.arms, "factors": manifest.factors, "points": manifest.points,
            "rows": merged.rows, "failed": merged.failed, "dropped": merged.dropped, "missing": merged.missing,
            "headline": merged.headline, "hosts": self.hosts()?, "files": digests,
        });
        files::write_whole(
            &self.folder.join("manifest.json"),
            run_json::pretty(&written)?.as_bytes(),
        )?;
        names.push("manifest.json".to_owned());
        let record = crate_record::record(
            manifest,
            &crate_record::Found {
                files: &names,
                finished_s: self.finished_s()?,
                headline: &merged.headline,
            },
        );
        files::write_whole(
            &self.folder.join(crate_record::NAME),
            run_json::pretty(&record)?.as_bytes(),
        )?;
        names.push(crate_record::NAME.to_owned());
        merged.files = names;
        Ok(merged)
    }

    /// `runs.parquet`, and `runs.csv` when it is small. Answers the values of the endpoints for the statistics.
    fn runs(&self) -> Result<Vec<Vec<f64>>> {
        let plan = self.plan;
        let endpoints = &plan.manifest.outputs.endpoints;
        let rows = self.standing.len();
        let mut all: Vec<Vec<f64>> = vec![Vec::with_capacity(rows.min(IN_MEMORY)); endpoints.len()];
        let mut writer = Writer::create(&self.folder.join("runs.parquet"), rows <= SMALL)?;
        let mut reader = self.results.reader();
        for start in (0..rows).step_by(BATCH) {
            let range = start..(start + BATCH).min(rows);
            let mut batch = Batch::new(endpoints);
            for row in range.clone() {
                let record = match self.standing[row] {
                    Standing::Done | Standing::Failed => reader.get(plan.runs[row])?,
                    Standing::Dropped | Standing::Missing | Standing::Later => None,
                };
                let found = match &record {
                    Some(record) => Some((Outcome::read(record)?, Aside::read(record))),
                    None => None,
                };
                batch.add(self.standing[row], found, plan.manifest.days);
            }
            if rows <= IN_MEMORY {
                for (column, more) in all.iter_mut().zip(&batch.censored) {
                    column.extend_from_slice(more);
                }
            }
            let mut columns = plan.columns(range);
            columns.extend(batch.columns(endpoints));
            writer.write(columns)?;
        }
        writer.finish()?;
        Ok(all)
    }

    /// The rows that stand first for each run that is done.
    fn first_rows(&self) -> impl Iterator<Item = usize> {
        let mut seen: BTreeSet<RunId> = BTreeSet::new();
        (0..self.standing.len()).filter(move |&row| {
            matches!(self.standing[row], Standing::Done | Standing::Failed) && seen.insert(self.plan.runs[row])
        })
    }

    /// `timing.parquet`: what may differ between hosts and attempts.
    fn timing(&self) -> Result<()> {
        let mut writer = Writer::create(&self.folder.join("timing.parquet"), false)?;
        let mut reader = self.results.reader();
        let (mut runs, mut asides, mut attempts) = (Vec::new(), Vec::new(), Vec::new());
        for row in self.first_rows() {
            let run = self.plan.runs[row];
            if let Some(record) = reader.get(run)? {
                runs.push(Some(run.to_string()));
                asides.push(Aside::read(&record));
                attempts.push(self.results.get(run).map_or(0, |found| found.attempts));
            }
        }
        let number = |of: fn(&Aside) -> f64| Values::Number(asides.iter().map(|a| Some(of(a))).collect());
        writer.write(vec![
            Column::plain("run_id", Values::Text(runs)),
            Column::of("wall_s", "s", number(|a| a.wall_s)),
            Column::plain(
                "host",
                Values::Text(asides.iter().map(|a| Some(a.host.clone())).collect()),
            ),
            Column::of("finished_s", "s since 1970", number(|a| a.finished_s)),
            Column::of("peak_rss_mib", "MiB", number(|a| a.peak_rss_mib)),
            Column::plain(
                "checkpoint_resumes",
                Values::Count(asides.iter().map(|a| a.resumes).collect()),
            ),
            Column::plain("attempts", Values::Count(attempts)),
        ])?;
        writer.finish()
    }

    fn hosts(&self) -> Result<Vec<String>> {
        let columns = table::read(&self.folder.join("timing.parquet"), &["host"]);
        let Ok(columns) = columns else { return Ok(Vec::new()) };
        let mut hosts = BTreeSet::new();
        if let Some(Values::Text(list)) = columns.first().map(|c| &c.values) {
            hosts.extend(list.iter().flatten().cloned());
        }
        Ok(hosts.into_iter().collect())
    }

    /// When the last run ended [s since 1970].
    fn finished_s(&self) -> Result<f64> {
        let columns = table::read(&self.folder.join("timing.parquet"), &["finished_s"]);
        let Ok(columns) = columns else { return Ok(0.0) };
        let last = columns.first().map(|c| match &c.values {
            Values::Number(list) => list.iter().flatten().copied().fold(0.0, crate::math::max),
            _ => 0.0,
        });
        Ok(last.unwrap_or(0.0))
    }

    /// `series.parquet`: every column of every kept row, by run and day.
    fn series(&self) -> Result<()> {
        if self.plan.manifest.outputs.series_every_h.is_none() {
            return Ok(());
        }
        let mut writer = Writer::create(&self.folder.join("series.parquet"), false)?;
        let mut reader = self.results.reader();
        let mut buffer = SeriesBatch::default();
        for row in self.first_rows() {
            let run = self.plan.runs[row];
            if let Some(record) = reader.get(run)? {
                buffer.add(run, Series::read(&record)?);
            }
            if buffer.runs.len() >= BATCH {
                writer.write(std::mem::take(&mut buffer).columns())?;
            }
        }
        if !buffer.runs.is_empty() {
            writer.write(buffer.columns())?;
        }
        writer.finish()
    }

    /// `arms.csv`, `contrasts.csv`, `pairing.csv` and `points.csv`.
    fn statistics(&self, values: &[Vec<f64>]) -> Result<String> {
        let plan = self.plan;
        if self.standing.len() > IN_MEMORY {
            return Ok(format!(
                "Only runs.parquet and timing.parquet are written: statistics are computed in memory, of up to {IN_MEMORY} rows\n"
            ));
        }
        let mut headline = String::new();
        let measures: Vec<Measure> = plan
            .manifest
            .outputs
            .endpoints
            .iter()
            .map(|e| Measure {
                name: e.name.clone(),
                unit: e.unit.clone(),
                is_date: e.is_date(),
            })
            .collect();
        let ids: Vec<String> = plan.manifest.arms.iter().map(|arm| arm.id.clone()).collect();
        let per_arm = self.standing.len() / ids.len();
        let some = |x: &f64| Some(*x).filter(|x| !x.is_nan());
        let column = |arm: usize, e: usize| -> Vec<Option<f64>> {
            values[e][arm * per_arm..(arm + 1) * per_arm].iter().map(some).collect()
        };
        let write = |name: &str, text: String| table::write_text(&self.folder.join(name), &text);
        write("arms.csv", effects::arms_table(&ids, &measures, &column))?;
        if ids.len() > 1 && per_arm > MOST_PAIRS {
            headline.push_str(&format!(
                "contrasts.csv and pairing.csv are not written: {per_arm} pairs are more than {MOST_PAIRS}, and their intervals \
                 leave out every pair in turn; runs.parquet has all of them\n"
            ));
        }
        if ids.len() > 1 && per_arm <= MOST_PAIRS {
            let place = |row| (plan.row(row).point, plan.row(row).seed);
            let places: Vec<(usize, u64)> = (0..per_arm).map(place).collect();
            let contrasts = effects::contrasts(ids.len(), &places, &measures, &column);
            let primary = &measures[plan.manifest.outputs.primary].name;
            for contrast in contrasts.iter().filter(|c| c.endpoint == *primary) {
                headline.push_str(&effects::sentence(&ids, contrast));
            }
            write("contrasts.csv", effects::contrasts_table(&ids, &contrasts))?;
            write("pairing.csv", effects::pairing_table(&ids, &measures, &column))?;
        }
        if plan.points.len() > 1 {
            write("points.csv", self.points_table(&measures, values))?;
        }
        let asked = sequential::table(plan, self.results)?;
        for told in (analyses::Values { plan, all: values })
            .tables()?
            .into_iter()
            .chain(asked)
        {
            write(told.name, told.text)?;
            headline.push_str(&told.headline);
        }
        Ok(headline)
    }

    /// Spread over the replicates of each point.
    fn points_table(&self, measures: &[Measure], values: &[Vec<f64>]) -> String {
        let plan = self.plan;
        let paths: Vec<String> = plan.manifest.factors.iter().map(|f| quoted(&f.path)).collect();
        let mut text = format!(
            "arm,point,{},endpoint,n,mean,sd,median,q05,q25,q75,q95,unit\n",
            paths.join(",")
        );
        let replicates = plan.manifest.replicates as usize;
        for first in (0..self.standing.len()).step_by(replicates) {
            let place = plan.row(first);
            let cells: Vec<String> = plan.points[place.point].iter().map(cell_text).collect();
            for (e, measure) in measures.iter().enumerate() {
                let some = |x: &f64| Some(*x).filter(|x| !x.is_nan());
                let values: Vec<Option<f64>> = values[e][first..first + replicates].iter().map(some).collect();
                if let Some(spread) = Spread::of(&values) {
                    text.push_str(&format!(
                        "{},{},{},{},{},{}\n",
                        quoted(&plan.manifest.arms[place.arm].id),
                        place.point,
                        cells.join(","),
                        measure.name,
                        spread.cells(),
                        quoted(&measure.unit)
                    ));
                }
            }
        }
        text
    }

    /// `problem.json`: names and bounds of numeric factors as SALib takes them.
    fn salib(&self) -> Result<()> {
        let factors = &self.plan.manifest.factors;
        let bounds: Option<Vec<[f64; 2]>> = (0..factors.len())
            .map(|i| {
                let number = |v: &toml::Value| v.as_float().or_else(|| v.as_integer().map(|i| i as f64));
                let column: Option<Vec<f64>> = self.plan.points.iter().map(|p| number(&p[i])).collect();
                let sorted = super::statistics::sorted(&column?);
                Some([*sorted.first()?, *sorted.last()?])
            })
            .collect();
        let Some(bounds) = bounds.filter(|b| !b.is_empty()) else {
            return Ok(());
        };
        let names: Vec<&str> = factors.iter().map(|f| f.path.as_str()).collect();
        let problem = json!({"num_vars": names.len(), "names": names, "bounds": bounds});
        files::write_whole(
            &self.folder.join("problem.json"),
            run_json::pretty(&problem)?.as_bytes(),
        )
    }

    /// Snapshots of first replicates and series, laid out as `calcisim figures` reads the folder of a comparison.
    fn blobs(&self) -> Result<()> {
        let plan = self.plan;
        if plan.points.len() > 1 {
            return Ok(());
        }
        let mut reader = self.results.reader();
        for row in 0..self.standing.len() {
            let place = plan.row(row);
            let name = format!("{}-s{}", plan.manifest.arms[place.arm].id, place.seed);
            let snapshot = plan.folder.join("blobs").join(format!("{}.snap", plan.runs[row]));
            if plan.manifest.outputs.snapshots && place.replicate == 0 && snapshot.is_file() {
                files::make_folder(&self.folder.join("snapshots"))?;
                let to = self.folder.join("snapshots").join(format!("{name}.snap"));
                files::write_whole(&to, &files::read(&snapshot)?)?;
            }
            if plan.manifest.outputs.series_every_h.is_some()
                && self.standing[row] == Standing::Done
                && let Some(record) = reader.get(plan.runs[row])?
            {
                files::make_folder(&self.folder.join("series"))?;
                let to = self.folder.join("series").join(format!("{name}.csv"));
                files::write_whole(&to, series_text(&Series::read(&record)?).as_bytes())?;
            }
        }
        Ok(())
    }
}

/// A factor's value as a cell of a table.
fn cell_text(value: &toml::Value) -> String {
    match value {
        toml::Value::Float(x) => number(*x),
        toml::Value::String(word) => quoted(word),
        other => quoted(&other.to_string()),
    }
}
