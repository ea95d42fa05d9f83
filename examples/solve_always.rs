//! What is lost by solving flow and fields only when they can have moved: runs of the same seeds with every solve in every step.
//!
//!     cargo run --release --example solve_always -- [SCENARIO] [SEEDS] [DAYS] [THREADS]
//!
//! prints, for each number of the end of a run, the spread over seeds, and how far the default tolerances move it on the same
//! seeds. A site is chaotic: one draw that falls the other way changes its course. So the same table stands beside it for
//! runs that solve everything too and differ by a millionth of one number (`blood.plasma_viscosity_cp`): what lies within
//! that cannot be told from rounding.
#![allow(clippy::disallowed_methods)] // An example is no part of the engine.

use calcisim::error::{Error, Result};
use calcisim::output::series::COLUMNS;
use calcisim::output::summary::Summary;
use calcisim::par;
use calcisim::scenario::{Scenario, Shipped};
use calcisim::simulation::{RunSettings, simulate};

const ALWAYS: [&str; 4] = [
    "blood.resolve_tolerance=0",
    "oxygen.resolve_tolerance_mmhg=0",
    "transport.resolve_tolerance=0",
    "transport.resolve_tolerance_plasma=0",
];

/// One run, and what it solved.
struct Run {
    seed: u64,
    arm: usize,
    end: Option<Result<Summary>>,
    solves: [u64; 3],
}

fn settings(scenario: &str, days: f64, sets: &[String]) -> Result<RunSettings> {
    let (scenario, _) = Scenario::load(&Shipped, scenario, sets)?;
    let mut settings = RunSettings::of(&scenario, &Shipped)?;
    settings.days = days;
    Ok(settings)
}

fn mean(values: &[f64]) -> f64 {
    values.iter().sum::<f64>() / values.len() as f64
}

fn spread(values: &[f64]) -> f64 {
    let middle = mean(values);
    let squares = values.iter().map(|x| (x - middle) * (x - middle)).sum::<f64>();
    (squares / (values.len() as f64 - 1.0)).sqrt()
}

/// Differences between the runs of two arms, seed by seed.
struct Paired {
    mean: f64,
    spread: f64,
}

fn paired(arm: &[f64], reference: &[f64]) -> Paired {
    let differences: Vec<f64> = arm.iter().zip(reference).map(|(a, b)| a - b).collect();
    Paired {
        mean: mean(&differences),
        spread: spread(&differences),
    }
}

fn main() -> Result<()> {
    let words: Vec<String> = std::env::args().skip(1).collect();
    let number = |i: usize, other: f64| words.get(i).and_then(|word| word.parse().ok()).unwrap_or(other);
    let scenario = words.first().map_or("cua_warfarin", String::as_str);
    let (seeds, days, threads) = (number(1, 10.0) as u64, number(2, 90.0), number(3, 2.0) as usize);
    if seeds < 2 {
        return Err(Error::Usage("a spread needs two seeds or more".to_owned()));
    }
    let always: Vec<String> = ALWAYS.iter().map(|&set| set.to_owned()).collect();
    let plasma = Scenario::load(&Shipped, scenario, &[])?
        .0
        .number("blood.plasma_viscosity_cp");
    let nudge = format!("blood.plasma_viscosity_cp={}", plasma * (1.0 + 1e-6));
    let nudged: Vec<String> = always.iter().cloned().chain([nudge]).collect();
    let arms = [
        settings(scenario, days, &always)?,
        settings(scenario, days, &[])?,
        settings(scenario, days, &nudged)?,
    ];
    let mut runs: Vec<Run> = (1..=seeds)
        .flat_map(|seed| {
            (0..arms.len()).map(move |arm| Run {
                seed,
                arm,
                end: None,
                solves: [0; 3],
            })
        })
        .collect();
    par::with_threads(threads, || {
        par::jobs(&mut runs, |run| {
            let end = simulate(&arms[run.arm], run.seed, &mut |_| Ok(()));
            run.end = Some(end.map(|(model, summary)| {
                let tissue = &model.tissue;
                let fields = tissue.fields.memory.iter().map(|memory| memory.solves).sum();
                run.solves = [tissue.ledger.flow_solves, tissue.ledger.oxygen_solves, fields];
                eprintln!("seed {} arm {} done", run.seed, run.arm);
                summary
            }));
        });
    });
    let mut ends: [Vec<Summary>; 3] = [Vec::new(), Vec::new(), Vec::new()];
    let mut solves = [[0u64; 3]; 3];
    for run in runs {
        if let Some(end) = run.end {
            ends[run.arm].push(end?);
            (0..3).for_each(|i| solves[run.arm][i] += run.solves[i]);
        }
    }
    println!("{scenario}, {seeds} seeds, {days} days; solves per run of flow, oxygen and the other fields:");
    for (name, solves) in ["every step", "default", "every step, nudged"].iter().zip(&solves) {
        let per_run = solves.map(|n| n / seeds);
        println!("  {name:<20}{:>7}{:>7}{:>8}", per_run[0], per_run[1], per_run[2]);
    }
    println!(
        "\n| at the end | mean | spread over seeds | default: mean Δ, SD of Δ [% of spread] | nudged: mean Δ, SD of Δ |"
    );
    println!("|---|---|---|---|---|");
    for name in COLUMNS.iter().map(|column| column.name) {
        let column = |arm: &[Summary]| -> Vec<f64> { arm.iter().filter_map(|s| s.last.get(name)).collect() };
        let [reference, default, nudged] = ends.each_ref().map(|arm| column(arm));
        let over_seeds = spread(&reference);
        if reference.len() < seeds as usize || over_seeds <= 0.0 {
            continue;
        }
        let share = |arm: &[f64]| {
            let Paired { mean, spread } = paired(arm, &reference);
            format!(
                "{:+.1} %, {:.1} %",
                100.0 * mean / over_seeds,
                100.0 * spread / over_seeds
            )
        };
        println!(
            "| `{name}` | {:.4} | {over_seeds:.4} | {} | {} |",
            mean(&reference),
            share(&default),
            share(&nudged)
        );
    }
    println!();
    for (name, of) in [
        (
            "t_first_thrombosis_d",
            (|s| s.t_first_thrombosis_d) as fn(&Summary) -> Option<f64>,
        ),
        ("t_first_necrosis_d", |s| s.t_first_necrosis_d),
        ("t10_d", |s| s.t10_d),
    ] {
        for (arm, label) in [(1, "default"), (2, "nudged")] {
            let steps: Vec<f64> = (ends[arm].iter().zip(&ends[0]))
                .filter_map(|(a, b)| Some(((of(a)? - of(b)?) * 24.0).abs()))
                .collect();
            let within = steps.iter().filter(|&&h| h <= 1.0 + 1e-6).count();
            let worst = steps.iter().copied().fold(0.0, f64::max);
            println!(
                "{name}, {label}: within a step of 1 h in {within} of {} seeds, at most {worst:.0} h",
                steps.len()
            );
        }
    }
    Ok(())
}
