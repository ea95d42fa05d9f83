//! Runs some finished runs again and compares every byte of their outcome.

use std::sync::Mutex;
use std::sync::PoisonError;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use super::claims;
use super::job::{self, Job};
use super::plan::{Plan, RunId};
use super::results::Results;
use crate::error::{Error, Result};
use crate::par;
use crate::random::{Dice, Purpose};
use crate::simulation::stop::Stop;
use crate::simulation::threads_or_cores;

/// What a verification found.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Verified {
    /// Runs that were repeated, by row.
    pub rows: Vec<usize>,
    /// Rows whose repetition differs.
    pub differing: Vec<usize>,
}

/// So many finished runs, drawn by a seed.
fn sample(plan: &Plan, results: &Results, count: usize, seed: u64) -> Vec<(RunId, usize)> {
    let mut done: Vec<(f64, RunId, usize)> = plan
        .distinct()
        .into_iter()
        .zip(0u64..)
        .filter(|((run, _), _)| results.get(*run).is_some())
        .map(|((run, row), i)| (Dice::new(seed).roll(Purpose::Custom, i).uniform(), run, row))
        .collect();
    done.sort_by(|a, b| a.0.total_cmp(&b.0));
    done.truncate(count);
    done.into_iter().map(|(_, run, row)| (run, row)).collect()
}

/// Repeats `count` finished runs.
///
/// # Errors
/// [`Error::Condition`] when nothing is done yet.
pub fn verify(plan: &Plan, count: usize, seed: u64, threads: usize, stop: &Stop) -> Result<Verified> {
    super::execute::check_version(plan, false)?;
    let results = Results::read(&plan.folder, true)?;
    results.refuse_conflicts(plan)?;
    let chosen = sample(plan, &results, count, seed);
    if chosen.is_empty() {
        return Err(Error::Condition(format!(
            "{}: no run is done yet: there is nothing to repeat",
            plan.folder.display()
        )));
    }
    let host = claims::host();
    let next = AtomicUsize::new(0);
    let found: Mutex<Vec<Result<(usize, bool)>>> = Mutex::new(Vec::new());
    let work = || {
        while let Some(&(run, row)) = chosen.get(next.fetch_add(1, Ordering::Relaxed)) {
            let again = par::with_threads(1, || repeat(plan, &results, run, row, &host, stop));
            let is_over = again.is_err();
            found
                .lock()
                .unwrap_or_else(PoisonError::into_inner)
                .push(again.map(|same| (row, same)));
            if is_over {
                return;
            }
        }
    };
    std::thread::scope(|scope| {
        for _ in 0..threads_or_cores(threads).min(chosen.len()) {
            scope.spawn(work);
        }
    });
    let found = found.into_inner().unwrap_or_else(PoisonError::into_inner);
    let mut verified = Verified::default();
    for one in found {
        let (row, is_same) = one?;
        verified.rows.push(row);
        if !is_same {
            verified.differing.push(row);
        }
    }
    verified.rows.sort_unstable();
    verified.differing.sort_unstable();
    Ok(verified)
}

/// Whether a repetition gives the bytes that are there.
fn repeat(plan: &Plan, results: &Results, run: RunId, row: usize, host: &str, stop: &Stop) -> Result<bool> {
    let place = plan.row(row);
    let settings = job::settings(plan, place.arm, place.point);
    let job = Job {
        plan,
        row,
        // Nothing of a repetition is kept.
        keep_every: Duration::MAX,
        host,
    };
    let mut tick = || match stop.asked("nothing was changed") {
        Some(reason) => Err(reason),
        None => Ok(()),
    };
    let (record, _) = job.run(&settings, &mut tick)?;
    let there = results.get(run).map(|found| found.head.sum());
    Ok(there == Some(record.sum()))
}

impl Verified {
    /// What was found, in words; rows that differ by their place.
    pub fn text(&self, plan: &Plan) -> String {
        let mut text = format!("{} finished runs repeated: ", self.rows.len());
        if self.differing.is_empty() {
            text.push_str("the same bytes\n");
            return text;
        }
        text.push_str(&format!("{} differ\n", self.differing.len()));
        for row in &self.differing {
            text.push_str(&format!("  row {row} ({})\n", plan.describe(*row)));
        }
        text
    }
}
