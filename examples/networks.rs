//! Statistics of generated networks over seeds: `cargo run --release --example networks -- SCENARIO [SEEDS] [KEY=VALUE …]`.

use std::time::Instant;

use calcisim::error::Result;
use calcisim::model::Model;
use calcisim::scenario::{Scenario, Shipped};

fn main() -> Result<()> {
    let mut words = std::env::args().skip(1);
    let name = words.next().unwrap_or_else(|| "healthy".to_owned());
    let seeds: u64 = words.next().and_then(|n| n.parse().ok()).unwrap_or(1);
    let sets: Vec<String> = words.collect();
    let (scenario, _) = Scenario::load(&Shipped, &name, &sets)?;
    let parameters = scenario.parameters(&Shipped)?;
    let mut rows: Vec<(String, Vec<f64>)> = Vec::new();
    for seed in 1..=seeds {
        let started = Instant::now();
        let model = match Model::new(parameters.clone(), seed) {
            Ok(model) => model,
            Err(fault) => {
                println!("seed {seed}: {fault}");
                continue;
            }
        };
        let report = &model.network;
        let field = &model.tissue.fields.oxygen;
        let lowest = (0..field.len())
            .min_by(|&a, &b| field[a].total_cmp(&field[b]))
            .unwrap_or(0);
        let [x, y, z] = model.tissue.grid.centre_um(lowest).map(|um| um / 1000.0);
        let counts = [
            ("lowest_x_mm", x),
            ("lowest_y_mm", y),
            ("lowest_z_mm", z),
            ("seconds", started.elapsed().as_secs_f64()),
            ("attempts", f64::from(report.attempts)),
            ("segments", f64::from(report.segments)),
            ("nodes", f64::from(report.nodes)),
        ];
        let counts = counts.into_iter().map(|(name, value)| (name.to_owned(), value));
        for (name, value) in counts.chain(report.statistics.iter().cloned()) {
            match rows.iter_mut().find(|row| row.0 == name) {
                Some(row) => row.1.push(value),
                None => rows.push((name, vec![value])),
            }
        }
    }
    for (name, values) in rows {
        let values: Vec<String> = values.iter().map(|v| format!("{v:>10.4}")).collect();
        println!("{name:<36}{}", values.join(" "));
    }
    Ok(())
}
