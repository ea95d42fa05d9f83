//! The course of a run folder, to be executed again: under which settings each part of it was executed, and from which stored
//! state to begin. Most runs have one part; a branch has one more than the run that it left.

use std::path::Path;

use super::archive::Archive;
use super::entry::Entry;
use super::{RunSettings, advance, session};
use crate::checkpoint::{self, Checkpoint, Lengths};
use crate::error::{Diagnostic, Error, Result};
use crate::library::Disk;
use crate::model::Model;
use crate::output::observe::Instruments;
use crate::output::run_json::Ancestor;
use crate::output::series::Row;
use crate::output::summary::{Watch, hex};
use crate::output::{events, hashes};
use crate::parameters::{Setting, Value};
use crate::scenario::Scenario;

/// Settings of the tissue as it was made: they cannot change once it is there.
const MADE_BEFORE_DAY_0: [&str; 13] = [
    "space.",
    "network.",
    "skin.",
    "site.",
    "mural.",
    "burn_in.",
    "host.burn_in",
    "host.course_csv",
    "host.mineral_site_gsd",
    "run.step_h",
    "ischaemia.stroma_tolerance_h",
    "ischaemia.adipocyte_tolerance_h",
    "ischaemia.tolerance_sd_log",
];

/// Sections whose numbers are in a field or a flow that stands until something moves.
const SOLVED_WITH: [&str; 3] = ["oxygen.", "transport.", "blood."];

/// What of a tissue changes where a run leaves another one.
#[derive(Clone, Debug, Default, PartialEq)]
pub(super) struct Change {
    host: Vec<Setting>,
    solves_anew: bool,
}

impl Change {
    /// What differs between two scenarios, as far as a tissue holds it.
    ///
    /// # Errors
    /// [`Error::Input`] with every setting that cannot change once there is a tissue.
    pub fn between(before: &Scenario, after: &Scenario) -> Result<Self> {
        let (mut change, mut faults) = (Self::default(), Vec::new());
        for (key, value, origin) in after.origins() {
            if before.value(&key) == Some(&value) || after.value(&key).is_none() {
                continue;
            }
            if MADE_BEFORE_DAY_0.iter().any(|start| key.starts_with(start)) {
                faults.push(Diagnostic {
                    file: origin,
                    value: value.to_string(),
                    expected: before.value(&key).map_or_else(String::new, Value::to_string),
                    suggestion: format!("run it from the start: calcisim run … --set {key}={value}"),
                    message: "the tissue was made with another value before day 0: a branch cannot change it"
                        .to_owned(),
                    key,
                    ..Diagnostic::default()
                });
                continue;
            }
            change.solves_anew |= SOLVED_WITH.iter().any(|start| key.starts_with(start));
            if key.starts_with("host.") {
                change.host.push(Setting { key, value });
            }
        }
        if faults.is_empty() {
            Ok(change)
        } else {
            Err(Error::Input(faults))
        }
    }

    /// The model of a run that leaves another one at this state.
    pub fn apply(&self, model: &Model, to: &RunSettings) -> Result<Model> {
        let mut model = Model::restore(to.parameters.clone(), to.seed, model.state())?;
        model.change(&self.host, self.solves_anew)?;
        Ok(model)
    }
}

/// One part of a course.
pub(super) struct Part {
    pub settings: RunSettings,
    /// Its first step.
    pub from: u64,
    /// How it differs from the part before.
    change: Change,
    belongs: u64,
}

/// The whole course.
pub(super) struct Course {
    pub parts: Vec<Part>,
    history: Vec<Ancestor>,
}

impl Course {
    /// The course of a folder.
    pub fn of(archive: &Archive) -> Result<Self> {
        let own = archive.scenario.as_ref().map_err(Clone::clone)?;
        let history = archive.record.history.clone();
        let mut scenarios = Vec::new();
        for ancestor in &history {
            let file = archive.dir.join(&ancestor.scenario);
            scenarios.push(Scenario::load(&Disk, &file.display().to_string(), &[])?.0);
        }
        scenarios.push(own.clone());
        let seeds = history
            .iter()
            .map(|ancestor| ancestor.seed)
            .chain([archive.record.seed]);
        let mut parts: Vec<Part> = Vec::new();
        for (i, (scenario, seed)) in scenarios.iter().zip(seeds).enumerate() {
            let mut settings = RunSettings::of(scenario, &Disk)?;
            settings.seed = seed;
            parts.push(Part {
                from: if i == 0 { 0 } else { history[i - 1].until_step },
                change: if i == 0 {
                    Change::default()
                } else {
                    Change::between(&scenarios[i - 1], scenario)?
                },
                belongs: session::scenario_hash(&settings.text),
                settings,
            });
        }
        Ok(Self { parts, history })
    }

    /// The part that a checkpoint belongs to.
    fn part_of(&self, saved: &Checkpoint) -> Option<usize> {
        self.parts
            .iter()
            .rposition(|part| part.belongs == saved.scenario && part.from <= saved.step)
    }

    /// A runner before the first step of all.
    pub fn beginning(&self) -> Result<Runner<'_>> {
        let settings = &self.parts[0].settings;
        Ok(Runner {
            course: self,
            part: 0,
            model: Model::new(settings.parameters.clone(), settings.seed)?,
            watch: Watch::default(),
            lengths: headers(),
            is_begun: false,
        })
    }

    /// A runner at the latest stored state that does not lie behind a step, or before the first step of all.
    ///
    /// # Errors
    /// [`Error::Condition`] when that state does not have the hash that was stored with it.
    pub fn runner(&self, folder: &Path, not_after: u64) -> Result<Runner<'_>> {
        let saved = checkpoint::not_after(folder, not_after).and_then(|saved| Some((self.part_of(&saved)?, saved)));
        let Some((part, saved)) = saved else {
            return self.beginning();
        };
        let settings = &self.parts[part].settings;
        let model = Model::restore(settings.parameters.clone(), settings.seed, saved.state)?;
        if model.state_hash() != saved.state_hash {
            return Err(Error::Condition(format!(
                "the checkpoint of day {} holds the state {} and says {}",
                model.clock.day(),
                hex(model.state_hash()),
                hex(saved.state_hash)
            )));
        }
        Ok(Runner {
            course: self,
            part,
            model,
            watch: saved.watch,
            lengths: saved.lengths,
            is_begun: true,
        })
    }
}

/// Lengths of the growing files before the first moment.
fn headers() -> Lengths {
    Lengths {
        series: Row::header().len() as u64,
        events: events::HEADER.len() as u64,
        hashes: hashes::HEADER.len() as u64,
        observe: Instruments::header().len() as u64,
    }
}

/// A run that is executed again.
pub(super) struct Runner<'a> {
    course: &'a Course,
    part: usize,
    pub model: Model,
    pub watch: Watch,
    /// How far the growing files belong to what was seen so far.
    pub lengths: Lengths,
    is_begun: bool,
}

impl Runner<'_> {
    /// Settings of the part that is being executed.
    pub fn settings(&self) -> &RunSettings {
        &self.course.parts[self.part].settings
    }

    /// Whether the latest moment was seen already.
    pub fn is_begun(&self) -> bool {
        self.is_begun
    }

    /// The next moment: the one before the first step, or the one after the next step.
    pub fn next(&mut self) -> Result<Entry> {
        if self.is_begun {
            self.cross()?;
            advance(&mut self.model, &self.course.parts[self.part].settings.instruments)?;
        }
        self.is_begun = true;
        let settings = &self.course.parts[self.part].settings;
        let entry = Entry::take(&mut self.model, &mut self.watch, settings);
        self.lengths.events += entry.events.len() as u64;
        self.lengths.observe += entry.observe.len() as u64;
        if entry.is_row_kept {
            self.lengths.series += entry.row.line().len() as u64;
            self.lengths.hashes += entry.hash_line(0).len() as u64;
        }
        Ok(entry)
    }

    /// Where the run left another one, what was changed there is changed.
    pub fn cross(&mut self) -> Result<()> {
        while let Some(next) = self.course.parts.get(self.part + 1) {
            if self.model.clock.step() < next.from {
                break;
            }
            let stated = &self.course.history[self.part].state_hash;
            let found = hex(self.model.state_hash());
            if found != *stated {
                return Err(Error::Condition(format!(
                    "day {}, where it left another run: the state is {found}, and the record says {stated}",
                    self.model.clock.day()
                )));
            }
            self.model = next.change.apply(&self.model, &next.settings)?;
            self.part += 1;
        }
        Ok(())
    }
}
