//! Books: what was there, what came, what went. Fluxes are booked where they happen, clipping too.

use serde::{Deserialize, Serialize};

use super::Vessels;
use crate::grid::Grid;

/// Mass of solid hydroxyapatite [µg/µm³]: 3.11 g/cm³, the same as 31 mol calcium per litre at 100.46 g per mol of calcium.
pub const HYDROXYAPATITE_UG_PER_UM3: f64 = 3.11e-6;

/// Mineral that the wall of a segment holds when it is full [µg]: 2πr × (wall share × r) × length, the slab's share of it.
pub fn wall_capacity_ug(vessels: &Vessels, segment: usize, wall_share: f64) -> f64 {
    let radius = vessels.radius_um[segment];
    let volume = std::f64::consts::TAU * radius * (wall_share * radius) * vessels.length_um[segment];
    volume * vessels.slab_share[segment] * HYDROXYAPATITE_UG_PER_UM3
}

/// Mineral in the wall of a segment [µg].
pub fn wall_mineral_ug(vessels: &Vessels, segment: usize, wall_share: f64) -> f64 {
    vessels.mineral[segment] * wall_capacity_ug(vessels, segment, wall_share)
}

/// Mineral of a voxel that is solid hydroxyapatite [µg].
pub fn voxel_capacity_ug(grid: &Grid) -> f64 {
    grid.voxel_volume_um3() * HYDROXYAPATITE_UG_PER_UM3
}

/// All mineral: walls and interstitium [µg].
pub fn mineral_inventory_ug(grid: &Grid, vessels: &Vessels, interstitial: &[f32], wall_share: f64) -> f64 {
    walls_ug(vessels, wall_share) + interstitium_ug(grid, interstitial)
}

/// Mineral in all walls [µg].
pub fn walls_ug(vessels: &Vessels, wall_share: f64) -> f64 {
    (0..vessels.len()).fold(0.0, |sum, s| sum + wall_mineral_ug(vessels, s, wall_share))
}

/// Mineral in the interstitium [µg].
pub fn interstitium_ug(grid: &Grid, interstitial: &[f32]) -> f64 {
    // Most tissue has none: a chunk without any is passed over, which adds the same.
    let shares = interstitial
        .chunks(512)
        .filter(|chunk| chunk.iter().fold(0, |any, m| any | m.to_bits()) != 0)
        .fold(0.0, |sum, chunk| sum + sum_of(chunk));
    shares * voxel_capacity_ug(grid)
}

/// Eight sums side by side, in a fixed order: no chain of additions to wait for.
fn sum_of(values: &[f32]) -> f64 {
    let (rows, rest) = values.as_chunks::<8>();
    let mut sums = [0.0f64; 8];
    for row in rows {
        for (sum, &value) in sums.iter_mut().zip(row) {
            *sum += f64::from(value);
        }
    }
    let rest = rest.iter().fold(0.0, |sum, &value| sum + f64::from(value));
    sums.iter().fold(rest, |sum, lane| sum + lane)
}

/// Account of one conserved quantity.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Account {
    /// Inventory when the books were last closed.
    pub opening: f64,
    /// Booked since then, plus in, minus out.
    pub booked: f64,
    /// All that ever came in.
    pub inflow: f64,
    /// All that ever went out.
    pub outflow: f64,
}

impl Account {
    /// Books a change; positive comes in.
    pub fn book(&mut self, amount: f64) {
        self.booked += amount;
        if amount > 0.0 {
            self.inflow += amount;
        } else {
            self.outflow -= amount;
        }
    }

    /// Gap between an inventory and the books.
    pub fn gap(&self, inventory: f64) -> f64 {
        inventory - self.opening - self.booked
    }

    /// Opens the books anew at this inventory.
    pub fn close(&mut self, inventory: f64) {
        self.opening = inventory;
        self.booked = 0.0;
    }
}

/// The books of the run.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Ledger {
    /// Hydroxyapatite in walls and interstitium [µg].
    pub mineral_ug: Account,
    /// Moving cells: neutrophils, macrophages, stem cells [cells].
    pub cells: Account,
    /// Oxygen balance of the last solve: (supply + surface − consumption)/consumption.
    pub oxygen_gap: f64,
    /// Worst |oxygen_gap| since the start.
    pub oxygen_gap_worst: f64,
    /// Flow solves since the start.
    pub flow_solves: u64,
    /// Oxygen solves since the start.
    pub oxygen_solves: u64,
    /// Passes of blood and tissue in them.
    pub oxygen_passes: u64,
    /// Sweeps over red cells in them.
    pub flow_sweeps: u64,
    /// Flow solves that ended before red cells had settled to the tolerance.
    pub flow_unsettled: u64,
    /// Blood that nodes lose in the last solve, share of inflow.
    pub flow_gap: f64,
    /// Red cells that nodes lose in the last solve, share of the inflow of blood.
    pub red_cell_gap: f64,
}
