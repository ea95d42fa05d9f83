//! Commands that work on runs: their arguments, and the scenario as they change it.

use clap::Args;

use super::{Global, Reply};
use crate::error::{Diagnostic, Error, Result};
use crate::library::Disk;
use crate::scenario::Scenario;

/// `calcisim run`.
#[derive(Clone, Debug, Args)]
#[command(
    after_help = "Examples:\n  calcisim run healthy\n  calcisim run scenarios/cua_warfarin.toml --seed 3 --days 30\n  \
                        calcisim run msc_local --set therapy.msc.dose_cells_per_cm2=2e6 --out output/double-dose\n  \
                        calcisim run ckd_chronic --json | jq .final.necrotic_fraction"
)]
pub struct RunArgs {
    /// Path of a scenario, or the name of a shipped one
    pub scenario: String,
    /// Change one value: a dotted path; may be repeated, applied in order
    #[arg(long = "set", value_name = "PATH=VALUE")]
    pub sets: Vec<String>,
    /// Seed of the dice, in place of the scenario's
    #[arg(long, value_name = "N")]
    pub seed: Option<u64>,
    /// Length in days, in place of the scenario's
    #[arg(long, value_name = "D")]
    pub days: Option<f64>,
    /// Threads; all cores by default
    #[arg(long, value_name = "N", value_parser = threads)]
    pub threads: Option<usize>,
    /// The run folder; output/SCENARIO-sSEED by default
    #[arg(long, value_name = "DIR")]
    pub out: Option<std::path::PathBuf>,
    /// Replace a run folder that exists
    #[arg(long)]
    pub force: bool,
    /// Show what each process costs
    #[arg(long)]
    pub profile: bool,
}

/// `calcisim compare`.
#[derive(Clone, Debug, Args)]
#[command(after_help = "Examples:\n  calcisim compare msc_vehicle msc_local\n  \
                        calcisim compare cua_warfarin.toml mine.toml --replicates 20 --out output/mine")]
pub struct CompareArgs {
    /// Paths or shipped names; the first is the reference
    #[arg(required = true, num_args = 2..)]
    pub scenarios: Vec<String>,
    /// Pairs of runs: seeds N, N+1, …
    #[arg(long, value_name = "N", default_value_t = 8, value_parser = clap::value_parser!(u32).range(1..))]
    pub replicates: u32,
    /// First seed, in place of the reference's
    #[arg(long, value_name = "N")]
    pub seed: Option<u64>,
    /// Runs at a time; all cores by default
    #[arg(long, value_name = "N", value_parser = threads)]
    pub threads: Option<usize>,
    /// Folder of the results
    #[arg(long, value_name = "DIR")]
    pub out: Option<std::path::PathBuf>,
    /// Replace results that exist
    #[arg(long)]
    pub force: bool,
}

/// `calcisim resume`.
#[derive(Clone, Debug, Args)]
#[command(
    after_help = "Examples:\n  calcisim resume output/healthy-s1\n  calcisim resume output/healthy-s1 --days 365"
)]
pub struct ResumeArgs {
    /// The run folder
    pub run: std::path::PathBuf,
    /// Make the run this long
    #[arg(long, value_name = "D")]
    pub days: Option<f64>,
    /// Threads; all cores by default
    #[arg(long, value_name = "N", value_parser = threads)]
    pub threads: Option<usize>,
}

/// `calcisim figures`.
#[derive(Clone, Debug, Args)]
#[command(after_help = "Example:\n  calcisim figures output/cua_warfarin-s1")]
pub struct FiguresArgs {
    /// A run folder or the folder of a comparison
    pub run: std::path::PathBuf,
}

fn threads(text: &str) -> Result<usize, String> {
    match text.parse() {
        Ok(n @ 1..=4096) => Ok(n),
        _ => Err("a whole number from 1 to 4096".into()),
    }
}

/// The scenario of a run, with the options applied, and its warnings.
pub fn scenario(args: &RunArgs) -> Result<(Scenario, Vec<Diagnostic>)> {
    let (mut scenario, mut warnings) = Scenario::load(&Disk, &args.scenario, &args.sets)?;
    if let Some(seed) = args.seed {
        scenario.set_seed(seed)?;
    }
    if let Some(days) = args.days {
        warnings.extend(scenario.set_days(days)?);
    }
    Ok((scenario, warnings))
}

/// The scenarios of a comparison.
pub fn scenarios(args: &CompareArgs) -> Result<(Vec<Scenario>, Vec<Diagnostic>)> {
    let (mut all, mut warnings, mut faults, mut other) = (Vec::new(), Vec::new(), Vec::new(), None);
    for name in &args.scenarios {
        match Scenario::load(&Disk, name, &[]) {
            Ok((scenario, warned)) => {
                all.push(scenario);
                warnings.extend(warned);
            }
            Err(Error::Input(list)) => faults.extend(list),
            Err(error) => {
                faults.extend(error.diagnostics());
                other.get_or_insert(error);
            }
        }
    }
    // Of several errors the lowest code counts: a faulty scenario (3) before a missing one (4).
    match other {
        Some(error) if faults.len() == 1 => Err(error),
        _ if !faults.is_empty() => Err(Error::Input(faults)),
        _ => Ok((all, warnings)),
    }
}

pub(super) fn run(args: &RunArgs, _global: &Global) -> Result<Reply> {
    let (_scenario, _warnings) = scenario(args)?;
    Err(Error::Internal(
        "`run` is not joined to the engine in this build".into(),
    ))
}

pub(super) fn compare(args: &CompareArgs, _global: &Global) -> Result<Reply> {
    let (_scenarios, _warnings) = scenarios(args)?;
    Err(Error::Internal(
        "`compare` is not joined to the engine in this build".into(),
    ))
}

pub(super) fn resume(_args: &ResumeArgs, _global: &Global) -> Result<Reply> {
    Err(Error::Internal(
        "`resume` is not joined to the engine in this build".into(),
    ))
}

pub(super) fn figures(_args: &FiguresArgs, _global: &Global) -> Result<Reply> {
    Err(Error::Internal(
        "`figures` is not joined to the engine in this build".into(),
    ))
}
