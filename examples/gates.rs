//! The gates of the first model: the behaviours that its assumed numbers were chosen to meet, over many sites.
//!
//! These are *fit*, not validation. `cargo run --release --example gates -- [seeds] [days] [arm …]` prints the table.

use calcisim::error::Result;
use calcisim::par;
use calcisim::scenario::{Scenario, Shipped};
use calcisim::simulation::{RunSettings, simulate};
use calcisim::state::EventKind;

/// An arm: name, scenario, overrides.
const ARMS: [(&str, &str, &[&str]); 5] = [
    ("healthy", "healthy", &[]),
    ("ckd_chronic", "ckd_chronic", &[]),
    ("cua_warfarin", "cua_warfarin", &[]),
    ("cua without bruise", "cua_warfarin", &["challenge.bruise.count=0"]),
    ("healthy with bruise", "healthy_bruised", &[]),
];

/// What one run shows.
#[derive(Clone, Debug, Default)]
struct Outcome {
    seed: u64,
    necrosis: f64,
    outside: f64,
    onset_d: Option<f64>,
    depth_mm: f64,
    both_at_onset: f64,
    both_at_t10: f64,
    ulcer_d: Option<f64>,
    tempo_d: Option<f64>,
    thrombosed: f64,
    calcified: f64,
    surface_po2: f64,
    attempts: u32,
    wall_s: f64,
    error: String,
}

fn scenario(name: &str, sets: &[&str], days: f64) -> Result<Scenario> {
    let sets: Vec<String> = sets.iter().map(|s| (*s).to_owned()).collect();
    let mut scenario = if name == "healthy_bruised" {
        let text = "schema = 1\nname = \"healthy_bruised\"\nextends = \"healthy\"\n[[challenge]]\nid = \"bruise\"\n\
                    kind = \"trauma\"\nstart_d = 10\nx_mm = 2.0\ndepth_mm = 3.6\nradius_mm = 0.5\n";
        Scenario::from_text("healthy_bruised.toml", text, &sets)?.0
    } else {
        Scenario::load(&Shipped, name, &sets)?.0
    };
    scenario.set_days(days)?;
    Ok(scenario)
}

fn one(settings: &RunSettings, seed: u64) -> Outcome {
    let started = std::time::Instant::now();
    let mut out = Outcome {
        seed,
        ..Outcome::default()
    };
    let mut both = Vec::new();
    let result = simulate(settings, seed, &mut |moment| {
        let row = moment.row;
        both.push(row.get("calcified_thrombosed_segments").unwrap_or(0.0));
        let outside = row.get("necrotic_outside_fraction").unwrap_or(0.0);
        if outside > 0.0 && out.onset_d.is_none() {
            out.onset_d = Some(row.t_d);
            out.both_at_onset = *both.last().unwrap_or(&0.0);
            let deaths: Vec<f64> = moment
                .events
                .iter()
                .filter(|e| e.kind == EventKind::Death)
                .map(|e| e.place_um[2] / 1000.0)
                .collect();
            out.depth_mm = deaths.first().copied().unwrap_or(0.0);
        }
        Ok(())
    });
    match result {
        Ok((model, summary)) => {
            let last = |name: &str| summary.last.get(name).unwrap_or(0.0);
            out.necrosis = last("necrotic_fraction");
            out.outside = last("necrotic_outside_fraction");
            out.thrombosed = last("thrombosed_segment_fraction");
            out.calcified = last("calcified_segment_fraction");
            out.ulcer_d = summary.t_ulcer_d;
            out.tempo_d = summary.delta_10_90_d;
            if let Some(t10) = summary.t10_d {
                out.both_at_t10 = both.get((t10 * 24.0) as usize).copied().unwrap_or(0.0);
            }
            let g = &model.tissue.grid;
            let top: f64 = (0..g.nx)
                .map(|x| f64::from(model.tissue.fields.oxygen[g.index(x, 0, 4)]))
                .sum();
            out.surface_po2 = top / g.nx as f64;
            out.attempts = model.network.attempts;
        }
        Err(fault) => out.error = fault.to_string(),
    }
    out.wall_s = started.elapsed().as_secs_f64();
    out
}

fn main() -> std::process::ExitCode {
    match run() {
        Ok(()) => std::process::ExitCode::SUCCESS,
        Err(fault) => {
            eprintln!("{fault}");
            std::process::ExitCode::FAILURE
        }
    }
}

fn run() -> Result<()> {
    let args: Vec<String> = std::env::args().skip(1).collect();
    let seeds: u64 = args.first().and_then(|a| a.parse().ok()).unwrap_or(20);
    let days: f64 = args.get(1).and_then(|a| a.parse().ok()).unwrap_or(90.0);
    let (sets, wanted): (Vec<&String>, Vec<&String>) = args.iter().skip(2).partition(|a| a.contains('='));
    println!(
        "arm | seed | dead % | outside % | onset d | depth mm | Ca+clot onset, t10 | ulcer d | 10-90 d | clotted % | calcified % | PO2 top | tries | s"
    );
    for (arm, name, own) in ARMS {
        if !wanted.is_empty() && !wanted.iter().any(|w| arm.replace(' ', "_") == **w) {
            continue;
        }
        let mut all: Vec<&str> = own.to_vec();
        all.extend(sets.iter().map(|s| s.as_str()));
        let settings = RunSettings::of(&scenario(name, &all, days)?, &Shipped)?;
        let mut outcomes: Vec<Outcome> = (1..=seeds)
            .map(|seed| Outcome {
                seed,
                ..Outcome::default()
            })
            .collect();
        par::jobs(&mut outcomes, |o| *o = one(&settings, o.seed));
        for o in &outcomes {
            let day = |t: Option<f64>| t.map_or("-".to_owned(), |t| format!("{t:.1}"));
            println!(
                "{arm} | {} | {:.2} | {:.2} | {} | {:.2} | {}, {} | {} | {} | {:.1} | {:.1} | {:.0} | {} | {:.1} {}",
                o.seed,
                100.0 * o.necrosis,
                100.0 * o.outside,
                day(o.onset_d),
                o.depth_mm,
                o.both_at_onset,
                o.both_at_t10,
                day(o.ulcer_d),
                day(o.tempo_d),
                100.0 * o.thrombosed,
                100.0 * o.calcified,
                o.surface_po2,
                o.attempts,
                o.wall_s,
                o.error
            );
        }
        let share = |f: &dyn Fn(&Outcome) -> bool| outcomes.iter().filter(|o| f(o)).count();
        println!(
            "{arm}: outside < 1 % in {} of {seeds}; necrosis ≥ 2 % in {}; calcium and clot at t10 in {}; median dead {:.2} %\n",
            share(&|o| o.outside < 0.01 && o.error.is_empty()),
            share(&|o| o.necrosis >= 0.02),
            share(&|o| o.both_at_t10 >= 1.0),
            100.0 * median(outcomes.iter().map(|o| o.necrosis).collect()),
        );
    }
    Ok(())
}

fn median(mut values: Vec<f64>) -> f64 {
    values.sort_by(f64::total_cmp);
    values[values.len() / 2]
}
