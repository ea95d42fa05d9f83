//! A run folder as something to look into: which days it holds, and how to bring back a day that it does not hold.
//!
//! A day without a snapshot is replayed from the nearest earlier checkpoint, or from day 0, and the hash of the state is
//! compared with every hash that the folder has of the way. Nothing in the folder is changed.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use super::course::Course;
use super::progress::Progress;
use super::stop::Stop;
use super::{folder, session};
use crate::clock::Clock;
use crate::error::{Error, Result};
use crate::library::Disk;
use crate::model::Model;
use crate::output::run_json::{RunJson, Status};
use crate::output::summary::hex;
use crate::output::{files, hashes, snapshots};
use crate::par;
use crate::parameters::{self, Registry};
use crate::picture::biopsy::{Lens, Narrowing};
use crate::scenario::Scenario;
use crate::state::Snapshot;

/// How to replay.
#[derive(Clone, Debug, Default)]
pub struct ReplayOptions {
    /// Threads; 0 = cores.
    pub threads: usize,
    /// Whether standard error stays silent.
    pub is_quiet: bool,
    /// A wish to stop.
    pub stop: Stop,
}

/// Where the state of a day came from.
#[derive(Clone, Debug, PartialEq)]
pub enum Origin {
    /// The folder held it.
    Kept,
    /// It was computed again.
    Replayed {
        /// Day from which.
        from_d: f64,
        /// Hashes of the folder that the way was compared with.
        checked: usize,
    },
}

impl Origin {
    /// The origin in a sentence; empty for what was kept.
    pub fn sentence(&self) -> String {
        match self {
            Self::Kept => String::new(),
            Self::Replayed { from_d, checked } => {
                format!("not in the folder: replayed from day {from_d}; {checked} stored hashes on the way agree")
            }
        }
    }
}

/// A run folder.
#[derive(Clone, Debug)]
pub struct Archive {
    /// The folder.
    pub dir: PathBuf,
    /// Its record.
    pub record: RunJson,
    /// Its scenario; an error when this version cannot read it, and then what the folder holds can still be looked at.
    pub scenario: Result<Scenario>,
    /// Snapshots by day.
    pub snapshots: Vec<(f64, PathBuf)>,
    /// The scenario as it stands in the file.
    table: toml::Table,
    /// Recorded hashes by step.
    hashes: BTreeMap<u64, u64>,
}

impl Archive {
    /// Opens a run folder that no other process is writing.
    pub fn open(dir: &Path) -> Result<Self> {
        if !dir.exists() {
            return Err(Error::files(dir.display(), "there is no such folder"));
        }
        if !dir.join("run.json").is_file() {
            return Err(Error::files(dir.display(), "is no run folder: it has no run.json"));
        }
        if folder::is_at_work(dir) {
            return Err(Error::files(
                dir.display(),
                "this run is still going: wait for it or stop it, then ask again",
            ));
        }
        let record = RunJson::read(dir)?;
        let file = dir.join("scenario.toml");
        let table = files::read_text(&file)?
            .parse::<toml::Table>()
            .map_err(|fault| Error::input(file.display().to_string(), fault.to_string()))?;
        let scenario = Scenario::load(&Disk, &file.display().to_string(), &[]).map(|(scenario, _)| scenario);
        let text = files::read_text(&dir.join("hashes.csv")).unwrap_or_default();
        Ok(Self {
            dir: dir.to_owned(),
            snapshots: snapshots::list(&dir.join("snapshots"))?,
            hashes: hashes::parse(&text),
            scenario,
            table,
            record,
        })
    }

    /// Length of a step [h].
    pub fn step_h(&self) -> f64 {
        number_in(&self.table, "run", "step_h")
            .filter(|h| *h > 0.0)
            .unwrap_or(1.0)
    }

    /// Name and seed.
    pub fn name(&self) -> String {
        format!("{}, seed {}", self.record.scenario, self.record.seed)
    }

    /// The last day that was reached.
    pub fn last_day(&self) -> f64 {
        let step = match self.record.status {
            Status::Complete => self.record.steps,
            _ => self.hashes.keys().next_back().copied().unwrap_or(0),
        };
        step as f64 * self.step_h() / 24.0
    }

    /// What a biopsy of this run needs besides its tissue.
    pub fn lens(&self) -> Result<Lens> {
        lens_of(&self.table)
    }

    /// The scenario as it stands in the file.
    pub fn table(&self) -> &toml::Table {
        &self.table
    }

    /// The step of a day; an error that names the argument when the run does not have it.
    pub fn step_of(&self, argument: &str, day: f64) -> Result<u64> {
        let last = self.last_day();
        if !day.is_finite() || day < 0.0 || day > last + 1e-9 {
            return Err(Error::input(
                argument,
                format!(
                    "{day} lies outside: {} holds days 0 to {last}{}",
                    self.dir.display(),
                    if self.record.status == Status::Complete {
                        format!(
                            "; make it longer with: calcisim resume {} --days {}",
                            self.dir.display(),
                            day
                        )
                    } else {
                        format!("; go on with: calcisim resume {}", self.dir.display())
                    }
                ),
            ));
        }
        Ok(Clock::new(self.step_h()).step_of_day(day))
    }

    /// The tissue on these days (in rising order), each with its origin: snapshots where the folder has them, else one replay for
    /// all that are missing.
    pub fn days(&self, argument: &str, days: &[f64], options: &ReplayOptions) -> Result<Vec<(Snapshot, Origin)>> {
        let mut steps = Vec::new();
        for &day in days {
            steps.push(self.step_of(argument, day)?);
        }
        let mut found: Vec<Option<(Snapshot, Origin)>> = Vec::new();
        for (&day, &step) in days.iter().zip(&steps) {
            let near = |path: &&(f64, PathBuf)| (path.0 - day).abs() <= self.step_h() / 24.0 + 0.006;
            let mut kept = None;
            for (_, path) in self.snapshots.iter().filter(near) {
                let snapshot = snapshots::read(path)?;
                if snapshot.step == step {
                    kept = Some((snapshot, Origin::Kept));
                    break;
                }
            }
            found.push(kept);
        }
        let mut missing: Vec<u64> = Vec::new();
        for (step, found) in steps.iter().zip(&found) {
            if found.is_none() {
                missing.push(*step);
            }
        }
        missing.sort_unstable();
        missing.dedup();
        if !missing.is_empty() {
            let mut replayed = BTreeMap::new();
            let origin = self.replay(&missing, options, &mut |model| {
                replayed.insert(model.clock.step(), model.snapshot());
                Ok(())
            })?;
            for (step, found) in steps.iter().zip(&mut found) {
                if found.is_none() {
                    *found = replayed.get(step).map(|s| (s.clone(), origin.clone()));
                }
            }
        }
        found
            .into_iter()
            .map(|f| f.ok_or_else(|| Error::Internal("a replay left out a day".into())))
            .collect()
    }

    /// Computes the run again and shows the model at these steps (rising). The way is compared with the folder's hashes.
    pub fn replay(
        &self,
        steps: &[u64],
        options: &ReplayOptions,
        visit: &mut (dyn FnMut(&Model) -> Result<()> + Send),
    ) -> Result<Origin> {
        let (Some(&first), Some(&last)) = (steps.first(), steps.last()) else {
            return Ok(Origin::Kept);
        };
        let course = Course::of(self)?;
        par::with_threads(session::threads_or_cores(options.threads), || {
            let mut runner = course.runner(&self.dir.join("checkpoint"), first)?;
            if !runner.is_begun() {
                runner.next()?;
            }
            let from_d = runner.model.clock.day();
            let done = runner.model.clock.step();
            let mut progress = Progress::new(last, done, options.is_quiet || last == done);
            let mut checked = 0;
            loop {
                let step = runner.model.clock.step();
                checked += self.compare_at(&runner.model)?;
                if steps.binary_search(&step).is_ok() {
                    visit(&runner.model)?;
                }
                if step >= last {
                    break;
                }
                if let Some(reason) = options.stop.asked("nothing was written: ask again") {
                    progress.end();
                    return Err(reason);
                }
                runner.next()?;
                let day = runner.model.clock.day();
                progress.at(runner.model.clock.step(), || format!("replaying day {day:.0}"));
            }
            Ok(Origin::Replayed { from_d, checked })
        })
    }

    /// Compares a model with the hash that the folder has of its step, if any; answers how many were compared.
    pub(super) fn compare_at(&self, model: &Model) -> Result<usize> {
        let step = model.clock.step();
        let Some(&before) = self.hashes.get(&step).filter(|_| !self.is_branch_step(step)) else {
            return Ok(0);
        };
        let now = model.state_hash();
        if now == before {
            return Ok(1);
        }
        Err(Error::Condition(format!(
            "{}: replayed, day {} has the state {} and had {}: another version of calcisim wrote this folder ({} {}); \
             run its scenario anew, or ask for a day that it holds: {}",
            self.dir.display(),
            model.clock.day(),
            hex(now),
            hex(before),
            self.record.version,
            self.record.git,
            self.held_days(),
        )))
    }

    /// Whether this run left another one at a step: its row there is that of the other, before anything was changed.
    pub(super) fn is_branch_step(&self, step: u64) -> bool {
        self.record.history.iter().any(|ancestor| ancestor.until_step == step)
    }

    /// Recorded hashes by step.
    pub fn hashes(&self) -> &BTreeMap<u64, u64> {
        &self.hashes
    }

    /// The days that the folder holds, in words.
    pub fn held_days(&self) -> String {
        let days: Vec<String> = self.snapshots.iter().map(|(day, _)| format!("{day}")).collect();
        days.join(", ")
    }
}

/// A number of a resolved scenario; of the registry where the scenario is older than the key.
fn number_in(table: &toml::Table, section: &str, name: &str) -> Option<f64> {
    let written = table.get(section).and_then(|table| table.get(name));
    let number = |value: &toml::Value| value.as_float().or_else(|| value.as_integer().map(|i| i as f64));
    written.and_then(number).or_else(|| {
        let row = Registry::embedded().row(&format!("{section}.{name}"))?;
        row.value.number()
    })
}

/// One section of a resolved scenario: what it writes of the keys that the registry has, the registry for the rest.
pub fn section_of<T: serde::de::DeserializeOwned>(table: &toml::Table, name: &str) -> Result<T> {
    let mut section = Registry::embedded().defaults(name);
    if let Some(toml::Value::Table(written)) = table.get(name) {
        for (key, value) in written {
            if section.contains_key(key) {
                section.insert(key.clone(), value.clone());
            }
        }
    }
    parameters::from_section(name, section)
}

/// What a biopsy needs besides the tissue, from a resolved scenario.
pub fn lens_of(table: &toml::Table) -> Result<Lens> {
    let number = |section: &str, name: &str| number_in(table, section, name).unwrap_or(0.0);
    Ok(Lens {
        parameters: section_of(table, "biopsy")?,
        narrowing: Narrowing {
            mineral: number("blood", "mineral_narrowing"),
            neointima: number("blood", "neointima_narrowing"),
        },
        hypoxia_mmhg: number("oxygen", "hypoxia_mmhg"),
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::simulation::tests::settings;
    use crate::simulation::{RunOptions, run};

    fn quiet() -> ReplayOptions {
        ReplayOptions {
            threads: 1,
            is_quiet: true,
            ..ReplayOptions::default()
        }
    }

    fn folder_of(days: f64) -> Result<(tempfile::TempDir, PathBuf), Box<dyn std::error::Error>> {
        let above = tempfile::tempdir()?;
        let dir = above.path().join("run");
        let options = RunOptions {
            out: Some(dir.clone()),
            is_quiet: true,
            threads: 1,
            ..RunOptions::default()
        };
        run(&settings(days)?, &options)?;
        Ok((above, dir))
    }

    #[test]
    fn a_day_that_the_folder_lacks_is_replayed_to_the_same_state() -> Result<(), Box<dyn std::error::Error>> {
        let (_above, dir) = folder_of(2.5)?;
        let archive = Archive::open(&dir)?;
        let found = archive.days("--day", &[0.0, 1.5, 2.5], &quiet())?;
        assert_eq!(found[0].1, Origin::Kept);
        assert_eq!(
            found[1].1,
            Origin::Replayed {
                from_d: 0.0,
                checked: 2
            }
        );
        assert_eq!(found[2].1, Origin::Kept);
        assert_eq!(found[1].0.step, 36);
        // The last day again, without its snapshot: the same bits as the one that was kept.
        std::fs::remove_file(&archive.snapshots[1].1)?;
        let again = Archive::open(&dir)?.days("--day", &[2.5], &quiet())?;
        assert_eq!(again[0].0, found[2].0);
        assert_eq!(
            again[0].1,
            Origin::Replayed {
                from_d: 2.5,
                checked: 1
            }
        );
        Ok(())
    }

    #[test]
    fn a_replay_that_differs_from_the_folder_says_so() -> Result<(), Box<dyn std::error::Error>> {
        let (_above, dir) = folder_of(2.0)?;
        let path = dir.join("hashes.csv");
        let text = std::fs::read_to_string(&path)?;
        let lines: Vec<String> = text
            .lines()
            .map(|line| match line.strip_prefix("24,") {
                Some(_) => "24,0123456789abcdef".to_owned(),
                None => line.to_owned(),
            })
            .collect();
        std::fs::write(&path, lines.join("\n") + "\n")?;
        let refused = Archive::open(&dir)?.days("--day", &[1.5], &quiet());
        let error = refused.err().ok_or("it went through")?;
        assert_eq!(error.exit_code(), 7);
        assert!(error.to_string().contains("day 1 "), "{error}");
        Ok(())
    }

    #[test]
    fn a_folder_with_a_key_that_is_no_more_still_shows_what_it_holds() -> Result<(), Box<dyn std::error::Error>> {
        let (_above, dir) = folder_of(1.0)?;
        let file = dir.join("scenario.toml");
        let text = std::fs::read_to_string(&file)?;
        std::fs::write(&file, text.replace("[oxygen]", "[oxygen]\ngone_since = 1.0"))?;
        let archive = Archive::open(&dir)?;
        assert!(archive.scenario.is_err() && archive.lens()?.hypoxia_mmhg > 0.0);
        assert_eq!(archive.days("--day", &[1.0], &quiet())?[0].1, Origin::Kept);
        let refused = archive.days("--day", &[0.5], &quiet()).err().map(|e| e.exit_code());
        assert_eq!(refused, Some(3), "what must be computed again needs the scenario");
        Ok(())
    }

    #[test]
    fn a_day_beyond_the_run_and_a_run_still_going_are_refused() -> Result<(), Box<dyn std::error::Error>> {
        let (_above, dir) = folder_of(1.0)?;
        let archive = Archive::open(&dir)?;
        for day in [1.5, -1.0, f64::NAN] {
            assert_eq!(
                archive.days("--day", &[day], &quiet()).err().map(|e| e.exit_code()),
                Some(3)
            );
        }
        let lock = folder::Lock::take(&dir)?;
        let refused = Archive::open(&dir).err().ok_or("it went through")?;
        assert_eq!(refused.exit_code(), 4);
        assert!(refused.to_string().contains("still going"));
        drop(lock);
        assert!(Archive::open(&dir).is_ok());
        Ok(())
    }
}
