//! A mechanism of one's own, through the public API: lying on one side at night wears the endothelium of shallow vessels.
//!
//! ```text
//! hazard of a patch = k · exp(−depth/d) from 22 h to 6 h, else 0
//! ```
//!
//! k and d are invented here. `cargo run --release --example add_a_mechanism` prints what a week of it does.

use calcisim::error::Result;
use calcisim::model::{Model, Process};
use calcisim::random::Purpose;
use calcisim::scenario::{Scenario, Shipped};
use calcisim::state::{Now, Tissue};

struct NightPressure {
    rate_per_h: f64,
    depth_um: f64,
}

impl NightPressure {
    /// The rule: hazard of a patch at a depth, at an hour of the day.
    fn hazard_per_h(&self, depth_um: f64, hour: f64) -> f64 {
        let lies = if (6.0..22.0).contains(&hour) { 0.0 } else { 1.0 };
        lies * self.rate_per_h * calcisim::math::exp(-depth_um / self.depth_um)
    }
}

impl Process for NightPressure {
    fn name(&self) -> &'static str {
        "night_pressure"
    }

    fn apply(&mut self, tissue: &mut Tissue, now: Now) {
        for (patch, voxel) in tissue.vessels.patch_voxel.iter().enumerate() {
            let depth_um = tissue.grid.centre_um(*voxel as usize)[2];
            let hazard = self.hazard_per_h(depth_um, now.day.fract() * 24.0);
            let chance = calcisim::math::chance_of(hazard, now.hours);
            if now.dice.roll(Purpose::Custom, patch as u64).chance(chance) {
                tissue.vessels.integrity[patch] = 0.0;
            }
        }
    }
}

fn main() -> Result<()> {
    let (scenario, _) = Scenario::load(&Shipped, "healthy", &["space.voxel_um=40".to_owned()])?;
    for rate_per_h in [0.0, 0.01] {
        let mut model = Model::new(scenario.parameters(&Shipped)?, 1)?;
        let depth_um = 500.0;
        model.add_process(Box::new(NightPressure { rate_per_h, depth_um }));
        while model.clock.day() < 7.0 {
            model.step()?;
        }
        let bare = model.tissue.vessels.integrity.iter().filter(|e| **e < 0.3).count();
        println!("k = {rate_per_h} per hour: {bare} bare patches on day 7");
    }
    Ok(())
}
