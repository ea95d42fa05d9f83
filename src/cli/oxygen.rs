//! `calcisim oxygen`: oxygen of a measured network, in its tissue and its blood.

use std::path::{Path, PathBuf};

use clap::Args;
use serde_json::Value;

use super::Reply;
use crate::error::{Diagnostic, Result};
use crate::output::files::write_whole;
use crate::oxygen_case::{Case, LIMITS};
use crate::simulation::folder;

/// `calcisim oxygen`.
#[derive(Clone, Debug, Args)]
#[command(
    after_help = "Examples:\n  calcisim oxygen --network networks/capA --case cases/po2_capA_base_m18 --out oxygen\n  \
                  calcisim oxygen --network net --case case --voxel-um 5 --out fine --json | jq .mean_po2_mmHg"
)]
pub struct OxygenArgs {
    /// Folder of the network: nodes.csv, segments.csv
    #[arg(long, value_name = "DIR")]
    pub network: PathBuf,
    /// Folder of the case: meta.json, flow.csv, inflow_po2.csv, and the points asked for
    #[arg(long, value_name = "DIR")]
    pub case: PathBuf,
    /// Edge of a voxel [µm]
    #[arg(long, value_name = "H", default_value_t = 10.0, value_parser = edge)]
    pub voxel_um: f64,
    /// Folder of the results
    #[arg(long, value_name = "DIR")]
    pub out: PathBuf,
    /// Replace results that exist
    #[arg(long)]
    pub force: bool,
}

fn edge(text: &str) -> Result<f64, String> {
    match text.parse::<f64>() {
        Ok(h) if h > 0.0 && h.is_finite() => Ok(h),
        _ => Err("a number of micrometres above 0".into()),
    }
}

/// Whether a folder holds results of this command.
fn is_ours(path: &Path) -> bool {
    path.join("report.json").is_file() && path.join("tissue_po2.csv").is_file()
}

pub(super) fn oxygen(args: &OxygenArgs) -> Result<Reply> {
    folder::check_free(&args.out, args.force, is_ours)?;
    let case = Case::read(&args.network, &args.case)?;
    let solution = case.solve(args.voxel_um, &LIMITS)?;
    let files = case.files(&solution);
    folder::install(&args.out, args.force, is_ours, |beside| {
        files
            .iter()
            .try_for_each(|(name, text)| write_whole(&beside.join(name), text.as_bytes()))
    })?;
    let report = case.report(&solution);
    let number = |key: &str| report[key].as_f64().unwrap_or(f64::NAN);
    let text = format!(
        "{} voxels of {} µm, {} passes, {}: PO2 {:.2} mmHg ({:.2} to {:.2}), {:.1} % below 5; balance {:+.1e}\nWrote {}",
        solution.grid.len(),
        args.voxel_um,
        solution.outcome.passes,
        if solution.outcome.converged {
            "converged"
        } else {
            "not converged"
        },
        number("mean_po2_mmHg"),
        number("min_po2_mmHg"),
        number("max_po2_mmHg"),
        100.0 * number("fraction_below_5_mmHg"),
        solution.outcome.gap,
        args.out.display(),
    );
    let warnings = (case.warnings.iter())
        .map(|message| Diagnostic {
            file: args.case.display().to_string(),
            message: message.clone(),
            ..Diagnostic::default()
        })
        .collect();
    let mut json = match report {
        Value::Object(map) => map,
        _ => serde_json::Map::new(),
    };
    json.remove("warnings");
    json.insert("out".into(), args.out.display().to_string().into());
    Ok(Reply {
        text,
        json,
        warnings,
        ..Reply::default()
    })
}
