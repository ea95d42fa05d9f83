//! How a plan stands: from the heads of its results alone, so that a look is quick.

use std::collections::BTreeMap;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use serde_json::{Value, json};

use super::claims::Claims;
use super::execute::units;
use super::job::{Aside, Outcome};
use super::plan::{Plan, RunId};
use super::results::{Results, Standing, standings};
use crate::error::Result;
use crate::output::number;
use crate::simulation::progress::duration;

/// Records of each segment from which the rate is taken.
const RECENT: usize = 50;
/// Runs of which the values are looked at for the best and the worst.
const LOOKED_AT: usize = 2000;

/// How a plan stands.
#[derive(Clone, Debug, Default)]
pub struct Status {
    /// Rows.
    pub rows: usize,
    /// Different runs.
    pub runs: usize,
    /// Runs with a result.
    pub done: usize,
    /// Of these, failed.
    pub failed: usize,
    /// Runs that a bound has dropped.
    pub dropped: usize,
    /// Runs without a result.
    pub missing: usize,
    /// Runs that may be asked for once the results so far have been looked at.
    pub later: usize,
    /// Runs whose results differ.
    pub conflicts: usize,
    /// Damaged places in segments.
    pub bad: usize,
    /// Bytes of unfinished records.
    pub torn: u64,
    /// Segments.
    pub segments: usize,
    /// Workers that seem alive.
    pub workers: Vec<String>,
    /// Runs a second, of late.
    pub rate: Option<f64>,
    /// Lowest and highest value of the primary endpoint so far, with their rows.
    pub extremes: Option<[(f64, usize); 2]>,
    /// Done and missing of each shard, when a number of shards was asked for.
    pub shards: Vec<(usize, usize)>,
}

/// Looks at a plan. `shards` splits the count.
pub fn status(plan: &Plan, shards: u64) -> Result<Status> {
    let results = Results::read(&plan.folder, false)?;
    let standing = standings(plan, &results)?;
    let distinct = plan.distinct();
    let mut status = Status {
        rows: plan.runs.len(),
        runs: distinct.len(),
        conflicts: results
            .conflicts()
            .iter()
            .filter(|c| distinct.binary_search_by_key(&c.run, |(run, _)| *run).is_ok())
            .count(),
        bad: results.bad().map(|(_, n)| n).sum(),
        torn: results.torn(),
        segments: results.segments(),
        workers: Claims::workers(&plan.folder, Duration::from_secs(60)),
        ..Status::default()
    };
    for (_, row) in &distinct {
        match standing[*row] {
            Standing::Done => status.done += 1,
            Standing::Failed => {
                status.done += 1;
                status.failed += 1;
            }
            Standing::Dropped => status.dropped += 1,
            Standing::Missing => status.missing += 1,
            Standing::Later => status.later += 1,
        }
    }
    status.rate = rate(&results, &distinct)?;
    status.extremes = extremes(plan, &results, &distinct)?;
    if shards > 0 {
        for part in 0..shards {
            let mine = units(plan, (part, shards));
            let rows = mine.iter().flatten();
            let missing = rows.clone().filter(|row| standing[**row] == Standing::Missing).count();
            status.shards.push((rows.count() - missing, missing));
        }
    }
    Ok(status)
}

/// Runs a second over the last results of segments that still grow.
fn rate(results: &Results, distinct: &[(RunId, usize)]) -> Result<Option<f64>> {
    let mut by_segment: BTreeMap<usize, Vec<(u64, RunId)>> = BTreeMap::new();
    for (run, _) in distinct {
        if let Some(found) = results.get(*run) {
            by_segment
                .entry(found.segment)
                .or_default()
                .push((found.head.offset, *run));
        }
    }
    let now = SystemTime::now()
        .duration_since(UNIX_EPOCH)
        .map_or(0.0, |d| d.as_secs_f64());
    let mut rate = 0.0;
    let mut reader = results.reader();
    for records in by_segment.values_mut() {
        records.sort_unstable();
        let late = &records[records.len().saturating_sub(RECENT)..];
        let mut times = Vec::new();
        for (_, run) in late {
            if let Some(record) = reader.get(*run)? {
                times.push(Aside::read(&record).finished_s);
            }
        }
        let (Some(first), Some(last)) = (times.first(), times.last()) else {
            continue;
        };
        let is_live = now - last < 600.0;
        if times.len() > 1 && last > first && is_live {
            rate += (times.len() - 1) as f64 / (last - first);
        }
    }
    Ok((rate > 0.0).then_some(rate))
}

/// Lowest and highest value of the primary endpoint among some of the runs.
fn extremes(plan: &Plan, results: &Results, distinct: &[(RunId, usize)]) -> Result<Option<[(f64, usize); 2]>> {
    let origin = plan.manifest.outputs.endpoints[plan.manifest.outputs.primary].origin;
    let mut reader = results.reader();
    let mut ends: Option<[(f64, usize); 2]> = None;
    // By place in the segments, so that reading goes forward.
    let mut found: Vec<_> = distinct
        .iter()
        .filter_map(|(run, row)| {
            let found = results.get(*run)?;
            Some((found.segment, found.head.offset, *run, *row))
        })
        .collect();
    found.sort_unstable();
    let stride = found.len().div_ceil(LOOKED_AT).max(1);
    for (_, _, run, row) in found.into_iter().step_by(stride) {
        let Some(record) = reader.get(run)? else { continue };
        let Some(value) = Outcome::read(&record)?.value(origin) else {
            continue;
        };
        let [low, high] = ends.get_or_insert([(value, row), (value, row)]);
        if value < low.0 {
            *low = (value, row);
        }
        if value > high.0 {
            *high = (value, row);
        }
    }
    Ok(ends)
}

impl Status {
    /// Seconds until the end at the present rate.
    pub fn eta_s(&self) -> Option<f64> {
        self.rate
            .filter(|_| self.missing > 0)
            .map(|rate| self.missing as f64 / rate)
    }

    /// For a person.
    pub fn text(&self, plan: &Plan) -> String {
        let folder = plan.folder.display();
        let percent = 100.0 * (self.done + self.dropped) as f64 / self.runs as f64;
        let mut text = format!(
            "{} ({}), {} rows\n{} of {} runs done ({percent:.1} %), {} failed, {} missing",
            plan.manifest.name, plan.manifest.kind, self.rows, self.done, self.runs, self.failed, self.missing
        );
        if self.dropped > 0 {
            text.push_str(&format!(", {} dropped, not needed", self.dropped));
        }
        if self.later > 0 {
            text.push_str(&format!(", up to {} more if the interval stays wide", self.later));
        }
        text.push('\n');
        match self.workers.len() {
            0 => text.push_str("no worker is at work\n"),
            1 => text.push_str(&format!("1 worker: {}\n", self.workers[0])),
            n => text.push_str(&format!("{n} workers, as {}\n", self.workers[0])),
        }
        if let Some(rate) = self.rate {
            text.push_str(&format!("{:.1} runs a minute", 60.0 * rate));
            if let Some(eta) = self.eta_s() {
                text.push_str(&format!(", about {} left", duration(eta)));
            }
            text.push('\n');
        }
        if let Some([low, high]) = self.extremes {
            let outputs = &plan.manifest.outputs;
            text.push_str(&format!(
                "{}: {} ({}) to {} ({})\n",
                outputs.endpoints[outputs.primary].name,
                number(low.0),
                plan.describe(low.1),
                number(high.0),
                plan.describe(high.1)
            ));
        }
        if self.conflicts > 0 {
            text.push_str(&format!(
                "{} runs have results that differ: `calcisim experiment merge` names them\n",
                self.conflicts
            ));
        }
        if self.bad > 0 {
            text.push_str(&format!("{} damaged results are passed over and run again\n", self.bad));
        }
        for (part, (done, missing)) in self.shards.iter().enumerate() {
            text.push_str(&format!(
                "shard {part}/{}: {done} done, {missing} missing\n",
                self.shards.len()
            ));
        }
        let is_open = self.missing + self.later > 0;
        let next = if is_open { "run" } else { "merge" };
        let out = if is_open {
            String::new()
        } else {
            format!(" -o {folder}-results")
        };
        text.push_str(&format!("Next: calcisim experiment {next} {folder}{out}\n"));
        text
    }

    /// For a program.
    pub fn to_json(&self, plan: &Plan) -> Value {
        let shards: Vec<Value> = self
            .shards
            .iter()
            .map(|(done, missing)| json!({"done": done, "missing": missing}))
            .collect();
        let extreme = |i: usize| {
            self.extremes.map(|ends| {
                let (value, row) = ends[i];
                json!({"value": value, "row": row})
            })
        };
        let outputs = &plan.manifest.outputs;
        json!({"plan": plan.folder.display().to_string(), "name": plan.manifest.name, "kind": plan.manifest.kind,
               "digest": plan.manifest.digest, "rows": self.rows, "runs": self.runs, "done": self.done,
               "failed": self.failed, "dropped": self.dropped, "missing": self.missing, "later": self.later, "conflicts": self.conflicts,
               "bad_records": self.bad, "torn_bytes": self.torn, "segments": self.segments, "workers": self.workers,
               "rate_per_s": self.rate, "eta_s": self.eta_s(), "primary": outputs.endpoints[outputs.primary].name,
               "lowest": extreme(0), "highest": extreme(1), "shards": shards})
    }
}
