//! The measured mesentery and a block of skin, healthy and with a tenth of their vessels closed at random, by flow, oxygen
//! tension, haematocrit and territory: `cargo run --release --example closed_networks -- FOLDER`.

use std::path::PathBuf;

use calcisim::error::Result;
use calcisim::figures;
use calcisim::model::Model;
use calcisim::random::{Dice, Purpose};
use calcisim::scenario::{Scenario, Shipped};
use calcisim::state::Snapshot;

/// Share of the segments that are closed.
const CLOSED: f64 = 0.1;

fn main() -> Result<()> {
    let folder = PathBuf::from(std::env::args().nth(1).unwrap_or_else(|| "output".to_owned()));
    let networks: [(&str, &str, &[&str]); 2] = [
        ("mesentery", "mesentery", &[]),
        ("block", "block_3d", &["space.voxel_um=40"]),
    ];
    for (name, scenario, sets) in networks {
        let sets: Vec<String> = sets.iter().map(|s| (*s).to_owned()).collect();
        let scenario = Scenario::load(&Shipped, scenario, &sets)?.0;
        let mut model = Model::new(scenario.parameters(&Shipped)?, 1)?;
        let draw = |model: &Model, state: &str, title: &str| {
            let snapshot = Snapshot::of(&model.tissue, model.clock.step(), model.clock.day());
            let path = folder.join(format!("network-{name}-{state}.png"));
            figures::of_network(&snapshot, &format!("{name}, {title}"), &path)?;
            println!("drew {}", path.display());
            Ok::<(), calcisim::error::Error>(())
        };
        draw(&model, "healthy", "healthy")?;
        let dice = Dice::new(1);
        let v = &mut model.tissue.vessels;
        for s in 0..v.len() {
            if dice.roll(Purpose::Custom, v.id[s]).chance(CLOSED) {
                v.thrombus[s] = 1.0;
            }
        }
        model.step()?;
        draw(&model, "closed", "10 % of the vessels closed at random")?;
    }
    Ok(())
}
