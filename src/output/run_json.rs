//! `run.json`: how a run stands, and what made it.

use std::collections::BTreeMap;
use std::path::Path;

use serde::{Deserialize, Serialize};

use super::cost::Cost;
use super::seal::Seal;
use super::{files, seal};
use crate::error::{Error, Result};
use crate::model::NetworkReport;
use crate::state::{Species, Tissue};

/// How a run stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Status {
    /// At work; or killed, when no process holds the folder.
    Running,
    /// Done.
    Complete,
    /// Ended early and cleanly.
    Stopped,
    /// The state became unphysical.
    Failed,
}

/// What the solvers of blood and oxygen did.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Solves {
    /// Solves of blood flow.
    pub flow: u64,
    /// Sweeps over red cells in them.
    pub flow_sweeps: u64,
    /// Solves that took the best state, because red cells did not settle to the tolerance.
    pub flow_unsettled: u64,
    /// Solves of oxygen.
    pub oxygen: u64,
    /// Passes of blood and tissue in them.
    pub oxygen_passes: u64,
    /// Largest share of its use that a solve of oxygen missed.
    pub oxygen_gap_worst: f64,
    /// Solves of each other field.
    #[serde(default)]
    pub fields: BTreeMap<String, u64>,
}

impl From<&Tissue> for Solves {
    fn from(tissue: &Tissue) -> Self {
        let ledger = &tissue.ledger;
        let memories = Species::ALL.iter().zip(&tissue.fields.memory);
        Self {
            fields: memories
                .filter(|(_, memory)| memory.solves > 0)
                .map(|(species, memory)| (species.name().to_owned(), memory.solves))
                .collect(),
            flow: ledger.flow_solves,
            flow_sweeps: ledger.flow_sweeps,
            flow_unsettled: ledger.flow_unsettled,
            oxygen: ledger.oxygen_solves,
            oxygen_passes: ledger.oxygen_passes,
            oxygen_gap_worst: ledger.oxygen_gap_worst,
        }
    }
}

/// The record.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct RunJson {
    /// How the run stands.
    pub status: Status,
    /// Version of calcisim.
    pub version: String,
    /// Revision of its source; `unknown` outside a repository.
    pub git: String,
    /// Features it was built with.
    pub features: Vec<String>,
    /// Name of the scenario.
    pub scenario: String,
    /// Seed.
    pub seed: u64,
    /// Threads.
    pub threads: usize,
    /// Days asked for.
    pub days: f64,
    /// Steps that those days have.
    pub steps: u64,
    /// Steps that the latest command executed.
    pub steps_executed: u64,
    /// Seconds that the latest command took.
    pub wall_s: f64,
    /// Steps executed by all commands on this folder, repeated ones included.
    pub steps_executed_total: u64,
    /// Seconds of all commands on this folder.
    pub wall_s_total: f64,
    /// Hash of the latest recorded state.
    pub state_hash: String,
    /// Networks drawn before one passed.
    pub network_attempts: u32,
    /// Statistics of the network.
    pub network: serde_json::Map<String, serde_json::Value>,
    /// What the solvers of blood and oxygen did up to the latest recorded state.
    #[serde(default)]
    pub solves: Solves,
    /// Cost by process of the latest command, when it was measured.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub profile: Vec<Cost>,
    /// Values of the host that the scenario left to the registry's default.
    #[serde(default)]
    pub host_defaults: Vec<String>,
    /// What the user should know.
    pub warnings: Vec<String>,
    /// Why the run failed or stopped; empty otherwise.
    #[serde(default)]
    pub error: String,
    /// The runs that this one branched from, the first first; their scenarios are `history-0.toml` and on.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub history: Vec<Ancestor>,
    /// Digests of the files, once the run has ended or stopped.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub seal: Option<Seal>,
}

/// A run that another one branched from.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Ancestor {
    /// Its scenario, a path in the folder.
    pub scenario: String,
    /// Its seed.
    pub seed: u64,
    /// Step at which the next one left it.
    pub until_step: u64,
    /// Hash of the state there, before anything was changed.
    pub state_hash: String,
}

/// Revision of the source that this binary was built from.
pub fn git() -> &'static str {
    match option_env!("CALCISIM_GIT") {
        None | Some("") => "unknown",
        Some(revision) => revision,
    }
}

/// Features of this build.
pub fn features() -> Vec<String> {
    let all = [
        ("parallel", cfg!(feature = "parallel")),
        ("cli", cfg!(feature = "cli")),
        ("figures", cfg!(feature = "figures")),
    ];
    all.iter()
        .filter(|(_, on)| *on)
        .map(|(name, _)| (*name).to_owned())
        .collect()
}

/// Statistics of a network as an object.
pub fn network(report: &NetworkReport) -> serde_json::Map<String, serde_json::Value> {
    let counts = [
        ("segments".to_owned(), report.segments.into()),
        ("nodes".to_owned(), report.nodes.into()),
    ];
    let statistics = report.statistics.iter().map(|(k, v)| (k.clone(), (*v).into()));
    counts.into_iter().chain(statistics).collect()
}

/// An object as the text of a file.
pub fn pretty(object: &impl Serialize) -> Result<String> {
    serde_json::to_string_pretty(object)
        .map(|text| text + "\n")
        .map_err(|fault| Error::Internal(format!("a record could not be written: {fault}")))
}

impl RunJson {
    /// Writes the record into a run folder.
    pub fn write(&self, folder: &Path) -> Result<()> {
        files::write_whole(&folder.join("run.json"), pretty(self)?.as_bytes())
    }

    /// Seals the files of a run folder and writes the record.
    pub fn write_sealed<'a>(&mut self, folder: &Path, tables: impl Iterator<Item = &'a str>) -> Result<()> {
        self.seal = Some(Seal::of(folder, tables)?);
        let text = seal::close(&pretty(self)?);
        files::write_whole(&folder.join("run.json"), text.as_bytes())
    }

    /// Reads the record of a run folder.
    pub fn read(folder: &Path) -> Result<Self> {
        let path = folder.join("run.json");
        serde_json::from_slice(&files::read(&path)?)
            .map_err(|fault| Error::files(path.display(), format!("is not the record of a run: {fault}")))
    }
}
