//! `calcisim flow`: the state of a measured network, in the formats of the contract.

use std::fmt::Write as _;
use std::fs;
use std::io::ErrorKind;
use std::path::{Path, PathBuf};
use std::time::Instant;

use clap::Args;
use serde_json::{Map, Value, json};

use super::Reply;
use crate::error::{Diagnostic, Error, Result};
use crate::initial::network_files::{self, Network, Start};
use crate::network_folder;
use crate::solve::network_flow::{Law, Settings, Solution, Status};

/// `calcisim flow`.
#[derive(Clone, Debug, Args)]
#[command(
    after_help = "Files of a network: nodes.csv (id,x_um,y_um,z_um), segments.csv (id,from,to,diameter_um,type),\n\
                  boundary.csv (node,kind,value,hd_inflow; kind pressure_mmHg or inflow_nl_min, positive inwards).\n\
                  Files of a case, all optional: meta.json (rheology), boundary.csv, occluded.csv (segment_id),\n\
                  diameters.csv (id,diameter_um).\n\nExamples:\n  \
                  calcisim flow --network networks/mesentery --out output/mesentery\n  \
                  calcisim flow --network networks/skin --case cases/closed --start output/open/segments_result.csv --out output/closed"
)]
pub struct FlowArgs {
    /// Folder of the network
    #[arg(long, value_name = "DIR")]
    pub network: PathBuf,
    /// Folder of a case: what it changes in the network
    #[arg(long, value_name = "DIR")]
    pub case: Option<PathBuf>,
    /// Start from the haematocrits (column hd) of this table
    #[arg(long, value_name = "SEGMENTS_CSV")]
    pub start: Option<PathBuf>,
    /// Folder of the results
    #[arg(long, value_name = "DIR")]
    pub out: PathBuf,
    /// Replace results that exist
    #[arg(long)]
    pub force: bool,
}

pub(super) fn flow(args: &FlowArgs) -> Result<Reply> {
    if args.out.exists() && !args.force {
        return Err(Error::files(
            args.out.display(),
            "exists already; --force replaces the results in it",
        ));
    }
    let case = network_folder::load(&args.network, args.case.as_deref())?;
    let settings = case.flow_settings()?;
    let start = match &args.start {
        None => None,
        Some(path) => Some(network_files::start(&network_folder::text(path)?, &case.network)?),
    };
    let clock = Instant::now();
    let solution = case.flow(&settings, start.as_ref().map(|start| start.haematocrit.as_slice()))?;
    let wall_s = clock.elapsed().as_secs_f64();
    let report = report(&case.network, &settings, &solution, start.as_ref(), wall_s);

    fs::create_dir_all(&args.out).map_err(|fault| unwritable(&args.out, &fault))?;
    for (name, text) in [
        ("segments_result.csv", segments(&case.network, &solution)),
        ("nodes_result.csv", nodes(&case.network, &solution)),
        ("report.json", format!("{:#}\n", Value::Object(report.clone()))),
    ] {
        let path = args.out.join(name);
        fs::write(&path, text).map_err(|fault| unwritable(&path, &fault))?;
    }
    let mut reply = Reply::text(format!(
        "{} after {} sweeps: {:.6} nl/min flow in, {} of {} segments flow, {} are closed, {} have no way\nwrote {}\n",
        if solution.converged {
            "converged"
        } else {
            "NOT converged"
        },
        solution.iterations,
        solution.inflow_nl_per_min,
        report["flowing"],
        report["segments"],
        report["occluded"],
        report["no_flow"],
        args.out.display(),
    ));
    reply.warnings = warnings(args, &settings, &case.network, &solution);
    reply.json = report;
    Ok(reply.with("out_dir", args.out.display().to_string()))
}

fn unwritable(path: &Path, fault: &std::io::Error) -> Error {
    let why = match fault.kind() {
        ErrorKind::AlreadyExists | ErrorKind::NotADirectory => "there is a file in the way".to_owned(),
        _ => format!("cannot be written: {fault}"),
    };
    Error::files(path.display(), why)
}

/// What `report.json` holds.
fn report(
    network: &Network,
    settings: &Settings,
    solution: &Solution,
    start: Option<&Start>,
    wall_s: f64,
) -> Map<String, Value> {
    let count = |wanted: Status| solution.status.iter().filter(|status| **status == wanted).count();
    let turned: Vec<u64> = (network.segment_id.iter().enumerate())
        .filter(|(s, _)| {
            let before = start.and_then(|start| start.flow_nl_per_min[*s]).unwrap_or(0.0);
            before * solution.flow_nl_per_min[*s] < 0.0
        })
        .map(|(_, id)| *id)
        .collect();
    let law = match settings.blood.law {
        Law::InVivo => "in_vivo",
        Law::InVitro => "in_vitro",
        Law::Constant(_) => "constant",
    };
    let fields = json!({
        "converged": solution.converged,
        "iterations": solution.iterations,
        "rbc_imbalance": solution.rbc_imbalance,
        "node_imbalance": solution.node_imbalance,
        "wall_s": wall_s,
        "boundary_switched": solution.boundary_switched,
        "hd_change": solution.haematocrit_change,
        "inflow_nl_min": solution.inflow_nl_per_min,
        "segments": network.segment_id.len(),
        "flowing": count(Status::Flow),
        "occluded": count(Status::Occluded),
        "no_flow": count(Status::NoFlow),
        "reversed": turned,
        "viscosity_law": law,
        "mcv_fl": settings.blood.mcv_fl,
        "phase_separation": settings.separation,
    });
    match fields {
        Value::Object(fields) => fields,
        _ => Map::new(),
    }
}

fn warnings(args: &FlowArgs, settings: &Settings, network: &Network, solution: &Solution) -> Vec<Diagnostic> {
    let mut lines = Vec::new();
    if !solution.converged {
        lines.push(format!(
            "flows and haematocrits do not agree: one more sweep changes a haematocrit by {:.1e}; the best state is written",
            solution.haematocrit_change
        ));
    }
    let narrow = (network.open.iter().zip(&network.diameter_um))
        .filter(|(open, diameter)| **open && **diameter < settings.closing_diameter_um)
        .count();
    if narrow > 0 {
        lines.push(format!(
            "{narrow} segments are narrower than {} µm and count as closed: no red cell passes",
            settings.closing_diameter_um
        ));
    }
    if solution.boundary_switched {
        lines.push("segments are closed, so inflows became the pressures of the open network".into());
    }
    if !solution.status.contains(&Status::Flow) {
        lines.push("nothing flows: no way leads from one boundary node to another".into());
    }
    lines
        .into_iter()
        .map(|message| Diagnostic {
            file: args.case.as_ref().unwrap_or(&args.network).display().to_string(),
            message,
            ..Diagnostic::default()
        })
        .collect()
}

fn segments(network: &Network, solution: &Solution) -> String {
    let mut text = String::from("id,status,q_nl_min,hd,viscosity_cP\n");
    let or_empty = |x: Option<f64>| x.map_or(String::new(), |x| x.to_string());
    for (s, id) in network.segment_id.iter().enumerate() {
        let status = match solution.status[s] {
            Status::Flow => "flow",
            Status::Occluded => "occluded",
            Status::NoFlow => "no_flow",
        };
        let (hd, viscosity) = (or_empty(solution.haematocrit[s]), or_empty(solution.viscosity_cp[s]));
        let _ = writeln!(text, "{id},{status},{},{hd},{viscosity}", solution.flow_nl_per_min[s]);
    }
    text
}

fn nodes(network: &Network, solution: &Solution) -> String {
    let mut text = String::from("id,p_mmHg\n");
    for (id, pressure) in network.node_id.iter().zip(&solution.pressure_mmhg) {
        if let Some(p) = pressure {
            let _ = writeln!(text, "{id},{p}");
        }
    }
    text
}
