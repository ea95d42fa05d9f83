//! `calcisim check`: every fault of every file, nothing run.

use clap::Args;
use serde_json::json;

use super::Reply;
use crate::error::{Diagnostic, Error, Result};
use crate::experiment::{file, validation, verdict};
use crate::library::Disk;
use crate::scenario::Scenario;

/// `calcisim check`.
#[derive(Clone, Debug, Args)]
#[command(after_help = "Examples:\n  calcisim check mine.toml\n  calcisim check scenarios/*.toml --json")]
pub struct CheckArgs {
    /// Paths of scenarios or experiments, or names of shipped ones
    #[arg(required = true)]
    pub files: Vec<String>,
    /// Change one value before the check: a dotted path
    #[arg(long = "set", value_name = "PATH=VALUE")]
    pub sets: Vec<String>,
}

/// Checks one file: its name to be shown, and warnings. A name that both have is a scenario.
fn one(name: &str, sets: &[String]) -> Result<(String, Vec<Diagnostic>)> {
    if let Some((kind, file, text)) = file::companion(&Disk, name) {
        let count = match kind {
            "targets" => validation::check_targets(&file, &text)?,
            "criteria" => verdict::check(&file, &text)?,
            _ => {
                // `readings` are of `targets`, `x_readings` of `x_targets`.
                let targets = file::companion(&Disk, &name.replace("readings", "targets"));
                let (_, of, targets) = targets.unwrap_or_default();
                if of.is_empty() {
                    let why = "readings are of targets: a file of that name with targets in place of readings was not found beside it";
                    return Err(Error::files(name, why));
                }
                validation::check_readings((&file, &text), (&of, &targets))?
            }
        };
        return Ok((format!("{file} ({count} {kind})"), Vec::new()));
    }
    if !file::is_experiment(&Disk, name) {
        return Scenario::load(&Disk, name, sets).map(|(scenario, warnings)| (scenario.file, warnings));
    }
    if !sets.is_empty() {
        let why = "an experiment takes no --set: write it under [set] of the file";
        return Err(Error::Usage(format!("{name}: {why}")));
    }
    let (experiment, warnings) = file::load(&Disk, name)?;
    let runs = experiment.arms.len() as u64 * experiment.points.rows.len() as u64 * experiment.replicates;
    Ok((
        format!("{} ({}, {runs} rows)", experiment.file, experiment.kind.word()),
        warnings,
    ))
}

pub(super) fn check(args: &CheckArgs) -> Reply {
    let mut reply = Reply::default();
    let mut codes = Vec::new();
    for name in &args.files {
        match one(name, &args.sets) {
            Ok((file, warnings)) => {
                let note = match warnings.len() {
                    0 => String::new(),
                    1 => ", 1 warning".into(),
                    n => format!(", {n} warnings"),
                };
                reply.text += &format!("{file}: ok{note}\n");
                reply.warnings.extend(warnings);
            }
            Err(error) => {
                let list = error.diagnostics();
                let n = list.len();
                reply.text += &format!("{name}: {n} error{}\n", if n == 1 { "" } else { "s" });
                codes.push(error.exit_code());
                reply.faults.extend(list);
            }
        }
    }
    // With several errors the lowest code other than 1 (our own fault), CONTRACT section 3.
    reply.exit = codes
        .iter()
        .copied()
        .filter(|code| *code != 1)
        .min()
        .or(codes.first().copied())
        .unwrap_or(0);
    let (errors, warnings) = (json!(reply.faults), json!(reply.warnings));
    reply.with("errors", errors).with("warnings", warnings)
}
