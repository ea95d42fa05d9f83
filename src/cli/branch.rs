//! `calcisim branch`: another future of a run.

use std::path::PathBuf;

use clap::Args;

use super::run::finished;
use super::{Global, Reply};
use crate::error::Result;
use crate::simulation::RunOptions;
use crate::simulation::branch::{self, BranchOptions};
use crate::simulation::stop::Stop;

/// `calcisim branch`.
#[derive(Clone, Debug, Args)]
#[command(
    after_help = "Examples:\n  calcisim branch output/msc_local-s1 --at-day 14 --set therapy.product.dose_cells_per_cm2=0 --out output/no-cells\n  \
                  calcisim branch output/cua_warfarin-s1 --at-day 30 --with vitamin_k.toml --out output/vitamin-k\n  \
                  calcisim branch output/no-cells --at-day 20 --set run.seed=7 --out output/other-dice\n\n\
                  A branch that changes nothing is its parent, bit for bit. Settings of the tissue as it was made (space, network,\n\
                  skin, burn-in) cannot change. `calcisim diff` says where two of them part."
)]
pub struct BranchArgs {
    /// The run folder that it leaves
    pub run: PathBuf,
    /// Day at which it leaves
    #[arg(long, value_name = "D")]
    pub at_day: f64,
    /// Change one value from then on: a dotted path; may be repeated, applied in order
    #[arg(long = "set", value_name = "PATH=VALUE")]
    pub sets: Vec<String>,
    /// Lay a scenario file over that of the run: for new treatments and insults
    #[arg(long, value_name = "FILE")]
    pub with: Option<PathBuf>,
    /// Length in days, in place of the run's
    #[arg(long, value_name = "D")]
    pub days: Option<f64>,
    /// Threads; all cores by default
    #[arg(long, value_name = "N", value_parser = super::run::threads)]
    pub threads: Option<usize>,
    /// The run folder of the branch; beside its parent by default
    #[arg(long, value_name = "DIR")]
    pub out: Option<PathBuf>,
    /// Replace a run folder that exists
    #[arg(long)]
    pub force: bool,
}

pub(super) fn branch(args: &BranchArgs, global: &Global) -> Result<Reply> {
    let options = BranchOptions {
        at_day: args.at_day,
        sets: args.sets.clone(),
        with: args.with.clone(),
        days: args.days,
        run: RunOptions {
            out: args.out.clone(),
            force: args.force,
            threads: args.threads.unwrap_or(0),
            is_quiet: global.quiet,
            stop: Stop::by_signals()?,
            ..RunOptions::default()
        },
    };
    finished(&branch::branch(&args.run, &options)?, Vec::new())
}
