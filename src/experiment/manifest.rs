//! `plan.json`: what a plan says of itself.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use super::outputs::Outputs;
use super::questions::Questions;
use super::sampled::Analysis;
use super::sequential::Sequential;
use super::staged::Staged;
use crate::error::{Error, Result};
use crate::output::run_json;

/// What the version of the layout is called.
pub(super) const SCHEMA: &str = "calcisim-plan/1";

/// An arm as the plan knows it.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct ArmRecord {
    /// Id.
    pub id: String,
    /// Digest of its scenario.
    pub scenario_digest: String,
}

/// A factor as the plan knows it.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct FactorRecord {
    /// Path.
    pub path: String,
    /// Unit.
    pub unit: String,
}

/// What a timed pilot forecasts.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Forecast {
    /// Seconds of a processor for one run.
    pub run_s: f64,
    /// Share of a run that was timed.
    pub share: f64,
    /// Hours of one core for all runs.
    pub core_hours: f64,
    /// Disk for all results [B].
    pub disk: f64,
}

/// `plan.json`.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Manifest {
    /// Layout.
    pub schema: String,
    /// Kind of the experiment.
    pub kind: String,
    /// Its name.
    pub name: String,
    /// Its question.
    pub question: String,
    /// Its cost in words.
    pub cost: String,
    /// Version of calcisim.
    pub version: String,
    /// Revision of its source.
    pub git: String,
    /// Length of the runs [d].
    pub days: f64,
    /// Runs of each arm at each point.
    pub replicates: u64,
    /// First seed.
    pub seed: u64,
    /// Whether every arm and point sees the same seeds.
    pub common_random_numbers: bool,
    /// Arms, the reference first.
    pub arms: Vec<ArmRecord>,
    /// Factors.
    pub factors: Vec<FactorRecord>,
    /// Points of the design.
    pub points: u64,
    /// Rows of the plan.
    pub rows: u64,
    /// Different runs among them.
    pub runs: u64,
    /// How the results are analysed.
    pub analysis: Analysis,
    /// What is kept.
    pub outputs: Outputs,
    /// When a point is dropped.
    pub staged: Option<Staged>,
    /// When replicates are enough.
    #[serde(default)]
    pub sequential: Option<Sequential>,
    /// What is asked of the results besides.
    #[serde(default)]
    pub questions: Questions,
    /// blake3 of every file of the plan.
    pub files: BTreeMap<String, String>,
    /// blake3 of all of the above.
    pub digest: String,
    /// What a pilot forecast; no part of the digest.
    #[serde(default)]
    pub forecast: Option<Forecast>,
}

impl Manifest {
    /// Which calcisim planned it, as a part of every run's name.
    pub fn planned_by(&self) -> String {
        format!("{} {}", self.version, self.git)
    }

    pub(super) fn own_digest(&self) -> Result<String> {
        let bare = Self {
            digest: String::new(),
            forecast: None,
            ..self.clone()
        };
        let text = serde_json::to_string(&bare).map_err(|f| Error::Internal(f.to_string()))?;
        Ok(blake3::hash(text.as_bytes()).to_hex().to_string())
    }
}

/// Which calcisim this is, in the words of [`Manifest::planned_by`].
pub fn version() -> String {
    format!("{} {}", env!("CARGO_PKG_VERSION"), run_json::git())
}
