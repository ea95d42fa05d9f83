//! `calcisim diff`: what two runs or two scenarios differ in.

use clap::Args;

use super::run::object;
use super::{Global, Reply};
use crate::error::{Error, Result};
use crate::simulation::archive::ReplayOptions;
use crate::simulation::diff;
use crate::simulation::stop::Stop;

/// `calcisim diff`.
#[derive(Clone, Debug, Args)]
#[command(
    after_help = "Examples:\n  calcisim diff msc_vehicle msc_local                         two scenarios\n  \
                  calcisim diff output/msc_local-s1 output/no-cells           two runs: also where they part, and their ends\n  \
                  calcisim diff output/msc_local-s1 mine.toml --json"
)]
pub struct DiffArgs {
    /// A run folder, the path of a scenario, or the name of a shipped one
    pub a: String,
    /// Another
    pub b: String,
    /// Threads for executing the step at which two runs part; all cores by default
    #[arg(long, value_name = "N", value_parser = super::run::threads)]
    pub threads: Option<usize>,
}

pub(super) fn diff(args: &DiffArgs, global: &Global) -> Result<Reply> {
    let options = ReplayOptions {
        threads: args.threads.unwrap_or(0),
        is_quiet: global.quiet || global.json,
        stop: Stop::by_signals()?,
    };
    let found = diff::diff(&args.a, &args.b, &options)?;
    let json = serde_json::to_value(&found)
        .map_err(|fault| Error::Internal(format!("a comparison could not be written: {fault}")))?;
    Ok(Reply {
        text: found.text([&args.a, &args.b]),
        json: object(json),
        ..Reply::default()
    })
}
