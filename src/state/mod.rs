//! Nouns: what a piece of tissue is made of. Data only, no biology.

pub mod anatomy;
pub mod cells;
pub mod events;
pub mod excision;
pub mod fields;
mod fit;
#[cfg(test)]
pub mod fixture;
#[cfg(test)]
pub(crate) mod fixture_cells;
pub mod host;
pub mod ledger;
pub mod motion;
pub mod schedule;
pub mod snapshot;
pub mod territory;
pub mod vessels;

use serde::{Deserialize, Serialize};

use crate::grid::Grid;
use crate::math;
use crate::random::Dice;
pub use anatomy::{Anatomy, Kind, Vitality};
pub use cells::Cells;
pub use events::{Event, EventKind, EventLog};
pub use excision::{Blade, Rim};
pub use fields::{Fields, Species};
pub use host::{Host, Ordered, Profile};
pub use ledger::Ledger;
pub use schedule::Schedule;
pub use snapshot::Snapshot;
pub use vessels::{Class, Vessels};

/// The moment in which a process acts, and its dice.
#[derive(Clone, Copy, Debug)]
pub struct Now {
    /// Step of the run.
    pub step: u64,
    /// Day of the run.
    pub day: f64,
    /// Length of the step [h].
    pub hours: f64,
    /// Dice of this step.
    pub dice: Dice,
}

/// How this site at risk differs from others: drawn once from the seed.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Site {
    /// Factor on mineral growth in every wall of the site.
    pub mineral: f64,
    /// Factor on endothelial repair.
    pub repair: f64,
    /// Factor on lysis and recanalisation.
    pub lysis: f64,
    /// Factor on clotting.
    pub clotting: f64,
}

impl Default for Site {
    fn default() -> Self {
        Self {
            mineral: 1.0,
            repair: 1.0,
            lysis: 1.0,
            clotting: 1.0,
        }
    }
}

/// What patients name as burden; counts, never reset.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Burden {
    /// Days with an open wound.
    pub open_wound_days: f64,
    /// Needles, punches and debridements.
    pub procedures: u32,
    /// Visits for a treatment.
    pub visits: u32,
    /// Cost in the scenario's currency.
    pub cost: f64,
}

/// Everything that a step reads and writes.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Tissue {
    /// Space.
    pub grid: Grid,
    /// The patient's plasma, drugs and clotting.
    pub host: Host,
    /// How the site differs from others.
    pub site: Site,
    /// Layers, and which voxels live.
    pub anatomy: Anatomy,
    /// Dissolved and immobile substances.
    pub fields: Fields,
    /// The microvessel network.
    pub vessels: Vessels,
    /// The agents.
    pub cells: Cells,
    /// Burden of treatment.
    pub burden: Burden,
    /// Booked fluxes, for the balance.
    pub ledger: Ledger,
    /// What happened, for the record and for «why».
    pub events: EventLog,
}

/// µm³ in a nl.
pub const UM3_PER_NL: f64 = 1e6;

impl Tissue {
    /// Blood that enters per volume of the block [mL/mL/min].
    pub fn perfusion_per_min(&self) -> f64 {
        self.vessels.inflow_nl_per_min() * UM3_PER_NL / (self.grid.len() as f64 * self.grid.voxel_volume_um3())
    }

    /// The one injury rule of trauma, needle, punch and blade: inside the radius the endothelium is lost in
    /// proportion to the strength (0-1), walls and interstitium get a mineral nidus, and the place counts as challenged.
    /// Kills nothing by itself.
    pub fn injure(&mut self, centre_um: [f64; 3], radius_um: f64, strength: f64, nidus: f64) {
        let keep = 1.0 - math::unit(strength);
        let Tissue {
            grid, vessels, anatomy, ..
        } = self;
        for voxel in grid.within_um(centre_um, radius_um) {
            anatomy.challenged[voxel] = true;
        }
        for segment in 0..vessels.len() {
            let mut touched = false;
            for patch in vessels.patches(segment) {
                let place = grid.centre_um(vessels.patch_voxel[patch] as usize);
                if grid.distance_um(place, centre_um) <= radius_um {
                    vessels.integrity[patch] *= keep as f32;
                    touched = true;
                }
            }
            if touched {
                vessels.nidus[segment] = math::max(vessels.nidus[segment], math::unit(nidus));
            }
        }
    }

    /// The segments with a patch inside the radius take this event as their latest cause.
    pub fn blame(&mut self, centre_um: [f64; 3], radius_um: f64, event: u64) {
        let Tissue { grid, vessels, .. } = self;
        for segment in 0..vessels.len() {
            let inside = |patch: usize| {
                let place = grid.centre_um(vessels.patch_voxel[patch] as usize);
                grid.distance_um(place, centre_um) <= radius_um
            };
            if vessels.patches(segment).any(inside) {
                vessels.latest_event[segment] = Some(event);
            }
        }
    }
}
