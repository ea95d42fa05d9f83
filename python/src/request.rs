//! What a person asks for: a scenario and what is changed in it.

use calcisim::error::{Diagnostic, Result};
use calcisim::library::Disk;
use calcisim::scenario::{Library, Scenario, Shipped, stem};
use calcisim::simulation::RunSettings;
use pyo3::prelude::*;

/// A scenario with its changes, as on the command line.
#[derive(Clone, Debug, FromPyObject)]
pub struct Request {
    /// Path or shipped name; the text itself when it has a line break.
    scenario: String,
    /// `path=value`, in order.
    sets: Vec<String>,
    seed: Option<u64>,
    days: Option<f64>,
}

impl Request {
    /// The same with further changes.
    pub fn with(&self, sets: Vec<String>, days: Option<f64>) -> Self {
        let mut more = self.clone();
        more.sets.extend(sets);
        more.days = days.or(more.days);
        more
    }

    /// Name of an arm: the stem of the file.
    pub fn stem(&self) -> &str {
        if self.is_text() {
            "scenario"
        } else {
            stem(&self.scenario)
        }
    }

    fn is_text(&self) -> bool {
        self.scenario.contains('\n')
    }

    fn library(&self) -> &'static dyn Library {
        if self.is_text() { &Shipped } else { &Disk }
    }

    /// The checked scenario and its warnings.
    pub fn scenario(&self) -> Result<(Scenario, Vec<Diagnostic>)> {
        let (mut scenario, mut warnings) = if self.is_text() {
            Scenario::from_text("scenario.toml", &self.scenario, &self.sets)?
        } else {
            Scenario::load(&Disk, &self.scenario, &self.sets)?
        };
        if let Some(seed) = self.seed {
            scenario.set_seed(seed)?;
        }
        if let Some(days) = self.days {
            warnings.extend(scenario.set_days(days)?);
        }
        Ok((scenario, warnings))
    }

    /// What a run takes from it, and the warnings in words.
    pub fn settings(&self) -> Result<(RunSettings, Vec<String>)> {
        let (scenario, warnings) = self.scenario()?;
        let settings = RunSettings::of(&scenario, self.library())?;
        Ok((settings, warnings.iter().map(ToString::to_string).collect()))
    }
}
