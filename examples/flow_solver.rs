//! What a solve of the network's pressures costs (`docs/decisions/0001-flow-solver.md`): order once, then factor and solve.
//!
//! `cargo run --release --example flow_solver` prints one line per network.

use std::time::Instant;

use calcisim::error::Result;
use calcisim::model::Model;
use calcisim::scenario::{Scenario, Shipped};
use calcisim::solve::sparse::{Factor, Symbolic};

/// The median of several timings, in milliseconds.
fn median_ms(mut act: impl FnMut()) -> f64 {
    let mut times: Vec<f64> = (0..51)
        .map(|_| {
            let started = Instant::now();
            act();
            started.elapsed().as_secs_f64() * 1000.0
        })
        .collect();
    times.sort_by(f64::total_cmp);
    times[times.len() / 2]
}

fn main() -> Result<()> {
    println!("network | nodes | segments | entries of L | order ms | factor ms | solve ms");
    for name in ["healthy", "mesentery"] {
        let sets = ["network.judge=false", "space.voxel_um=40"].map(str::to_owned);
        let scenario = Scenario::load(&Shipped, name, &sets)?.0;
        let model = Model::new(scenario.parameters(&Shipped)?, 1)?;
        let v = &model.tissue.vessels;
        let ends: Vec<[u32; 2]> = v.from.iter().zip(&v.to).map(|(a, b)| [*a, *b]).collect();
        let n = v.nodes.id.len();
        let conductance = &v.solved_conductance;
        // A grounded Laplacian of the same graph and conductances.
        let mut diagonal = vec![1e-6; n];
        for (ends, g) in ends.iter().zip(conductance) {
            for node in ends {
                diagonal[*node as usize] += g;
            }
        }
        let symbolic = Symbolic::new(n, &ends);
        let Some(factor) = Factor::new(&symbolic, &diagonal, conductance) else {
            println!("{name} | a pivot is not positive");
            continue;
        };
        let load = vec![1.0; n];
        let order = median_ms(|| drop(Symbolic::new(n, &ends)));
        let numeric = median_ms(|| drop(Factor::new(&symbolic, &diagonal, conductance)));
        let solve = median_ms(|| drop(factor.solve(&symbolic, &load)));
        println!(
            "{name} | {n} | {} | {} | {order:.2} | {numeric:.2} | {solve:.3}",
            ends.len(),
            symbolic.fill()
        );
    }
    Ok(())
}
