//! Whether outcomes converge: voxel, step, tolerances of the fields and the order of processes, on the same seeds.
//!
//!     cargo run --release --example convergence -- RUNS.csv [SEEDS] [DAYS] [THREADS] [FIRST SEED]
//!
//! A run is a line of RUNS.csv as soon as it is done: killed and started again, it goes on with what is missing, and files of
//! several machines may be joined. At the end it prints the tables of docs/convergence.md.
//!
//! The section is 3.2 × 6 mm of `cua_warfarin` with a bruise of 0.3 mm in its middle on day 3: small enough for 10 µm, and it
//! carries the disease: some sites heal, some lose nearly all. For each number the change by an arm, seed by seed, stands beside the spread over seeds. A site is chaotic: a
//! draw that falls the other way changes its course. So one arm differs from the reference by a millionth of one viscosity:
//! what lies within that cannot be told from rounding.
#![allow(clippy::disallowed_methods)] // An example is no part of the engine.

use std::io::Write;
use std::path::Path;
use std::sync::Mutex;

use calcisim::error::{Error, Result};
use calcisim::model::Model;
use calcisim::output::summary::{Summary, Watch};
use calcisim::par;
use calcisim::scenario::{Scenario, Shipped};
use calcisim::simulation::{RunSettings, go_on};

/// What every arm has.
const SECTION: [&str; 9] = [
    "space.width_mm=3.2",
    "space.depth_mm=6",
    "space.voxel_um=20",
    "challenge.step.start_d=1",
    "challenge.bruise.start_d=3",
    "challenge.bruise.x_mm=1.6",
    "challenge.bruise.depth_mm=3.6",
    "challenge.bruise.radius_mm=0.3",
    "output.snapshot_every_d=0",
];

const TOLERANCES: [&str; 5] = [
    "blood.resolve_tolerance",
    "oxygen.resolve_tolerance_mmhg",
    "transport.resolve_tolerance",
    "transport.resolve_tolerance_plasma",
    "transport.residual_tolerance",
];

/// Arms: id, what it is. The first is the reference.
const ARMS: [(&str, &str); 10] = [
    ("reference", "20 µm, 1 h"),
    ("nudged", "viscosity of plasma + 1e-6"),
    ("voxel_40", "40 µm"),
    ("voxel_10", "10 µm"),
    ("step_2", "2 h"),
    ("step_0_5", "0.5 h"),
    ("always", "everything in every step"),
    ("tight", "tolerances × 0.1"),
    ("loose", "tolerances × 10"),
    ("order", "tissue before wall"),
];

/// Numbers of an end, and how they are called.
const OUTCOMES: [&str; 8] = [
    "necrotic_fraction",
    "mineral_ug",
    "thrombosed_segment_fraction",
    "ulcer_fraction",
    "t_first_thrombosis_d",
    "t10_d",
    "delta_10_90_d",
    "t_closure_d",
];

fn outcomes(summary: &Summary) -> Vec<Option<f64>> {
    OUTCOMES
        .iter()
        .map(|&name| match name {
            "t_first_thrombosis_d" => summary.t_first_thrombosis_d,
            "t10_d" => summary.t10_d,
            "delta_10_90_d" => summary.delta_10_90_d,
            "t_closure_d" => summary.t_closure_d,
            column => summary.last.get(column),
        })
        .collect()
}

fn settings(arm: &str, days: f64) -> Result<RunSettings> {
    let mut sets: Vec<String> = SECTION.iter().map(|&set| set.to_owned()).collect();
    let plain = Scenario::load(&Shipped, "cua_warfarin", &sets)?.0;
    let times = |key: &str, factor: f64| format!("{key}={:e}", plain.number(key) * factor);
    match arm {
        "nudged" => sets.push(times("blood.plasma_viscosity_cp", 1.0 + 1e-6)),
        "voxel_40" => sets.push("space.voxel_um=40".to_owned()),
        "voxel_10" => sets.push("space.voxel_um=10".to_owned()),
        "step_2" => sets.push("run.step_h=2".to_owned()),
        "step_0_5" => sets.push("run.step_h=0.5".to_owned()),
        "always" => sets.extend(TOLERANCES[..4].iter().map(|key| format!("{key}=0"))),
        "tight" => sets.extend(TOLERANCES.map(|key| times(key, 0.1))),
        "loose" => sets.extend(TOLERANCES.map(|key| times(key, 10.0))),
        _ => {}
    }
    let mut settings = RunSettings::of(&Scenario::load(&Shipped, "cua_warfarin", &sets)?.0, &Shipped)?;
    settings.days = days;
    Ok(settings)
}

/// One run: arm, seed, days, outcomes.
#[derive(Clone, Debug, PartialEq)]
struct Run {
    arm: String,
    seed: u64,
    days: f64,
    values: Vec<Option<f64>>,
}

impl Run {
    fn header() -> String {
        format!("arm,seed,days,{}\n", OUTCOMES.join(","))
    }

    fn line(&self) -> String {
        let cell = |value: &Option<f64>| value.map_or(String::new(), |x| x.to_string());
        let cells: Vec<String> = self.values.iter().map(cell).collect();
        format!("{},{},{},{}\n", self.arm, self.seed, self.days, cells.join(","))
    }

    /// A line that was cut off by a kill is none.
    fn of(line: &str) -> Option<Self> {
        let cells: Vec<&str> = line.split(',').collect();
        let [arm, seed, days, values @ ..] = cells.as_slice() else {
            return None;
        };
        let value = |cell: &&str| {
            if cell.is_empty() {
                Some(None)
            } else {
                cell.parse().ok().map(Some)
            }
        };
        let values: Vec<Option<f64>> = values.iter().map(value).collect::<Option<_>>()?;
        (values.len() == OUTCOMES.len()).then_some(Self {
            arm: (*arm).to_owned(),
            seed: seed.parse().ok()?,
            days: days.parse().ok()?,
            values,
        })
    }
}

fn known(path: &Path) -> Result<Vec<Run>> {
    match std::fs::read_to_string(path) {
        Ok(text) => Ok(text
            .split_inclusive('\n')
            .filter_map(|line| Run::of(line.strip_suffix('\n')?))
            .collect()),
        Err(fault) if fault.kind() == std::io::ErrorKind::NotFound => Ok(Vec::new()),
        Err(fault) => Err(Error::files(path.display(), fault.to_string())),
    }
}

fn run(arm: &str, seed: u64, settings: &RunSettings) -> Result<Run> {
    let mut model = Model::new(settings.parameters.clone(), seed)?;
    if arm == "order" {
        model.take_tissue_first();
    }
    let (_, summary) = go_on(settings, seed, model, Watch::default(), &mut |_| Ok(()))?;
    Ok(Run {
        arm: arm.to_owned(),
        seed,
        days: settings.days,
        values: outcomes(&summary),
    })
}

fn mean(values: &[f64]) -> f64 {
    values.iter().sum::<f64>() / values.len() as f64
}

fn spread(values: &[f64]) -> f64 {
    let middle = mean(values);
    let squares = values.iter().map(|x| (x - middle) * (x - middle)).sum::<f64>();
    (squares / (values.len() as f64 - 1.0)).sqrt()
}

/// One row of a table: an arm against the reference in one outcome.
fn row(runs: &[Run], arm: (&str, &str), outcome: usize) -> String {
    let value = |arm: &str, seed: u64| {
        runs.iter()
            .find(|r| r.arm == arm && r.seed == seed)
            .map(|r| r.values[outcome])
    };
    let of_reference = runs.iter().filter(|r| r.arm == ARMS[0].0);
    let seeds: Vec<u64> = of_reference
        .map(|r| r.seed)
        .filter(|&seed| value(arm.0, seed).is_some())
        .collect();
    let both: Vec<(f64, f64)> = (seeds.iter())
        .filter_map(|&seed| Some((value(arm.0, seed)??, value(ARMS[0].0, seed)??)))
        .collect();
    // A date that comes in one of the two runs only is a change that no number says.
    let once = seeds.iter().filter(|&&seed| {
        let came = |arm: &str| value(arm, seed).flatten().is_some();
        came(arm.0) != came(ARMS[0].0)
    });
    let once = once.count();
    if both.len() < 3 {
        return format!("| {} | {} of {} pairs | | | | {once} |", arm.1, both.len(), seeds.len());
    }
    let reference: Vec<f64> = both.iter().map(|pair| pair.1).collect();
    let changes: Vec<f64> = both.iter().map(|pair| pair.0 - pair.1).collect();
    let (over_seeds, n) = (spread(&reference), changes.len() as f64);
    let (change, error) = (mean(&changes), spread(&changes) / n.sqrt());
    let verdict = if change.abs() > 2.0 * error && change.abs() > 0.1 * over_seeds {
        "moves"
    } else if change.abs() + 2.0 * error <= 0.5 * over_seeds {
        "holds"
    } else {
        "open"
    };
    let share = |x: f64| {
        if over_seeds > 0.0 {
            format!("{:.0} %", 100.0 * x / over_seeds)
        } else {
            "-".to_owned()
        }
    };
    format!(
        "| {} | {:.4} | {change:+.4} ± {error:.4} | {} | {} | {once} | {verdict} |",
        arm.1,
        mean(&reference) + change,
        share(change),
        share(spread(&changes)),
    )
}

fn print_tables(runs: &[Run], first: u64, seeds: u64, days: f64) {
    println!("`cua_warfarin`, 3.2 × 6 mm, bruise on day 3, {days} days, seeds {first} to {seeds}.");
    for (outcome, name) in OUTCOMES.iter().enumerate() {
        let values: Vec<f64> = (runs.iter().filter(|r| r.arm == ARMS[0].0))
            .filter_map(|r| r.values[outcome])
            .collect();
        if values.len() < 3 {
            println!(
                "\n`{name}`: came in {} runs of the reference, too few for a table.",
                values.len()
            );
            continue;
        }
        println!(
            "\n`{name}`: reference {:.4}, spread over {} seeds {:.4}\n",
            mean(&values),
            values.len(),
            spread(&values)
        );
        println!("| arm | mean | change, mean ± its error | of the spread | SD of the change | came in one only | |");
        println!("|---|---|---|---|---|---|---|");
        for arm in &ARMS[1..] {
            println!("{}", row(runs, *arm, outcome));
        }
    }
}

fn main() -> Result<()> {
    let words: Vec<String> = std::env::args().skip(1).collect();
    let Some(file) = words.first() else {
        return Err(Error::Usage(
            "convergence RUNS.csv [SEEDS] [DAYS] [THREADS] [FIRST SEED]".to_owned(),
        ));
    };
    let path = Path::new(file);
    let number = |i: usize, other: f64| words.get(i).and_then(|word| word.parse().ok()).unwrap_or(other);
    let (seeds, days, threads) = (number(1, 32.0) as u64, number(2, 45.0), number(3, 2.0) as usize);
    let first = number(4, 1.0) as u64;
    let ours = |run: &Run| run.days == days && (first..=seeds).contains(&run.seed);
    let done = known(path)?;
    let mut missing = Vec::new();
    for seed in first..=seeds {
        for (arm, _) in ARMS {
            if !done.iter().any(|run| ours(run) && run.arm == arm && run.seed == seed) {
                missing.push((arm, seed, None));
            }
        }
    }
    let arms = ARMS.map(|(arm, _)| settings(arm, days));
    let fault = |fault: std::io::Error| Error::files(path.display(), fault.to_string());
    let mut log = std::fs::OpenOptions::new()
        .create(true)
        .append(true)
        .open(path)
        .map_err(fault)?;
    if done.is_empty() {
        log.write_all(Run::header().as_bytes()).map_err(fault)?;
    }
    let log = Mutex::new(log);
    par::with_threads(threads, || {
        par::jobs(&mut missing, |(arm, seed, end)| {
            let of_arm = ARMS.iter().zip(&arms).find(|(known, _)| known.0 == *arm);
            let ran = match of_arm {
                Some((_, Ok(settings))) => run(arm, *seed, settings),
                Some((_, Err(error))) => Err(Error::Usage(error.to_string())),
                None => return,
            };
            if let (Ok(run), Ok(mut log)) = (&ran, log.lock()) {
                // What cannot be kept is not lost: the table has it.
                let _ = log.write_all(run.line().as_bytes());
            }
            eprintln!("{arm}, seed {seed}");
            *end = Some(ran);
        });
    });
    let mut runs: Vec<Run> = done.into_iter().filter(ours).collect();
    for (arm, seed, end) in missing {
        match end {
            Some(Ok(run)) => runs.push(run),
            Some(Err(error)) => eprintln!("{arm}, seed {seed}: {error}"),
            None => {}
        }
    }
    print_tables(&runs, first, seeds, days);
    Ok(())
}
