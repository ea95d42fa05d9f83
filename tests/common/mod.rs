//! Small sections of skin for tests, and what happens to them.
#![allow(dead_code)] // Each test binary uses its part.

use std::path::Path;

use calcisim::error::Result;
use calcisim::model::{Model, Parameters};
use calcisim::scenario::{Scenario, Shipped};

pub type Tested = std::result::Result<(), Box<dyn std::error::Error>>;

/// Says on the real standard error, past the harness that keeps what a test prints, that a test had nothing to test with.
pub fn skipped(why: &str) {
    use std::io::Write as _;
    let _ = writeln!(std::io::stderr(), "skipped: {why}");
}

/// One thread and no word, into this folder.
pub fn options(out: &Path) -> calcisim::simulation::RunOptions {
    calcisim::simulation::RunOptions {
        out: Some(out.to_owned()),
        threads: 1,
        is_quiet: true,
        ..calcisim::simulation::RunOptions::default()
    }
}

/// Every file that a run folder says about the model.
pub fn contents(dir: &Path) -> Vec<(String, Vec<u8>)> {
    let mut names = ["series.csv", "events.csv", "hashes.csv", "observe.csv", "summary.json"]
        .map(str::to_owned)
        .to_vec();
    let snaps = std::fs::read_dir(dir.join("snapshots")).into_iter().flatten().flatten();
    names.extend(snaps.map(|entry| format!("snapshots/{}", entry.file_name().to_string_lossy())));
    names.sort();
    names
        .into_iter()
        .filter_map(|name| Some((std::fs::read(dir.join(&name)).ok()?, name)))
        .map(|(b, n)| (n, b))
        .collect()
}

/// The program, called in a folder.
pub fn calcisim(folder: &Path, args: &[&str]) -> std::process::Output {
    std::process::Command::new(env!("CARGO_BIN_EXE_calcisim"))
        .args(args)
        .current_dir(folder)
        .output()
        .unwrap_or_else(|fault| panic!("calcisim starts: {fault}"))
}

/// A section of 2 × 4 mm at 40 µm, its network taken as it comes.
pub const SMALL: &str = "[space]\nwidth_mm = 2.0\ndepth_mm = 4.0\nvoxel_um = 40.0\n[network]\njudge = false\n";

/// A patient whose bruise clots, starves, inflames and is answered with cells within a week.
pub const SICK: &str = r#"
[host]
systemic_inflammation = 0.1
burn_in = { wall_mineral_median = 0.05, gsd = 2.0, share = 1.0 }
[[challenge]]
id = "warfarin"
kind = "chemistry"
start_d = 0.5
set = { warfarin = true }
[[challenge]]
kind = "trauma"
start_d = 1
x_mm = 0.5
depth_mm = 0.6
radius_mm = 0.35
[[challenge]]
kind = "hypotension"
start_d = 2
duration_h = 6
strength = 0.25
"#;

/// Cells into the edge of the lesion on day 4.
pub const CELLS: &str = "[[therapy]]\nkind = \"msc\"\nroute = \"intradermal\"\nstart_d = 4\ndose_cells_per_cm2 = 1e6\n";

/// The text of a scenario from its parts.
pub fn scenario_text(parts: &[&str]) -> String {
    format!(
        "schema = 1\nname = \"small\"\nquestion = \"q\"\nknown = \"k\"\nassumed = \"a\"\n[run]\ndays = 12\n{}",
        parts.join("\n")
    )
}

/// The checked scenario of a text.
pub fn scenario(parts: &[&str]) -> Result<Scenario> {
    Ok(Scenario::from_text("small.toml", &scenario_text(parts), &[])?.0)
}

/// What a model of a text is built from.
pub fn parameters(parts: &[&str]) -> Result<Parameters> {
    scenario(parts)?.parameters(&Shipped)
}

/// The model of a text.
pub fn model(parts: &[&str], seed: u64) -> Result<Model> {
    Model::new(parameters(parts)?, seed)
}

/// So many steps; the events of all of them.
pub fn steps(model: &mut Model, count: u64) -> Result<Vec<calcisim::state::Event>> {
    let mut events = Vec::new();
    for _ in 0..count {
        model.step()?;
        events.append(&mut model.tissue.events.take());
    }
    Ok(events)
}

/// A section of the registry in a scenario with these parts.
pub fn number(parts: &[&str], key: &str) -> Result<f64> {
    Ok(scenario(parts)?.number(key))
}
