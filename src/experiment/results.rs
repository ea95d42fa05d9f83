//! What the segments of a plan hold: which runs are done, where, and whether two results of one run disagree.

use std::collections::BTreeMap;
use std::fs::File;
use std::path::{Path, PathBuf};

use super::plan::{Plan, RunId};
use super::segment::{self, Head, Record};
use super::staged::Staged;
use crate::error::{Error, Result};
use crate::output::files::trouble;

/// A finished run.
#[derive(Clone, Copy, Debug)]
pub struct Found {
    /// Index of its segment.
    pub segment: usize,
    /// Its head.
    pub head: Head,
    /// How many records the run has.
    pub attempts: u32,
}

/// Two results of one run that are not the same.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Conflict {
    /// The run.
    pub run: RunId,
    /// Segment of the first.
    pub first: PathBuf,
    /// Segment of the second.
    pub second: PathBuf,
}

/// One segment, as far as it was read.
#[derive(Clone, Debug)]
struct Read {
    path: PathBuf,
    end: u64,
    bad: usize,
    torn: u64,
}

/// All segments of a plan.
#[derive(Clone, Debug)]
pub struct Results {
    plan: PathBuf,
    is_thorough: bool,
    segments: Vec<Read>,
    found: BTreeMap<RunId, Found>,
    conflicts: Vec<Conflict>,
}

impl Results {
    /// Reads all segments. `is_thorough` checks every byte; else only the heads of records.
    pub fn read(plan: &Path, is_thorough: bool) -> Result<Self> {
        let mut results = Self {
            plan: plan.to_owned(),
            is_thorough,
            segments: Vec::new(),
            found: BTreeMap::new(),
            conflicts: Vec::new(),
        };
        results.refresh()?;
        Ok(results)
    }

    /// Reads what was added since.
    pub fn refresh(&mut self) -> Result<()> {
        for path in segment::list(&self.plan) {
            let index = match self.segments.iter().position(|s| s.path == path) {
                Some(index) => index,
                None => {
                    self.segments.push(Read {
                        path: path.clone(),
                        end: 0,
                        bad: 0,
                        torn: 0,
                    });
                    self.segments.len() - 1
                }
            };
            let size = std::fs::metadata(&path).map_or(0, |m| m.len());
            let read = &self.segments[index];
            if size <= read.end + read.torn && read.end > 0 {
                continue;
            }
            let scan = segment::scan(&path, read.end, self.is_thorough)?;
            let read = &mut self.segments[index];
            (read.end, read.torn) = (scan.end, scan.torn);
            read.bad += scan.bad;
            for head in scan.heads {
                self.add(index, head);
            }
        }
        Ok(())
    }

    fn add(&mut self, segment: usize, head: Head) {
        match self.found.get_mut(&head.run) {
            None => {
                let attempts = 1;
                self.found.insert(
                    head.run,
                    Found {
                        segment,
                        head,
                        attempts,
                    },
                );
            }
            Some(there) => {
                there.attempts += 1;
                if there.head.sum() != head.sum() || there.head.is_failed != head.is_failed {
                    self.conflicts.push(Conflict {
                        run: head.run,
                        first: self.segments[there.segment].path.clone(),
                        second: self.segments[segment].path.clone(),
                    });
                }
            }
        }
    }

    /// A finished run.
    pub fn get(&self, run: RunId) -> Option<&Found> {
        self.found.get(&run)
    }

    /// Every finished run, by name.
    pub fn all(&self) -> impl Iterator<Item = (RunId, &Found)> {
        self.found.iter().map(|(run, found)| (*run, found))
    }

    /// Results of one run that disagree.
    pub fn conflicts(&self) -> &[Conflict] {
        &self.conflicts
    }

    /// Damaged places, by segment.
    pub fn bad(&self) -> impl Iterator<Item = (&Path, usize)> {
        self.segments
            .iter()
            .filter(|s| s.bad > 0)
            .map(|s| (s.path.as_path(), s.bad))
    }

    /// Bytes of unfinished records at the ends of segments.
    pub fn torn(&self) -> u64 {
        self.segments.iter().map(|s| s.torn).sum()
    }

    /// Number of segments.
    pub fn segments(&self) -> usize {
        self.segments.len()
    }

    /// Conflicts among runs of a plan as the error that they are.
    pub fn refuse_conflicts(&self, plan: &Plan) -> Result<()> {
        let distinct = plan.distinct();
        let of_plan = |run: &RunId| distinct.binary_search_by_key(run, |(id, _)| *id).ok();
        let mut lines: Vec<String> = self
            .conflicts
            .iter()
            .filter_map(|c| {
                let row = distinct[of_plan(&c.run)?].1;
                Some(format!(
                    "  row {row} ({}): {} and {}",
                    plan.describe(row),
                    c.first.display(),
                    c.second.display()
                ))
            })
            .collect();
        if lines.is_empty() {
            return Ok(());
        }
        let count = lines.len();
        lines.truncate(20);
        Err(Error::Condition(format!(
            "{count} run(s) have two results that differ, which cannot be: one of the machines or builds does not \
             compute what the other does. Move one of the two segments away and run again.\n{}",
            lines.join("\n")
        )))
    }

    /// Reads finished runs one after another, keeping the file open.
    pub fn reader(&self) -> Reader<'_> {
        Reader {
            results: self,
            open: None,
        }
    }
}

/// Reads records of finished runs.
pub struct Reader<'a> {
    results: &'a Results,
    open: Option<(usize, File)>,
}

impl Reader<'_> {
    /// The record of a run; nothing when it is not done.
    pub fn get(&mut self, run: RunId) -> Result<Option<Record>> {
        let Some(found) = self.results.found.get(&run) else {
            return Ok(None);
        };
        let path = &self.results.segments[found.segment].path;
        let is_open = self.open.as_ref().is_some_and(|(segment, _)| *segment == found.segment);
        if !is_open {
            let file = File::open(path).map_err(|fault| trouble(path, "read", &fault))?;
            self.open = Some((found.segment, file));
        }
        let Some((_, file)) = &mut self.open else {
            return Ok(None);
        };
        segment::read(file, &found.head).map_err(|fault| trouble(path, "read", &fault))
    }
}

/// How each row of a plan stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Standing {
    /// There is a result.
    Done,
    /// There is a result: the run failed.
    Failed,
    /// A stated bound has put its criterion out of reach.
    Dropped,
    /// Nothing yet.
    Missing,
    /// Nothing yet, and not asked for before the results so far have been looked at.
    Later,
}

/// The standing of every row. Rows of a staged plan need the results of earlier replicates.
pub fn standings(plan: &Plan, results: &Results) -> Result<Vec<Standing>> {
    let plain = |run: &RunId| match results.get(*run) {
        Some(found) if found.head.is_failed => Standing::Failed,
        Some(_) => Standing::Done,
        None => Standing::Missing,
    };
    let mut all: Vec<Standing> = plan.runs.iter().map(plain).collect();
    if let Some(rule) = &plan.manifest.sequential {
        super::sequential::stand(plan, results, rule, &mut all)?;
    }
    let Some(staged) = &plan.manifest.staged else {
        return Ok(all);
    };
    let replicates = plan.manifest.replicates as usize;
    let mut reader = results.reader();
    for first in (0..all.len()).step_by(replicates) {
        let mut so_far = Vec::new();
        for row in first..first + replicates {
            if staged.is_out_of_reach(&so_far, plan.manifest.replicates) {
                all[row..first + replicates].fill(Standing::Dropped);
                break;
            }
            let Some(record) = reader.get(plan.runs[row])? else {
                break;
            };
            so_far.push(value(staged, &super::job::Outcome::read(&record)?, plan.manifest.days));
        }
    }
    Ok(all)
}

/// What a run counts for a criterion. A failed run counts as the best it could have been: it drops nothing.
pub fn value(staged: &Staged, outcome: &super::job::Outcome, days: f64) -> f64 {
    if outcome.error.is_empty() {
        staged.value(outcome.value(staged.endpoint.origin), days)
    } else if staged.at_most {
        staged.bound.0
    } else {
        staged.bound.1
    }
}
