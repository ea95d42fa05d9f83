//! Tidying a plan: what dead workers left is removed, and the results are put together into one segment.
//!
//! Nothing that counts is lost at any moment: the new segment is whole and on the disk before an old one goes, and a result
//! that stands in both is the same result twice. A plan at which somebody works is left alone.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};
use std::time::Duration;

use super::claims::Claims;
use super::plan::{Plan, RunId};
use super::results::Results;
use super::segment;
use crate::error::{Error, Result};
use crate::output::files::{self, trouble};

/// What was, or would be, removed and kept.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Swept {
    /// Segments before.
    pub segments: usize,
    /// Results that are kept.
    pub results: usize,
    /// Results of runs that the plan does not have, kept as well unless they were asked to go.
    pub others: usize,
    /// Copies and damaged places that go.
    pub needless: usize,
    /// Claims and files of workers that are gone.
    pub claims: usize,
    /// Kept states of runs that are done.
    pub partial: usize,
    /// Files and folders that a kill left half-written.
    pub scraps: usize,
    /// Bytes that become free.
    pub bytes: u64,
}

/// Tidies a plan. `is_dry` changes nothing; `with_others` also drops results of runs that the plan does not have.
///
/// # Errors
/// [`Error::Condition`] when a worker is at work or results disagree; [`Error::Files`] when the disk is full, with
/// everything that was there kept.
pub fn sweep(plan: &Plan, with_others: bool, is_dry: bool) -> Result<Swept> {
    let at_work = Claims::workers(&plan.folder, Duration::from_secs(60));
    if let Some(first) = at_work.first() {
        return Err(Error::Condition(format!(
            "{}: {} at work ({first}): tidy up when the plan rests",
            plan.folder.display(),
            if at_work.len() == 1 {
                "a worker is"
            } else {
                "workers are"
            }
        )));
    }
    let results = Results::read(&plan.folder, true)?;
    results.refuse_conflicts(plan)?;
    let mut swept = Swept::default();
    segments(plan, &results, with_others, is_dry, &mut swept)?;
    let mut gone: Vec<PathBuf> = Vec::new();
    let claims = entries(&plan.folder.join("claims"));
    swept.claims = claims.len();
    gone.extend(claims);
    let is_done = |path: &PathBuf| {
        let run: Option<RunId> = path.file_stem().and_then(|stem| stem.to_string_lossy().parse().ok());
        run.is_some_and(|run| results.get(run).is_some())
    };
    let partial: Vec<PathBuf> = entries(&plan.folder.join("partial"))
        .into_iter()
        .filter(is_done)
        .collect();
    swept.partial = partial.len();
    gone.extend(partial);
    let places = [
        plan.folder.clone(),
        plan.folder.join("segments"),
        plan.folder.join("blobs"),
    ];
    let scraps: Vec<PathBuf> = places
        .iter()
        .flat_map(|place| entries(place))
        .filter(|path| is_scrap(path))
        .collect();
    swept.scraps = scraps.len();
    gone.extend(scraps);
    for path in gone {
        swept.bytes += std::fs::metadata(&path).map_or(0, |m| m.len());
        if !is_dry {
            let removed = if path.is_dir() {
                std::fs::remove_dir_all(&path)
            } else {
                std::fs::remove_file(&path)
            };
            removed.map_err(|fault| trouble(&path, "remove", &fault))?;
        }
    }
    Ok(swept)
}

/// Paths in a folder, sorted; none when it is not there.
fn entries(folder: &Path) -> Vec<PathBuf> {
    let mut found: Vec<PathBuf> = std::fs::read_dir(folder)
        .into_iter()
        .flatten()
        .flatten()
        .map(|entry| entry.path())
        .collect();
    found.sort();
    found
}

/// What is begun under a name of its own and renamed when it is whole.
fn is_scrap(path: &Path) -> bool {
    let name = path.file_name().unwrap_or_default().to_string_lossy().into_owned();
    name.starts_with('.') && (name.contains(".new") || name.contains(".tmp"))
}

/// Puts what is whole into one segment.
fn segments(plan: &Plan, results: &Results, with_others: bool, is_dry: bool, swept: &mut Swept) -> Result<()> {
    let old = segment::list(&plan.folder);
    let of_plan: BTreeSet<RunId> = plan.runs.iter().copied().collect();
    let (mut kept, mut size, mut records) = (Vec::new(), 0, 0);
    for (run, found) in results.all() {
        records += found.attempts as usize;
        let is_other = !of_plan.contains(&run);
        swept.others += usize::from(is_other);
        if !(is_other && with_others) {
            kept.push(run);
            size += found.head.size();
        }
    }
    let before: u64 = old
        .iter()
        .filter_map(|path| std::fs::metadata(path).ok())
        .map(|m| m.len())
        .sum();
    let bad: usize = results.bad().map(|(_, n)| n).sum();
    (swept.segments, swept.results) = (old.len(), kept.len());
    swept.needless = records - kept.len() + bad;
    swept.bytes += before.saturating_sub(size);
    // One whole segment without a needless byte stays as it is.
    if is_dry || old.is_empty() || (old.len() == 1 && before == size) {
        return Ok(());
    }
    let mut reader = results.reader();
    let mut bytes = Vec::with_capacity(size as usize);
    for run in kept {
        let record = reader.get(run)?;
        let record = record.ok_or_else(|| Error::Internal(format!("run {run} was there and is gone")))?;
        bytes.extend(record.bytes());
    }
    if bytes.is_empty() {
        return remove(&old);
    }
    let name = format!("s0of1.gc-{}.seg", segment::worker_name());
    let path = plan.folder.join("segments").join(name);
    files::write_whole(&path, &bytes)?;
    files::fail_point("gc");
    remove(&old)
}

fn remove(old: &[PathBuf]) -> Result<()> {
    old.iter()
        .try_for_each(|path| std::fs::remove_file(path).map_err(|fault| trouble(path, "remove", &fault)))
}

impl Swept {
    /// For a person.
    pub fn text(&self, plan: &Plan, is_dry: bool) -> String {
        let (would, free) = if is_dry {
            ("would go", "would be free")
        } else {
            ("are gone", "are free")
        };
        let mut text = format!(
            "{}: {} results in {} segment{} are kept",
            plan.folder.display(),
            self.results,
            self.segments,
            if self.segments == 1 { "" } else { "s" }
        );
        if !is_dry && self.segments > 1 {
            text.push_str(", in one now");
        }
        text.push('\n');
        for (count, what) in [
            (self.needless, "copies, damaged places and results of other plans"),
            (self.claims, "claims of workers that are gone"),
            (self.partial, "kept states of runs that are done"),
            (self.scraps, "half-written files"),
        ] {
            if count > 0 {
                text.push_str(&format!("  {count} {what} {would}\n"));
            }
        }
        text.push_str(&format!(
            "  {} {free}\n",
            crate::simulation::progress::bytes(self.bytes as f64)
        ));
        if self.others > 0 {
            text.push_str(&format!(
                "  {} results belong to runs that this plan does not have: `--others` drops them\n",
                self.others
            ));
        }
        text
    }
}
