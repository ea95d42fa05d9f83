//! What the blood-flow solver costs, for docs/decisions/0001-flow-solver.md:
//! `cargo run --release --example flow_solver [-- segments … | block]`.
//!
//! Networks: honeycombs of the sizes given (default 8 900, 50 000), the generated section and the measured mesentery; `block` stands for
//! generated skin of 6.4 × 6.4 × 4 mm, 50 000 segments.

use std::time::Instant;

use calcisim::error::Result;
use calcisim::model::Model;
use calcisim::scenario::{Scenario, Shipped};
use calcisim::solve::network_flow::{Edge, Network, Settings, Tubes, solve_with};
use calcisim::solve::sparse::{Factor, Symbolic};
use calcisim::state::vessels::Boundary;

/// Skin with 50 000 segments; the voxels are wide because only blood is measured here.
const BLOCK: [&str; 6] = [
    "space.plane=block",
    "space.width_mm=6.4",
    "space.breadth_mm=6.4",
    "space.depth_mm=4",
    "space.voxel_um=80",
    "network.judge=false",
];

/// A network that owns its columns.
struct Bed {
    name: String,
    id: Vec<u64>,
    ends: Vec<[u32; 2]>,
    length_um: Vec<f64>,
    diameter_um: Vec<f64>,
    edge: Vec<Edge>,
}

/// Rows of a brick wall, which is a honeycomb: arterial pressure on the left, venous on the right, diameters of their own.
fn honeycomb(segments: usize) -> Bed {
    let across = ((segments as f64 / 1.5).sqrt() as usize).max(4);
    let rows = across;
    let at = |x: usize, y: usize| (y * across + x) as u32;
    let mut ends = Vec::new();
    for y in 0..rows {
        for x in 0..across {
            if x + 1 < across {
                ends.push([at(x, y), at(x + 1, y)]);
            }
            if y + 1 < rows && (x + y) % 2 == 0 {
                ends.push([at(x, y), at(x, y + 1)]);
            }
        }
    }
    let mut state = 7u64;
    let mut chance = || {
        state = state
            .wrapping_mul(6364136223846793005)
            .wrapping_add(1442695040888963407);
        (state >> 33) as f64 / (1u64 << 31) as f64
    };
    let edge = (0..across * rows)
        .map(|n| match n % across {
            0 => Edge::Pressure(50.0),
            x if x + 1 == across => Edge::Pressure(15.0),
            _ => Edge::Inner,
        })
        .collect();
    Bed {
        name: format!("honeycomb {}", ends.len()),
        id: (1..=ends.len() as u64).collect(),
        length_um: ends.iter().map(|_| 60.0 + 40.0 * chance()).collect(),
        diameter_um: ends.iter().map(|_| 5.0 + 4.0 * chance()).collect(),
        ends,
        edge,
    }
}

/// The network of a scenario at its first step.
fn of_scenario(name: &str, sets: &[&str]) -> Result<Bed> {
    let sets: Vec<String> = sets.iter().map(|s| (*s).to_owned()).collect();
    let scenario = Scenario::load(&Shipped, name, &sets)?.0;
    let started = Instant::now();
    let v = Model::new(scenario.parameters(&Shipped)?, 1)?.tissue.vessels;
    Ok(Bed {
        name: format!("{name} ({:.1} s to build)", started.elapsed().as_secs_f64()),
        id: v.id.clone(),
        ends: (0..v.len()).map(|s| [v.from[s], v.to[s]]).collect(),
        length_um: v.length_um.clone(),
        diameter_um: v.radius_um.iter().map(|r| 2.0 * r).collect(),
        edge: (v.nodes.boundary.iter())
            .map(|b| match b {
                Boundary::Pressure(p) => Edge::Pressure(*p),
                Boundary::Inflow(q) => Edge::Inflow(*q),
                _ => Edge::Inner,
            })
            .collect(),
    })
}

fn seconds<T>(work: impl FnOnce() -> T) -> (f64, T) {
    let started = Instant::now();
    let result = work();
    (started.elapsed().as_secs_f64(), result)
}

/// Conjugate gradients with the diagonal alone, from nothing to 1e-12 of the load: steps and seconds.
fn diagonal_gradients(ends: &[[u32; 2]], weight: &[f64], diagonal: &[f64], load: &[f64]) -> (u32, f64) {
    let started = Instant::now();
    let times = |x: &[f64]| {
        let mut y: Vec<f64> = x.iter().zip(diagonal).map(|(x, d)| x * d).collect();
        for (&[a, b], w) in ends.iter().zip(weight) {
            y[a as usize] -= w * x[b as usize];
            y[b as usize] -= w * x[a as usize];
        }
        y
    };
    let dot = |a: &[f64], b: &[f64]| a.iter().zip(b).map(|(x, y)| x * y).sum::<f64>();
    let (mut x, mut r) = (vec![0.0; load.len()], load.to_vec());
    let near = |r: &[f64]| -> Vec<f64> { r.iter().zip(diagonal).map(|(r, d)| r / d).collect() };
    let mut z = near(&r);
    let mut p = z.clone();
    let (mut slope, whole) = (dot(&r, &z), dot(load, load).sqrt());
    for step in 1..200_000 {
        let ap = times(&p);
        let far = slope / dot(&p, &ap);
        for i in 0..x.len() {
            x[i] += far * p[i];
            r[i] -= far * ap[i];
        }
        if dot(&r, &r).sqrt() < 1e-12 * whole {
            return (step, started.elapsed().as_secs_f64());
        }
        z = near(&r);
        let next = dot(&r, &z);
        for i in 0..p.len() {
            p[i] = z[i] + next / slope * p[i];
        }
        slope = next;
    }
    (u32::MAX, started.elapsed().as_secs_f64())
}

fn measure(bed: &Bed) {
    let open = vec![true; bed.ends.len()];
    let mut network = Network {
        segment_id: &bed.id,
        ends: &bed.ends,
        length_um: &bed.length_um,
        diameter_um: &bed.diameter_um,
        open: &open,
        edge: &bed.edge,
        inflow_haematocrit: &vec![0.42; bed.edge.len()],
        share: None,
    };
    let settings = Settings::HUMAN;
    let (ordering, pattern) = seconds(|| network.pattern());
    let (cold, state) = seconds(|| solve_with(&pattern, &mut Tubes::default(), &network, &settings, None));
    let Some(state) = state else {
        return println!("{}: no finite state", bed.name);
    };
    // One linear problem by itself.
    let mut weight: Vec<f64> = (0..bed.ends.len())
        .map(|s| {
            (bed.diameter_um[s] * bed.diameter_um[s]) * (bed.diameter_um[s] * bed.diameter_um[s]) / bed.length_um[s]
        })
        .collect();
    let held: Vec<bool> = bed.edge.iter().map(|e| matches!(e, Edge::Pressure(_))).collect();
    let mut diagonal = vec![0.0; bed.edge.len()];
    let mut load = vec![0.0; bed.edge.len()];
    for (s, &[a, b]) in bed.ends.iter().enumerate() {
        for (here, other) in [(a as usize, b as usize), (b as usize, a as usize)] {
            diagonal[here] += weight[s];
            if let Edge::Pressure(p) = bed.edge[other] {
                load[here] += weight[s] * p;
            }
        }
        if held[a as usize] || held[b as usize] {
            weight[s] = 0.0;
        }
    }
    for n in 0..held.len() {
        if held[n] {
            (diagonal[n], load[n]) = (1.0, 0.0);
        }
    }
    let symbolic = Symbolic::new(bed.edge.len(), &bed.ends);
    let (factoring, factor) = seconds(|| Factor::new(&symbolic, &diagonal, &weight));
    let back = factor.map_or(f64::NAN, |f| seconds(|| f.solve(&symbolic, &load)).0);
    let (steps, iterating) = diagonal_gradients(&bed.ends, &weight, &diagonal, &load);
    // The strongest capillary closes.
    let mut closed = open.clone();
    let strongest = (0..closed.len())
        .filter(|&s| bed.diameter_um[s] < 9.0)
        .max_by(|&a, &b| {
            state.flow_nl_per_min[a]
                .abs()
                .total_cmp(&state.flow_nl_per_min[b].abs())
        });
    if let Some(s) = strongest {
        closed[s] = false;
    }
    let (same, again) = seconds(|| {
        solve_with(
            &pattern,
            &mut Tubes::default(),
            &network,
            &settings,
            Some(&state.haematocrit),
        )
    });
    network.open = &closed;
    let (warm, after) = seconds(|| {
        solve_with(
            &pattern,
            &mut Tubes::default(),
            &network,
            &settings,
            Some(&state.haematocrit),
        )
    });
    let sweeps = |s: &Option<calcisim::solve::network_flow::Solution>| s.as_ref().map_or(0, |s| s.iterations);
    println!(
        "| {} | {} | {} | {} | {:.1} | {:.2} | {:.3} | {} in {:.1} | {} {}, {:.1} | {}, {:.1} | {}, {:.1} | {:.2} |",
        bed.name,
        bed.edge.len(),
        bed.ends.len(),
        symbolic.fill(),
        1e3 * ordering,
        1e3 * factoring,
        1e3 * back,
        steps,
        1e3 * iterating,
        state.iterations,
        if state.converged { "settled" } else { "not settled" },
        1e3 * cold,
        sweeps(&again),
        1e3 * same,
        sweeps(&after),
        1e3 * warm,
        warm / (ordering + cold),
    );
}

fn main() -> Result<()> {
    let words: Vec<String> = std::env::args().skip(1).collect();
    let sizes: Vec<usize> = words.iter().filter_map(|a| a.parse().ok()).collect();
    println!(
        "| network | nodes | segments | entries of L | order [ms] | factor [ms] | back-substitution [ms] | diagonal gradients [steps in ms] \
         | cold [sweeps, ms] | again [sweeps, ms] | one closed [sweeps, ms] | ratio to cold |"
    );
    println!("|---|---|---|---|---|---|---|---|---|---|---|---|");
    if words.iter().any(|word| word == "block") {
        return of_scenario("healthy", &BLOCK).map(|bed| measure(&bed));
    }
    if sizes.is_empty() {
        measure(&of_scenario("healthy", &[])?);
        measure(&of_scenario("mesentery", &[])?);
    }
    let default = [8_900, 50_000];
    for &size in if sizes.is_empty() { &default[..] } else { &sizes[..] } {
        measure(&honeycomb(size));
    }
    Ok(())
}
