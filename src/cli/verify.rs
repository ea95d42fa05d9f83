//! `calcisim verify`: a run folder or an archive, its digests and some of its steps.

use std::path::{Path, PathBuf};

use clap::Args;
use serde_json::{Value, json};

use super::{Global, Reply};
use crate::error::{Diagnostic, Error, Result};
use crate::simulation::archive::ReplayOptions;
use crate::simulation::pack;
use crate::simulation::stop::Stop;
use crate::simulation::verify::{self, Verdict, VerifyOptions};

/// `calcisim verify`.
#[derive(Clone, Debug, Args)]
#[command(
    after_help = "Examples:\n  calcisim verify output/cua_warfarin-s1            digests, and 3 stretches executed again\n  \
                  calcisim verify output/cua_warfarin-s1 --all      the whole run again\n  \
                  calcisim verify cua_warfarin-s1.omex              an archive of `calcisim pack`\n\n\
                  Exit code 7 when anything differs."
)]
pub struct VerifyArgs {
    /// Run folders, or archives that `calcisim pack` made
    #[arg(required = true)]
    pub runs: Vec<PathBuf>,
    /// Stretches between stored hashes that are drawn and executed again; 0 = digests alone
    #[arg(long, value_name = "N", default_value_t = 3)]
    pub stretches: usize,
    /// Execute the whole run again
    #[arg(long, conflicts_with = "stretches")]
    pub all: bool,
    /// Draw the same stretches as another time
    #[arg(long, value_name = "N")]
    pub seed: Option<u64>,
    /// Threads; all cores by default
    #[arg(long, value_name = "N", value_parser = super::run::threads)]
    pub threads: Option<usize>,
}

/// One folder or archive.
fn one(path: &Path, options: &VerifyOptions) -> Result<Verdict> {
    if path.join("plan.json").is_file() {
        let advice = format!(
            "is the plan of an experiment: calcisim experiment verify {} --sample 3",
            path.display()
        );
        return Err(Error::input(path.display().to_string(), advice));
    }
    if !path.is_file() {
        return verify::verify(path, options);
    }
    let scratch = pack::unpack(path, &verify::scratch())?;
    let mut verdict = verify::verify(&scratch.path, options)?;
    verify::named(&mut verdict, &scratch.path, path);
    Ok(verdict)
}

pub(super) fn verify(args: &VerifyArgs, global: &Global) -> Result<Reply> {
    let seed = args.seed.unwrap_or_else(verify::any_seed);
    let options = VerifyOptions {
        stretches: args.stretches,
        all: args.all,
        seed,
        replay: ReplayOptions {
            threads: args.threads.unwrap_or(0),
            is_quiet: global.quiet || global.json,
            stop: Stop::by_signals()?,
        },
    };
    let mut reply = Reply::default();
    let (mut runs, mut errors) = (Vec::new(), Vec::new());
    for path in &args.runs {
        let verdict = one(path, &options)?;
        reply.text += &verdict.text(path);
        let faults = verdict.faults.iter().map(|message| Diagnostic {
            file: path.display().to_string(),
            message: message.clone(),
            ..Diagnostic::default()
        });
        errors.extend(faults.map(|fault| json!(fault)));
        runs.push(json!({
            "run": path.display().to_string(), "verified": verdict.is_good(), "sealed": verdict.sealed,
            "steps_executed": verdict.steps, "hashes": verdict.hashes, "bytes": verdict.bytes, "days": verdict.executed,
            "faults": verdict.faults, "notes": verdict.notes,
        }));
        if !verdict.is_good() {
            reply.exit = 7;
        }
    }
    if !args.all && args.stretches > 0 {
        reply.text += &format!("  (the same stretches again: --seed {seed})\n");
    }
    Ok(reply
        .with("runs", runs)
        .with("seed", seed)
        .with("errors", Value::Array(errors)))
}
